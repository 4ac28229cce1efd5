import type { Stack } from 'aws-cdk-lib';
import { App, CfnParameter, Fn } from 'aws-cdk-lib';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import * as logs from 'aws-cdk-lib/aws-logs';
import { DomainEnforcement, EgressPolicy, SandboxNetwork } from 'cdk-microvm-sandbox';
import { byPath, CONNECTOR, countOf, use, vpcStack } from './network-fixture';
import { newStack, propertiesOf, resourcesOf } from './synthesized';
import { domainName, withSubdomains } from '../../src/private/network/domain-name';

const DOMAIN_LIST = 'AWS::Route53Resolver::FirewallDomainList';
const RULE_GROUP = 'AWS::Route53Resolver::FirewallRuleGroup';
const ASSOCIATION = 'AWS::Route53Resolver::FirewallRuleGroupAssociation';
const port = (number: number) => expect.objectContaining({ CidrIp: '0.0.0.0/0', IpProtocol: 'tcp', FromPort: number, ToPort: number });

function domainsOf(stack: Stack) {
  return resourcesOf(stack, DOMAIN_LIST).map(({ Properties }) => Properties.Domains);
}

test('the allowed names are resolved, all others are not', () => {
  const stack = newStack();
  const network = SandboxNetwork.vpc();
  network.allowDomains(['pypi.org', '*.npmjs.org']);
  use(network, stack);

  expect(byPath(stack, DOMAIN_LIST)).toEqual({
    SandboxNetworkVpcSandboxDnsFirewallAllowedDomains: expect.objectContaining({ Domains: ['pypi.org', '*.npmjs.org'] }),
    SandboxNetworkVpcSandboxDnsFirewallOtherDomains: expect.objectContaining({ Domains: ['*'] }),
  });
  expect(propertiesOf(stack, RULE_GROUP).FirewallRules).toEqual([
    {
      Priority: 100,
      Action: 'ALLOW',
      FirewallDomainListId: '<SandboxNetworkVpcSandboxDnsFirewallAllowedDomains>',
      FirewallDomainRedirectionAction: 'TRUST_REDIRECTION_DOMAIN',
    },
    {
      Priority: 200,
      Action: 'BLOCK',
      BlockResponse: 'NXDOMAIN',
      FirewallDomainListId: '<SandboxNetworkVpcSandboxDnsFirewallOtherDomains>',
    },
  ]);
  expect(propertiesOf(stack, ASSOCIATION)).toMatchObject({
    VpcId: '<SandboxNetworkVpc>', FirewallRuleGroupId: '<SandboxNetworkVpcSandboxDnsFirewallRuleGroup>', Priority: 8500,
  });
});

test('no sandbox starts before the names are enforced: the connector waits for it', () => {
  const stack = newStack();
  const network = SandboxNetwork.vpc();
  use(network, stack);
  network.allowDomains(['pypi.org']);

  const [{ DependsOn }] = resourcesOf(stack, CONNECTOR);
  for (const part of ['DnsFirewallAssociation', 'DnsFirewallRuleGroup', 'Sandbox0DefaultRoute', 'NatGateway']) {
    expect(JSON.stringify(DependsOn)).toContain(part);
  }
});

test('HTTPS is opened, and plain HTTP only if asked for', () => {
  const stack = newStack();
  const network = SandboxNetwork.vpc();
  network.allowDomains(['pypi.org']);
  use(network, stack);
  expect(propertiesOf(stack, 'AWS::EC2::SecurityGroup').SecurityGroupEgress).toEqual([port(443)]);

  const other = newStack();
  const plain = SandboxNetwork.vpc();
  plain.allowDomains(['deb.debian.org'], { plainHttp: true });
  plain.allowDomains(['pypi.org'], { plainHttp: false });
  use(plain, other);
  expect(propertiesOf(other, 'AWS::EC2::SecurityGroup').SecurityGroupEgress).toEqual([port(443), port(80)]);
});

test('calls add up before and after the network is used, each name once', () => {
  const stack = newStack();
  const network = SandboxNetwork.vpc();
  network.allowDomains(['pypi.org']);
  const bound = use(network, stack);
  network.allowDomains(['PyPI.org.', 'github.com']);

  expect(domainsOf(stack)).toEqual([['pypi.org', 'github.com'], ['*']]);
  expect(bound.policy).toEqual({
    egress: EgressPolicy.DOMAINS,
    allowedDomains: ['pypi.org', 'github.com'],
    enforcedBy: expect.stringContaining('Route 53 Resolver DNS Firewall'),
  });
});

test('a network without allowed domains leaves names alone', () => {
  const stack = newStack();
  const { policy } = use(SandboxNetwork.vpc(), stack);

  expect(countOf(stack, DOMAIN_LIST)).toBe(0);
  expect(policy).toEqual({ egress: EgressPolicy.VPC, enforcedBy: expect.stringContaining('the security groups') });
});

