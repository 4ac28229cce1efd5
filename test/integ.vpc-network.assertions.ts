import { GetMicrovmCommand } from '@aws-sdk/client-lambda-microvms';
import type { IntegDeployment } from './end-to-end/integ-deployment';

export async function assertions({ stack, cloud, client, microvms }: IntegDeployment): Promise<void> {
  const connector = stack.resources.find(({ type }) => type === 'AWS::Lambda::NetworkConnector');
  await using sandbox = await client.create();
  expect(await sandbox.commands.run('echo here')).toMatchObject({ exitCode: 0, stdout: 'here\n' });

  const [{ microvmId }] = cloud.microvms.list().microvms.filter(({ imageArn }) => imageArn.includes(':microvm-image:IntegVpcNetwork'));
  const { egressNetworkConnectors } = await microvms.send(new GetMicrovmCommand({ microvmIdentifier: microvmId }));
  expect(egressNetworkConnectors).toEqual([expect.stringContaining(connector?.physicalId ?? 'no connector')]);
}
