import type { InjectionContext, IPropertyInjector } from 'aws-cdk-lib';
import { App, PropertyInjectors, Stack, Tags } from 'aws-cdk-lib';
import * as iam from 'aws-cdk-lib/aws-iam';
import * as kms from 'aws-cdk-lib/aws-kms';
import * as s3 from 'aws-cdk-lib/aws-s3';
import { ImageSource, SandboxExecutionRole, SandboxImage } from 'cdk-microvm-sandbox';
import type { SandboxImageProps } from 'cdk-microvm-sandbox';
import { DOCKERFILE_DIRECTORY } from './directories';
import { ENV, LAMBDA_ARN, MANAGED_CONNECTOR, newStack, propertiesOf, readable, resourcesOf, statementsOf } from './synthesized';

const IMAGE = 'Custom::MicrovmSandboxImage';
const source = ImageSource.directory(DOCKERFILE_DIRECTORY);

function imageWith(props: SandboxImageProps = {}, stack = newStack()) {
  return { stack, image: new SandboxImage(stack, 'Image', { imageName: 'mine', source, ...props }) };
}

describe('tags', () => {
  test('reach the image, from the app down', () => {
    const app = new App();
    const { stack, image } = imageWith({}, new Stack(app, 'Stack', { env: ENV }));
    Tags.of(app).add('team', 'agents');
    Tags.of(image).add('stage', 'test');
    expect(propertiesOf(stack, IMAGE).Tags).toEqual({ team: 'agents', stage: 'test' });
  });

  test('can leave the image out', () => {
    const { stack } = imageWith();
    Tags.of(stack).add('team', 'agents', { excludeResourceTypes: [IMAGE] });
    expect(propertiesOf(stack, IMAGE).Tags).toBeUndefined();
  });
});

test('a permissions boundary reaches every role', () => {
  const { stack } = imageWith();
  new SandboxExecutionRole(stack, 'ExecutionRole');
  iam.PermissionsBoundary.of(stack).apply(iam.ManagedPolicy.fromManagedPolicyName(stack, 'Boundary', 'boundary'));

  const roles = resourcesOf(stack, 'AWS::IAM::Role').map(({ Properties }) => readable(Properties.PermissionsBoundary));
  expect(roles.length).toBeGreaterThanOrEqual(6);
  expect(new Set(roles)).toEqual(new Set(['arn:aws:iam::123456789012:policy/boundary']));
});

describe('property injection', () => {
  class Injector implements IPropertyInjector {
    constructor(
      readonly constructUniqueId: string, private readonly props: object, private readonly seen: string[] = [],
    ) {}

    inject(original: object, { id }: InjectionContext): object {
      this.seen.push(id);
      return { ...this.props, ...original };
    }
  }

  test('sets what the user left out of an image', () => {
    const seen: string[] = [];
    const app = new App();
    PropertyInjectors.of(app).add(new Injector(SandboxImage.PROPERTY_INJECTION_ID, { description: 'Ours', retainVersions: 5 }, seen));
    const { stack } = imageWith({ description: 'Mine' }, new Stack(app, 'Stack', { env: ENV }));

    expect(propertiesOf(stack, IMAGE)).toMatchObject({ Description: 'Mine', RetainVersions: '5' });
    expect(seen).toEqual(['Image']);
  });

  test('takes the nearest injector, and none for another construct', () => {
    const app = new App();
    const stack = new Stack(app, 'Stack', { env: ENV });
    PropertyInjectors.of(app).add(new Injector(SandboxImage.PROPERTY_INJECTION_ID, { description: 'far' }));
    PropertyInjectors.of(stack).add(
      new Injector(SandboxImage.PROPERTY_INJECTION_ID, { description: 'near' }), new Injector('somebody.Else', { description: 'else' }),
    );
    imageWith({}, stack);
    expect(propertiesOf(stack, IMAGE).Description).toBe('near');
  });

  test('checks what was injected', () => {
    const stack = newStack();
    PropertyInjectors.of(stack).add(new Injector(SandboxImage.PROPERTY_INJECTION_ID, { retainVersions: 49 }));
    expect(() => imageWith({}, stack)).toThrow('retainVersions: got 49');
  });

  test('sets what the user left out of an execution role', () => {
    const stack = newStack();
    PropertyInjectors.of(stack).add(new Injector(SandboxExecutionRole.PROPERTY_INJECTION_ID, { description: 'Ours' }));
    new SandboxExecutionRole(stack, 'Role');
    expect(propertiesOf(stack, 'AWS::IAM::Role').Description).toBe('Ours');
  });

  test('has names that follow those of CDK', () => {
    expect([SandboxImage.PROPERTY_INJECTION_ID, SandboxExecutionRole.PROPERTY_INJECTION_ID])
      .toEqual(['cdk-microvm-sandbox.SandboxImage', 'cdk-microvm-sandbox.SandboxExecutionRole']);
  });
});

