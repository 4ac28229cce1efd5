import { Fn, Lazy, Names, RemovalPolicy, Stack } from 'aws-cdk-lib';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import type * as kms from 'aws-cdk-lib/aws-kms';
import * as logs from 'aws-cdk-lib/aws-logs';
import * as firewall from 'aws-cdk-lib/aws-networkfirewall';
import { Construct } from 'constructs';
import type { DomainRules } from './domain-rules';
import type { EgressVpc } from './egress-vpc';
import { ANYWHERE } from './egress-vpc';
import { checkEnvironment } from './environment';
import type { RoutedSubnet } from './own-vpc';
import { allowLogs, resolveKey } from '../encryption';
import { acknowledgeLogGroup } from '../nag-suppressions';

/** One per zone. */
const FIREWALL_BLOCKS = ['10.0.128.16/28', '10.0.128.32/28'];
/** Cannot change later without replacing the group under the name it already has: enough for every domain, twice over. */
const RULE_CAPACITY = 1000;
const ALERT_LOG = 'AlertLog';

export interface NetworkFirewallProps {
  readonly vpc: EgressVpc;
  readonly rules: DomainRules;
  /** Of the log of what was cut. */
  readonly encryptionKey?: kms.IKeyRef;
}

/**
 * Puts AWS Network Firewall between the sandboxes and the NAT gateway of a VPC of our own, in both directions.
 *
 * Each zone has a firewall with one endpoint: of a firewall with several, CloudFormation tells the endpoints in no certain order, and
 * a route to the endpoint of another zone breaks connections. The price is by the endpoint, so it is the same.
 */
export class NetworkFirewall extends Construct {
  private readonly vpc: EgressVpc;
  private readonly rules: DomainRules;
  private readonly encryptionKey?: kms.IKeyRef;
  private readonly firewalls: readonly firewall.CfnFirewall[];

  constructor(scope: Construct, id: string, props: NetworkFirewallProps) {
    super(scope, id);
    this.vpc = props.vpc;
    this.rules = props.rules;
    this.encryptionKey = props.encryptionKey;
    const policyArn = this.createPolicy().attrFirewallPolicyArn;
    this.firewalls = props.vpc.sandboxSubnets.map((subnet) => this.createFirewall(subnet, policyArn));
  }

  /** Writes down what is refused from now on, if that is asked for. */
  public logAlerts(): void {
    const { alertLogRetention } = this.rules;
    if (alertLogRetention !== undefined && !this.hasAlertLog) this.createAlertLog(alertLogRetention);
  }

  private get hasAlertLog(): boolean {
    return this.node.tryFindChild(ALERT_LOG) !== undefined;
  }

  private createPolicy(): firewall.CfnFirewallPolicy {
    const group = new firewall.CfnRuleGroup(this, 'AllowedDomains', {
      ruleGroupName: this.nameOf('Domains'),
      type: 'STATEFUL',
      capacity: RULE_CAPACITY,
      ruleGroup: {
        rulesSource: {
          rulesSourceList: {
            generatedRulesType: 'ALLOWLIST',
            targetTypes: Lazy.list({ produce: () => ['TLS_SNI', ...(this.rules.plainHttp ? ['HTTP_HOST'] : [])] }),
            targets: Lazy.list({ produce: () => this.rules.targets }),
          },
        },
        statefulRuleOptions: { ruleOrder: 'STRICT_ORDER' },
      },
    });
    return new firewall.CfnFirewallPolicy(this, 'Policy', {
      firewallPolicyName: this.nameOf('Policy'),
      firewallPolicy: {
        statelessDefaultActions: ['aws:forward_to_sfe'],
        statelessFragmentDefaultActions: ['aws:forward_to_sfe'],
        statefulEngineOptions: { ruleOrder: 'STRICT_ORDER', streamExceptionPolicy: 'DROP' },
        statefulRuleGroupReferences: [{ resourceArn: group.attrRuleGroupArn, priority: 100 }],
        // A client hello with post-quantum keys takes two packets; without `app_layer` the first is dropped before the name is read.
        statefulDefaultActions: Lazy.list({
          produce: () => ['aws:drop_established_app_layer', ...(this.hasAlertLog ? ['aws:alert_established_app_layer'] : [])],
        }),
      },
    });
  }

  /** Sandbox, endpoint, NAT gateway; and from the NAT gateway through the same endpoint, which knows the connection. */
  private createFirewall({ zone, block }: RoutedSubnet, firewallPolicyArn: string): firewall.CfnFirewall {
    const { vpc } = this;
    const subnet = vpc.addSubnet(`Firewall${zone}`, FIREWALL_BLOCKS[zone], zone);
    new ec2.CfnRoute(this, `Out${zone}`, {
      routeTableId: subnet.routeTableId, destinationCidrBlock: ANYWHERE, natGatewayId: vpc.natGatewayId,
    });
    const resource = new firewall.CfnFirewall(this, `Firewall${zone}`, {
      firewallName: this.nameOf(`Zone${zone}`),
      firewallPolicyArn,
      vpcId: vpc.vpc.vpcId,
      subnetMappings: [{ subnetId: subnet.subnetId }],
    });
    const vpcEndpointId = endpointOf(resource);
    new ec2.CfnRoute(this, `Back${zone}`, { routeTableId: vpc.publicRouteTableId, destinationCidrBlock: block, vpcEndpointId });
    vpc.defaultRoutes[zone].natGatewayId = undefined;
    vpc.defaultRoutes[zone].vpcEndpointId = vpcEndpointId;
    return resource;
  }

  private createAlertLog(retention: logs.RetentionDays): void {
    const logGroup = new logs.LogGroup(this, ALERT_LOG, {
      // One policy of the account, with room for few names, covers what begins like this; others are entered one by one.
      logGroupName: `/aws/vendedlogs/network-firewall/${this.nameOf('Alerts')}`,
      retention,
      removalPolicy: RemovalPolicy.DESTROY,
      encryptionKey: this.usableKey(),
    });
    acknowledgeLogGroup(logGroup);
    this.firewalls.forEach(({ attrFirewallArn }, zone) => new firewall.CfnLoggingConfiguration(this, `Logging${zone}`, {
      firewallArn: attrFirewallArn,
      loggingConfiguration: {
        logDestinationConfigs: [
          { logType: 'ALERT', logDestinationType: 'CloudWatchLogs', logDestination: { logGroup: logGroup.logGroupName } },
        ],
      },
    }));
  }

  private usableKey(): kms.IKey | undefined {
    if (this.encryptionKey === undefined) return undefined;
    checkEnvironment('encryptionKey', this.encryptionKey, Stack.of(this));
    const key = resolveKey(this, this.encryptionKey);
    allowLogs(this, key);
    return key;
  }

  private nameOf(part: string): string {
    return `${Names.uniqueResourceName(this, { maxLength: 100, separator: '-', allowedSpecialCharacters: '-' })}-${part}`;
  }
}

/** A firewall tells its endpoints as `zone:vpce-…`. */
function endpointOf({ attrEndpointIds }: firewall.CfnFirewall): string {
  return Fn.select(1, Fn.split(':', Fn.select(0, attrEndpointIds)));
}
