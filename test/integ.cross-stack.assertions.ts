import type { IntegDeployment } from './end-to-end/integ-deployment';

/** Longer than the pool takes the version that it looked up for the current one. */
const A_WHILE = { seconds: 61 };

export async function assertions(deployment: IntegDeployment): Promise<void> {
  const { cloud, stack, client } = deployment;
  const greeting = async () => {
    await using sandbox = await client.create();
    const answer = await sandbox.fetch(8080, '/');
    return await answer.text();
  };
  expect(deployment.stacks.map(({ stackName }) => stackName)).toEqual(['IntegCrossStackImage', 'IntegCrossStackPool', 'IntegCrossStackCaller']);
  expect((await cloud.invoke(stack.outputs.CallerName, { operation: 'list' })).payload).toMatchObject({ result: { sandboxes: [] } });
  expect(await greeting()).toBe('First at /');

  // A version that was exported could not change while the pool imports it.
  await deployment.redeploy('IntegCrossStackImage', (template) => template.replace('"First"', '"Second"'));
  await cloud.clock.advance(A_WHILE);
  expect(await greeting()).toBe('Second at /');
}
