import type { Stack } from 'aws-cdk-lib';
import { App } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import * as kms from 'aws-cdk-lib/aws-kms';
import * as s3 from 'aws-cdk-lib/aws-s3';
import { ImageSource, SandboxImage, SandboxPool } from 'cdk-microvm-sandbox';
import { DOCKERFILE_DIRECTORY } from './directories';
import { newStack, readable, resourcesOf, statementsOf } from './synthesized';

interface Resource { readonly Properties: Record<string, unknown> }

const source = ImageSource.directory(DOCKERFILE_DIRECTORY);

test('images of a stack share the builder and the bucket, each below its own prefix', () => {
  const stack = newStack();
  const images = ['One', 'Two', 'Three'].map((id) => new SandboxImage(stack, id, { source }));
  const template = Template.fromStack(stack);

  template.resourceCountIs('AWS::S3::Bucket', 1);
  template.resourceCountIs('AWS::StepFunctions::StateMachine', 1);
  template.resourceCountIs('Custom::MicrovmSandboxImage', 3);
  expect(new Set(images.map(({ imageName }) => imageName)).size).toBe(3);
  expect(statementsOf(stack, 'MicrovmSandboxImageBuilderRole').filter(({ Action }) => Action.includes('s3:PutObject')).map(({ Resource }) => Resource))
    .toEqual(images.map(({ imageName }) => [`arn:<MicrovmSandboxArtifacts.Arn>/${imageName}/*`]));
});

test('each image brings its own policy to the shared builder, so that it is there until the image has gone', () => {
  const stack = newStack();
  new SandboxImage(stack, 'One', { source });
  new SandboxImage(stack, 'Two', { source });

  const dependencies = resourcesOf(stack, 'Custom::MicrovmSandboxImage').map(({ DependsOn }) => JSON.stringify(DependsOn));
  expect(dependencies[0]).toContain('OneBuilderRights');
  expect(dependencies[0]).not.toContain('TwoBuilderRights');
  expect(dependencies[1]).toContain('TwoBuilderRights');
});

test('an image that gets another name keeps the policy for the old one until the old image has gone', () => {
  const policyIds = (imageName: string) => {
    const stack = newStack();
    new SandboxImage(stack, 'Image', { imageName, source });
    return Object.keys(Template.fromStack(stack).findResources('AWS::IAM::ManagedPolicy')).filter((id) => id.includes('BuilderRights'));
  };
  expect(policyIds('one')).toEqual(policyIds('one'));
  expect(policyIds('one')).not.toEqual(policyIds('two'));
});

test('an image that gets another bucket of the user keeps the policy for the old one until what is in that has been deleted', () => {
  const policyIds = (bucketName?: string) => {
    const stack = newStack();
    const artifactBucket = bucketName === undefined ? undefined : s3.Bucket.fromBucketName(stack, 'Bucket', bucketName);
    new SandboxImage(stack, 'Image', { imageName: 'mine', source, artifactBucket });
    return Object.keys(Template.fromStack(stack).findResources('AWS::IAM::ManagedPolicy')).filter((id) => id.includes('BuilderRights'));
  };
  expect(policyIds('one')).toEqual(policyIds('one'));
  expect(new Set([undefined, 'one', 'two'].flatMap(policyIds)).size).toBe(3);
});

test('as many images as are allowed get another key at once: their policies stay the same', () => {
  const policyIds = (encrypted: boolean) => {
    const stack = newStack();
    const encryptionKey = encrypted ? new kms.Key(stack, 'Key') : undefined;
    for (const id of ['One', 'Two']) new SandboxImage(stack, id, { source, encryptionKey });
    return Object.keys(Template.fromStack(stack).findResources('AWS::IAM::ManagedPolicy'));
  };
  expect(policyIds(true)).toEqual(policyIds(false));
});

test('the policy of an image has another id than the inline one of deployed stacks: CloudFormation refuses another type under an id', () => {
  const stack = newStack();
  new SandboxImage(stack, 'Image', { imageName: 'mine', source });
  expect(Object.keys(Template.fromStack(stack).toJSON().Resources as object)).not.toContainEqual(expect.stringMatching(/BuilderPolicy/));
});

test('pools of a stack share nothing but the image', () => {
  const stack = newStack();
  const image = new SandboxImage(stack, 'Image', { source });
  new SandboxPool(stack, 'One', { image });
  new SandboxPool(stack, 'Two', { image, maxSandboxes: 3 });
  const template = Template.fromStack(stack);

  template.resourceCountIs('AWS::DynamoDB::Table', 2);
  template.resourceCountIs('AWS::Events::Rule', 2);
  template.resourceCountIs('Custom::MicrovmSandboxImage', 1);
  expect(statementsOf(stack, 'OneAllocatorRole').flatMap(({ Resource }) => Resource)).not.toContain('arn:<TwoTable.Arn>');
});

