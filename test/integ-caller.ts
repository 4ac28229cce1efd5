import { CfnOutput, type Stack } from 'aws-cdk-lib';
import * as lambda from 'aws-cdk-lib/aws-lambda';
import type { SandboxPool } from 'cdk-microvm-sandbox';

/** A function that hands the operation of its event to the pool, and the outputs by which the assertions find both. */
export function addCaller(stack: Stack, pool: SandboxPool, network: Pick<lambda.FunctionProps, 'vpc' | 'vpcSubnets'> = {}): void {
  const caller = new lambda.Function(stack, 'Caller', {
    ...network,
    runtime: lambda.Runtime.NODEJS_22_X,
    handler: 'index.handler',
    code: lambda.Code.fromInline(`
    const { LambdaClient, InvokeCommand } = require('@aws-sdk/client-lambda');
    exports.handler = async ({ operation }) => {
      const Payload = JSON.stringify({ version: 1, operation });
      const answer = await new LambdaClient().send(new InvokeCommand({ FunctionName: process.env.SANDBOX_POOL, Payload }));
      return JSON.parse(Buffer.from(answer.Payload));
    };
  `),
  });
  pool.connect(caller);
  new CfnOutput(stack, 'CallerName', { value: caller.functionName });
  new CfnOutput(stack, 'SandboxPool', { value: pool.allocatorArn });
}
