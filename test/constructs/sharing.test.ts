import { App } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import { DOCKERFILE_DIRECTORY } from './directories';
import { newStack, readable, resourcesOf, statementsOf } from './synthesized';
import { ImageSource, SandboxImage, SandboxPool } from 'cdk-microvm-sandbox';

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
  expect(dependencies[0]).toContain('OneBuilderPolicy');
  expect(dependencies[0]).not.toContain('TwoBuilderPolicy');
  expect(dependencies[1]).toContain('TwoBuilderPolicy');
});

test('an image that gets another name keeps the policy for the old one until the old image has gone', () => {
  const policyIds = (imageName: string) => {
    const stack = newStack();
    new SandboxImage(stack, 'Image', { imageName, source });
    return Object.keys(Template.fromStack(stack).findResources('AWS::IAM::Policy')).filter((id) => id.includes('BuilderPolicy'));
  };
  expect(policyIds('one')).toEqual(policyIds('one'));
  expect(policyIds('one')).not.toEqual(policyIds('two'));
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

test('as many images as are allowed fit into the policies of the one builder, with the longest names', () => {
  const stack = newStack();
  for (let index = 0; index < 6; index++) new SandboxImage(stack, `Image${index}`, { imageName: `${index}`.padEnd(64, 'n'), source });

  // IAM counts all inline policies of a role together, without whitespace, and stops at 10 240 characters.
  const documents = resourcesOf(stack, 'AWS::IAM::Policy')
    .map(({ Properties }) => readable(Properties) as { Roles: string[]; PolicyDocument: unknown })
    .filter(({ Roles }) => Roles.includes('<MicrovmSandboxImageBuilderRole>'))
    .map(({ PolicyDocument }) => JSON.stringify(PolicyDocument).replace(/arn:<[^>]+>/g, `arn:aws:iam::123456789012:role/${'r'.repeat(64)}`));
  expect(documents.join('').length).toBeLessThan(10_240);
});

test('fails on one image more than fit', () => {
  const stack = newStack();
  for (let index = 0; index < 6; index++) new SandboxImage(stack, `Image${index}`, { source });
  expect(() => new SandboxImage(stack, 'OneMore', { source })).toThrow(/a stack has room for 6 images.*another stack \[at Stack\/OneMore\]/);
});
