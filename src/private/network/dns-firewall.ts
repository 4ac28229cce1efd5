import { Lazy } from 'aws-cdk-lib';
import * as resolver from 'aws-cdk-lib/aws-route53resolver';
import { Construct } from 'constructs';
import type { DomainRules } from './domain-rules';

/** After the rule groups of the VPC's owner, before those that Firewall Manager puts last. Two at one number are refused. */
const PRIORITY = 8500;

export interface DnsFirewallProps {
  readonly vpcId: string;
  readonly rules: DomainRules;
}

/** Resolves the allowed names in a VPC, and no other. Where DNS Firewall itself fails, nothing is resolved: that is its default. */
export class DnsFirewall extends Construct {
  constructor(scope: Construct, id: string, { vpcId, rules }: DnsFirewallProps) {
    super(scope, id);
    const allowed = new resolver.CfnFirewallDomainList(this, 'AllowedDomains', {
      domains: Lazy.list({ produce: () => rules.names }),
    });
    const others = new resolver.CfnFirewallDomainList(this, 'OtherDomains', { domains: ['*'] });
    const group = new resolver.CfnFirewallRuleGroup(this, 'RuleGroup', {
      firewallRules: [
        {
          priority: 100,
          action: 'ALLOW',
          firewallDomainListId: allowed.ref,
          // An allowed name is often an alias in a domain of its CDN, which changes without notice. Whoever owns the name decides where
          // it leads, with an alias as with an address; to ask for the other name itself is refused as before.
          firewallDomainRedirectionAction: 'TRUST_REDIRECTION_DOMAIN',
        },
        { priority: 200, action: 'BLOCK', blockResponse: 'NXDOMAIN', firewallDomainListId: others.ref },
      ],
    });
    new resolver.CfnFirewallRuleGroupAssociation(this, 'Association', {
      vpcId, firewallRuleGroupId: group.ref, priority: PRIORITY,
    });
  }
}
