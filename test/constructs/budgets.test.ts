import { Template } from 'aws-cdk-lib/assertions';
import { SandboxImage, SandboxPool } from 'cdk-microvm-sandbox';
import { newStack } from './synthesized';

const MAX_RESOURCES = 45;
const MAX_TEMPLATE_BYTES = 80_000;

function template(): { Resources: object } {
  const stack = newStack();
  new SandboxPool(stack, 'Pool', { image: new SandboxImage(stack, 'Image') });
  return Template.fromStack(stack).toJSON() as { Resources: object };
}

test(`an image and a pool are at most ${MAX_RESOURCES} resources`, () => {
  expect(Object.keys(template().Resources).length).toBeLessThanOrEqual(MAX_RESOURCES);
});

test(`the template of an image and a pool is smaller than ${MAX_TEMPLATE_BYTES} bytes`, () => {
  // Indented as the CDK writes it, which is what it uploads.
  expect(Buffer.byteLength(JSON.stringify(template(), undefined, 1))).toBeLessThan(MAX_TEMPLATE_BYTES);
});
