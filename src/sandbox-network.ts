import { Names, Stack } from 'aws-cdk-lib';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import * as lambda from 'aws-cdk-lib/aws-lambda';
import type { Construct } from 'constructs';
import type { NetworkPolicy } from './network-policy';
import { EgressPolicy } from './network-policy';
import { managedConnectorArn } from './private/managed-connector';
import { ValidationError } from './validation-error';

/** Where a VPC network's traffic leaves. */
export interface VpcNetworkOptions {
  /** The VPC that sandboxes reach. */
  readonly vpc: ec2.IVpc;

  /**
   * Subnets for the network interfaces, 1 to 16. Not every availability zone takes part: the deployment fails with the zone's name.
   *
   * @default - the VPC's private subnets, if it has any
   */
  readonly subnets?: ec2.SubnetSelection;

  /**
   * Security groups of the network interfaces, 1 to 5: their outbound rules decide what sandboxes reach.
   *
   * @default - a new one that lets nothing out; open it through `connections`
   */
  readonly securityGroups?: ec2.ISecurityGroup[];
}

/** What a network looks like inside of one stack. */
interface BoundNetwork {
  /** Never empty: on this platform an empty list means the internet. */
  readonly egressConnectorArns: string[];
  /** What it does in fact let out. */
  readonly policy: NetworkPolicy;
}

const MAX_SECURITY_GROUPS = 5;

/**
 * What sandboxes, or the build of an image, can reach. It cannot change while a sandbox lives.
 */
export class SandboxNetwork implements ec2.IConnectable {
  /** Straight to the internet, TCP only, from addresses of the platform. */
  public static internet(): SandboxNetwork {
    return new SandboxNetwork();
  }

  /**
   * Into a VPC and nowhere else. The internet is reached only where the VPC has a NAT gateway and the security group lets it out.
   *
   * Each stack that uses it gets its own connector, with network interfaces that take minutes to come and go.
   */
  public static vpc(options: VpcNetworkOptions): SandboxNetwork {
    return new SandboxNetwork(options);
  }

  private readonly bound = new WeakMap<Stack, BoundNetwork>();
  private readonly vpcConnections?: ec2.Connections;

  private constructor(private readonly vpcOptions?: VpcNetworkOptions) {
    if (vpcOptions === undefined) return;
    const { securityGroups } = vpcOptions;
    if (securityGroups !== undefined && (securityGroups.length < 1 || securityGroups.length > MAX_SECURITY_GROUPS)) {
      throw new ValidationError(
        `securityGroups: got ${securityGroups.length}, allowed are 1 to ${MAX_SECURITY_GROUPS}; leave it out to get a new one`,
      );
    }
    this.vpcConnections = new ec2.Connections({ securityGroups });
  }

  /**
   * Opens what a VPC network lets out: `network.connections.allowTo(database, ec2.Port.tcp(5432))`.
   *
   * The internet network has no security group to open or close, so it has no connections: reading this fails.
   */
  public get connections(): ec2.Connections {
    if (this.vpcConnections === undefined) {
      throw new ValidationError('SandboxNetwork.internet() has no security group and cannot be narrowed; use SandboxNetwork.vpc()');
    }
    return this.vpcConnections;
  }

  /**
   * The connectors to name, made on first use in a stack.
   * @internal
   */
  public _bind(scope: Construct): BoundNetwork {
    const stack = Stack.of(scope);
    const bound = this.bound.get(stack) ?? this.bindTo(stack);
    this.bound.set(stack, bound);
    return bound;
  }

  private bindTo(stack: Stack): BoundNetwork {
    if (this.vpcOptions === undefined) {
      return {
        egressConnectorArns: [managedConnectorArn(stack, 'INTERNET_EGRESS')],
        policy: { egress: EgressPolicy.INTERNET, enforcedBy: 'nothing' },
      };
    }
    const { vpc, subnets } = this.vpcOptions;
    const id = freeId(stack, 'SandboxNetwork');
    const connector = new lambda.NetworkConnector(stack, id, {
      configuration: lambda.NetworkConnectorConfiguration.vpcEgress({
        computeType: lambda.NetworkConnectorComputeType.MICRO_VM,
        vpc,
        vpcSubnets: subnets,
        securityGroups: this.vpcOptions.securityGroups ?? [this.closedSecurityGroup(stack, `${id}SecurityGroup`, vpc)],
      }),
    });
    return {
      egressConnectorArns: [connector.networkConnectorArn],
      policy: { egress: EgressPolicy.VPC, enforcedBy: 'security groups' },
    };
  }

  private closedSecurityGroup(stack: Stack, id: string, vpc: ec2.IVpc): ec2.SecurityGroup {
    const securityGroup = new ec2.SecurityGroup(stack, id, {
      vpc,
      description: `What sandboxes of ${Names.uniqueResourceName(stack, { maxLength: 100 })} can reach`,
      allowAllOutbound: false,
    });
    // Rules that the user has already asked for are applied to it now, later ones as they come.
    this.connections.addSecurityGroup(securityGroup);
    return securityGroup;
  }
}

function freeId(stack: Stack, wanted: string): string {
  let id = wanted;
  for (let count = 2; stack.node.tryFindChild(id) !== undefined; count++) id = `${wanted}${count}`;
  return id;
}
