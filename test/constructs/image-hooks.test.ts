import { CfnParameter, Duration } from 'aws-cdk-lib';
import type { ImageHooks } from 'cdk-microvm-sandbox';
import { ImageSource, SandboxImage } from 'cdk-microvm-sandbox';
import { DOCKERFILE_DIRECTORY } from './directories';
import { newStack, propertiesOf } from './synthesized';

const IMAGE = 'Custom::MicrovmSandboxImage';

function imageWith(hooks: ImageHooks) {
  const stack = newStack();
  const image = new SandboxImage(stack, 'Image', { source: ImageSource.directory(DOCKERFILE_DIRECTORY), hooks });
  return { stack, image, rendered: () => propertiesOf(stack, IMAGE).Hooks };
}

test('gives every hook that is switched on a timeout', () => {
  const { image, rendered } = imageWith({ ready: {}, validate: {}, run: {}, resume: {}, suspend: {}, terminate: {} });

  expect(rendered()).toEqual({
    Port: '9000', Ready: '300', Validate: '300', Run: '10', Resume: '10', Suspend: '10', Terminate: '10',
  });
  expect(image.hookPort).toBe(9000);
});

test('takes port and timeouts as they are given', () => {
  const { image, rendered } = imageWith({
    port: 8081,
    ready: { timeout: Duration.hours(1) },
    run: { timeout: Duration.seconds(1) },
    suspend: { timeout: Duration.minutes(1) },
  });

  expect(rendered()).toEqual({ Port: '8081', Ready: '3600', Run: '1', Suspend: '60' });
  expect(image.hookPort).toBe(8081);
});

test('switches no hook on by itself for a Dockerfile of the user', () => {
  const stack = newStack();
  const image = new SandboxImage(stack, 'Image', { source: ImageSource.directory(DOCKERFILE_DIRECTORY) });

  expect(propertiesOf(stack, IMAGE).Hooks).toBeUndefined();
  expect(image.hookPort).toBeUndefined();
  expect(image.daemonPort).toBeUndefined();
});

test('leaves tokens to the deployment', () => {
  const stack = newStack();
  const number = new CfnParameter(stack, 'Number', { type: 'Number' }).valueAsNumber;
  new SandboxImage(stack, 'Image', {
    source: ImageSource.directory(DOCKERFILE_DIRECTORY),
    hooks: { port: number, ready: { timeout: Duration.seconds(number) } },
  });

  expect(propertiesOf(stack, IMAGE).Hooks).toEqual({ Port: '<Number>', Ready: '<Number>' });
});

test.each(['run', 'resume', 'suspend', 'terminate'] as const)('fails on the %s hook without the ready hook', (name) => {
  expect(() => imageWith({ [name]: {} }))
    .toThrow(`hooks.${name}: the platform calls it only for an image that has the ready hook; add hooks.ready [at Stack/Image]`);
});

test('fails on hooks without any hook', () => {
  expect(() => imageWith({ port: 9000 })).toThrow('hooks: switches no hook on');
});

test.each([0, 65536, 80.5, -1])('fails on port %d', (port) => {
  expect(() => imageWith({ port, ready: {} })).toThrow(`hooks.port: got ${port}, allowed are whole numbers from 1 to 65535`);
});

test('fails on the port of the platform\'s agent', () => {
  expect(() => imageWith({ port: 8443, ready: {} }))
    .toThrow("hooks.port: on 8443 the platform's own agent listens in every microVM; use another port [at Stack/Image]");
});

test.each([1, 65535])('takes port %d', (port) => {
  expect(imageWith({ port, ready: {} }).image.hookPort).toBe(port);
});

test.each([
  ['ready', Duration.seconds(0), 3600],
  ['ready', Duration.seconds(3601), 3600],
  ['validate', Duration.seconds(3601), 3600],
  ['run', Duration.seconds(61), 60],
  ['resume', Duration.seconds(61), 60],
  ['suspend', Duration.millis(1500), 60],
  ['terminate', Duration.seconds(0), 60],
] as const)('fails on a timeout of %s of %s', (name, timeout, max) => {
  expect(() => imageWith({ ready: {}, [name]: { timeout } }))
    .toThrow(`hooks.${name}.timeout: got ${timeout.toSeconds({ integral: false })} seconds, allowed are whole seconds from 1 to ${max}`);
});

test('fails on hooks for an image of the sandbox runtime', () => {
  expect(() => new SandboxImage(newStack(), 'Image', { hooks: { ready: {} } }))
    .toThrow('hooks: the sandbox runtime brings its own; leave hooks out [at Stack/Image]');
});
