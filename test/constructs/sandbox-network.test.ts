import { App, Fn, Stack } from 'aws-cdk-lib';
import { Match, Template } from 'aws-cdk-lib/assertions';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import * as lambda from 'aws-cdk-lib/aws-lambda';
import { EgressPolicy, ImageSource, SandboxImage, SandboxNetwork, SandboxPool } from 'cdk-microvm-sandbox';
import { DOCKERFILE_DIRECTORY } from './directories';
import { CONNECTOR, countOf, NOTHING_OUT, use, vpcStack } from './network-fixture';
import { PacketWalk } from './packet-walk';
import { ACCOUNT, LAMBDA_ARN, MANAGED_CONNECTOR, newStack, propertiesOf, resourcesOf } from './synthesized';

const source = ImageSource.directory(DOCKERFILE_DIRECTORY);

const egressOf = (stack: Parameters<typeof propertiesOf>[0]) =>
  propertiesOf(stack, 'Custom::MicrovmSandboxImage').EgressConnectorArns;

test('the internet is named, not left to a default', () => {
  const stack = newStack();
  new SandboxImage(stack, 'Image', { source, network: SandboxNetwork.internet() });

  expect(egressOf(stack)).toEqual([`${MANAGED_CONNECTOR}:INTERNET_EGRESS`]);
  Template.fromStack(stack).resourceCountIs(CONNECTOR, 0);
});

test('a VPC is reached through a connector whose security group lets nothing out', () => {
  const { stack, vpc } = vpcStack();
  new SandboxImage(stack, 'Image', { source, network: SandboxNetwork.vpc({ vpc }) });

  expect(egressOf(stack)).toEqual(['arn:<SandboxNetworkImageConnector.Arn>']);
  expect(propertiesOf(stack, CONNECTOR)).toMatchObject({
    Configuration: {
      VpcEgressConfiguration: {
        AssociatedComputeResourceTypes: ['MicroVm'],
        NetworkProtocol: 'IPv4',
        SubnetIds: ['<VpcPrivateSubnet1Subnet>', '<VpcPrivateSubnet2Subnet>'],
        SecurityGroupIds: ['<SandboxNetworkImageSecurityGroup.GroupId>'],
      },
    },
  });
  expect(propertiesOf(stack, 'AWS::EC2::SecurityGroup').SecurityGroupEgress).toEqual(NOTHING_OUT);
});

test('what the security group lets out is opened before and after the network is used', () => {
  const { stack, vpc } = vpcStack();
  const network = SandboxNetwork.vpc({ vpc });
  network.connections.allowTo(ec2.Peer.ipv4('10.0.0.0/8'), ec2.Port.tcp(5432));
  new SandboxImage(stack, 'Image', { source, network });
  network.connections.allowToAnyIpv4(ec2.Port.HTTPS);

  expect(propertiesOf(stack, 'AWS::EC2::SecurityGroup').SecurityGroupEgress).toEqual([
    expect.objectContaining({ CidrIp: '10.0.0.0/8', FromPort: 5432, ToPort: 5432 }),
    expect.objectContaining({ CidrIp: '0.0.0.0/0', FromPort: 443, ToPort: 443 }),
  ]);
});

test('a database lets the sandboxes in by naming the network', () => {
  const { stack, vpc } = vpcStack();
  const network = SandboxNetwork.vpc({ vpc });
  const database = new ec2.SecurityGroup(stack, 'Database', { vpc });
  database.connections.allowFrom(network, ec2.Port.tcp(5432));
  new SandboxImage(stack, 'Image', { source, network });

  Template.fromStack(stack).hasResourceProperties('AWS::EC2::SecurityGroupIngress', { FromPort: 5432, ToPort: 5432 });
  Template.fromStack(stack).hasResourceProperties('AWS::EC2::SecurityGroupEgress', { FromPort: 5432, ToPort: 5432 });
});

test('subnets and security groups of the user are taken as they are', () => {
  const { stack, vpc } = vpcStack();
  const mine = ec2.SecurityGroup.fromSecurityGroupId(stack, 'Mine', 'sg-12345678');
  new SandboxImage(stack, 'Image', {
    source,
    network: SandboxNetwork.vpc({ vpc, subnets: { subnetType: ec2.SubnetType.PUBLIC }, securityGroups: [mine] }),
  });

  Template.fromStack(stack).resourceCountIs('AWS::EC2::SecurityGroup', 0);
  expect(propertiesOf(stack, CONNECTOR)).toMatchObject({
    Configuration: {
      VpcEgressConfiguration: { SecurityGroupIds: ['sg-12345678'], SubnetIds: ['<VpcPublicSubnet1Subnet>', '<VpcPublicSubnet2Subnet>'] },
    },
  });
});