test('each stack has the whole list for its own VPC, whatever is added later', () => {
  const app = new App();
  const [one, two] = [newStack('One', app), newStack('Two', app)];
  const network = SandboxNetwork.vpc();
  use(network, one);
  network.allowDomains(['pypi.org']);
  use(network, two);
  network.allowDomains(['github.com']);

  for (const stack of [one, two]) {
    expect(domainsOf(stack)).toEqual([['pypi.org', 'github.com'], ['*']]);
    expect(propertiesOf(stack, ASSOCIATION)).toMatchObject({ VpcId: '<SandboxNetworkVpc>' });
    expect(propertiesOf(stack, 'AWS::EC2::SecurityGroup').SecurityGroupEgress).toEqual([port(443)]);
  }
});

test('a VPC that is given has one list beside it, for all stacks that use the network', () => {
  const app = new App();
  const { stack, vpc } = vpcStack(app);
  const other = newStack('Other', app);
  const network = SandboxNetwork.vpc({ vpc });
  network.allowDomains(['pypi.org']);
  use(network, other);
  use(network, stack);

  expect(countOf(stack, ASSOCIATION)).toBe(1);
  expect(propertiesOf(stack, ASSOCIATION)).toMatchObject({ VpcId: '<Vpc>' });
  expect(countOf(other, ASSOCIATION)).toBe(0);
  expect(other.dependencies).toContain(stack);
  expect(JSON.stringify(resourcesOf(stack, CONNECTOR)[0].DependsOn)).toContain('VpcSandboxDnsFirewallAssociation');
});

test('an imported VPC gets its list in the stack that imports it', () => {
  const stack = newStack();
  const vpc = ec2.Vpc.fromVpcAttributes(stack, 'Vpc', {
    vpcId: 'vpc-12345678', availabilityZones: ['us-east-1a'], privateSubnetIds: ['subnet-1'], privateSubnetRouteTableIds: ['rtb-1'],
  });
  const network = SandboxNetwork.vpc({ vpc });
  network.allowDomains(['pypi.org']);
  use(network, stack);

  expect(propertiesOf(stack, ASSOCIATION)).toMatchObject({ VpcId: 'vpc-12345678' });
});

test('fails when a second network allows domains in the same VPC', () => {
  const { stack, vpc } = vpcStack();
  const [one, two] = [SandboxNetwork.vpc({ vpc }), SandboxNetwork.vpc({ vpc })];
  one.allowDomains(['pypi.org']);
  two.allowDomains(['github.com']);
  use(one, stack);
  expect(() => use(two, stack)).toThrow('domains: another network has allowed domains in this VPC, and that holds for the whole VPC');
});

test.each([
  ['lets all out', (vpc: ec2.Vpc) => new ec2.SecurityGroup(vpc, 'Open', { vpc })],
  ['was imported', (vpc: ec2.Vpc) => ec2.SecurityGroup.fromSecurityGroupId(vpc, 'Imported', 'sg-1')],
  ['is not known to the CDK', (vpc: ec2.Vpc) => new ec2.CfnSecurityGroup(vpc, 'Raw', { groupDescription: 'raw', vpcId: vpc.vpcId })],
])('fails to allow domains with a security group that %s', (_, group) => {
  const { vpc } = vpcStack();
  const network = SandboxNetwork.vpc({ vpc, securityGroups: [group(vpc)] });
  expect(() => network.allowDomains(['pypi.org'])).toThrow(
    'securityGroups: allowDomains() cannot hold where one of them may let everything out; leave them out, or make them with allowAllOutbound: false',
  );
});

test('domains are allowed with a security group that lets out what it was told to', () => {
  const { stack, vpc } = vpcStack();
  const mine = new ec2.SecurityGroup(stack, 'Mine', { vpc, allowAllOutbound: false });
  const network = SandboxNetwork.vpc({ vpc, securityGroups: [mine] });
  network.allowDomains(['pypi.org']);
  use(network, stack);

  expect(propertiesOf(stack, 'AWS::EC2::SecurityGroup').SecurityGroupEgress).toEqual([port(443)]);
});

test('fails on the strict mode in a VPC that is given', () => {
  const { vpc } = vpcStack();
  expect(() => SandboxNetwork.vpc({ vpc }).allowDomains(['pypi.org'], { enforcement: DomainEnforcement.SNI }))
    .toThrow('the routes of a VPC that is given are not altered; leave vpc out, or use DomainEnforcement.DNS');
});

test('fails on two modes in one network', () => {
  const network = SandboxNetwork.vpc();
  network.allowDomains(['pypi.org']);
  expect(() => network.allowDomains(['github.com'], { enforcement: DomainEnforcement.SNI }))
    .toThrow('enforcement: got sni, but an earlier allowDomains() of this network has dns; a network has one for all names');
});

test('fails on a log of what DNS Firewall refuses', () => {
  expect(() => SandboxNetwork.vpc().allowDomains(['pypi.org'], { alertLogRetention: logs.RetentionDays.ONE_DAY }))
    .toThrow('alertLogRetention: DNS Firewall writes no such log; leave it out, or use DomainEnforcement.SNI');
});

