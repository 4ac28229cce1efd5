import { App, CfnOutput, Stack } from 'aws-cdk-lib';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import * as lambda from 'aws-cdk-lib/aws-lambda';
import { SandboxPool, SandboxVpcEndpoints } from 'cdk-microvm-sandbox';

/** A function in a VPC without a way out, which reaches the pool and its sandboxes. */
const stack = new Stack(new App(), 'IntegVpcEndpoints');
const pool = new SandboxPool(stack, 'Pool');
const vpc = new ec2.Vpc(stack, 'Vpc', {
  maxAzs: 2,
  natGateways: 0,
  subnetConfiguration: [{ name: 'Callers', subnetType: ec2.SubnetType.PRIVATE_ISOLATED }],
});
new SandboxVpcEndpoints(stack, 'Endpoints', { vpc, pools: [pool] });

const caller = new lambda.Function(stack, 'Caller', {
  runtime: lambda.Runtime.NODEJS_22_X,
  handler: 'index.handler',
  vpc,
  vpcSubnets: { subnetType: ec2.SubnetType.PRIVATE_ISOLATED },
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
