import { CreateMicrovmShellAuthTokenCommand } from '@aws-sdk/client-lambda-microvms';
import type { IntegDeployment, Started } from './end-to-end/integ-deployment';

export async function assertions(deployment: IntegDeployment): Promise<void> {
  const shellToken = ({ microvm: { microvmId: microvmIdentifier } }: Started) => (
    deployment.microvms.send(new CreateMicrovmShellAuthTokenCommand({ microvmIdentifier, expirationInMinutes: 5 }))
  );
  await using open = await deployment.start();
  expect(open.microvm.ingressNetworkConnectors).toEqual([expect.stringMatching(/:HTTP_INGRESS$/), expect.stringMatching(/:SHELL_INGRESS$/)]);
  expect(await shellToken(open)).toMatchObject({ authToken: expect.anything() });

  await using closed = await deployment.start(deployment.clientOf('ClosedSandboxPool'));
  expect(closed.microvm.ingressNetworkConnectors).toEqual([expect.stringMatching(/:HTTP_INGRESS$/)]);
  await expect(shellToken(closed)).rejects.toThrow(/SHELL_INGRESS|[Ss]hell/);
}
