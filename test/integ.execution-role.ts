import { App, CfnOutput, Stack } from 'aws-cdk-lib';
import { StringParameter } from 'aws-cdk-lib/aws-ssm';
import { SandboxExecutionRole, SandboxPool } from 'cdk-microvm-sandbox';

/** Code in a sandbox acts as a role, which may read one parameter. Its output is logged. */
const stack = new Stack(new App(), 'IntegExecutionRole');
const executionRole = new SandboxExecutionRole(stack, 'SandboxRole');
const parameter = new StringParameter(stack, 'Parameter', { stringValue: 'for sandboxes' });
parameter.grantRead(executionRole);
const pool = new SandboxPool(stack, 'Pool', { executionRole });
new CfnOutput(stack, 'SandboxPool', { value: pool.allocatorArn });
new CfnOutput(stack, 'SandboxRoleName', { value: executionRole.roleName });
new CfnOutput(stack, 'SandboxLogGroup', { value: pool.logGroup?.logGroupName ?? 'none' });
