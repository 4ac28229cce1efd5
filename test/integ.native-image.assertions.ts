import type { IntegDeployment } from './end-to-end/integ-deployment';

/** Longer than the pool takes the version that it looked up for the current one. */
const A_WHILE = { seconds: 61 };

export async function assertions(deployment: IntegDeployment): Promise<void> {
  const { stack, cloud, client } = deployment;
  const greeting = async () => {
    await using sandbox = await client.create();
    const answer = await sandbox.fetch(8080, '/');
    return await answer.text();
  };
  expect(await greeting()).toBe('First at /');

  await deployment.redeploy(stack.stackName, (template) => template.replace('"First"', '"Second"'));
  await cloud.clock.advance(A_WHILE);
  expect(await greeting()).toBe('Second at /');
}
