import type { IntegDeployment } from './end-to-end/integ-deployment';

/** The local cloud pulls from no registry: it starts its own base in the image's place, and reads what the build was given. */
export async function assertions(deployment: IntegDeployment): Promise<void> {
  const { stack, cloud } = deployment;
  expect(stack.outputs.ImageVersion).toBe('1.0');
  const keys = Object.values(cloud.inventory().buckets).flat().filter((key) => key.startsWith('IntegEcrSource'));
  expect(keys).toEqual([expect.stringContaining('0'.repeat(64))]);
  const [group] = cloud.inventory().logGroups.filter((name) => name.startsWith('/aws/lambda-microvms/IntegEcrSource'));
  expect(cloud.logs(group).join('\n')).toContain(`.dkr.ecr.us-east-1.amazonaws.com/integ-ecr-source@sha256:${'0'.repeat(64)}`);

  await using started = await deployment.start();
  expect(started.microvm).toMatchObject({ state: 'RUNNING', imageVersion: '1.0' });
}