test('a call that fails allows nothing of what it named', () => {
  const stack = newStack();
  const network = SandboxNetwork.vpc();
  const { policy } = use(network, stack);
  expect(() => network.allowDomains(['pypi.org', '10.0.0.1'])).toThrow();

  expect(policy.egress).toBe(EgressPolicy.VPC);
  expect(use(network, stack).policy.egress).toBe(EgressPolicy.VPC);
  expect(countOf(stack, DOMAIN_LIST)).toBe(0);
});

const names = (count: number) => Array.from({ length: count }, (_, index) => `n${index}.example.com`);

test('as many names as fit are allowed, whoever named them', () => {
  const stack = newStack();
  const network = SandboxNetwork.vpc();
  network.allowDomains(names(200));
  network.allowDomains(names(255));
  use(network, stack);

  expect(domainsOf(stack)[0]).toHaveLength(255);
});

test('fails on one name more', () => {
  const network = SandboxNetwork.vpc();
  network.allowDomains(names(255));
  expect(() => network.allowDomains(['pypi.org'])).toThrow('domains: got 256 in all, allowed are 255; write neighbours as *.example.com');
});

test('fails on no names', () => {
  expect(() => SandboxNetwork.vpc().allowDomains([]))
    .toThrow('domains: got none, allowed are 1 or more; a network that allows nothing is SandboxNetwork.isolated()');
});

test('a name that is known at deployment is taken as it is', () => {
  const stack = newStack();
  const name = new CfnParameter(stack, 'Name').valueAsString;
  const network = SandboxNetwork.vpc();
  network.allowDomains([name, 'pypi.org']);
  use(network, stack);

  expect(domainsOf(stack)[0]).toEqual([{ Ref: 'Name' }, 'pypi.org']);
});

test('fails on a list that is known at deployment', () => {
  expect(() => SandboxNetwork.vpc().allowDomains(Fn.split(',', Fn.importValue('Names'))))
    .toThrow('domains: a list that is known at deployment only cannot be checked; name the domains in the code');
});

test.each([
  ['pypi.org', 'pypi.org'],
  ['PyPI.Org', 'pypi.org'],
  ['pypi.org.', 'pypi.org'],
  ['*.npmjs.org', '*.npmjs.org'],
  ['*.Bücher.example', '*.xn--bcher-kva.example'],
  ['xn--bcher-kva.example', 'xn--bcher-kva.example'],
  ['_dmarc.example.com', '_dmarc.example.com'],
  ['a-1.example.com', 'a-1.example.com'],
  [`${'a'.repeat(63)}.example.com`, `${'a'.repeat(63)}.example.com`],
  [`${'a.'.repeat(126)}b`, `${'a.'.repeat(126)}b`],
])('the name %s is %s', (typed, name) => {
  expect(domainName(typed)).toBe(name);
});

test.each([
  ['*', 'would allow every name'],
  ['*.com', 'has one label only'],
  ['com', 'has one label only'],
  ['localhost', 'has one label only'],
  ['', 'has one label only'],
  ['a.*.example.com', 'has a wildcard elsewhere than in front'],
  ['*foo.example.com', 'has a wildcard elsewhere than in front'],
  ['**.example.com', 'has a wildcard elsewhere than in front'],
  ['*.*.example.com', 'has a wildcard elsewhere than in front'],
  ['https://pypi.org', 'is a URL or a range of addresses'],
  ['pypi.org/simple', 'is a URL or a range of addresses'],
  ['10.0.0.0/8', 'is a URL or a range of addresses'],
  ['pypi.org:443', 'has a port'],
  ['10.0.0.1', 'is an address'],
  ['::1', 'is an address'],
  ['[::1]', 'is an address'],
  ['*.1.2.3', 'is an address or part of one'],
  ['127.1', 'is an address or part of one'],
  ['0x7f.0x1', 'is an address or part of one'],
  ['１２７.0.0.1', 'is an address or part of one'],
  ['a..example.com', 'is no domain name'],
  ['.example.com', 'is no domain name'],
  ['-a.example.com', 'is no domain name'],
  ['a-.example.com', 'is no domain name'],
  ['py pi.org', 'is no domain name'],
  ['pypi.org\n', 'is no domain name'],
  [' pypi.org', 'is no domain name'],
  ['user@pypi.org', 'is no domain name'],
  [`${'a'.repeat(64)}.example.com`, 'is no domain name'],
  [`${'a.'.repeat(126)}bc`, 'has 254 characters, and 253 at most are possible'],
])('fails on %j as a name', (typed, reason) => {
  expect(() => domainName(typed)).toThrow(`domains: '${typed}' ${reason}`);
});

test('what Network Firewall is told of names beneath a domain begins with a dot', () => {
  expect(['pypi.org', '*.npmjs.org'].map(withSubdomains)).toEqual(['pypi.org', '.npmjs.org']);
});
