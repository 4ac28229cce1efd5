import { join } from 'node:path';
import { App, CfnOutput, Stack } from 'aws-cdk-lib';
import * as lambda from 'aws-cdk-lib/aws-lambda';
import { ImageSource, MemorySize, SandboxImage, SandboxPool } from 'cdk-microvm-sandbox';

/** An image, a pool of it and who uses the pool, in a stack each. */
const app = new App();
const images = new Stack(app, 'IntegCrossStackImage');
const image = new SandboxImage(images, 'Image', {
  source: ImageSource.directory(join(__dirname, 'integ.own-dockerfile.context')),
  memory: MemorySize.MIB_512,
  environment: { GREETING: 'First' },
});

const pools = new Stack(app, 'IntegCrossStackPool');
const pool = new SandboxPool(pools, 'Pool', { image });

const callers = new Stack(app, 'IntegCrossStackCaller');
const caller = new lambda.Function(callers, 'Caller', {
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
new CfnOutput(callers, 'CallerName', { value: caller.functionName });
new CfnOutput(callers, 'SandboxPool', { value: pool.allocatorArn });
