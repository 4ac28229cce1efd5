import { CfnParameter, Duration } from 'aws-cdk-lib';
import { Annotations, Match, Template } from 'aws-cdk-lib/assertions';
import * as ecr from 'aws-cdk-lib/aws-ecr';
import * as events from 'aws-cdk-lib/aws-events';
import * as s3 from 'aws-cdk-lib/aws-s3';
import { BaseImage, ImageSource, SandboxImage } from 'cdk-microvm-sandbox';
import type { SandboxImageProps } from 'cdk-microvm-sandbox';
import { DOCKERFILE_DIRECTORY } from './directories';
import { newStack, propertiesOf, readable, resourcesOf, statementsOf } from './synthesized';

const IMAGE = 'Custom::MicrovmSandboxImage';
const source = ImageSource.directory(DOCKERFILE_DIRECTORY);
interface Target { Arn: string; InputTransformer: { InputPathsMap: unknown; InputTemplate: string } }

const daily = events.Schedule.rate(Duration.days(1));

function imageWith(props: SandboxImageProps, stack = newStack()) {
  const image = new SandboxImage(stack, 'Image', { imageName: 'mine', source, ...props });
  return { stack, image, version: () => propertiesOf(stack, IMAGE).BaseImageVersion };
}

describe('the base image', () => {
  test('is version 1 of al2023-1 unless told', () => {
    expect(imageWith({}).version()).toBe('1');
    expect(imageWith({ baseImage: BaseImage.AL2023_1 }).version()).toBe('1');
  });

  test.each(['1', '2', '37'])('is pinned to %s', (version) => {
    const { stack, version: rendered } = imageWith({ baseImage: BaseImage.of(version) });
    expect(rendered()).toBe(version);
    Annotations.fromStack(stack).hasNoWarning('*', Match.anyValue());
  });

  test('may be a token', () => {
    const stack = newStack();
    const version = new CfnParameter(stack, 'Base').valueAsString;
    expect(imageWith({ baseImage: BaseImage.of(version) }, stack).version()).toBe('<Base>');
  });

  test('is the newest if asked', () => {
    expect(imageWith({ baseImage: BaseImage.latest() }).version()).toBe('latest');
  });

  test('is warned of if it is an older one', () => {
    const { stack } = imageWith({ baseImage: BaseImage.of('0') });
    Annotations.fromStack(stack).hasWarning('/Stack/Image', Match.stringLikeRegexp('version 0 is older than 1.*olderBaseImage'));
  });

  test.each(['-1', '1.5', 'latest', '', 'al2023-1', '1 ', '1'.repeat(10)])('fails on %j', (version) => {
    expect(() => BaseImage.of(version)).toThrow(`baseImage: '${version}' is not a version of a base image; it is a whole number from 0, like 1`);
  });

  test('fails on the form that the platform answers with, and says which it takes', () => {
    expect(() => BaseImage.of('1.0')).toThrow("baseImage: '1.0' is not a version of a base image; the platform answers with 1.0 but takes the bare 1 only");
  });

  test('is told after the deployment, with its status', () => {
    const { stack, image } = imageWith({});
    expect(readable(stack.resolve([image.baseImageVersion, image.baseImageStatus]))).toEqual(['<Image.BaseImageVersion>', '<Image.BaseImageStatus>']);
  });
});

