import { App, CfnOutput, Stack } from 'aws-cdk-lib';
import { SandboxNetwork, SandboxPool } from 'cdk-microvm-sandbox';

/** The same pool in two Regions. In a Region that is known its own VPC names zones that the service is in. */
const app = new App();
for (const region of ['eu-west-1', 'us-east-1']) {
  const stack = new Stack(app, `IntegSeveralRegions-${region}`, { env: { region } });
  const pool = new SandboxPool(stack, 'Pool', { network: SandboxNetwork.isolated() });
  new CfnOutput(stack, 'SandboxPool', { value: pool.allocatorArn });
}
