import { App } from 'aws-cdk-lib';
import { Match, Template } from 'aws-cdk-lib/assertions';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import { DOCKERFILE_DIRECTORY } from './directories';
import { MANAGED_CONNECTOR, newStack, propertiesOf, resourcesOf } from './synthesized';
import { ImageSource, SandboxImage, SandboxNetwork, SandboxPool } from 'cdk-microvm-sandbox';

const CONNECTOR = 'AWS::Lambda::NetworkConnector';
const source = ImageSource.directory(DOCKERFILE_DIRECTORY);

function vpcStack(app?: App) {
  const stack = newStack('Stack', app);
  return { stack, vpc: new ec2.Vpc(stack, 'Vpc', { maxAzs: 2, natGateways: 1 }) };
}

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

  expect(egressOf(stack)).toEqual(['arn:<SandboxNetwork.Arn>']);
  expect(propertiesOf(stack, CONNECTOR)).toMatchObject({
    Configuration: {
      VpcEgressConfiguration: {
        AssociatedComputeResourceTypes: ['MicroVm'],
        NetworkProtocol: 'IPv4',
        SubnetIds: ['<VpcPrivateSubnet1Subnet>', '<VpcPrivateSubnet2Subnet>'],
        SecurityGroupIds: ['<SandboxNetworkSecurityGroup.GroupId>'],
      },
    },
  });
  // How CDK writes "nothing": CloudFormation would take an empty list for "everything".
  expect(propertiesOf(stack, 'AWS::EC2::SecurityGroup').SecurityGroupEgress)
    .toEqual([expect.objectContaining({ CidrIp: '255.255.255.255/32', IpProtocol: 'icmp' })]);
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

test('fails to narrow the internet', () => {
  expect(() => SandboxNetwork.internet().connections)
    .toThrow('SandboxNetwork.internet() has no security group and cannot be narrowed; use SandboxNetwork.vpc()');
});

test.each([0, 6])('fails on %d security groups', (count) => {
  const { stack, vpc } = vpcStack();
  const securityGroups = Array.from({ length: count }, (_, index) => ec2.SecurityGroup.fromSecurityGroupId(stack, `Sg${index}`, `sg-${index}`));
  expect(() => SandboxNetwork.vpc({ vpc, securityGroups })).toThrow(`securityGroups: got ${count}, allowed are 1 to 5`);
});
