import { CloudWatchLogsClient, DescribeLogGroupsCommand } from '@aws-sdk/client-cloudwatch-logs';
import { ListTagsCommand } from '@aws-sdk/client-lambda-microvms';
import type { IntegDeployment } from './end-to-end/integ-deployment';

export async function assertions(deployment: IntegDeployment): Promise<void> {
  const { cloud: { endpoint, environment }, microvms, client } = deployment;
  const [boundary] = (await deployment.resources('AWS::IAM::ManagedPolicy')).filter(({ logicalId }) => logicalId.startsWith('Boundary'));
  const roles = await deployment.resources('AWS::IAM::Role');
  expect(roles).not.toEqual([]);
  for (const { properties } of roles) {
    expect(properties).toMatchObject({ PermissionsBoundary: { Ref: boundary.logicalId }, Tags: [{ Key: 'team', Value: 'agents' }] });
  }

  const [Resource] = deployment.physicalIds('Custom::MicrovmSandboxImage');
  expect((await microvms.send(new ListTagsCommand({ Resource }))).Tags).toMatchObject({ team: 'agents' });

  const credentials = { accessKeyId: environment.AWS_ACCESS_KEY_ID, secretAccessKey: environment.AWS_SECRET_ACCESS_KEY };
  const logs = new CloudWatchLogsClient({ endpoint, region: environment.AWS_REGION, credentials });
  const { logGroups = [] } = await logs.send(new DescribeLogGroupsCommand({ logGroupNamePattern: 'IntegPermissionsBoundary' }));
  logs.destroy();
  expect(new Set(logGroups.map(({ retentionInDays }) => retentionInDays))).toEqual(new Set([90]));

  await using sandbox = await client.create();
  expect(await sandbox.commands.run('echo here')).toMatchObject({ exitCode: 0, stdout: 'here\n' });
}
