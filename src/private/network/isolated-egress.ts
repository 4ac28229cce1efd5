import { Annotations, Stack } from 'aws-cdk-lib';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import type { Construct } from 'constructs';
import { closedSecurityGroup, createConnector, networkParts } from './connector';
import type { FixedEgress } from './egress';
import type { GivenVpc } from './given-vpc';
import { subnetsFor } from './given-vpc';
import { OwnVpc } from './own-vpc';
import type { NetworkPolicy } from '../../network-policy';
import { EgressPolicy } from '../../network-policy';

/** A connector whose security group lets nothing out, for good. */
export class IsolatedEgress implements FixedEgress {
  public readonly fixedBecause = 'SandboxNetwork.isolated() lets nothing out, and stays so; use SandboxNetwork.vpc() and open what is needed';

  constructor(private readonly given?: GivenVpc) {}

  public bind(user: Construct): string[] {
    const parts = networkParts(user);
    const { vpc, subnets } = this.vpcFor(parts);
    const securityGroups = [closedSecurityGroup(parts, vpc)];
    return [createConnector(parts, { vpc, subnets, securityGroups }).networkConnectorArn];
  }

  public policy(): NetworkPolicy {
    return {
      egress: EgressPolicy.NOTHING,
      enforcedBy: this.given === undefined
        ? 'a security group that lets nothing out, in a VPC without gateways and without a resolver'
        : 'a security group that lets nothing out; it does not stop queries for names, where the VPC resolves any',
    };
  }

  private vpcFor(parts: Construct): GivenVpc {
    return this.given === undefined ? this.ownVpc(parts) : this.inGivenVpc(Stack.of(parts), this.given);
  }

  /** Without a resolver: no security group filters it, and a query for a name carries data out as well as a packet does. */
  private ownVpc(parts: Construct): GivenVpc {
    return { vpc: new OwnVpc(parts, 'Vpc', { hasResolver: false }).vpc };
  }

  private inGivenVpc(stack: Stack, { vpc, subnets }: GivenVpc): GivenVpc {
    warnOfResolver(stack, vpc);
    return { vpc, subnets: subnetsFor(stack, { vpc, subnets }) };
  }
}

function warnOfResolver(stack: Stack, vpc: ec2.IVpc): void {
  if (vpc instanceof ec2.Vpc && !vpc.dnsSupportEnabled) return;
  Annotations.of(stack).addWarningV2(
    'cdk-microvm-sandbox:isolatedResolver',
    'SandboxNetwork.isolated(): no security group stops queries to the resolver of the VPC, and a query carries data out. Leave vpc out, '
    + 'or use a VPC whose enableDnsSupport is false.',
  );
}
