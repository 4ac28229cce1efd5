import type { IntegDeployment } from './end-to-end/integ-deployment';

export async function assertions({ client }: IntegDeployment): Promise<void> {
  await using sandbox = await client.create();
  const answer = await sandbox.fetch(8080, '/path');
  expect([answer.status, await answer.text()]).toEqual([200, 'Hello at /path']);
}
