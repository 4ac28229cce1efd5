import { CfnParameter, Size } from 'aws-cdk-lib';
import { MemorySize } from 'cdk-microvm-sandbox';
import { newStack } from './synthesized';

test.each([512, 1024, 2048, 4096, 8192])('takes %d MiB', (mebibytes) => {
  expect(MemorySize.of(Size.mebibytes(mebibytes))._render()).toBe(`${mebibytes}`);
});

test('takes a size in another unit', () => {
  expect(MemorySize.of(Size.gibibytes(2))._render()).toBe('2048');
});

test.each([0, 256, 511, 513, 3072, 10240, 32768])('fails on %d MiB, naming the sizes there are', (mebibytes) => {
  expect(() => MemorySize.of(Size.mebibytes(mebibytes)))
    .toThrow(`memory: ${mebibytes} MiB is not a size of the platform; use one of 512, 1024, 2048, 4096, 8192 MiB`);
});

test('leaves a token to the deployment', () => {
  const stack = newStack();
  const parameter = new CfnParameter(stack, 'Memory', { type: 'Number' });
  expect(stack.resolve(MemorySize.of(Size.mebibytes(parameter.valueAsNumber))._render())).toEqual({ Ref: 'Memory' });
});
