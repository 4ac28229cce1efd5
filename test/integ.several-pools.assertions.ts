import type { IntegDeployment } from './end-to-end/integ-deployment';

const SHARED = ['AWS::StepFunctions::StateMachine', 'AWS::S3::Bucket'];

export async function assertions(deployment: IntegDeployment): Promise<void> {
  for (const type of SHARED) expect(deployment.physicalIds(type)).toHaveLength(1);
  expect(deployment.physicalIds('Custom::MicrovmSandboxImage')).toHaveLength(2);
  expect(deployment.physicalIds('Custom::MicrovmSandboxPool')).toHaveLength(3);

  const small = deployment.client;
  const large = deployment.clientOf('LargeSandboxPool');
  await using one = await small.create();
  await using two = await large.create();
  await using other = await deployment.clientOf('OtherSandboxPool').create();
  expect(await Promise.all([one, two, other].map(async (sandbox) => (await sandbox.fetch(8080, '/')).text())))
    .toEqual(['One at /', 'One at /', 'Two at /']);

  // Each pool knows its own sandboxes, and its own limit.
  await expect(small.create()).rejects.toMatchObject({ code: 'pool_exhausted' });
  await expect(small.connect(two.sandboxId)).rejects.toMatchObject({ code: 'sandbox_not_found' });
}
