import { startLocalCloud } from 'microvm-sandbox-local';
import { clientOf } from './end-to-end/deployed';
import type { IntegDeployment } from './end-to-end/integ-deployment';
import { NOTHING_LEFT } from './local/nothing-left';

const ELSEWHERE = { region: 'eu-west-1', stackName: 'IntegSeveralRegions-eu-west-1' };

/** A local cloud is one Region: the stack of the other is deployed to a second one. */
export async function assertions({ cloud, assembly, stack, client }: IntegDeployment): Promise<void> {
  expect(stack.outputs.SandboxPool).toContain(':us-east-1:');
  await expect(cloud.deploy(assembly)).rejects.toThrow('the local cloud is aws://000000000000/us-east-1');
  await using sandbox = await client.create();
  expect(await sandbox.commands.run('echo here')).toMatchObject({ exitCode: 0, stdout: 'here\n' });

  await using other = await startLocalCloud({ region: ELSEWHERE.region, isolation: cloud.isolation, quotas: true });
  const [{ outputs }] = await other.deploy(assembly, { stacks: [ELSEWHERE.stackName] });
  expect(outputs.SandboxPool).toContain(`:${ELSEWHERE.region}:`);
  await using otherClient = clientOf(other, outputs.SandboxPool);
  const there = await otherClient.create();
  expect(await there.commands.run('echo there')).toMatchObject({ exitCode: 0, stdout: 'there\n' });
  await other.destroy(ELSEWHERE.stackName);
  expect(other.inventory()).toEqual(NOTHING_LEFT);
}
