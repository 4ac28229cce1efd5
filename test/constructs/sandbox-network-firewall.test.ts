import { App, Stack } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import * as kms from 'aws-cdk-lib/aws-kms';
import * as logs from 'aws-cdk-lib/aws-logs';
import type { AllowDomainsOptions } from 'cdk-microvm-sandbox';
import { DomainEnforcement, EgressPolicy, SandboxNetwork } from 'cdk-microvm-sandbox';
import { byPath, CONNECTOR, countOf, use, vpcStack, warningsOf } from './network-fixture';
import { PacketWalk } from './packet-walk';
import { newStack, propertiesOf, resourcesOf } from './synthesized';

const FIREWALL = 'AWS::NetworkFirewall::Firewall';
const POLICY = 'AWS::NetworkFirewall::FirewallPolicy';
const INTERNET = '198.51.100.1';
const SNI = { enforcement: DomainEnforcement.SNI };

function strictStack(options: AllowDomainsOptions = SNI, stack = newStack()) {
  const network = SandboxNetwork.vpc();
  network.allowDomains(['pypi.org', '*.npmjs.org'], options);
  return { stack, network, bound: use(network, stack) };
}

test('in the strict mode a packet goes through the firewall of its zone, out and back', () => {
  const walk = new PacketWalk(strictStack().stack);

  expect(walk.sandboxSubnets).toHaveLength(2);
  for (const sandbox of walk.sandboxSubnets) {
    const out = walk.follow(sandbox, INTERNET);
    expect(out).toEqual([
      { at: 'firewall', subnet: expect.any(String) }, { at: 'nat', subnet: walk.natSubnet }, { at: 'internet' },
    ]);
    const firewall = out[0].subnet ?? '';
    expect(walk.zoneOf(firewall)).toEqual(walk.zoneOf(sandbox));

    const back = walk.follow(walk.natSubnet, walk.addressIn(sandbox));
    expect(back).toEqual([{ at: 'firewall', subnet: firewall }, { at: 'sandbox', subnet: sandbox }]);
  }
});

test('the two zones have a firewall and a subnet for it each', () => {
  const walk = new PacketWalk(strictStack().stack);
  const firewalls = walk.sandboxSubnets.map((sandbox) => walk.follow(sandbox, INTERNET)[0].subnet);

  expect(new Set([...firewalls, ...walk.sandboxSubnets, walk.natSubnet]).size).toBe(5);
});

test('without the strict mode a packet goes to the NAT gateway and comes straight back', () => {
  const stack = newStack();
  const network = SandboxNetwork.vpc();
  network.allowDomains(['pypi.org']);
  use(network, stack);
  const walk = new PacketWalk(stack);

  expect(countOf(stack, FIREWALL)).toBe(0);
  for (const sandbox of walk.sandboxSubnets) {
    expect(walk.follow(sandbox, INTERNET)).toEqual([{ at: 'nat', subnet: walk.natSubnet }, { at: 'internet' }]);
    expect(walk.follow(walk.natSubnet, walk.addressIn(sandbox))).toEqual([{ at: 'sandbox', subnet: sandbox }]);
  }
});

test('the strict mode may be asked for after the network is used', () => {
  const before = strictStack().stack;
  const after = newStack();
  const network = SandboxNetwork.vpc();
  use(network, after);
  network.allowDomains(['pypi.org'], SNI);
  network.allowDomains(['*.npmjs.org']);

  expect(byPath(after, 'AWS::EC2::Route')).toEqual(byPath(before, 'AWS::EC2::Route'));
  expect(Template.fromStack(after).toJSON()).toEqual(Template.fromStack(before).toJSON());
});

test('the firewall passes TLS handshakes that name an allowed domain, and drops what else is established', () => {
  const { stack } = strictStack();

  expect(propertiesOf(stack, 'AWS::NetworkFirewall::RuleGroup')).toMatchObject({
    Type: 'STATEFUL',
    Capacity: 1000,
    RuleGroup: {
      RulesSource: {
        RulesSourceList: { GeneratedRulesType: 'ALLOWLIST', TargetTypes: ['TLS_SNI'], Targets: ['pypi.org', '.npmjs.org'] },
      },
      StatefulRuleOptions: { RuleOrder: 'STRICT_ORDER' },
    },
  });
  expect(propertiesOf(stack, POLICY).FirewallPolicy).toEqual({
    StatelessDefaultActions: ['aws:forward_to_sfe'],
    StatelessFragmentDefaultActions: ['aws:forward_to_sfe'],
    StatefulEngineOptions: { RuleOrder: 'STRICT_ORDER', StreamExceptionPolicy: 'DROP' },
    StatefulRuleGroupReferences: [
      { ResourceArn: 'arn:<SandboxNetworkVpcSandboxNetworkFirewallAllowedDomains.RuleGroupArn>', Priority: 100 },
    ],
    StatefulDefaultActions: ['aws:drop_established_app_layer'],
  });
});

