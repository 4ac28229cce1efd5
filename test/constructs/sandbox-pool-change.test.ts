import type { Stack } from 'aws-cdk-lib';
import { App, CfnParameter, Duration } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import * as iam from 'aws-cdk-lib/aws-iam';
import type { SandboxPoolProps } from 'cdk-microvm-sandbox';
import { IdlePolicy, SandboxImage, SandboxNetwork, SandboxPool } from 'cdk-microvm-sandbox';
import { nativeImage } from './native-image';
import { LAMBDA_ARN, MANAGED_CONNECTOR, newStack, propertiesOf, readable } from './synthesized';
import { POOL_RESOURCE_TYPE } from '../../src/contract/pool';

type PropsOf = (stack: Stack) => SandboxPoolProps;

const ROLE = 'arn:aws:iam::123456789012:role/theirs';
const imported = (name: string, imageVersion?: string): PropsOf => (stack) => ({
  image: SandboxImage.fromSandboxImageAttributes(stack, 'Theirs', { imageArn: `${LAMBDA_ARN}:microvm-image:${name}`, imageVersion }),
});
const made = (imageName?: string, description?: string): PropsOf => (stack) => ({
  image: new SandboxImage(stack, 'Image', { imageName, description }),
});
const native = (name: string): PropsOf => (stack) => ({ image: nativeImage(stack, { name }) });
/** Of an ARN that only the deployment knows, and so of a name that nobody knows before. */
const ofParameter = (name: string): PropsOf => (stack) => {
  const imageArn = new CfnParameter(stack, name).valueAsString;
  return { image: SandboxImage.fromSandboxImageAttributes(stack, 'Theirs', { imageArn, imageVersion: '1.0' }) };
};
const withRole = (roleArn: string): PropsOf => (stack) => ({
  ...imported('one')(stack), executionRole: iam.Role.fromRoleArn(stack, 'Role', roleArn),
});

function stackWith(propsOf: PropsOf): Stack {
  const stack = newStack('Stack', new App());
  new SandboxPool(stack, 'Pool', propsOf(stack));
  return stack;
}

interface Resources { [id: string]: { Type: string; DependsOn?: string[]; Properties: Record<string, unknown> } }
const resourcesIn = (stack: Stack) => Template.fromStack(stack).toJSON().Resources as Resources;

/** The policy with the rights that name the image. */
function policyOf(stack: Stack): string {
  const ids = Object.keys(resourcesIn(stack)).filter((id) => id.startsWith('PoolKeeperRoleMicrovms'));
  if (ids.length !== 1) throw new Error(`${ids.length} policies`);
  return ids[0];
}

describe('the keeper gets its rights on microVMs in another policy, and keeps the former until after the update, where the pool gets', () => {
  test.each<[string, PropsOf, PropsOf]>([
    ['another image', imported('one'), imported('two')],
    ['an image of its own', imported('one'), () => ({})],
    ['an image that was renamed', made('one'), made('two')],
    ['an image of AWS\'s own resource that was renamed', native('one'), native('two')],
    ['another image whose name is not known', ofParameter('One'), ofParameter('Two')],
    ['a role', imported('one'), withRole(ROLE)],
    ['another role', withRole(ROLE), withRole(`${ROLE}-other`)],
    ['another ingress', imported('one'), (stack) => ({ ...imported('one')(stack), shellAccess: true })],
    ['another network', imported('one'), (stack) => ({ ...imported('one')(stack), network: SandboxNetwork.isolated() })],
  ])('%s', (_, before, after) => {
    expect(policyOf(stackWith(after))).not.toBe(policyOf(stackWith(before)));
  });
});

describe('the keeper keeps the policy where the pool gets', () => {
  test.each<[string, PropsOf, PropsOf]>([
    ['another version of its image', imported('one', '1.0'), imported('one', '2.0')],
    ['an image that follows', imported('one', '1.0'), imported('one')],
    ['a new build of its image', made('one'), made('one', 'new')],
    ['other limits', imported('one'), (stack) => ({
      ...imported('one')(stack), maxSandboxes: 99, defaultTimeout: Duration.hours(1), idlePolicy: IdlePolicy.none(),
    })],
    // Tokens are numbered in the order of their making.
    ['a neighbour before it', made('one'), (stack) => {
      expect(new CfnParameter(stack, 'Parameter').valueAsString).toContain('Token');
      return made('one')(stack);
    }],
  ])('%s', (_, before, after) => {
    expect(policyOf(stackWith(after))).toBe(policyOf(stackWith(before)));
  });
});

test('CloudFormation updates the pool when what it starts microVMs with changes, and with nothing else', () => {
  expect(propertiesOf(stackWith(withRole(ROLE)), POOL_RESOURCE_TYPE)).toEqual({
    ServiceToken: expect.any(String),
    ServiceTimeout: '1200',
    ImageArn: `${LAMBDA_ARN}:microvm-image:one`,
    ConnectorArns: [`${MANAGED_CONNECTOR}:HTTP_INGRESS`, `${MANAGED_CONNECTOR}:INTERNET_EGRESS`],
    ExecutionRoleArn: ROLE,
  });
  expect(propertiesOf(stackWith(imported('one', '1.0')), POOL_RESOURCE_TYPE)).not.toHaveProperty('ExecutionRoleArn');
});

test('it does so after the functions have their configuration and their rights', () => {
  const stack = stackWith(imported('one'));
  const resources = resourcesIn(stack);
  const [pool] = Object.values(resources).filter(({ Type }) => Type === POOL_RESOURCE_TYPE);
  expect(readable((pool.DependsOn ?? []).map((Ref) => ({ Ref })))).toContain('<PoolAllocator>');
  const dependenciesOf = (pattern: RegExp) => {
    const [id] = Object.keys(resources).filter((each) => pattern.test(each));
    return resources[id].DependsOn ?? [];
  };
  expect(dependenciesOf(/^PoolKeeper[0-9A-F]{8}$/)).toContain(policyOf(stack));
  expect(dependenciesOf(/^PoolAllocator[0-9A-F]{8}$/).join()).toContain('PoolAllocatorRoleDefaultPolicy');
  expect(JSON.stringify(pool.Properties.ServiceToken)).toContain('PoolProvider');
  expect(JSON.stringify(resources)).toMatch(/"USER_ON_EVENT_FUNCTION_ARN":\{"Fn::GetAtt":\["PoolKeeper[0-9A-F]{8}","Arn"\]/);
});
