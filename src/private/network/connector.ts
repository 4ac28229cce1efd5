import { Names } from 'aws-cdk-lib';
import type { Stack } from 'aws-cdk-lib';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import * as lambda from 'aws-cdk-lib/aws-lambda';
import { acknowledge, CONNECTOR_OPERATOR } from '../nag-suppressions';

export interface ConnectorProps {
  readonly vpc: ec2.IVpc;
  readonly subnets?: ec2.SubnetSelection;
  readonly securityGroups: ec2.ISecurityGroupRef[];
}

/** The network interfaces that sandboxes' traffic leaves from. IPv4: with more, an address that no rule of ours names would be a way out. */
export function createConnector(stack: Stack, id: string, props: ConnectorProps): lambda.NetworkConnector {
  const connector = new lambda.NetworkConnector(stack, id, {
    configuration: lambda.NetworkConnectorConfiguration.vpcEgress({
      computeType: lambda.NetworkConnectorComputeType.MICRO_VM,
      networkProtocol: lambda.NetworkConnectorProtocol.IPV4,
      vpc: props.vpc,
      vpcSubnets: props.subnets,
      securityGroups: props.securityGroups,
    }),
  });
  acknowledge(connector, CONNECTOR_OPERATOR);
  return connector;
}

/** A security group that lets nothing out until somebody opens it. */
export function closedSecurityGroup(stack: Stack, id: string, vpc: ec2.IVpc): ec2.SecurityGroup {
  return new ec2.SecurityGroup(stack, id, {
    vpc,
    description: `What sandboxes of ${Names.uniqueResourceName(stack, { maxLength: 100 })} can reach`,
    allowAllOutbound: false,
  });
}

/** The id of the next connector of a stack; what belongs to it is named after it. */
export function connectorId(stack: Stack): string {
  const wanted = 'SandboxNetwork';
  let id = wanted;
  for (let count = 2; stack.node.tryFindChild(id) !== undefined; count++) id = `${wanted}${count}`;
  return id;
}
