import { Stack, Tags } from 'aws-cdk-lib';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import { Construct } from 'constructs';
import { zoneOf } from './zones';
import { acknowledge, OWN_VPC } from '../nag-suppressions';

const VPC_BLOCK = '10.0.0.0/16';
/** One per zone. How many addresses a connector takes per microVM is not documented, and addresses cost nothing. */
const SANDBOX_BLOCKS = ['10.0.0.0/18', '10.0.64.0/18'];

/** A subnet with a route table of its own. */
export interface RoutedSubnet {
  readonly block: string;
  /** Which of the VPC's zones, from 0. */
  readonly zone: number;
  readonly subnetId: string;
  readonly routeTableId: string;
}

export interface OwnVpcProps {
  /** Whether names are resolved in it. */
  readonly hasResolver: boolean;
}

/**
 * A VPC for sandboxes and nothing else, without gateways, with a subnet in each of two zones.
 *
 * Not `ec2.Vpc`: that takes zones by name, and a name does not tell whether the service is in the zone.
 */
export class OwnVpc extends Construct {
  public readonly vpc: ec2.IVpc;
  /** Where the network interfaces of sandboxes are. */
  public readonly sandboxSubnets: readonly RoutedSubnet[];
  protected readonly vpcId: string;

  constructor(scope: Construct, id: string, { hasResolver }: OwnVpcProps) {
    super(scope, id);
    const resource = new ec2.CfnVPC(this, 'Resource', {
      cidrBlock: VPC_BLOCK,
      enableDnsSupport: hasResolver,
      enableDnsHostnames: hasResolver,
    });
    acknowledge(resource, OWN_VPC);
    this.vpcId = resource.ref;
    this.sandboxSubnets = SANDBOX_BLOCKS.map((block, zone) => this.addSubnet(`Sandbox${zone}`, block, zone));
    this.vpc = ec2.Vpc.fromVpcAttributes(this, 'Vpc', {
      vpcId: this.vpcId,
      vpcCidrBlock: VPC_BLOCK,
      // Only tells the subnets apart: in which zone one is, it says itself.
      availabilityZones: this.sandboxSubnets.map(({ zone }) => `zone-${zone}`),
      isolatedSubnetIds: this.sandboxSubnets.map(({ subnetId }) => subnetId),
      isolatedSubnetRouteTableIds: this.sandboxSubnets.map(({ routeTableId }) => routeTableId),
    });
    Tags.of(this).add('Name', this.node.path);
  }

  /** Another subnet of the VPC, with nothing but the local route. */
  public addSubnet(id: string, block: string, zone: number): RoutedSubnet {
    const { vpcId } = this;
    const subnetId = new ec2.CfnSubnet(this, `${id}Subnet`, { vpcId, cidrBlock: block, ...zoneOf(Stack.of(this), zone) }).ref;
    const routeTableId = new ec2.CfnRouteTable(this, `${id}RouteTable`, { vpcId }).ref;
    new ec2.CfnSubnetRouteTableAssociation(this, `${id}RouteTableAssociation`, { subnetId, routeTableId });
    return { block, zone, subnetId, routeTableId };
  }
}