test('one network is one connector in a stack, whoever uses it', () => {
  const { stack, vpc } = vpcStack();
  const network = SandboxNetwork.vpc({ vpc });
  const image = new SandboxImage(stack, 'Image', { source, network });
  new SandboxPool(stack, 'One', { image, network });
  new SandboxPool(stack, 'Two', { image, network });

  Template.fromStack(stack).resourceCountIs(CONNECTOR, 1);
});

test('two networks are two connectors, with a security group each', () => {
  const { stack, vpc } = vpcStack();
  const image = new SandboxImage(stack, 'Image', { source, network: SandboxNetwork.vpc({ vpc }) });
  new SandboxPool(stack, 'Pool', { image, network: SandboxNetwork.vpc({ vpc }) });

  const groups = resourcesOf(stack, CONNECTOR).map(({ Properties }) => JSON.stringify(Properties.Configuration));
  expect(new Set(groups).size).toBe(2);
  Template.fromStack(stack).resourceCountIs('AWS::EC2::SecurityGroup', 2);
});

test('each stack that uses a network gets its own connector', () => {
  const app = new App();
  const { stack, vpc } = vpcStack(app);
  const other = newStack('Other', app);
  const network = SandboxNetwork.vpc({ vpc });
  new SandboxImage(stack, 'Image', { source, network });
  new SandboxImage(other, 'Image', { source, network });

  Template.fromStack(stack).resourceCountIs(CONNECTOR, 1);
  Template.fromStack(other).resourceCountIs(CONNECTOR, 1);
  Template.fromStack(other).hasResourceProperties('AWS::EC2::SecurityGroup', { VpcId: { 'Fn::ImportValue': Match.anyValue() } });
});

test('a network of no VPC makes its own, with one NAT gateway and nothing let out', () => {
  const stack = newStack();
  const { policy } = use(SandboxNetwork.vpc(), stack);
  const walk = new PacketWalk(stack);

  expect(countOf(stack, 'AWS::EC2::VPC')).toBe(1);
  expect(countOf(stack, 'AWS::EC2::NatGateway')).toBe(1);
  expect(walk.sandboxSubnets).toHaveLength(2);
  for (const sandbox of walk.sandboxSubnets) {
    expect(walk.follow(sandbox, '198.51.100.1')).toEqual([{ at: 'nat', subnet: walk.natSubnet }, { at: 'internet' }]);
  }
  expect(propertiesOf(stack, 'AWS::EC2::SecurityGroup').SecurityGroupEgress).toEqual(NOTHING_OUT);
  expect(propertiesOf(stack, 'AWS::EC2::VPC')).toMatchObject({ EnableDnsSupport: true, EnableDnsHostnames: true });
  expect(policy.egress).toBe(EgressPolicy.VPC);
});

test('the NAT gateway and its address wait for the way to the internet, and no subnet gives out public addresses', () => {
  const stack = newStack();
  use(SandboxNetwork.vpc(), stack);

  for (const type of ['AWS::EC2::NatGateway', 'AWS::EC2::EIP']) {
    expect(JSON.stringify(resourcesOf(stack, type)[0].DependsOn)).toContain('InternetGatewayAttachment');
  }
  for (const { Properties } of resourcesOf(stack, 'AWS::EC2::Subnet')) expect(Properties).not.toHaveProperty('MapPublicIpOnLaunch');
});

test('a peer is opened before and after the network is used, and lets the sandboxes in', () => {
  const { stack, vpc } = vpcStack();
  const network = SandboxNetwork.vpc({ vpc });
  const database = new ec2.SecurityGroup(stack, 'Database', { vpc });
  network.allowTo(database, ec2.Port.tcp(5432));
  use(network, stack);
  network.allowTo(ec2.Peer.ipv4('10.1.0.0/16'), ec2.Port.HTTPS);

  Template.fromStack(stack).hasResourceProperties('AWS::EC2::SecurityGroupIngress', {
    FromPort: 5432, ToPort: 5432, SourceSecurityGroupId: { 'Fn::GetAtt': [Match.stringLikeRegexp('^SandboxNetworkSecurityGroup'), 'GroupId'] },
  });
  Template.fromStack(stack).hasResourceProperties('AWS::EC2::SecurityGroup', {
    SecurityGroupEgress: [Match.objectLike({ CidrIp: '10.1.0.0/16', FromPort: 443, ToPort: 443 })],
  });
});

