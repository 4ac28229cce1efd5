import type { IntegDeployment } from './end-to-end/integ-deployment';

export async function assertions({ cloud, client }: IntegDeployment): Promise<void> {
  const ofThePool = () => cloud.microvms.list().microvms.filter(({ imageArn }) => imageArn.includes(':microvm-image:IntegDefaultPool'));
  expect(ofThePool()).toEqual([]);

  await using sandbox = await client.create();
  await sandbox.files.write('main.py', 'print(6 * 7)');
  expect(await sandbox.commands.run(['python3', 'main.py'])).toMatchObject({ exitCode: 0, stdout: '42\n' });
  expect(ofThePool().map(({ state }) => state)).toEqual(['RUNNING']);
}
