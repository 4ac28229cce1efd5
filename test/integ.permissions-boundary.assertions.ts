import { CloudWatchLogsClient, DescribeLogGroupsCommand } from '@aws-sdk/client-cloudwatch-logs';
import { ListTagsCommand } from '@aws-sdk/client-lambda-microvms';
import { accessTo } from './end-to-end/deployed';
import type { IntegDeployment } from './end-to-end/integ-deployment';

export async function assertions(deployment: IntegDeployment): Promise<void> {
  const { cloud, microvms, client } = deployment;
  const [boundary] = (await deployment.resources('AWS::IAM::ManagedPolicy')).filter(({ logicalId }) => logicalId.startsWith('Boundary'));
  const roles = await deployment.resources('AWS::IAM::Role');
  expect(roles).not.toEqual([]);
  for (const { properties } of roles) {
    expect(properties).toMatchObject({ PermissionsBoundary: { Ref: boundary.logicalId }, Tags: [{ Key: 'team', Value: 'agents' }] });
  }

  const [Resource] = deployment.physicalIds('Custom::MicrovmSandboxImage');
  expect((await microvms.send(new ListTagsCommand({ Resource }))).Tags).toMatchObject({ team: 'agents' });

  const logs = new CloudWatchLogsClient(accessTo(cloud));
  const { logGroups = [] } = await logs.send(new DescribeLogGroupsCommand({ logGroupNamePattern: 'IntegPermissionsBoundary' }));
  logs.destroy();
  expect(new Set(logGroups.map(({ retentionInDays }) => retentionInDays))).toEqual(new Set([90]));

  await using sandbox = await client.create();
  expect(await sandbox.commands.run('echo here')).toMatchObject({ exitCode: 0, stdout: 'here\n' });
}
