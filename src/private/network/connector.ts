import { Names, Stack } from 'aws-cdk-lib';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import * as lambda from 'aws-cdk-lib/aws-lambda';
import { Construct } from 'constructs';
import { acknowledge, CONNECTOR_OPERATOR } from '../nag-suppressions';

export interface ConnectorProps {
  readonly vpc: ec2.IVpc;
  readonly subnets?: ec2.SubnetSelection;
  readonly securityGroups: ec2.ISecurityGroupRef[];
}

/** The network interfaces that sandboxes' traffic leaves from. IPv4: with more, an address that no rule of ours names would be a way out. */
export function createConnector(parts: Construct, props: ConnectorProps): lambda.NetworkConnector {
  const connector = new lambda.NetworkConnector(parts, 'Connector', {
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
export function closedSecurityGroup(parts: Construct, vpc: ec2.IVpc): ec2.SecurityGroup {
  return new ec2.SecurityGroup(parts, 'SecurityGroup', {
    vpc,
    description: `What sandboxes of ${Names.uniqueResourceName(Stack.of(parts), { maxLength: 100 })} can reach`,
    allowAllOutbound: false,
  });
}

/**
 * What holds the parts of a network in a stack. Named after the first that uses it, so that no other network alters its logical ids; and
 * beside it, not in it: what waits for one user of a network must not wait for the others.
 */
export function networkParts(user: Construct): Construct {
  const stack = Stack.of(user);
  const path = user.node.scopes.slice(stack.node.scopes.length).map(({ node }) => node.id);
  const idOf = (count: string) => [`SandboxNetwork${count}`, ...path].join('--');
  let id = idOf('');
  // Of several networks of one user, the next.
  for (let count = 2; stack.node.tryFindChild(id) !== undefined; count++) id = idOf(String(count));
  return new Construct(stack, id);
}
