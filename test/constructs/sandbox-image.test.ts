import { App, CfnParameter, NestedStack, RemovalPolicy, Stack } from 'aws-cdk-lib';
import { Annotations, Match, Template } from 'aws-cdk-lib/assertions';
import * as iam from 'aws-cdk-lib/aws-iam';
import * as logs from 'aws-cdk-lib/aws-logs';
import * as s3 from 'aws-cdk-lib/aws-s3';
import type { SandboxImageProps } from 'cdk-microvm-sandbox';
import { ImageSource, MemorySize, SandboxImage } from 'cdk-microvm-sandbox';
import { DOCKERFILE_DIRECTORY } from './directories';
import { ENV, MANAGED_CONNECTOR, newStack, propertiesOf, resourcesOf, statementsOf } from './synthesized';

const IMAGE = 'Custom::MicrovmSandboxImage';
const source = ImageSource.directory(DOCKERFILE_DIRECTORY);

function imageWith(props: SandboxImageProps = {}, stack = newStack()) {
  const image = new SandboxImage(stack, 'Image', { source, ...props });
  return { stack, image, template: () => Template.fromStack(stack), properties: () => propertiesOf(stack, IMAGE) };
}

describe('defaults', () => {
  test('builds the sandbox runtime with 2048 MiB, on the internet, with a role and a log of its own', () => {
    const stack = newStack();
    const image = new SandboxImage(stack, 'Image');
    const properties = propertiesOf(stack, IMAGE);

    expect(properties).toEqual({
      ServiceToken: 'arn:<MicrovmSandboxImageBuilderProviderframeworkonEvent.Arn>',
      ServiceTimeout: '3600',
      ImageName: image.imageName,
      BaseImageArn: 'arn:aws:lambda:us-east-1:aws:microvm-image:al2023-1',
      BaseImageVersion: '1',
      BuildRoleArn: 'arn:<ImageBuildRole.Arn>',
      SourceBucket: 'cdk-hnb659fds-assets-123456789012-us-east-1',
      SourceKey: expect.stringMatching(/^[0-9a-f]{64}\.zip$/),
      ArtifactBucket: '<MicrovmSandboxArtifacts>',
      ArtifactKey: `${image.imageName}/${properties.SourceKey as string}`,
      MemoryMib: '2048',
      EgressConnectorArns: [`${MANAGED_CONNECTOR}:INTERNET_EGRESS`],
      LogGroupName: '<ImageBuildLogs>',
      Environment: {},
      OsCapabilities: [],
      RetainVersions: '1',
      Hooks: { Port: '9000', Ready: '300', Validate: '300', Run: '30', Resume: '30', Suspend: '30', Terminate: '10' },
    });
    expect([image.daemonPort, image.hookPort]).toEqual([8080, 9000]);
  });

  test('owns the log group that the service would make and leave behind', () => {
    const { image, template } = imageWith();
    template().hasResource('AWS::Logs::LogGroup', {
      Properties: { LogGroupName: `/aws/lambda-microvms/${image.imageName}`, RetentionInDays: 14 },
      DeletionPolicy: 'Delete',
    });
  });

  test('keeps artifacts in a private, encrypted bucket that only speaks TLS and forgets them after a month', () => {
    const { template } = imageWith();
    template().hasResource('AWS::S3::Bucket', {
      Properties: {
        BucketEncryption: { ServerSideEncryptionConfiguration: [{ ServerSideEncryptionByDefault: { SSEAlgorithm: 'AES256' } }] },
        PublicAccessBlockConfiguration: {
          BlockPublicAcls: true, BlockPublicPolicy: true, IgnorePublicAcls: true, RestrictPublicBuckets: true,
        },
        LifecycleConfiguration: {
          Rules: [
            { Id: 'OldArtifacts', Status: 'Enabled', ExpirationInDays: 30 },
            { Id: 'AbortedUploads', Status: 'Enabled', AbortIncompleteMultipartUpload: { DaysAfterInitiation: 1 } },
          ],
        },
        VersioningConfiguration: Match.absent(),
      },
      DeletionPolicy: 'Delete',
    });
    template().hasResourceProperties('AWS::S3::BucketPolicy', {
      PolicyDocument: {
        Statement: [Match.objectLike({ Effect: 'Deny', Condition: { Bool: { 'aws:SecureTransport': 'false' } } }), Match.anyValue(), Match.anyValue()],
      },
    });
  });

  test('lets the builder empty the bucket also when no image uses it any more', () => {
    const { stack } = imageWith();
    const { Statement } = propertiesOf(stack, 'AWS::S3::BucketPolicy').PolicyDocument as { Statement: unknown[] };
    const Principal = { AWS: 'arn:<MicrovmSandboxImageBuilderRole.Arn>' };

    expect(Statement.slice(1)).toEqual([
      { Effect: 'Allow', Principal, Action: 's3:ListBucket', Resource: 'arn:<MicrovmSandboxArtifacts.Arn>' },
      { Effect: 'Allow', Principal, Action: 's3:DeleteObject', Resource: 'arn:<MicrovmSandboxArtifacts.Arn>/*' },
    ]);
  });

  test('waits for all that the build and the builder need, and goes before it', () => {
    const { template } = imageWith();
    const [{ DependsOn }] = resourcesOf(Stack.of(imageWith().image), IMAGE) as unknown as { DependsOn: string[] }[];
    const ids = DependsOn.map((id) => id.replace(/[0-9A-F]{8}$/, ''));

    expect(ids).toEqual(expect.arrayContaining([
      expect.stringMatching(/^ImageBuilderRightsStackImage/), 'ImageBuildRoleDefaultPolicy', 'ImageBuildLogs', 'MicrovmSandboxArtifacts', 'MicrovmSandboxArtifactsPolicy',
      'MicrovmSandboxImageBuilderRoleDefaultPolicy', 'MicrovmSandboxImageBuilderProviderwaiterstatemachine',
    ]));
    template().resourceCountIs('AWS::StepFunctions::StateMachine', 1);
  });

  test('answers the exact version as an attribute', () => {
    const { stack, image } = imageWith();
    expect(stack.resolve(image.imageVersion)).toEqual({ 'Fn::GetAtt': [expect.stringMatching(/^Image/), 'ImageVersion'] });
    expect(stack.resolve(image.imageArn)).toEqual({ 'Fn::GetAtt': [expect.stringMatching(/^Image/), 'ImageArn'] });
  });
});

