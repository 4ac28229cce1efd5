import { App, CfnResource, NestedStack, Stack } from 'aws-cdk-lib';
import { Annotations, Match, Template } from 'aws-cdk-lib/assertions';
import * as iam from 'aws-cdk-lib/aws-iam';
import { ImageSource, SandboxImage, SandboxPool } from 'cdk-microvm-sandbox';
import { DOCKERFILE_DIRECTORY } from './directories';
import { nativeImage } from './native-image';
import { LAMBDA_ARN, newStack, poolConfigurations, statementsOf } from './synthesized';

const IMAGE_ARN = `${LAMBDA_ARN}:microvm-image:theirs`;
const source = ImageSource.directory(DOCKERFILE_DIRECTORY);


const getsImages = (stack: Stack, role: string) => (
  statementsOf(stack, role).filter(({ Action }) => Action.includes('lambda:GetMicrovmImage')).flatMap(({ Resource }) => Resource)
);

describe('the image of a pool', () => {
  test('of the same stack is run in the version that the deployment made', () => {
    const stack = newStack();
    new SandboxPool(stack, 'Pool', { image: new SandboxImage(stack, 'Image', { source }) });
    expect(poolConfigurations(stack)[0]).toMatchObject({ imageArn: 'arn:<Image.ImageArn>', imageVersion: '<Image.ImageVersion>' });
  });

  test('may be AWS\'s own, whose current version is looked up', () => {
    const stack = newStack();
    new SandboxPool(stack, 'Pool', { image: nativeImage(stack) });
    expect(poolConfigurations(stack)[0]).toMatchObject({
      imageArn: '<Native>', imageVersion: null, daemonPort: null, hookPort: null,
    });
    expect(getsImages(stack, 'PoolAllocatorRole')).toEqual(['<Native>']);
  });

  test('may be imported without a version, which is looked up', () => {
    const stack = newStack();
    new SandboxPool(stack, 'Pool', { image: SandboxImage.fromSandboxImageAttributes(stack, 'Image', { imageArn: IMAGE_ARN }) });
    expect(poolConfigurations(stack)[0]).toMatchObject({ imageArn: IMAGE_ARN, imageVersion: null });
  });

  test('may be imported with a version, also by another stack', () => {
    const app = new App();
    const image = SandboxImage.fromMicrovmImage(newStack('Images', app), 'Image', nativeImage(newStack('Natives', app)), { imageVersion: '2.0' });
    const stack = newStack('Stack', app);
    new SandboxPool(stack, 'Pool', { image });
    expect(poolConfigurations(stack)[0].imageVersion).toBe('2.0');
  });

  test('is looked up by the allocator only, which alone starts new ones', () => {
    const stack = newStack();
    new SandboxPool(stack, 'Pool', { image: nativeImage(stack) });
    expect(getsImages(stack, 'PoolKeeperRole')).toEqual([]);
  });
});

describe('an image of another stack', () => {
  function twoStacks() {
    const app = new App();
    const images = newStack('Images', app);
    const image = new SandboxImage(images, 'Image', { imageName: 'mine', source });
    const stack = newStack('Stack', app);
    const pool = new SandboxPool(stack, 'Pool', { image });
    return { app, images, stack, pool };
  }

  test('is looked up, so that its stack exports nothing that the next version would change', () => {
    const { images, stack } = twoStacks();
    expect(poolConfigurations(stack)[0]).toMatchObject({ imageArn: `${LAMBDA_ARN}:microvm-image:mine`, imageVersion: null });
    expect(JSON.stringify(Template.fromStack(stack).toJSON())).not.toContain('Fn::ImportValue');
    expect(Template.fromStack(images).findOutputs('*')).toEqual({});
    expect(getsImages(stack, 'PoolAllocatorRole')).toEqual([`${LAMBDA_ARN}:microvm-image:mine`]);
  });

  test('is deployed before the pool, and the pool deleted before it', () => {
    const { images, stack } = twoStacks();
    Template.fromStack(stack);
    expect(stack.dependencies.map(({ stackName }) => stackName)).toEqual([images.stackName]);
  });

  test('warns of nothing', () => {
    const { stack } = twoStacks();
    Annotations.fromStack(stack).hasNoWarning('*', Match.anyValue());
  });

  test('that is known by its ARN alone is nothing to wait for: the other stack may use the pool', () => {
    const app = new App();
    const agents = newStack('Agents', app);
    const image = SandboxImage.fromSandboxImageAttributes(agents, 'Image', { imageArn: IMAGE_ARN, imageVersion: '3.0' });
    const stack = newStack('Stack', app);
    const pool = new SandboxPool(stack, 'Pool', { image });
    pool.grantUse(new iam.Role(agents, 'Agent', { assumedBy: new iam.AccountRootPrincipal() }));
    Template.fromStack(agents);
    expect(stack.dependencies).toEqual([]);
    expect(agents.dependencies).toEqual([stack]);
  });

  test('of AWS\'s own kind exports its ARN and no version', () => {
    const app = new App();
    const natives = newStack('Natives', app);
    const stack = newStack('Stack', app);
    new SandboxPool(stack, 'Pool', { image: nativeImage(natives) });
    expect(poolConfigurations(stack)[0].imageVersion).toBeNull();
    expect(Object.values(Template.fromStack(natives).findOutputs('*')).map(({ Value }) => Value))
      .toEqual([{ Ref: 'Native' }]);
  });

  test('that is nested in the same one stays pinned: nested stacks need no export', () => {
    const parent = newStack();
    const image = new SandboxImage(new NestedStack(parent, 'Images'), 'Image', { source });
    const pool = new SandboxPool(parent, 'Pool', { image });
    expect(poolConfigurations(parent)[0].imageVersion).toContain('Outputs.');
    expect(pool.node.findAll().filter(CfnResource.isCfnResource).length).toBeGreaterThan(0);
  });
});

describe('an image that was imported with a daemonPort', () => {
  function warned(ports: object): boolean {
    const stack = newStack();
    new SandboxPool(stack, 'Pool', { image: SandboxImage.fromSandboxImageAttributes(stack, 'Image', { imageArn: IMAGE_ARN, ...ports }) });
    const found = Annotations.fromStack(stack).findWarning('/Stack/Pool', Match.stringLikeRegexp(
      'imported with a daemonPort and without a hookPort.*takes no command.*Import it with hookPort: 9000.*cdk-microvm-sandbox:runtimeWithoutHooks',
    ));
    return found.length > 0;
  }

  test.each([
    ['without a hookPort is warned of', { daemonPort: 8080 }, true],
    ['and a hookPort is not', { daemonPort: 8080, hookPort: 9000 }, false],
  ])('%s', (_, ports, expected) => expect(warned(ports)).toBe(expected));

  test('is not meant by an image without the runtime, nor by one that is built here', () => {
    expect(warned({})).toBe(false);
    const stack = newStack();
    new SandboxPool(stack, 'Pool');
    Annotations.fromStack(stack).hasNoWarning('*', Match.stringLikeRegexp('runtimeWithoutHooks'));
  });
});