test('plain HTTP is passed by its host, if it is asked for', () => {
  const { stack, network } = strictStack();
  network.allowDomains(['deb.debian.org'], { plainHttp: true });

  expect(propertiesOf(stack, 'AWS::NetworkFirewall::RuleGroup')).toMatchObject({
    RuleGroup: {
      RulesSource: {
        RulesSourceList: { TargetTypes: ['TLS_SNI', 'HTTP_HOST'], Targets: ['pypi.org', '.npmjs.org', 'deb.debian.org'] },
      },
    },
  });
});

test('each firewall has the policy, one subnet and a name of its own', () => {
  const { stack } = strictStack();
  const firewalls = resourcesOf(stack, FIREWALL).map(({ Properties }) => Properties);

  expect(Object.values(byPath(stack, FIREWALL))).toEqual([0, 1].map((zone) => expect.objectContaining({
    FirewallPolicyArn: 'arn:<SandboxNetworkVpcSandboxNetworkFirewallPolicy.FirewallPolicyArn>',
    VpcId: '<SandboxNetworkVpc>',
    SubnetMappings: [{ SubnetId: `<SandboxNetworkVpcFirewall${zone}Subnet>` }],
  })));
  const names = firewalls.map(({ FirewallName }) => FirewallName);
  expect(new Set(names).size).toBe(2);
  expect(names).toEqual([expect.stringMatching(/^[a-zA-Z0-9-]{1,128}$/), expect.stringMatching(/^[a-zA-Z0-9-]{1,128}$/)]);
});

test('names are resolved as in the other mode, too: a query carries data out', () => {
  const { stack, bound } = strictStack();

  expect(countOf(stack, 'AWS::Route53Resolver::FirewallRuleGroupAssociation')).toBe(1);
  expect(bound.policy).toEqual({
    egress: EgressPolicy.DOMAINS,
    allowedDomains: ['pypi.org', '*.npmjs.org'],
    enforcedBy: expect.stringMatching(/AWS Network Firewall.*DNS Firewall.*an allowed name is not stopped/),
  });
});

test('no sandbox starts before the firewalls are in the way: the connector waits for them', () => {
  const [{ DependsOn }] = resourcesOf(strictStack().stack, CONNECTOR);

  for (const part of ['Firewall0', 'Firewall1', 'Back0', 'Back1', 'Out0', 'Out1', 'Sandbox0DefaultRoute', 'Sandbox1DefaultRoute']) {
    expect(JSON.stringify(DependsOn)).toContain(part);
  }
});

test('what is cut is not logged unless asked for', () => {
  const { stack } = strictStack();

  expect(countOf(stack, 'AWS::NetworkFirewall::LoggingConfiguration')).toBe(0);
  expect(countOf(stack, 'AWS::Logs::LogGroup')).toBe(0);
});