test('stacks share nothing, although the ids are the same', () => {
  const app = new App();
  const stacks = [newStack('One', app), newStack('Two', app)];
  for (const stack of stacks) new SandboxPool(stack, 'Pool', { image: new SandboxImage(stack, 'Image', { source }) });

  const names = stacks.map((stack) => {
    Template.fromStack(stack).resourceCountIs('AWS::StepFunctions::StateMachine', 1);
    Template.fromStack(stack).resourceCountIs('AWS::S3::Bucket', 1);
    return (readable(resourcesOf(stack, 'Custom::MicrovmSandboxImage')[0].Properties) as { ImageName: string }).ImageName;
  });
  expect(names[0]).not.toBe(names[1]);
});

test('as many images as are allowed fit: a managed policy for each, with the longest names and everything granted', () => {
  const stack = newStack();
  const key = new kms.Key(stack, 'Key');
  const bucket = new s3.Bucket(stack, 'Bucket', { encryptionKey: key });
  for (let index = 0; index < 10; index++) {
    new SandboxImage(stack, `Image${index}`, {
      imageName: `${index}`.padEnd(64, 'n'),
      source: ImageSource.bucket(bucket, 'k'.repeat(1000), { objectVersion: '1' }),
    });
  }

  const size = (policy: unknown) => (
    JSON.stringify(policy).replace(/arn:<[^>]+>/g, `arn:aws:iam::123456789012:role/${'r'.repeat(64)}`).length
  );
  const documents = (type: string) => resourcesOf(stack, type)
    .map(({ Properties }) => readable(Properties) as { Roles: string[]; PolicyDocument: unknown })
    .filter(({ Roles }) => Roles.includes('<MicrovmSandboxImageBuilderRole>'))
    .map(({ PolicyDocument }) => size(PolicyDocument));
  // IAM's limits: 10 managed policies of a role, 6144 characters each, 10 240 in all of its inline policies.
  expect(documents('AWS::IAM::ManagedPolicy')).toHaveLength(10);
  expect(Math.max(...documents('AWS::IAM::ManagedPolicy'))).toBeLessThan(6144);
  expect(documents('AWS::IAM::Policy').reduce((sum, length) => sum + length)).toBeLessThan(10_240);
});

test('fails on one image more than fit', () => {
  const stack = newStack();
  for (let index = 0; index < 10; index++) new SandboxImage(stack, `Image${index}`, { source });
  expect(() => new SandboxImage(stack, 'OneMore', { source }))
    .toThrow(/a stack has room for 10 images.*another stack \[at Stack\/OneMore\]/);
});

test.each([
  ['a key', (stack: Stack) => new kms.Key(stack, 'Key')],
  ['a bare key', (stack: Stack) => new kms.CfnKey(stack, 'Key', { keyPolicy: { Version: '2012-10-17', Statement: [] } })],
])('images with %s share a bucket of their own, and what has no key keeps its ids', (_, keyIn) => {
  const stack = newStack();
  const encryptionKey = keyIn(stack);
  for (const id of ['One', 'Two']) new SandboxImage(stack, id, { source, encryptionKey });
  new SandboxImage(stack, 'Plain', { source });
  const buckets = Object.keys(Template.fromStack(stack).findResources('AWS::S3::Bucket')).map((id) => id.slice(0, -8));

  expect(buckets).toHaveLength(2);
  expect(buckets).toContain('MicrovmSandboxArtifacts');
});

test('an image can be given a key, another one or none: its provider stays, which CloudFormation never lets change', () => {
  const providers = ['none', 'One', 'Two'].map((id) => {
    const stack = newStack();
    new SandboxImage(stack, 'Image', { source, encryptionKey: id === 'none' ? undefined : new kms.Key(stack, id) });
    const [{ Properties }] = resourcesOf(stack, 'Custom::MicrovmSandboxImage');
    return JSON.stringify(Properties.ServiceToken);
  });
  expect(new Set(providers).size).toBe(1);
});

test('the builder has the first key that an image of the stack names', () => {
  const stack = newStack();
  new SandboxImage(stack, 'Plain', { source });
  for (const id of ['First', 'Second']) new SandboxImage(stack, id, { source, encryptionKey: new kms.Key(stack, `${id}Key`) });
  const resources = (type: string) => (
    Object.entries(Template.fromStack(stack).findResources(type) as Record<string, Resource>)
  );
  const keysOf = (type: string, property: string) => resources(type)
    .filter(([id]) => id.startsWith('MicrovmSandboxImageBuilder'))
    .filter(([, { Properties }]) => (Properties.Environment ?? Properties.RetentionInDays) !== undefined)
    .map(([, { Properties }]) => readable(Properties[property]));

  expect(keysOf('AWS::Logs::LogGroup', 'KmsKeyId')).toEqual(['arn:<FirstKey.Arn>']);
  expect(keysOf('AWS::Lambda::Function', 'KmsKeyArn')).toEqual(['arn:<FirstKey.Arn>', 'arn:<FirstKey.Arn>', 'arn:<FirstKey.Arn>']);
});

test('an image and a pool stay within 45 resources and 80 KB', () => {
  const stack = newStack();
  new SandboxPool(stack, 'Pool', { image: new SandboxImage(stack, 'Image') });
  const template = Template.fromStack(stack).toJSON() as { Resources: object };

  // The pool's part may grow to 5 resources more than it has alone.
  expect(Object.keys(template.Resources).length).toBeLessThanOrEqual(40);
  expect(JSON.stringify(template, undefined, 1).length).toBeLessThan(80_000);
});
