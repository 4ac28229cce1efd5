import * as ec2 from 'aws-cdk-lib/aws-ec2';
import type { Construct } from 'constructs';
import { OwnVpc } from './own-vpc';
import { acknowledge, NAT_ROUTE } from '../nag-suppressions';

const PUBLIC_BLOCK = '10.0.128.0/28';
export const ANYWHERE = '0.0.0.0/0';

/** A VPC of our own with one NAT gateway: the sandboxes of both zones leave through it. */
export class EgressVpc extends OwnVpc {
  public readonly natGatewayId: string;
  /** Where the NAT gateway looks up the way back. */
  public readonly publicRouteTableId: string;
  /** How each of the sandbox subnets reaches the internet, in their order. */
  public readonly defaultRoutes: readonly ec2.CfnRoute[];

  constructor(scope: Construct, id: string) {
    super(scope, id, { hasResolver: true });
    const { vpcId } = this;
    const gateway = new ec2.CfnInternetGateway(this, 'InternetGateway');
    const attachment = new ec2.CfnVPCGatewayAttachment(this, 'InternetGatewayAttachment', { vpcId, internetGatewayId: gateway.ref });
    const { subnetId, routeTableId } = this.addSubnet('Public', PUBLIC_BLOCK, 0);
    const route = new ec2.CfnRoute(this, 'PublicDefaultRoute', {
      routeTableId, destinationCidrBlock: ANYWHERE, gatewayId: gateway.ref,
    });
    acknowledge(route, NAT_ROUTE);
    const address = new ec2.CfnEIP(this, 'NatAddress', { domain: 'vpc' });
    const nat = new ec2.CfnNatGateway(this, 'NatGateway', { subnetId, allocationId: address.attrAllocationId });
    // CloudFormation does not see that none of them works before the gateway is attached.
    for (const resource of [route, address, nat]) resource.addResourceDependency(attachment);
    this.natGatewayId = nat.ref;
    this.publicRouteTableId = routeTableId;
    this.defaultRoutes = this.sandboxSubnets.map((subnet) => new ec2.CfnRoute(this, `Sandbox${subnet.zone}DefaultRoute`, {
      routeTableId: subnet.routeTableId, destinationCidrBlock: ANYWHERE, natGatewayId: nat.ref,
    }));
  }
}
