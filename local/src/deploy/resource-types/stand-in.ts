import { randomBytes } from 'node:crypto';
import type { Properties } from '../properties';
import type { ResourceContext, ResourceType } from '../resource-type';
import { generatedName } from '../resource-type';

/** Id prefixes of the network resources that a connector's VPC is made of. They are names here: no network is built. */
const ID_PREFIXES: Readonly<Record<string, string>> = {
  'AWS::EC2::VPC': 'vpc',
  'AWS::EC2::Subnet': 'subnet',
  'AWS::EC2::SecurityGroup': 'sg',
  'AWS::EC2::SecurityGroupIngress': 'sgr',
  'AWS::EC2::SecurityGroupEgress': 'sgr',
  'AWS::EC2::RouteTable': 'rtb',
  'AWS::EC2::Route': 'r',
  'AWS::EC2::SubnetRouteTableAssociation': 'rtbassoc',
  'AWS::EC2::InternetGateway': 'igw',
  'AWS::EC2::VPCGatewayAttachment': 'igw-attach',
  'AWS::EC2::EIP': 'eipalloc',
  'AWS::EC2::NatGateway': 'nat',
  'AWS::EC2::VPCEndpoint': 'vpce',
  'AWS::EC2::FlowLog': 'fl',
  'AWS::EC2::NetworkAcl': 'acl',
  'AWS::EC2::VPCCidrBlock': 'vpc-cidr-assoc',
};

/** Custom resources of the CDK that only harden what is a stand-in here. */
const SILENT = new Set(['AWS::CDK::Metadata', 'Custom::VpcRestrictDefaultSG']);

/** Whether a function of the template's makes resources of this type. */
export function isCustomType(type: string): boolean {
  return type === 'AWS::CloudFormation::CustomResource' || (type.startsWith('Custom::') && !SILENT.has(type));
}

/** Whether a type is known to need nothing behind it. Any other type without an implementation deserves a warning. */
export function isKnownStandIn(type: string): boolean {
  return SILENT.has(type) || Object.hasOwn(ID_PREFIXES, type);
}

/** A resource with an id and attributes of the right form, and nothing behind them. */
export const standIn: ResourceType = {
  create(properties, context) {
    const prefix = ID_PREFIXES[context.type];
    const physicalId = prefix ? `${prefix}-${hex()}` : generatedName(context, 128);
    return { physicalId, attributes: attributesOf(physicalId, properties, context) };
  },
  update: (resource) => resource,
  delete() {
    // There is nothing behind it.
  },
};

/** An attribute that nobody foresaw. */
export function standInAttribute(
  { type, physicalId }: { type: string; physicalId: string },
  name: string,
  { region, account }: { region: string; account: string },
): string {
  const service = type.split('::')[1]?.toLowerCase() ?? 'custom';
  return name.endsWith('Arn') ? `arn:aws:${service}:${region}:${account}:${physicalId}` : `${physicalId}-${name}`;
}

function attributesOf(
  physicalId: string,
  properties: Properties,
  { type, region }: ResourceContext,
): Record<string, unknown> {
  switch (type) {
    case 'AWS::EC2::VPC': return {
      VpcId: physicalId,
      CidrBlock: properties.CidrBlock,
      CidrBlockAssociations: [`vpc-cidr-assoc-${hex()}`],
      DefaultSecurityGroup: `sg-${hex()}`,
      DefaultNetworkAcl: `acl-${hex()}`,
      Ipv6CidrBlocks: [],
    };
    case 'AWS::EC2::Subnet': return {
      SubnetId: physicalId,
      VpcId: properties.VpcId,
      CidrBlock: properties.CidrBlock,
      AvailabilityZone: properties.AvailabilityZone ?? `${region}a`,
      NetworkAclAssociationId: `aclassoc-${hex()}`,
    };
    case 'AWS::EC2::SecurityGroup': return { GroupId: physicalId, Id: physicalId, VpcId: properties.VpcId };
    case 'AWS::EC2::EIP': return { AllocationId: physicalId, PublicIp: '192.0.2.1' };
    case 'AWS::EC2::RouteTable': return { RouteTableId: physicalId };
    case 'AWS::EC2::InternetGateway': return { InternetGatewayId: physicalId };
    case 'AWS::EC2::NatGateway': return { NatGatewayId: physicalId };
    case 'AWS::EC2::VPCEndpoint': return { Id: physicalId, DnsEntries: [], NetworkInterfaceIds: [] };
    default: return {};
  }
}

function hex(): string {
  return randomBytes(9).toString('hex').slice(0, 17);
}
