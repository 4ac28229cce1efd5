import { Stack } from 'aws-cdk-lib';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import type * as kms from 'aws-cdk-lib/aws-kms';
import type * as lambda from 'aws-cdk-lib/aws-lambda';
import type { Construct } from 'constructs';
import { closedSecurityGroup, createConnector, networkParts } from './connector';
import { DnsFirewall } from './dns-firewall';
import { DomainRules } from './domain-rules';
import type { Egress } from './egress';
import { EgressVpc } from './egress-vpc';
import type { GivenVpc } from './given-vpc';
import { subnetsFor } from './given-vpc';
import type { NetworkFirewallProps } from './network-firewall';
import { NetworkFirewall } from './network-firewall';
import { checkSecurityGroups, mayLetAllOut, withRules } from './security-groups';
import type { AllowDomainsOptions } from '../../domain-enforcement';
import { DomainEnforcement } from '../../domain-enforcement';
import type { NetworkPolicy } from '../../network-policy';
import { EgressPolicy } from '../../network-policy';
import { ValidationError } from '../../validation-error';

/** What one stack has of the network. */
interface Bound {
  readonly vpc: ec2.IVpc | EgressVpc;
  readonly connector: lambda.NetworkConnector;
}

/** What a network brings besides its VPC. */
export interface VpcEgressOptions {
  readonly securityGroups?: readonly ec2.ISecurityGroupRef[];
  /** Of the log of what was cut. */
  readonly encryptionKey?: kms.IKeyRef;
}

const DNS_FIREWALL = 'SandboxDnsFirewall';
const NETWORK_FIREWALL = 'SandboxNetworkFirewall';

/** A connector into a VPC, opened where the user opens it. */
export class VpcEgress implements Egress {
  public readonly connections: ec2.Connections;
  private readonly rules = new DomainRules();
  private readonly bound: Bound[] = [];
  private dnsFirewall?: DnsFirewall;

  private readonly securityGroups?: readonly ec2.ISecurityGroupRef[];
  private readonly encryptionKey?: kms.IKeyRef;

  constructor(private readonly given: GivenVpc | undefined, { securityGroups, encryptionKey }: VpcEgressOptions) {
    checkSecurityGroups(securityGroups);
    this.securityGroups = securityGroups;
    this.encryptionKey = encryptionKey;
    this.connections = new ec2.Connections({ securityGroups: securityGroups?.map(withRules) });
  }

  public bind(user: Construct): string[] {
    const parts = networkParts(user);
    const subnets = this.given && subnetsFor(Stack.of(user), this.given);
    const vpc = this.given?.vpc ?? new EgressVpc(parts, 'Vpc');
    const ec2Vpc = vpc instanceof EgressVpc ? vpc.vpc : vpc;
    const securityGroups = [...this.securityGroups ?? [this.ownSecurityGroup(parts, ec2Vpc)]];
    const connector = createConnector(parts, { vpc: ec2Vpc, subnets, securityGroups });
    // Without the routes a sandbox would reach nothing, and without the firewalls too much.
    if (vpc instanceof EgressVpc) connector.node.addDependency(vpc);
    const bound = { vpc, connector };
    this.bound.push(bound);
    this.enforce(bound);
    return [connector.networkConnectorArn];
  }

  public allowDomains(domains: string[], options: AllowDomainsOptions): void {
    this.checkEnforceable(options);
    this.rules.add(domains, options);
    this.connections.allowToAnyIpv4(ec2.Port.HTTPS, 'HTTPS to the allowed domains');
    if (this.rules.plainHttp) this.connections.allowToAnyIpv4(ec2.Port.HTTP, 'HTTP to the allowed domains');
    for (const bound of this.bound) this.enforce(bound);
  }

  public policy(): NetworkPolicy {
    const { isEmpty, names, enforcement } = this.rules;
    if (isEmpty) {
      return { egress: EgressPolicy.VPC, enforcedBy: 'the security groups, and the routes of the VPC; names are resolved as the VPC does' };
    }
    return { egress: EgressPolicy.DOMAINS, allowedDomains: names, enforcedBy: ENFORCED_BY[enforcement] };
  }

  private ownSecurityGroup(parts: Construct, vpc: ec2.IVpc): ec2.SecurityGroup {
    const securityGroup = closedSecurityGroup(parts, vpc);
    // Rules that the user has already asked for are applied to it now, later ones as they come.
    this.connections.addSecurityGroup(securityGroup);
    return securityGroup;
  }

  private checkEnforceable({ enforcement }: AllowDomainsOptions): void {
    if (this.given !== undefined && enforcement === DomainEnforcement.SNI) {
      throw new ValidationError(
        'enforcement: DomainEnforcement.SNI leads all traffic through a firewall, and the routes of a VPC that is given are not altered; '
        + 'leave vpc out, or use DomainEnforcement.DNS',
      );
    }
    if (this.securityGroups?.some(mayLetAllOut)) {
      throw new ValidationError(
        'securityGroups: allowDomains() cannot hold where one of them may let everything out; leave them out, or make them with '
        + 'allowAllOutbound: false',
      );
    }
  }

  /** The connector waits for it: no sandbox starts before it holds. For a VPC of ours it does so anyway. */
  private enforce({ vpc, connector }: Bound): void {
    const { rules, encryptionKey } = this;
    if (rules.isEmpty) return;
    if (vpc instanceof EgressVpc) {
      enforceDns(vpc, rules);
      if (rules.enforcement === DomainEnforcement.SNI) enforceSni({ vpc, rules, encryptionKey });
    } else {
      connector.node.addDependency(this.firewallOfGiven(vpc));
    }
  }

  /** One for all stacks, beside the VPC: it holds for all of it, and has to stay as long as anybody uses it. */
  private firewallOfGiven(vpc: ec2.IVpc): DnsFirewall {
    if (this.dnsFirewall !== undefined) return this.dnsFirewall;
    if (vpc.node.tryFindChild(DNS_FIREWALL) !== undefined) {
      throw new ValidationError(
        'domains: another network has allowed domains in this VPC, and that holds for the whole VPC; use one network, or a VPC each', vpc,
      );
    }
    // An interface of the CDK's that only constructs have.
    this.dnsFirewall = new DnsFirewall(vpc as ec2.Vpc, DNS_FIREWALL, { vpcId: vpc.vpcId, rules: this.rules });
    return this.dnsFirewall;
  }
}

const ENFORCED_BY: Readonly<Record<DomainEnforcement, string>> = {
  [DomainEnforcement.DNS]: 'Route 53 Resolver DNS Firewall on the VPC, and the security groups; an address that is known without its name '
    + 'is not stopped',
  [DomainEnforcement.SNI]: 'AWS Network Firewall by the name in the TLS handshake, Route 53 Resolver DNS Firewall, and the security groups; '
    + 'a server elsewhere that is called by an allowed name is not stopped',
};

function enforceDns(vpc: EgressVpc, rules: DomainRules): void {
  if (vpc.node.tryFindChild(DNS_FIREWALL) !== undefined) return;
  new DnsFirewall(vpc, DNS_FIREWALL, { vpcId: vpc.vpc.vpcId, rules });
}

function enforceSni(props: NetworkFirewallProps): void {
  // Only we use this id.
  const existing = props.vpc.node.tryFindChild(NETWORK_FIREWALL) as NetworkFirewall | undefined;
  (existing ?? new NetworkFirewall(props.vpc, NETWORK_FIREWALL, props)).logAlerts();
}
