import { App, NestedStack } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import type * as ec2 from 'aws-cdk-lib/aws-ec2';
import { DomainEnforcement, SandboxNetwork } from 'cdk-microvm-sandbox';
import { Construct } from 'constructs';
import { CONNECTOR, countOf, use, vpcStack } from './network-fixture';
import { newStack } from './synthesized';

type Kind = (vpc: ec2.IVpc) => SandboxNetwork;

const strict = () => {
  const network = SandboxNetwork.vpc();
  network.allowDomains(['pypi.org'], { enforcement: DomainEnforcement.SNI });
  return network;
};
const kinds: [string, Kind][] = [
  ['isolated', () => SandboxNetwork.isolated()],
  ['isolated in a VPC that is given', (vpc) => SandboxNetwork.isolated({ vpc })],
  ['of a VPC of its own', () => SandboxNetwork.vpc()],
  ['of a VPC that is given', (vpc) => SandboxNetwork.vpc({ vpc })],
  ['strict', strict],
];

/** The logical ids of a stack in which these use a network each, in this order. */
function idsWith(users: readonly string[], kind: Kind): string[] {
  const { stack, vpc } = vpcStack();
  for (const id of users) use(kind(vpc), new Construct(stack, id));
  return idsOf(stack);
}

function idsOf(stack: ReturnType<typeof newStack>): string[] {
  return Object.keys(Template.fromStack(stack).toJSON().Resources as object);
}

test.each(kinds)('a network that is %s keeps its logical ids, whatever networks come and go before and after it', (_, kind) => {
  const others = [...idsWith(['First'], kind), ...idsWith(['Third'], kind)];
  const alone = idsWith(['Second'], kind);

  expect(idsWith(['First', 'Second', 'Third'], kind).sort()).toEqual([...new Set([...alone, ...others])].sort());
  expect(alone).toContainEqual(expect.stringMatching(/^SandboxNetworkSecondConnector[0-9A-F]{8}$/));
});

test('users whose names begin alike get networks of their own, in any order', () => {
  const users = ['Pool', 'PoolVpc', 'Pool2', 'PoolSecurityGroup', 'PoolConnector'];
  const kind = () => SandboxNetwork.isolated();

  expect(idsWith(users, kind).sort()).toEqual(idsWith([...users].reverse(), kind).sort());
});

test('several networks of one user are told apart', () => {
  const { stack, vpc } = vpcStack();
  for (const user of [stack, new Construct(stack, 'Pool')]) {
    for (let count = 0; count < 3; count++) use(SandboxNetwork.isolated({ vpc }), user);
  }

  expect(Object.keys(Template.fromStack(stack).findResources(CONNECTOR)).map((id) => id.slice(0, -8))).toEqual([
    'SandboxNetworkConnector', 'SandboxNetwork2Connector', 'SandboxNetwork3Connector',
    'SandboxNetworkPoolConnector', 'SandboxNetwork2PoolConnector', 'SandboxNetwork3PoolConnector',
  ]);
});

test('a network is named after where its first user is in the stack, and not after the stack', () => {
  const ids = ['One', 'Other'].map((id) => {
    const stack = newStack(id, new App());
    use(SandboxNetwork.isolated(), new Construct(new Construct(stack, 'Agents'), 'Pool'));
    return idsOf(stack);
  });

  expect(ids[0]).toContainEqual(expect.stringMatching(/^SandboxNetworkAgentsPoolConnector[0-9A-F]{8}$/));
  expect(ids[0]).toEqual(ids[1]);
});

test('a user in a nested stack has the connector there', () => {
  const stack = newStack();
  const nested = new NestedStack(stack, 'Nested');
  use(SandboxNetwork.isolated(), new Construct(nested, 'Pool'));

  expect(countOf(stack, CONNECTOR)).toBe(0);
  expect(Object.keys(Template.fromStack(nested).findResources(CONNECTOR))).toEqual([
    expect.stringMatching(/^SandboxNetworkPoolConnector[0-9A-F]{8}$/),
  ]);
});
