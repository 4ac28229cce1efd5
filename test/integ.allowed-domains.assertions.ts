import type { IntegDeployment } from './end-to-end/integ-deployment';
import { vpcConnector } from './end-to-end/network-connector';

/** The local cloud has neither firewall: what is to be seen is that each came up for its VPC, and which connector a sandbox got. */
export async function assertions(deployment: IntegDeployment): Promise<void> {
  const connectors: (string | undefined)[] = [];
  for (const output of ['SandboxPool', 'StrictSandboxPool']) {
    await using started = await deployment.start(deployment.clientOf(output));
    expect(await started.sandbox.commands.run('echo here')).toMatchObject({ exitCode: 0, stdout: 'here\n' });
    connectors.push(...started.microvm.egressNetworkConnectors ?? []);
  }
  const arns = deployment.physicalIds('AWS::Lambda::NetworkConnector');
  expect(arns).toHaveLength(2);
  expect(connectors).toHaveLength(2);
  expect(new Set(connectors.map((connector) => arns.find((arn) => connector?.startsWith(arn))))).toEqual(new Set(arns));

  const groups = deployment.physicalIds('AWS::EC2::SecurityGroup');
  const ofConnectors = await Promise.all(arns.map(async (arn) => (
    (await vpcConnector(deployment.cloud, arn)).Configuration.VpcEgressConfiguration.SecurityGroupIds
  )));
  expect(new Set(ofConnectors.flat())).toEqual(new Set(groups));

  await expectDns(deployment);
  await expectSni(deployment);
}

async function expectDns(deployment: IntegDeployment): Promise<void> {
  const vpcs = await deployment.resources('AWS::EC2::VPC');
  const associations = await deployment.resources('AWS::Route53Resolver::FirewallRuleGroupAssociation');
  expect(new Set(associations.map(({ properties }) => (properties as { VpcId: object }).VpcId)))
    .toEqual(new Set(vpcs.map(({ logicalId }) => ({ Ref: logicalId }))));

  const lists = (await deployment.resources('AWS::Route53Resolver::FirewallDomainList')).map(({ properties }) => properties);
  for (const Domains of [['pypi.org', 'files.pythonhosted.org'], ['*.npmjs.org']]) expect(lists).toContainEqual(expect.objectContaining({ Domains }));
}

async function expectSni(deployment: IntegDeployment): Promise<void> {
  const [group, ...others] = await deployment.resources('AWS::NetworkFirewall::RuleGroup');
  expect(others).toEqual([]);
  expect(JSON.stringify(group.properties)).toContain('.npmjs.org');
  // One in each zone, and each with its log: such a log goes by the ARN of its firewall.
  const firewalls = deployment.physicalIds('AWS::NetworkFirewall::Firewall');
  expect(firewalls).toHaveLength(2);
  expect(new Set(deployment.physicalIds('AWS::NetworkFirewall::LoggingConfiguration'))).toEqual(new Set(firewalls));
}