test('security groups that the CDK has no rules of are taken, and opened by rules beside them', () => {
  const { stack, vpc } = vpcStack();
  const raw = new ec2.CfnSecurityGroup(stack, 'Raw', { groupDescription: 'raw', vpcId: vpc.vpcId });
  const networks = [0, 1].map(() => SandboxNetwork.vpc({ vpc, securityGroups: [raw] }));
  networks[0].allowTo(ec2.Peer.ipv4('10.1.0.0/16'), ec2.Port.tcp(5432));
  for (const network of networks) use(network, stack);

  for (const { Properties } of resourcesOf(stack, CONNECTOR)) {
    expect(Properties.Configuration).toMatchObject({ VpcEgressConfiguration: { SecurityGroupIds: [{ Ref: 'Raw' }] } });
  }
  expect(propertiesOf(stack, 'AWS::EC2::SecurityGroupEgress'))
    .toMatchObject({ GroupId: '<Raw>', CidrIp: '10.1.0.0/16', FromPort: 5432 });
});

test('a connector made elsewhere is named, and what it lets out is not known', () => {
  const stack = newStack();
  const arn = `${LAMBDA_ARN}:network-connector:nc-1`;
  const { egressConnectorArns, policy } = use(
    SandboxNetwork.fromNetworkConnector(lambda.NetworkConnector.fromNetworkConnectorArn(stack, 'Imported', arn)), stack,
  );

  expect(egressConnectorArns).toEqual([arn]);
  expect(policy).toEqual({
    egress: EgressPolicy.UNKNOWN, enforcedBy: 'the security groups and the VPC of a connector that was made elsewhere',
  });
});

test('a connector of the same app is named, and no other is made', () => {
  const stack = newStack();
  const raw = new lambda.CfnNetworkConnector(stack, 'Raw', {
    operatorRole: Fn.importValue('Role'),
    configuration: {
      vpcEgressConfiguration: {
        associatedComputeResourceTypes: ['MicroVm'], networkProtocol: 'IPv4', subnetIds: ['subnet-12345678'], securityGroupIds: ['sg-12345678'],
      },
    },
  });
  const { egressConnectorArns } = use(SandboxNetwork.fromNetworkConnector(raw), stack);

  expect(egressConnectorArns.map((arn) => stack.resolve(arn))).toEqual([{ Ref: 'Raw' }]);
  expect(countOf(stack, CONNECTOR)).toBe(1);
});

test('the internet is what it is: nothing enforces anything', () => {
  expect(use(SandboxNetwork.internet(), newStack()).policy)
    .toEqual({ egress: EgressPolicy.INTERNET, enforcedBy: 'nothing: any address is reached over TCP' });
});

test('a VPC of an account that is not known yet is taken', () => {
  const app = new App();
  const { vpc } = vpcStack(app);
  const stack = new Stack(app, 'Other');
  expect(() => use(SandboxNetwork.vpc({ vpc }), stack)).not.toThrow();
});

test.each([
  ['Region', { region: 'eu-west-1', account: ACCOUNT }],
  ['account', { region: 'us-east-1', account: '210987654321' }],
])('fails on a VPC and a connector of another %s', (_, env) => {
  const app = new App();
  const { stack: far, vpc } = vpcStack(app);
  const connector = lambda.NetworkConnector.fromNetworkConnectorArn(far, 'Imported', `${LAMBDA_ARN}:network-connector:nc-1`);
  const stack = new Stack(app, 'Other', { env });
  const [theirs, ours] = [far, stack].map(({ region, account }) => `${region} of account ${account}`);
  for (const network of [SandboxNetwork.vpc({ vpc }), SandboxNetwork.isolated({ vpc })]) {
    expect(() => use(network, stack)).toThrow(`vpc: is in ${theirs}, the stack in ${ours}; use vpc of the stack's own account and Region`);
  }
  expect(() => use(SandboxNetwork.fromNetworkConnector(connector), stack)).toThrow(`connector: is in ${theirs}, the stack in ${ours}`);
});

