import { App, CfnOutput, Stack } from 'aws-cdk-lib';
import { SandboxImage, SandboxPool } from 'cdk-microvm-sandbox';

/** A pool whose sandboxes an operator can open a shell in, and one of the same image where nobody can. */
const stack = new Stack(new App(), 'IntegShellAccess');
const image = new SandboxImage(stack, 'Image');
const pool = new SandboxPool(stack, 'Pool', { image, shellAccess: true });
const closed = new SandboxPool(stack, 'ClosedPool', { image });
new CfnOutput(stack, 'SandboxPool', { value: pool.allocatorArn });
new CfnOutput(stack, 'ClosedSandboxPool', { value: closed.allocatorArn });