describe('overrides', () => {
  test('takes name, description, memory and environment', () => {
    const { properties, template } = imageWith({
      imageName: 'my_image-1', description: 'Mine', memory: MemorySize.MIB_512, environment: { MODE: 'fast' },
    });

    expect(properties()).toMatchObject({ ImageName: 'my_image-1', Description: 'Mine', MemoryMib: '512', Environment: { MODE: 'fast' } });
    template().hasResourceProperties('AWS::Logs::LogGroup', { LogGroupName: '/aws/lambda-microvms/my_image-1' });
  });

  test('takes a retention for its log', () => {
    imageWith({ logRetention: logs.RetentionDays.ONE_YEAR }).template()
      .hasResourceProperties('AWS::Logs::LogGroup', { LogGroupName: Match.anyValue(), RetentionInDays: 365 });
  });

  test('takes a bucket and a role, and adds the grants that the build needs', () => {
    const stack = newStack();
    const { image, properties, template } = imageWith({
      imageName: 'mine',
      artifactBucket: s3.Bucket.fromBucketName(stack, 'Bucket', 'my-bucket'),
      buildRole: new iam.Role(stack, 'Role', { assumedBy: new iam.ServicePrincipal('lambda.amazonaws.com') }),
    }, stack);

    expect(properties()).toMatchObject({ ArtifactBucket: 'my-bucket', BuildRoleArn: 'arn:<Role.Arn>' });
    expect(statementsOf(stack, 'Role')).toEqual([
      { Action: ['s3:GetObject'], Resource: [`arn:aws:s3:::my-bucket/${properties().ArtifactKey as string}`] },
      { Action: ['logs:CreateLogStream', 'logs:PutLogEvents'], Resource: ['arn:<ImageBuildLogs.Arn>'] },
    ]);
    template().resourceCountIs('AWS::S3::Bucket', 0);
    expect(image.artifactBucket.bucketName).toBe('my-bucket');
  });

  test('keeps image, log and artifacts if told to', () => {
    const { template } = imageWith({ removalPolicy: RemovalPolicy.RETAIN });
    template().hasResource(IMAGE, { DeletionPolicy: 'Retain', UpdateReplacePolicy: 'Retain' });
    template().hasResource('AWS::S3::Bucket', { DeletionPolicy: 'Retain' });
    template().hasResource('AWS::Logs::LogGroup', { Properties: { LogGroupName: Match.anyValue() }, DeletionPolicy: 'Retain' });
  });
});

