import { App, Stack } from 'aws-cdk-lib';
import { Annotations, Match, Template } from 'aws-cdk-lib/assertions';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import { SandboxNetwork } from 'cdk-microvm-sandbox';
import { byPath, CONNECTOR, use, vpcStack, warningsOf } from './network-fixture';
import { newStack, propertiesOf } from './synthesized';
import { warnOfRegion } from '../../src/private/network/regions';

const REGIONS = [
  'us-east-1', 'us-east-2', 'us-west-2', 'eu-west-1', 'eu-central-1', 'eu-north-1', 'ap-northeast-1', 'ap-south-1', 'ap-southeast-1',
  'ap-southeast-2',
];

const stackIn = (region: string | undefined) =>
  new Stack(new App(), 'Stack', { env: { region, account: region && '123456789012' } });

const subnetsAre = (SubnetIds: string[]) => ({ Configuration: { VpcEgressConfiguration: { SubnetIds } } });

/** A VPC with a subnet in each of these zones. */
function vpcIn(stack: Stack, zoneIds: string[]) {
  const vpc = new ec2.Vpc(stack, 'Vpc', {
    availabilityZones: zoneIds.map((_, index) => `dummy1${'abc'[index]}`),
    natGateways: 0,
    subnetConfiguration: [{ name: 'Inside', subnetType: ec2.SubnetType.PRIVATE_ISOLATED }],
  });
  vpc.isolatedSubnets.forEach((subnet, index) => {
    const resource = subnet.node.defaultChild as ec2.CfnSubnet;
    resource.availabilityZone = undefined;
    resource.availabilityZoneId = zoneIds[index];
  });
  return vpc;
}

test.each(REGIONS)('a VPC of our own in %s has its subnets in two zones by id, none of them unsupported', (region) => {
  const stack = stackIn(region);
  use(SandboxNetwork.isolated(), stack);

  const zones = Object.values(byPath(stack, 'AWS::EC2::Subnet')).map((subnet) => (subnet as { AvailabilityZoneId: string }).AvailabilityZoneId);
  expect(new Set(zones).size).toBe(2);
  expect(zones).toEqual([expect.stringMatching(/^[a-z0-9]+-az\d$/), expect.stringMatching(/^[a-z0-9]+-az\d$/)]);
  expect(zones).not.toContain('use1-az3');
});

test('a stack that learns its Region when it is deployed looks the zones up in a mapping', () => {
  const stack = stackIn(undefined);
  use(SandboxNetwork.isolated(), stack);
  use(SandboxNetwork.isolated(), stack);

  const { Mappings } = Template.fromStack(stack).toJSON();
  expect(Object.keys(Mappings)).toEqual(['SandboxZones']);
  expect(Object.keys(Mappings.SandboxZones).sort()).toEqual([...REGIONS].sort());
  expect(Mappings.SandboxZones['us-east-1']).toEqual({ Zone0: 'use1-az1', Zone1: 'use1-az2' });
  expect(Object.values(byPath(stack, 'AWS::EC2::Subnet'))).toEqual([0, 1, 0, 1].map((zone) =>
    expect.objectContaining({ AvailabilityZoneId: { 'Fn::FindInMap': ['SandboxZones', '<AWS::Region>', `Zone${zone}`] } })));
});

test('a Region whose zones are not known gets the first two that the account has', () => {
  const stack = stackIn('ca-central-1');
  use(SandboxNetwork.isolated(), stack);

  expect(Object.values(byPath(stack, 'AWS::EC2::Subnet'))).toEqual([0, 1].map((index) =>
    expect.objectContaining({ AvailabilityZone: { 'Fn::Select': [index, { 'Fn::GetAZs': '' }] } })));
});

test.each([
  { region: 'us-east-1', warned: true },
  { region: undefined, warned: true },
  { region: 'ca-central-1', warned: true },
  { region: 'us-west-2', warned: false },
])('a VPC that is given in $region is warned of its zones: $warned', ({ region, warned }) => {
  const stack = stackIn(region);
  use(SandboxNetwork.vpc({ vpc: new ec2.Vpc(stack, 'Vpc', { maxAzs: 2 }) }), stack);

  expect(warningsOf(stack, 'unsupportedZone')).toEqual(warned
    ? [expect.stringMatching(/not in every availability zone, as in use1-az3.*Name the subnets to use/)]
    : []);
});

test.each<[string, (vpc: ec2.Vpc) => ec2.SubnetSelection]>([
  ['zones', ({ availabilityZones }) => ({ availabilityZones: [availabilityZones[0]] })],
  ['subnets', ({ privateSubnets }) => ({ subnets: privateSubnets })],
  ['filters', () => ({ subnetFilters: [ec2.SubnetFilter.onePerAz()] })],
])('whoever names %s is not warned', (_, select) => {
  const { stack, vpc } = vpcStack();
  use(SandboxNetwork.vpc({ vpc, subnets: select(vpc) }), stack);

  expect(warningsOf(stack, 'unsupportedZone')).toEqual([]);
});

test('whoever names a kind of subnet is warned still', () => {
  const { stack, vpc } = vpcStack();
  use(SandboxNetwork.vpc({ vpc, subnets: { subnetType: ec2.SubnetType.PUBLIC } }), stack);

  expect(warningsOf(stack, 'unsupportedZone')).toHaveLength(1);
});

test('a subnet in a zone that is known to be unsupported is left out, without a warning', () => {
  const stack = newStack();
  use(SandboxNetwork.vpc({ vpc: vpcIn(stack, ['use1-az1', 'use1-az3', 'use1-az6']) }), stack);

  expect(propertiesOf(stack, CONNECTOR)).toMatchObject(subnetsAre(['<VpcInsideSubnet1Subnet>', '<VpcInsideSubnet3Subnet>']));
  expect(warningsOf(stack, 'unsupportedZone')).toEqual([]);
});

test('fails when the user chooses a subnet in an unsupported zone', () => {
  const stack = newStack();
  const vpc = vpcIn(stack, ['use1-az1', 'use1-az3']);
  expect(() => use(SandboxNetwork.vpc({ vpc, subnets: { subnets: vpc.isolatedSubnets } }), stack))
    .toThrow('subnets: a subnet in use1-az3 is among them, a zone that Lambda MicroVMs are not in; choose subnets of other zones');
});

test('fails when all there is is in an unsupported zone', () => {
  const stack = newStack();
  const vpc = vpcIn(stack, ['use1-az3']);
  expect(() => use(SandboxNetwork.vpc({ vpc }), stack)).toThrow('subnets: a subnet in use1-az3 is among them');
});

test.each([
  { region: 'ca-central-1', warned: true },
  { region: 'eu-north-1', warned: false },
  { region: undefined, warned: false },
])('a stack in $region is warned that the service is not there: $warned', ({ region, warned }) => {
  const stack = stackIn(region);
  new ec2.CfnInternetGateway(stack, 'Something');
  warnOfRegion(stack);

  const found = Annotations.fromStack(stack).findWarning('*', Match.anyValue());
  expect(found).toHaveLength(warned ? 1 : 0);
  expect(warningsOf(stack, 'unsupportedRegion')).toEqual(warned
    ? [expect.stringContaining('Lambda MicroVMs are not known to be in ca-central-1')]
    : []);
});
