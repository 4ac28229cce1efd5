import type { ResourceType } from '../resource-type';
import { generatedName } from '../resource-type';
import { networkAttributes } from './network-attributes';
import { randomId } from './random-id';

/** Id prefixes of what a VPC is made of, and of what only belongs to something else. They are names here: no network is built. */
const ID_PREFIXES: Readonly<Record<string, string>> = {
  'AWS::EC2::VPC': 'vpc',
  'AWS::EC2::SecurityGroup': 'sg',
  'AWS::EC2::SecurityGroupIngress': 'sgr',
  'AWS::EC2::SecurityGroupEgress': 'sgr',
  'AWS::EC2::RouteTable': 'rtb',
  'AWS::EC2::Route': 'r',
  'AWS::EC2::SubnetRouteTableAssociation': 'rtbassoc',
  'AWS::EC2::InternetGateway': 'igw',
  'AWS::EC2::VPCGatewayAttachment': 'igw-attach',
  'AWS::EC2::NatGateway': 'nat',
  'AWS::EC2::VPCEndpoint': 'vpce',
  'AWS::EC2::FlowLog': 'fl',
  'AWS::EC2::NetworkAcl': 'acl',
  'AWS::EC2::NetworkAclEntry': 'acl-entry',
  'AWS::EC2::SubnetNetworkAclAssociation': 'aclassoc',
  'AWS::EC2::EgressOnlyInternetGateway': 'eigw',
  'AWS::EC2::GatewayRouteTableAssociation': 'rtbassoc',
  'AWS::EC2::VPCCidrBlock': 'vpc-cidr-assoc',
  'AWS::SQS::QueuePolicy': 'queue-policy',
  'AWS::SNS::TopicPolicy': 'topic-policy',
  'AWS::SNS::Subscription': 'subscription',
  'AWS::Logs::MetricFilter': 'metric-filter',
  'AWS::Logs::ResourcePolicy': 'log-policy',
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
    const physicalId = prefix ? randomId(prefix) : generatedName(context, 128);
    return { physicalId, attributes: networkAttributes(physicalId, properties, context) };
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
