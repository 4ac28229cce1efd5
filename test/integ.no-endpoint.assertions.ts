import type { IntegDeployment } from './end-to-end/integ-deployment';

export async function assertions(deployment: IntegDeployment): Promise<void> {
  await using started = await deployment.start();
  expect(started.microvm).toMatchObject({ state: 'RUNNING', ingressNetworkConnectors: [expect.stringMatching(/:NO_INGRESS$/)] });
  await expect(started.sandbox.fetch(8080, '/')).rejects.toThrow(/endpoint/);
  const { sandboxes } = await deployment.client.list();
  expect(sandboxes).toMatchObject([{ sandboxId: started.sandbox.sandboxId, state: 'running' }]);
}
