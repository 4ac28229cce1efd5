import { join } from 'node:path';
import { CfnOutput, Duration, Stack, type StackProps } from 'aws-cdk-lib';
import { IdlePolicy, ImageSource, MemorySize, SandboxImage, SandboxPool } from 'cdk-microvm-sandbox';
import type { Construct } from 'constructs';

/** A web server of your own in each sandbox: any Dockerfile, none of our runtime. */
export class WebAppStack extends Stack {
  constructor(scope: Construct, id: string, props?: StackProps) {
    super(scope, id, props);

    const image = new SandboxImage(this, 'Image', {
      source: ImageSource.directory(join(__dirname, 'app')),
      memory: MemorySize.MIB_512,
      environment: { GREETING: 'Hello from a microVM' },
    });
    const pool = new SandboxPool(this, 'Pool', {
      image,
      maxSandboxes: 3,
      defaultTimeout: Duration.hours(1),
      idlePolicy: IdlePolicy.suspendAfter(Duration.minutes(1)),
    });

    new CfnOutput(this, 'SandboxPool', { value: pool.allocatorArn, description: 'The pool, for SANDBOX_POOL' });
  }
}
