import { join } from 'node:path';
import { CfnOutput, Duration, RemovalPolicy, Stack, type StackProps } from 'aws-cdk-lib';
import * as lambda from 'aws-cdk-lib/aws-lambda';
import { NodejsFunction } from 'aws-cdk-lib/aws-lambda-nodejs';
import * as logs from 'aws-cdk-lib/aws-logs';
import { ImageSource, SandboxImage, SandboxPool } from 'cdk-microvm-sandbox';
import type { Construct } from 'constructs';
import { acknowledgeNag } from './nag';

/** An image, a pool, and a function that runs the code it is sent. */
export class QuickstartStack extends Stack {
  constructor(scope: Construct, id: string, props?: StackProps) {
    super(scope, id, props);

    const image = new SandboxImage(this, 'Image', { source: ImageSource.sandbox() });
    const pool = new SandboxPool(this, 'Pool', { image, maxSandboxes: 5 });

    const runCode = new NodejsFunction(this, 'RunCode', {
      entry: join(__dirname, 'handler.ts'),
      runtime: lambda.Runtime.NODEJS_24_X,
      architecture: lambda.Architecture.ARM_64,
      memorySize: 512,
      // A sandbox from nothing takes seconds, the code up to a minute.
      timeout: Duration.minutes(2),
      logGroup: new logs.LogGroup(this, 'RunCodeLogs', {
        retention: logs.RetentionDays.ONE_WEEK,
        removalPolicy: RemovalPolicy.DESTROY,
      }),
      bundling: { bundleAwsSDK: true, target: 'node22' },
    });
    pool.connect(runCode);
    acknowledgeNag(runCode);

    new CfnOutput(this, 'RunCodeName', { value: runCode.functionName, description: 'Invoke it with {"language":"python","code":"…"}' });
    new CfnOutput(this, 'SandboxPool', { value: pool.allocatorArn, description: 'The pool, for SANDBOX_POOL' });
  }
}
