import { Duration } from 'aws-cdk-lib';
import * as events from 'aws-cdk-lib/aws-events';
import * as iam from 'aws-cdk-lib/aws-iam';
import { BaseImage, IdlePolicy, ImageSource, MemorySize, OsCapabilities, SandboxImage, SandboxPool } from 'cdk-microvm-sandbox';
import type { SandboxImageProps, SandboxPoolProps } from 'cdk-microvm-sandbox';
import { DOCKERFILE_DIRECTORY } from './directories';
import { newStack, readable, resourcesOf } from './synthesized';
import * as imageBuilder from '../../lambda/image-builder';
import { parseProperties } from '../../lambda/image-builder/properties';
import { parsePoolConfiguration } from '../../lambda/pool/configuration';
import { BUILD_LOG_GROUP_PREFIX, IMAGE_RESOURCE_TYPE } from '../../src/contract/image';

function poolEnvironments(props: (stack: ReturnType<typeof newStack>) => SandboxPoolProps): Record<string, string>[] {
  const stack = newStack();
  new SandboxPool(stack, 'Pool', props(stack));
  return resourcesOf(stack, 'AWS::Lambda::Function')
    .filter(({ Properties }) => /^(allocator|keeper): /.test(String(Properties.Description)))
    .map(({ Properties }) => readable(Properties.Environment) as { Variables: Record<string, string> })
    .map(({ Variables }) => Variables);
}

describe('allocator and keeper read what the pool renders', () => {
  test('by default', () => {
    const environments = poolEnvironments(() => ({}));
    expect(environments).toHaveLength(2);
    for (const environment of environments) {
      expect(parsePoolConfiguration(environment)).toMatchObject({ daemonPort: 8080, hookPort: 9000, maxSandboxes: 10 });
    }
  });

  test('with everything set', () => {
    const environments = poolEnvironments((stack) => ({
      image: new SandboxImage(stack, 'Image', { source: ImageSource.directory(DOCKERFILE_DIRECTORY) }),
      executionRole: new iam.Role(stack, 'Role', { assumedBy: new iam.ServicePrincipal('lambda.amazonaws.com') }),
      maxSandboxes: 1,
      defaultTimeout: Duration.hours(8),
      idlePolicy: IdlePolicy.terminateAfter(Duration.hours(8)),
    }));
    for (const environment of environments) {
      expect(parsePoolConfiguration(environment)).toMatchObject({
        daemonPort: null, hookPort: null, defaultLeaseMs: 28_800_000, idle: { afterSeconds: 28_800, then: 'terminate' },
      });
    }
  });

  test('without an idle policy', () => {
    const props = { idlePolicy: IdlePolicy.none(), defaultTimeout: Duration.minutes(1) };
    const [environment] = poolEnvironments(() => props);
    expect(parsePoolConfiguration(environment)).toMatchObject({ idle: null, defaultLeaseMs: 60_000 });
  });
});

describe('the image-builder reads what the image renders', () => {
  const propertiesOf = (props: SandboxImageProps) => {
    const stack = newStack();
    new SandboxImage(stack, 'Image', { imageName: 'mine', ...props });
    const properties = readable(resourcesOf(stack, IMAGE_RESOURCE_TYPE)[0].Properties) as Record<string, unknown>;
    // The reference to the log group answers its name.
    return parseProperties({ ...properties, LogGroupName: `${BUILD_LOG_GROUP_PREFIX}mine` });
  };

  test('by default', () => {
    expect(propertiesOf({})).toMatchObject({
      ImageName: 'mine', MemoryMib: 2048, Hooks: { Port: 9000, Ready: 300, Validate: 300 }, BaseImageVersion: '1', Environment: {},
    });
  });

  test('with everything set', () => {
    expect(propertiesOf({
      source: ImageSource.directory(DOCKERFILE_DIRECTORY),
      memory: MemorySize.MIB_8192,
      description: 'Mine',
      environment: { MODE: 'fast' },
      hooks: { port: 8081, ready: { timeout: Duration.hours(1) }, run: { timeout: Duration.minutes(1) } },
      osCapabilities: OsCapabilities.ALL,
      retainVersions: 48,
    })).toMatchObject({ MemoryMib: 8192, Description: 'Mine', Environment: { MODE: 'fast' }, Hooks: { Port: 8081, Ready: 3600, Run: 60 } });
  });

  test('without hooks', () => {
    expect(propertiesOf({ source: ImageSource.directory(DOCKERFILE_DIRECTORY) }).Hooks).toBeUndefined();
  });

  test('under the names of its handlers', () => {
    const handlers = Object.keys(imageBuilder);
    const stack = newStack();
    new SandboxImage(stack, 'Image', { baseImage: BaseImage.latest(), rebuildOnNewBase: events.Schedule.rate(Duration.days(1)) });
    const named = resourcesOf(stack, 'AWS::Lambda::Function')
      .filter(({ Properties }) => String(Properties.Description).startsWith('image-builder '))
      .map(({ Properties }) => String(Properties.Handler).replace('index.', ''));
    expect(named.sort()).toEqual(handlers.sort());
  });
});
