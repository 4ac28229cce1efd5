import { App, Aspects, CfnOutput, Stack, Tags } from 'aws-cdk-lib';
import * as iam from 'aws-cdk-lib/aws-iam';
import * as logs from 'aws-cdk-lib/aws-logs';
import { SandboxPool } from 'cdk-microvm-sandbox';

/** What a platform team puts over every stack: a boundary for roles, tags, and how long logs are kept. */
const stack = new Stack(new App(), 'IntegPermissionsBoundary');
const boundary = new iam.ManagedPolicy(stack, 'Boundary', {
  statements: [
    new iam.PolicyStatement({ actions: ['*'], resources: ['*'] }),
    new iam.PolicyStatement({ effect: iam.Effect.DENY, actions: ['iam:Create*', 'iam:Put*', 'iam:Attach*'], resources: ['*'] }),
  ],
});
const pool = new SandboxPool(stack, 'Pool');
iam.PermissionsBoundary.of(stack).apply(boundary);
Tags.of(stack).add('team', 'agents');
Aspects.of(stack).add({
  visit: (node) => {
    if (node instanceof logs.CfnLogGroup) node.retentionInDays = logs.RetentionDays.THREE_MONTHS;
  },
});
new CfnOutput(stack, 'SandboxPool', { value: pool.allocatorArn });
