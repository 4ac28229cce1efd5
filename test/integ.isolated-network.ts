import { App, CfnOutput, Stack } from 'aws-cdk-lib';
import { SandboxNetwork, SandboxPool } from 'cdk-microvm-sandbox';

/** Sandboxes that reach nothing. */
const stack = new Stack(new App(), 'IntegIsolatedNetwork');
const pool = new SandboxPool(stack, 'Pool', { network: SandboxNetwork.isolated() });
new CfnOutput(stack, 'SandboxPool', { value: pool.allocatorArn });