describe('rebuildOnNewBase', () => {
  const rule = (props: SandboxImageProps, stack = newStack()) => {
    const { image } = imageWith({ baseImage: BaseImage.latest(), rebuildOnNewBase: daily, ...props }, stack);
    const [{ Properties }] = resourcesOf(stack, 'AWS::Events::Rule');
    const { ScheduleExpression, Targets } = readable(Properties) as { ScheduleExpression: string; Targets: Target[] };
    const [{ Arn, InputTransformer: { InputPathsMap, InputTemplate } }] = Targets;
    return { stack, image, ScheduleExpression, Arn, InputPathsMap, InputTemplate };
  };
  /** As EventBridge would fill it in. */
  const eventOf = ({ InputTemplate }: { InputTemplate: string }) => (
    JSON.parse(InputTemplate.replace(/":\s*<([^"<>]+)>/g, '": "<$1>"')) as Record<string, unknown>
  );

  test('calls the builder on its schedule with the image, its artifact, and EventBridge\'s own id', () => {
    const made = rule({ retainVersions: 3 });
    const { SourceKey, ArtifactKey } = propertiesOf(made.stack, IMAGE);

    expect(made.ScheduleExpression).toBe('rate(1 day)');
    expect(made.Arn).toBe('arn:<MicrovmSandboxImageBuilderRebuild.Arn>');
    expect(made.InputPathsMap).toEqual({ id: '$.id' });
    expect(eventOf(made)).toEqual({
      imageArn: 'arn:<Image.ImageArn>',
      baseImageArn: 'arn:aws:lambda:us-east-1:aws:microvm-image:al2023-1',
      artifactBucket: '<MicrovmSandboxArtifacts>',
      artifactKey: ArtifactKey,
      sourceBucket: 'cdk-hnb659fds-assets-123456789012-us-east-1',
      sourceKey: SourceKey,
      logGroupName: '<ImageBuildLogs>',
      retainVersions: 3,
      eventId: '<id>',
    });
  });

  test('tells the version of a source object, and the Dockerfile of a repository', () => {
    const stack = newStack();
    const bucket = s3.Bucket.fromBucketName(stack, 'Bucket', 'theirs');
    expect(rule({ source: ImageSource.bucket(bucket, 'a.zip', { objectVersion: 'v1' }) }, stack).InputTemplate).toContain('"sourceObjectVersion":"v1"');

    const other = newStack();
    const repository = new ecr.Repository(other, 'Repository');
    const { InputTemplate } = rule({ source: ImageSource.ecr(repository, `sha256:${'ab'.repeat(32)}`) }, other);
    expect(InputTemplate).toMatch(/"sourceDockerfile":"FROM .+@sha256:(ab){32}"/);
    expect(InputTemplate).not.toContain('sourceBucket');
  });

  test('runs for up to 15 minutes as the builder, in a function that the images of the stack share', () => {
    const stack = newStack();
    for (const id of ['One', 'Two']) {
      new SandboxImage(stack, id, { source, baseImage: BaseImage.latest(), rebuildOnNewBase: daily });
    }
    const rebuilders = resourcesOf(stack, 'AWS::Lambda::Function').map(({ Properties }) => readable(Properties) as Record<string, unknown>)
      .filter(({ Handler }) => Handler === 'index.rebuild');

    expect(rebuilders).toEqual([expect.objectContaining({ Timeout: 900, Role: 'arn:<MicrovmSandboxImageBuilderRole.Arn>' })]);
    Template.fromStack(stack).resourceCountIs('AWS::Events::Rule', 2);
    Template.fromStack(stack).resourceCountIs('AWS::Lambda::Permission', 2);
  });

  test('is not there without being asked for', () => {
    const { stack, image } = imageWith({ baseImage: BaseImage.latest() });
    Template.fromStack(stack).resourceCountIs('AWS::Events::Rule', 0);
    expect(image.versionPinned).toBe(true);
  });

  test('makes pools follow the image', () => {
    expect(rule({}).image.versionPinned).toBe(false);
  });

  test('needs no right that the deployment does not need', () => {
    const actions = (props: SandboxImageProps) => statementsOf(imageWith(props).stack, 'MicrovmSandboxImageBuilderRole');
    expect(actions({ baseImage: BaseImage.latest(), rebuildOnNewBase: daily })).toEqual(actions({}));
  });

  test.each([undefined, BaseImage.AL2023_1, BaseImage.of('1')])('fails with a pinned base image %#', (baseImage) => {
    expect(() => imageWith({ baseImage, rebuildOnNewBase: daily }))
      .toThrow('rebuildOnNewBase: a pinned baseImage has no newer one; set baseImage to BaseImage.latest() [at Stack/Image]');
  });
});