describe('the name', () => {
  const nameIn = (stack: Stack, id = 'Image') => new SandboxImage(stack, id, { source }).imageName;

  test('comes from the path alone, whatever the image holds', () => {
    const small = imageWith({ memory: MemorySize.MIB_512 }).image.imageName;
    const other = imageWith({ source: ImageSource.sandbox() }).image.imageName;
    expect(small).toBe(other);
    expect(small).toMatch(/^Stack-Image-[0-9a-f]{8}$/);
  });

  test('differs by stack name, by path, and by the parent of a nested stack', () => {
    const app = new App();
    const [one, two] = [newStack('One', app), newStack('Two', app)];
    const names = [
      nameIn(one), nameIn(one, 'Other'), nameIn(two),
      nameIn(new NestedStack(one, 'Nested')), nameIn(new NestedStack(two, 'Nested')),
      nameIn(new Stack(new App(), 'One', { env: ENV, stackName: 'another-deployment' })),
    ];
    expect(new Set(names).size).toBe(names.length);
  });

  test('stays within what the platform takes, however long the path', () => {
    const name = nameIn(newStack('A-stack-with-a-name-as-long-as-some-teams-like-them-to-be-these-days'), 'An image: with é');
    expect(name).toMatch(/^[a-zA-Z0-9_-]{1,64}$/);
  });

  test.each(['a', 'a'.repeat(64)])('takes %s', (imageName) => {
    expect(imageWith({ imageName }).image.imageName).toBe(imageName);
  });

  test('fails over 64 characters', () => {
    expect(() => imageWith({ imageName: 'a'.repeat(65) })).toThrow(
      `imageName: '${'a'.repeat(65)}' has 65 characters, allowed are 1 to 64; choose another, or leave imageName out to get one [at Stack/Image]`,
    );
  });

  test.each(['with space', 'a.b', 'a/b', 'é'])('fails on %s', (imageName) => {
    expect(() => imageWith({ imageName })).toThrow(`imageName: '${imageName}' may hold only letters, digits, - and _; choose another, or leave imageName out to get one`);
  });

  test('fails on an empty one', () => {
    expect(() => imageWith({ imageName: '' })).toThrow("imageName: '' has 0 characters, allowed are 1 to 64; choose another");
  });

  test('may be a token', () => {
    const stack = newStack();
    const imageName = new CfnParameter(stack, 'Name').valueAsString;
    expect(imageWith({ imageName }, stack).properties()).toMatchObject({
      ImageName: '<Name>', ArtifactKey: expect.stringMatching(/^<Name>\/[0-9a-f]{64}\.zip$/),
    });
  });
});

describe('the environment', () => {
  const variables = (count: number) => Object.fromEntries(Array.from({ length: count }, (_, index) => [`V${index}`, 'x']));

  test('takes 50 variables, a name of 256 and a value of 4096 characters', () => {
    imageWith({ environment: variables(50) });
    imageWith({ environment: { ['N'.repeat(256)]: 'v'.repeat(4096) } });
  });

  test.each([
    [variables(51), 'environment: has 51 variables, allowed are at most 50; put the others into a file of the source'],
    [{ ['N'.repeat(257)]: '' }, 'must have 1 to 256 characters and no whitespace; choose another name'],
    [{ '': 'x' }, "environment: the name '' must have 1 to 256 characters"],
    [{ 'A B': 'x' }, "environment: the name 'A B' must have 1 to 256 characters and no whitespace"],
    [{ AWS_REGION: 'x' }, 'environment: AWS_REGION is set by the platform; choose another name'],
    [{ AWS_LAMBDA_MICROVM_ID: 'x' }, 'environment: AWS_LAMBDA_MICROVM_ID is set by the platform'],
    [{ BIG: 'v'.repeat(4097) }, 'environment: the value of BIG has 4097 characters, allowed are at most 4096; put it into a file of the source'],
  ])('fails on %#: %j', (environment, message) => {
    expect(() => imageWith({ environment })).toThrow(message);
  });

  test('never shows a value in an error', () => {
    expect(() => imageWith({ environment: { BIG: 'hunter2'.repeat(1000) } })).not.toThrow(/hunter2/);
  });

  test('may hold tokens', () => {
    const stack = newStack();
    const value = new CfnParameter(stack, 'Value').valueAsString;
    expect(imageWith({ environment: { MODE: value } }, stack).properties().Environment).toEqual({ MODE: '<Value>' });
  });

  test.each(['DB_PASSWORD', 'GITHUB_TOKEN', 'CLIENT_SECRET', 'OPENAI_API_KEY', 'apiKey', 'PRIVATE_KEY', 'AWS_CREDENTIALS'])(
    'warns of %s, which looks like a secret', (name) => {
      const { stack } = imageWith({ environment: { [name]: 'x', MODE: 'x' } });
      Annotations.fromStack(stack).hasWarning('/Stack/Image', Match.stringLikeRegexp(`environment: ${name} looks like a secret.*secretInEnvironment`));
    });

  test.each(['SECRET_ARN', 'DB_PASSWORD_ARN', 'MODE', 'KEYBOARD'])('does not warn of %s', (name) => {
    const { stack } = imageWith({ environment: { [name]: 'x' } });
    Annotations.fromStack(stack).hasNoWarning('*', Match.anyValue());
  });
});
