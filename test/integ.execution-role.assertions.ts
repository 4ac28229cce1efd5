import { eventually } from './end-to-end/deployed';
import type { IntegDeployment } from './end-to-end/integ-deployment';

/** As an SDK asks for its credentials. */
const SCRIPT = [
  'metadata=${AWS_EC2_METADATA_SERVICE_ENDPOINT:-http://169.254.169.254}/latest',
  'token=$(curl -s -X PUT -H "x-aws-ec2-metadata-token-ttl-seconds: 60" $metadata/api/token)',
  'ask() { curl -s -H "x-aws-ec2-metadata-token: $token" $metadata/meta-data/iam/security-credentials/$1; }',
  'ask $(ask)',
].join('\n');

export async function assertions(deployment: IntegDeployment): Promise<void> {
  const { cloud, stack } = deployment;
  await using started = await deployment.start();
  expect(started.microvm.executionRoleArn).toBe(`arn:aws:iam::000000000000:role/${stack.outputs.SandboxRoleName}`);
  const { stdout } = await started.sandbox.commands.run(SCRIPT);
  expect(JSON.parse(stdout)).toMatchObject({ Code: 'Success', AccessKeyId: expect.stringMatching(/^ASIA/) });

  await eventually(() => cloud.logs(stack.outputs.SandboxLogGroup).length > 0, 'the output of the sandbox is in its log group');
}
