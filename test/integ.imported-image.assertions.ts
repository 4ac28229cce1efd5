import { GetMicrovmCommand } from '@aws-sdk/client-lambda-microvms';
import type { IntegDeployment } from './end-to-end/integ-deployment';

export async function assertions({ stack, cloud, client, microvms }: IntegDeployment): Promise<void> {
  expect(stack.resources.map(({ type }) => type)).not.toContain('Custom::MicrovmSandboxImage');

  await using sandbox = await client.create();
  expect(await sandbox.commands.run('echo here')).toMatchObject({ exitCode: 0, stdout: 'here\n' });
  const [{ microvmId }] = cloud.microvms.list().microvms.filter(({ imageArn }) => imageArn.endsWith(':microvm-image:integ-imported-image'));
  expect(await microvms.send(new GetMicrovmCommand({ microvmIdentifier: microvmId }))).toMatchObject({ imageVersion: '1.0' });
}