describe('grantBuild', () => {
  const pipelineOf = (stack: Stack) => new iam.Role(stack, 'Pipeline', { assumedBy: new iam.AccountRootPrincipal() });

  test('allows to build and publish a version of this image, and nothing else', () => {
    const { stack, image } = imageWith();
    image.grantBuild(pipelineOf(stack));

    expect(statementsOf(stack, 'Pipeline')).toEqual([
      {
        Action: [
          'lambda:GetMicrovmImage', 'lambda:UpdateMicrovmImage', 'lambda:TagResource', 'lambda:GetMicrovmImageVersion',
          'lambda:ListMicrovmImageVersions', 'lambda:UpdateMicrovmImageVersion', 'lambda:ListMicrovmImageBuilds', 'lambda:GetMicrovmImageBuild',
        ],
        Resource: [`${LAMBDA_ARN}:microvm-image:mine`],
      },
      { Action: ['lambda:PassNetworkConnector'], Resource: [`${MANAGED_CONNECTOR}:INTERNET_EGRESS`] },
      { Action: ['iam:PassRole'], Resource: ['arn:<ImageBuildRole.Arn>'] },
      { Action: ['s3:PutObject'], Resource: ['arn:<MicrovmSandboxArtifacts.Arn>/mine/*'] },
      { Action: ['logs:FilterLogEvents', 'logs:GetLogEvents', 'logs:DescribeLogStreams'], Resource: ['arn:<ImageBuildLogs.Arn>'] },
    ]);
  });

  test('lets the build read the artifacts that the pipeline puts there', () => {
    const { stack, image } = imageWith();
    image.grantBuild(pipelineOf(stack));
    expect(statementsOf(stack, 'ImageBuildRole')).toContainEqual({ Action: ['s3:GetObject'], Resource: ['arn:<MicrovmSandboxArtifacts.Arn>/mine/*'] });
  });

  test('is for the one object that a source in place has', () => {
    const stack = newStack();
    const { image } = imageWith({ source: ImageSource.bucket(s3.Bucket.fromBucketName(stack, 'Bucket', 'theirs'), 'a.zip') }, stack);
    image.grantBuild(pipelineOf(stack));
    expect(statementsOf(stack, 'Pipeline')).toContainEqual({ Action: ['s3:PutObject'], Resource: ['arn:aws:s3:::theirs/a.zip'] });
  });

  test('includes the key of the artifacts', () => {
    const stack = newStack();
    const { image } = imageWith({ encryptionKey: new kms.Key(stack, 'Key') }, stack);
    image.grantBuild(pipelineOf(stack));
    expect(statementsOf(stack, 'Pipeline')[0]).toEqual({ Action: ['kms:Decrypt', 'kms:GenerateDataKey'], Resource: ['arn:<Key.Arn>'] });
  });
});

describe('metrics', () => {
  test('are those that the builder writes for this image', () => {
    const { image } = imageWith();
    const place = { namespace: 'CdkMicrovmSandbox', dimensions: { ImageName: 'mine' } };
    expect(image.metricBuildFailed()).toMatchObject({ ...place, metricName: 'BuildFailed', statistic: 'Sum' });
    expect(image.metricBuildDuration()).toMatchObject({ ...place, metricName: 'BuildDuration', statistic: 'Average', unit: 'Milliseconds' });
    expect(image.metricDeprecatedBase()).toMatchObject({ ...place, metricName: 'DeprecatedBaseImage', statistic: 'Maximum' });
  });

  test('take what the user says', () => {
    expect(imageWith().image.metricBuildDuration({ statistic: 'p90', label: 'x' })).toMatchObject({ statistic: 'p90', label: 'x', metricName: 'BuildDuration' });
  });
});

test('the image is a reference for AWS\'s own constructs', () => {
  const { stack, image } = imageWith();
  expect(stack.resolve(image.microvmImageRef)).toEqual({ imageArn: stack.resolve(image.imageArn) });
});
