import { App, Stack } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import { EgressPolicy, SandboxNetwork } from 'cdk-microvm-sandbox';
import { byPath, CONNECTOR, countOf, NOTHING_OUT, use, vpcStack, warningsOf } from './network-fixture';
import { PacketWalk } from './packet-walk';
import { newStack, propertiesOf } from './synthesized';

function isolatedStack() {
  const stack = newStack();
  return { stack, bound: use(SandboxNetwork.isolated(), stack) };
}

test('an isolated network is a VPC without any way out, in two zones', () => {
  const { stack } = isolatedStack();
  const { Resources } = Template.fromStack(stack).toJSON() as { Resources: Record<string, { Type: string }> };

  expect(Object.values(Resources).map(({ Type }) => Type).sort()).toEqual([
    'AWS::EC2::RouteTable',
    'AWS::EC2::RouteTable',
    'AWS::EC2::SecurityGroup',
    'AWS::EC2::Subnet',
    'AWS::EC2::Subnet',
    'AWS::EC2::SubnetRouteTableAssociation',
    'AWS::EC2::SubnetRouteTableAssociation',
    'AWS::EC2::VPC',
    'AWS::IAM::Role',
    'AWS::Lambda::NetworkConnector',
  ]);
  const walk = new PacketWalk(stack);
  expect(walk.sandboxSubnets).toHaveLength(2);
  for (const subnet of walk.sandboxSubnets) expect(walk.follow(subnet, '198.51.100.1')).toEqual([]);
});

test('an isolated network lets nothing out, and resolves no names: a query would carry data out', () => {
  const { stack, bound } = isolatedStack();

  expect(propertiesOf(stack, 'AWS::EC2::SecurityGroup').SecurityGroupEgress).toEqual(NOTHING_OUT);
  expect(propertiesOf(stack, 'AWS::EC2::SecurityGroup')).not.toHaveProperty('SecurityGroupIngress');
  expect(propertiesOf(stack, 'AWS::EC2::VPC')).toMatchObject({ EnableDnsSupport: false, EnableDnsHostnames: false });
  expect(bound.egressConnectorArns.map((arn) => stack.resolve(arn)))
    .toEqual([{ 'Fn::GetAtt': [expect.stringMatching(/^SandboxNetworkConnector[0-9A-F]{8}$/), 'Arn'] }]);
  expect(bound.policy).toEqual({
    egress: EgressPolicy.NOTHING,
    enforcedBy: 'a security group that lets nothing out, in a VPC without gateways and without a resolver',
  });
});

test('the connector of an isolated network is for microVMs, IPv4 and in the two subnets', () => {
  const { stack } = isolatedStack();

  expect(propertiesOf(stack, CONNECTOR).Configuration).toEqual({
    VpcEgressConfiguration: {
      AssociatedComputeResourceTypes: ['MicroVm'],
      NetworkProtocol: 'IPv4',
      SubnetIds: ['<SandboxNetworkVpcSandbox0Subnet>', '<SandboxNetworkVpcSandbox1Subnet>'],
      SecurityGroupIds: ['<SandboxNetworkSecurityGroup.GroupId>'],
    },
  });
});

test('the operator role of the connector has no condition: the service presents nothing that one could check', () => {
  const { stack } = isolatedStack();

  expect(propertiesOf(stack, 'AWS::IAM::Role').AssumeRolePolicyDocument).toMatchObject({
    Statement: [{ Action: 'sts:AssumeRole', Effect: 'Allow', Principal: { Service: 'lambda.amazonaws.com' } }],
  });
});

test('each stack that uses an isolated network gets its own VPC, also in another Region', () => {
  const app = new App();
  const network = SandboxNetwork.isolated();
  const near = newStack('Near', app);
  const far = new Stack(app, 'Far', { env: { region: 'eu-west-1', account: '123456789012' } });
  for (const stack of [near, far, near]) use(network, stack);

  for (const [stack, zones] of [[near, 'use1'], [far, 'euw1']] as const) {
    expect(countOf(stack, 'AWS::EC2::VPC')).toBe(1);
    expect(countOf(stack, CONNECTOR)).toBe(1);
    expect(Object.values(byPath(stack, 'AWS::EC2::Subnet'))).toEqual(
      [`${zones}-az1`, `${zones}-az2`].map((AvailabilityZoneId) => expect.objectContaining({ AvailabilityZoneId })),
    );
  }
});

test('in a VPC that is given, an isolated network makes a connector and a closed security group', () => {
  const { stack, vpc } = vpcStack();
  use(SandboxNetwork.isolated({ vpc, subnets: { subnetType: ec2.SubnetType.PUBLIC } }), stack);

  expect(countOf(stack, 'AWS::EC2::VPC')).toBe(1);
  expect(propertiesOf(stack, 'AWS::EC2::SecurityGroup')).toMatchObject({ VpcId: '<Vpc>', SecurityGroupEgress: NOTHING_OUT });
  expect(propertiesOf(stack, CONNECTOR)).toMatchObject({
    Configuration: { VpcEgressConfiguration: { SubnetIds: ['<VpcPublicSubnet1Subnet>', '<VpcPublicSubnet2Subnet>'] } },
  });
});

test('a VPC that resolves names is warned of, and the policy says what is not stopped', () => {
  const { stack, vpc } = vpcStack();
  const { policy } = use(SandboxNetwork.isolated({ vpc }), stack);

  expect(warningsOf(stack, 'isolatedResolver')).toEqual([expect.stringContaining('use a VPC whose enableDnsSupport is false')]);
  expect(policy.enforcedBy).toContain('does not stop queries for names');
});

test('a VPC that resolves no names is not warned of', () => {
  const stack = newStack();
  const vpc = new ec2.Vpc(stack, 'Vpc', { maxAzs: 1, natGateways: 0, enableDnsSupport: false, enableDnsHostnames: false });
  use(SandboxNetwork.isolated({ vpc }), stack);

  expect(warningsOf(stack, 'isolatedResolver')).toEqual([]);
});

test.each([
  ['connections', () => SandboxNetwork.isolated().connections],
  ['allowTo', () => SandboxNetwork.isolated().allowTo(ec2.Peer.anyIpv4(), ec2.Port.HTTPS)],
  ['allowDomains', () => SandboxNetwork.isolated().allowDomains(['pypi.org'])],
])('fails to open an isolated network by %s', (_, open) => {
  expect(open).toThrow('SandboxNetwork.isolated() lets nothing out, and stays so; use SandboxNetwork.vpc() and open what is needed');
});

test('fails on subnets of no VPC', () => {
  expect(() => SandboxNetwork.isolated({ subnets: { subnetType: ec2.SubnetType.PUBLIC } }))
    .toThrow('subnets: are of a VPC, and none is given; give vpc, too, or leave subnets out');
});
