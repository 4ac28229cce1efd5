import type { Stack } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';

type Properties = Record<string, unknown>;

/** A place that a packet comes to: `sandbox`, `firewall`, `nat` or `internet`, and the logical id of its subnet. */
export interface Hop {
  readonly at: string;
  readonly subnet?: string;
}

/** Follows a packet through the route tables of the one VPC of a stack, as its router does: the longest prefix wins. */
export class PacketWalk {
  private readonly template: Template;

  constructor(stack: Stack) {
    this.template = Template.fromStack(stack);
  }

  /** The subnets that the connector is in. */
  public get sandboxSubnets(): string[] {
    const [{ Configuration }] = Object.values(this.of('AWS::Lambda::NetworkConnector'));
    const { VpcEgressConfiguration } = Configuration as { VpcEgressConfiguration: { SubnetIds: { Ref: string }[] } };
    return VpcEgressConfiguration.SubnetIds.map(({ Ref }) => Ref);
  }

  public get natSubnet(): string {
    return refOf(Object.values(this.of('AWS::EC2::NatGateway'))[0].SubnetId);
  }

  public zoneOf(subnet: string): unknown {
    const { AvailabilityZoneId, AvailabilityZone } = this.of('AWS::EC2::Subnet')[subnet];
    return AvailabilityZoneId ?? AvailabilityZone;
  }

  /** An address inside of a subnet. */
  public addressIn(subnet: string): string {
    return String(this.of('AWS::EC2::Subnet')[subnet].CidrBlock).replace(/\d+\/\d+$/, '9');
  }

  /** The hops after a subnet, up to the address or out of the VPC. Nothing where there is no route. */
  public follow(from: string, address: string): Hop[] {
    const hops: Hop[] = [];
    for (let subnet: string | undefined = from; subnet !== undefined && hops.length < 10;) {
      const hop = this.next(subnet, address);
      if (hop === undefined) break;
      hops.push(hop);
      subnet = hop.at === 'firewall' || hop.at === 'nat' ? hop.subnet : undefined;
    }
    return hops;
  }

  private next(subnet: string, address: string): Hop | undefined {
    const [{ RouteTableId: table }] = Object.values(this.of('AWS::EC2::SubnetRouteTableAssociation'))
      .filter(({ SubnetId }) => refOf(SubnetId) === subnet);
    const [{ CidrBlock: local }] = Object.values(this.of('AWS::EC2::VPC'));
    const routes = Object.values(this.of('AWS::EC2::Route')).filter(({ RouteTableId }) => refOf(RouteTableId) === refOf(table));
    const [best] = [...routes, { DestinationCidrBlock: local } as Properties]
      .filter(({ DestinationCidrBlock }) => contains(String(DestinationCidrBlock), address))
      .sort((one, other) => prefixOf(other) - prefixOf(one));
    return best && this.hopOf(best, address);
  }

  private hopOf({ NatGatewayId, GatewayId, VpcEndpointId }: Properties, address: string): Hop {
    if (NatGatewayId !== undefined) return { at: 'nat', subnet: refOf(this.of('AWS::EC2::NatGateway')[refOf(NatGatewayId)].SubnetId) };
    if (VpcEndpointId !== undefined) return { at: 'firewall', subnet: this.firewallSubnet(VpcEndpointId) };
    if (GatewayId !== undefined) return { at: this.of('AWS::EC2::InternetGateway')[refOf(GatewayId)] && 'internet' };
    const [subnet] = Object.entries(this.of('AWS::EC2::Subnet')).filter(([, { CidrBlock }]) => contains(String(CidrBlock), address));
    return { at: 'sandbox', subnet: subnet[0] };
  }

  private firewallSubnet(endpoint: unknown): string {
    const [, firewall] = /"Fn::Select":\[1,\{"Fn::Split":\[":",\{"Fn::Select":\[0,\{"Fn::GetAtt":\["(\w+)","EndpointIds"\]\}\]\}\]\}\]/
      .exec(JSON.stringify(endpoint)) ?? [];
    const mappings = this.of('AWS::NetworkFirewall::Firewall')[firewall].SubnetMappings as { SubnetId: unknown }[];
    // Which of several endpoints comes first is not certain.
    if (mappings.length !== 1) throw new Error(`${firewall} has ${mappings.length} endpoints`);
    return refOf(mappings[0].SubnetId);
  }

  private of(type: string): Record<string, Properties> {
    const resources = Object.entries(this.template.findResources(type));
    return Object.fromEntries(resources.map(([id, { Properties }]) => [id, Properties as Properties]));
  }
}

function refOf(value: unknown): string {
  return (value as { Ref: string }).Ref;
}

function prefixOf({ DestinationCidrBlock }: Properties): number {
  return Number(String(DestinationCidrBlock).split('/')[1]);
}

function contains(block: string, address: string): boolean {
  const [base, prefix] = block.split('/');
  const size = 2 ** (32 - Number(prefix));
  return Math.floor(numberOf(base) / size) === Math.floor(numberOf(address) / size);
}

function numberOf(address: string): number {
  return address.split('.').reduce((number, part) => number * 256 + Number(part), 0);
}
