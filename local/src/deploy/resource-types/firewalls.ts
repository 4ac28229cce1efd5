import { randomUUID } from 'node:crypto';
import { records, requiredString, strings } from '../properties';
import type { ResourceContext, ResourceType } from '../resource-type';
import type { Resource } from '../stack';
import { namedStandIn } from './named-stand-in';
import { randomId } from './random-id';

type Place = Pick<ResourceContext, 'account' | 'region'>;

const firewallArn = ({ region, account }: Place, kind: string, name: string): string => `arn:aws:network-firewall:${region}:${account}:${kind}/${name}`;

/** No packet is looked at. The endpoints are told in another order than the subnets: AWS promises none. */
export const firewall = namedStandIn({
  name: 'FirewallName',
  maxLength: 128,
  createOnly: ['VpcId'],
  describe: (name, context, properties) => {
    const arn = firewallArn(context, 'firewall', name);
    const zones = records(properties, 'SubnetMappings').map((mapping) => {
      const subnet = context.services.subnets.find(requiredString(mapping, 'SubnetId'));
      return subnet?.availabilityZone ?? `${context.region}a`;
    });
    const EndpointIds = zones.reverse().map((zone) => `${zone}:${randomId('vpce')}`);
    return { physicalId: arn, attributes: { FirewallArn: arn, FirewallId: randomUUID(), EndpointIds } };
  },
});

export const firewallPolicy = namedStandIn({
  name: 'FirewallPolicyName',
  maxLength: 128,
  describe: (name, context) => {
    const arn = firewallArn(context, 'firewall-policy', name);
    return { physicalId: arn, attributes: { FirewallPolicyArn: arn, FirewallPolicyId: randomUUID() } };
  },
});

export const ruleGroup = namedStandIn({
  name: 'RuleGroupName',
  maxLength: 128,
  createOnly: ['Type', 'Capacity'],
  describe: (name, context, properties) => {
    const arn = firewallArn(context, `${requiredString(properties, 'Type').toLowerCase()}-rulegroup`, name);
    return { physicalId: arn, attributes: { RuleGroupArn: arn, RuleGroupId: randomUUID() } };
  },
});

/** One for each firewall, by whose ARN it goes. */
export const loggingConfiguration: ResourceType = {
  createOnly: ['FirewallArn'],
  create: (properties) => ({ physicalId: requiredString(properties, 'FirewallArn'), attributes: {} }),
  update: (resource) => resource,
  delete() {
    // There is nothing behind it.
  },
};

interface ResolverStandIn {
  readonly prefix: string;
  /** In its ARN. */
  readonly kind: string;
  readonly createOnly: readonly string[];
  /** Attributes that not all of them have. */
  readonly more: Resource['attributes'];
}

/** No name is looked up here through Route 53. */
function resolverStandIn({ prefix, kind, createOnly, more }: ResolverStandIn): ResourceType {
  return {
    createOnly,
    create(properties, { region, account }) {
      const id = randomId(prefix);
      const Arn = `arn:aws:route53resolver:${region}:${account}:${kind}/${id}`;
      const counts = { DomainCount: strings(properties, 'Domains').length, RuleCount: records(properties, 'FirewallRules').length };
      const own = Object.fromEntries(Object.entries(counts).filter(([name]) => Object.hasOwn(more, name)));
      return { physicalId: id, attributes: { Arn, Id: id, Status: 'COMPLETE', StatusMessage: '', CreatorRequestId: '', ...more, ...own } };
    },
    update: (resource) => resource,
    delete() {
      // There is nothing behind it.
    },
  };
}

export const firewallDomainList = resolverStandIn({
  prefix: 'rslvr-fdl', kind: 'firewall-domain-list', createOnly: ['Name'], more: { DomainCount: 0, ManagedOwnerName: '' },
});

export const firewallRuleGroup = resolverStandIn({
  prefix: 'rslvr-frg', kind: 'firewall-rule-group', createOnly: ['Name'], more: { RuleCount: 0, ShareStatus: 'NOT_SHARED' },
});

export const firewallRuleGroupAssociation = resolverStandIn({
  prefix: 'rslvr-frgassoc',
  kind: 'firewall-rule-group-association',
  createOnly: ['FirewallRuleGroupId', 'VpcId'],
  more: { ManagedOwnerName: '' },
});
