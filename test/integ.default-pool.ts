import { App, CfnOutput, Stack } from 'aws-cdk-lib';
import { SandboxPool } from 'cdk-microvm-sandbox';

/** A pool with no props at all. */
const stack = new Stack(new App(), 'IntegDefaultPool');
const pool = new SandboxPool(stack, 'Pool');
new CfnOutput(stack, 'SandboxPool', { value: pool.allocatorArn });
