import type { Properties } from '../properties';
import { strings } from '../properties';
import type { ResourceContext } from '../resource-type';
import { randomId } from './random-id';

/** What `Fn::GetAtt` answers for a part of a VPC. */
export function networkAttributes(
  physicalId: string, properties: Properties, { type, region, clock }: ResourceContext,
): Record<string, unknown> {
  switch (type) {
    case 'AWS::EC2::VPC': return {
      VpcId: physicalId,
      CidrBlock: properties.CidrBlock,
      CidrBlockAssociations: [randomId('vpc-cidr-assoc')],
      DefaultSecurityGroup: randomId('sg'),
      DefaultNetworkAcl: randomId('acl'),
      Ipv6CidrBlocks: [],
    };
    case 'AWS::EC2::SecurityGroup': return { GroupId: physicalId, Id: physicalId, VpcId: properties.VpcId };
    case 'AWS::EC2::SecurityGroupIngress':
    case 'AWS::EC2::SecurityGroupEgress': return { Id: physicalId };
    case 'AWS::EC2::RouteTable': return { RouteTableId: physicalId };
    case 'AWS::EC2::Route': return { CidrBlock: properties.DestinationCidrBlock };
    case 'AWS::EC2::SubnetRouteTableAssociation': return { Id: physicalId };
    case 'AWS::EC2::InternetGateway': return { InternetGatewayId: physicalId };
    case 'AWS::EC2::VPCGatewayAttachment': return { AttachmentType: 'IGW' };
    case 'AWS::EC2::NatGateway': return { NatGatewayId: physicalId, EniId: randomId('eni') };
    case 'AWS::EC2::NetworkAcl': return { Id: physicalId };
    case 'AWS::EC2::FlowLog': return { Id: physicalId };
    case 'AWS::EC2::VPCEndpoint': return {
      Id: physicalId,
      CreationTimestamp: new Date(clock.now()).toISOString(),
      DnsEntries: dnsEntries(physicalId, properties, region),
      NetworkInterfaceIds: strings(properties, 'SubnetIds').map(() => randomId('eni')),
    };
    default: return {};
  }
}

/** `<hosted zone>:<name>`, for interface endpoints only. */
function dnsEntries(endpointId: string, { VpcEndpointType, ServiceName }: Properties, region: string): string[] {
  if (VpcEndpointType !== 'Interface') return [];
  const service = String(ServiceName).split('.').at(-1);
  return [`Z7HUB22UULQXV:${endpointId}-local.${service}.${region}.vpce.amazonaws.com`];
}
