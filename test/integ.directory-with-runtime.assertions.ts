import type { IntegDeployment } from './end-to-end/integ-deployment';

export async function assertions({ client }: IntegDeployment): Promise<void> {
  await using sandbox = await client.create();
  await sandbox.files.write('main.py', 'from greetings import greet\nprint(greet("sandbox"))');
  expect(await sandbox.commands.run(['python3', 'main.py'])).toMatchObject({ exitCode: 0, stdout: 'Hello sandbox\n' });
}