function vpcWith(stack: Stack, count: number) {
  const each = Array.from({ length: count }, (_, index) => index);
  return ec2.Vpc.fromVpcAttributes(stack, 'Vpc', {
    vpcId: 'vpc-12345678',
    availabilityZones: ['us-east-1a'],
    privateSubnetIds: each.map((index) => `subnet-1234567${index % 10}${index}`),
    privateSubnetRouteTableIds: each.map((index) => `rtb-${index}`),
  });
}

test.each([1, 16])('%d subnets are taken', (count) => {
  const stack = newStack();
  use(SandboxNetwork.vpc({ vpc: vpcWith(stack, count) }), stack);

  expect(propertiesOf(stack, CONNECTOR).Configuration)
    .toMatchObject({ VpcEgressConfiguration: { SubnetIds: { length: count } } });
});

test.each([0, 17])('fails on %d subnets', (count) => {
  const stack = newStack();
  const vpc = vpcWith(stack, 17);
  const subnets = { subnets: vpc.privateSubnets.slice(0, count) };
  expect(() => use(SandboxNetwork.vpc({ vpc, subnets }), stack))
    .toThrow(`subnets: selects ${count}, allowed are 1 to 16; choose others with subnets`);
});

test('subnets that are known at deployment are taken as they are', () => {
  const stack = newStack();
  const vpc = ec2.Vpc.fromVpcAttributes(stack, 'Vpc', {
    vpcId: Fn.importValue('Vpc'),
    availabilityZones: ['us-east-1a', 'us-east-1b'],
    privateSubnetIds: Fn.split(',', Fn.importValue('Subnets'), 2),
    privateSubnetRouteTableIds: Fn.split(',', Fn.importValue('RouteTables'), 2),
  });
  use(SandboxNetwork.vpc({ vpc }), stack);

  expect(JSON.stringify(propertiesOf(stack, CONNECTOR).Configuration)).toContain('"Fn::ImportValue":"Subnets"');
});

test('fails on subnets of no VPC', () => {
  expect(() => SandboxNetwork.vpc({ subnets: { subnetType: ec2.SubnetType.PUBLIC } }))
    .toThrow('subnets: are of a VPC, and none is given; give vpc, too, or leave subnets out');
});

test.each([
  ['connections', (network: SandboxNetwork) => network.connections],
  ['allowTo', (network: SandboxNetwork) => network.allowTo(ec2.Peer.anyIpv4(), ec2.Port.HTTPS)],
  ['allowDomains', (network: SandboxNetwork) => network.allowDomains(['pypi.org'])],
])('fails to open by %s what cannot be opened', (_, open) => {
  const connector = lambda.NetworkConnector.fromNetworkConnectorArn(newStack(), 'Imported', `${LAMBDA_ARN}:network-connector:nc-1`);
  expect(() => open(SandboxNetwork.internet()))
    .toThrow('SandboxNetwork.internet() has no security group and cannot be narrowed; use SandboxNetwork.vpc()');
  expect(() => open(SandboxNetwork.fromNetworkConnector(connector)))
    .toThrow('SandboxNetwork.fromNetworkConnector() takes a connector as it is; open its security groups where they are made');
});

test.each([1, 5])('%d security groups are taken', (count) => {
  const { stack, vpc } = vpcStack();
  const ids = Array.from({ length: count }, (_, index) => `sg-1234567${index}`);
  const securityGroups = ids.map((id) => ec2.SecurityGroup.fromSecurityGroupId(stack, id, id));
  use(SandboxNetwork.vpc({ vpc, securityGroups }), stack);

  expect(propertiesOf(stack, CONNECTOR).Configuration)
    .toMatchObject({ VpcEgressConfiguration: { SecurityGroupIds: ids } });
});

test.each([0, 6])('fails on %d security groups', (count) => {
  const { stack, vpc } = vpcStack();
  const securityGroups = Array.from({ length: count }, (_, index) => ec2.SecurityGroup.fromSecurityGroupId(stack, `Sg${index}`, `sg-${index}`));
  expect(() => SandboxNetwork.vpc({ vpc, securityGroups })).toThrow(`securityGroups: got ${count}, allowed are 1 to 5`);
});
