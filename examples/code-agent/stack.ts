import { CfnOutput, Duration, Stack, type StackProps } from 'aws-cdk-lib';
import { IdlePolicy, ImageSource, SandboxImage, SandboxPool } from 'cdk-microvm-sandbox';
import type { Construct } from 'constructs';

/** A pool whose sandboxes wait, suspended, for as long as a user thinks. */
export class CodeAgentStack extends Stack {
  constructor(scope: Construct, id: string, props?: StackProps) {
    super(scope, id, props);

    const image = new SandboxImage(this, 'Image', { source: ImageSource.sandbox() });
    const pool = new SandboxPool(this, 'Pool', {
      image,
      maxSandboxes: 20,
      defaultTimeout: Duration.hours(1),
      idlePolicy: IdlePolicy.suspendAfter(Duration.minutes(1)),
    });

    new CfnOutput(this, 'SandboxPool', { value: pool.allocatorArn, description: 'The pool, for SANDBOX_POOL' });
  }
}