test('what is cut is logged for as long as asked for, of both zones and also when asked for later', () => {
  const { stack, network } = strictStack();
  network.allowDomains(['github.com'], { alertLogRetention: logs.RetentionDays.ONE_WEEK });

  const [{ Properties, DeletionPolicy }] = resourcesOf(stack, 'AWS::Logs::LogGroup');
  expect(Properties.RetentionInDays).toBe(7);
  expect(Properties.LogGroupName).toMatch(/^\/aws\/vendedlogs\/network-firewall\//);
  expect(DeletionPolicy).toBe('Delete');
  expect(Object.values(byPath(stack, 'AWS::NetworkFirewall::LoggingConfiguration'))).toEqual([0, 1].map((zone) => ({
    FirewallArn: `arn:<SandboxNetworkVpcSandboxNetworkFirewallFirewall${zone}.FirewallArn>`,
    LoggingConfiguration: {
      LogDestinationConfigs: [{
        LogType: 'ALERT',
        LogDestinationType: 'CloudWatchLogs',
        LogDestination: { logGroup: '<SandboxNetworkVpcSandboxNetworkFirewallAlertLog>' },
      }],
    },
  })));
  expect(propertiesOf(stack, POLICY)).toMatchObject({
    FirewallPolicy: { StatefulDefaultActions: ['aws:drop_established_app_layer', 'aws:alert_established_app_layer'] },
  });
});

describe('the log of what is cut', () => {
  const loggedStack = (keyIn: (stack: Stack) => kms.IKeyRef, stack = newStack()) => {
    const network = SandboxNetwork.vpc({ encryptionKey: keyIn(stack) });
    network.allowDomains(['pypi.org'], { ...SNI, alertLogRetention: logs.RetentionDays.ONE_WEEK });
    return { stack, network, bound: use(network, stack) };
  };
  const logStatement = (region: string) => ({
    Effect: 'Allow',
    Principal: { Service: `logs.${region}.amazonaws.com` },
    Action: ['kms:Encrypt*', 'kms:Decrypt*', 'kms:ReEncrypt*', 'kms:GenerateDataKey*', 'kms:Describe*'],
    Resource: '*',
    Condition: { ArnLike: { 'kms:EncryptionContext:aws:logs:arn': `arn:aws:logs:${region}:123456789012:*` } },
  });
  const keyPolicyOf = (stack: Stack) => (propertiesOf(stack, 'AWS::KMS::Key').KeyPolicy as { Statement: unknown[] }).Statement;

  test('is encrypted with a key of the user, which CloudWatch Logs may use', () => {
    const { stack } = loggedStack((scope) => new kms.Key(scope, 'Key'));
    expect(propertiesOf(stack, 'AWS::Logs::LogGroup').KmsKeyId).toBe('arn:<Key.Arn>');
    expect(keyPolicyOf(stack).slice(1)).toEqual([logStatement('us-east-1')]);
  });

  test('is encrypted with the key of another stack, too', () => {
    const keys = newStack('Keys', new App());
    const key = new kms.Key(keys, 'Key');
    const { stack } = loggedStack(() => key, newStack('Stack', keys.node.root as App));
    expect(resourcesOf(stack, 'AWS::Logs::LogGroup')[0].Properties.KmsKeyId).toEqual({ 'Fn::ImportValue': expect.stringMatching(/^Keys:.*Key/) });
    expect(keyPolicyOf(keys).slice(1)).toEqual([logStatement('us-east-1')]);
  });

  test('with a key that is imported needs a statement in its policy, and says so', () => {
    const { stack } = loggedStack((scope) => kms.Key.fromKeyArn(scope, 'Key', 'arn:aws:kms:us-east-1:123456789012:key/1234'));
    expect(propertiesOf(stack, 'AWS::Logs::LogGroup').KmsKeyId).toBe('arn:aws:kms:us-east-1:123456789012:key/1234');
    expect(warningsOf(stack, 'keyPolicyNotChanged')).toEqual([expect.stringContaining('logs.us-east-1.amazonaws.com')]);
  });

  test('has a key of CloudWatch Logs unless one is given, and without a log a key is used for nothing', () => {
    const { stack } = strictStack({ ...SNI, alertLogRetention: logs.RetentionDays.ONE_WEEK });
    expect(propertiesOf(stack, 'AWS::Logs::LogGroup')).not.toHaveProperty('KmsKeyId');

    const silent = newStack();
    use(SandboxNetwork.vpc({ encryptionKey: new kms.Key(silent, 'Key') }), silent);
    expect(keyPolicyOf(silent)).toHaveLength(1);
  });

  test('fails with a key of another Region', () => {
    const app = new App();
    const far = new Stack(app, 'Far', { env: { region: 'eu-west-1', account: '123456789012' } });
    const key = new kms.Key(far, 'Key');
    expect(() => loggedStack(() => key, newStack('Stack', app)))
      .toThrow('encryptionKey: is in eu-west-1 of account 123456789012, the stack in us-east-1 of account 123456789012; use encryptionKey of');
  });

  test('fails with a key for a network that has none', () => {
    const { stack, vpc } = vpcStack();
    expect(() => SandboxNetwork.vpc({ vpc, encryptionKey: new kms.Key(stack, 'Key') }))
      .toThrow('encryptionKey: encrypts the log of DomainEnforcement.SNI, which a network in a VPC that is given does not have; leave one of the two out');
  });
});

test('fails on two times to keep the log for', () => {
  const { network } = strictStack({ ...SNI, alertLogRetention: logs.RetentionDays.ONE_WEEK });
  network.allowDomains(['github.com']);
  expect(() => network.allowDomains(['github.com'], { alertLogRetention: logs.RetentionDays.ONE_DAY }))
    .toThrow('alertLogRetention: got 1, but an earlier allowDomains() of this network has 7; a network has one log');
});

test('each stack has firewalls of its own, under names of its own, also without a Region', () => {
  const app = new App();
  const network = SandboxNetwork.vpc();
  network.allowDomains(['pypi.org'], SNI);
  const stacks = [newStack('One', app), new Stack(app, 'Two')];
  for (const stack of stacks) use(network, stack);

  const firewalls = stacks.flatMap((stack) => resourcesOf(stack, FIREWALL));
  expect(new Set(firewalls.map(({ Properties }) => Properties.FirewallName)).size).toBe(4);
  const walk = new PacketWalk(stacks[1]);
  for (const sandbox of walk.sandboxSubnets) {
    expect(walk.follow(sandbox, INTERNET).map(({ at }) => at)).toEqual(['firewall', 'nat', 'internet']);
  }
});

test('the template of a network stays small', () => {
  const size = (stack: Stack) => {
    const template = Template.fromStack(stack).toJSON();
    return { resources: Object.keys(template.Resources).length, bytes: JSON.stringify(template).length };
  };
  const isolated = newStack();
  use(SandboxNetwork.isolated(), isolated);

  expect(size(isolated).resources).toBe(10);
  expect(size(isolated).bytes).toBeLessThan(6_000);
  expect(size(strictStack().stack).resources).toBeLessThanOrEqual(45);
  expect(size(strictStack().stack).bytes).toBeLessThan(25_000);
});
