import { Validations } from 'aws-cdk-lib';
import type * as lambda from 'aws-cdk-lib/aws-lambda';

const MANAGED_POLICY = 'Policy::arn:<AWS::Partition>:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole';

const REASONS = {
  [`AwsSolutions-IAM4[${MANAGED_POLICY}]`]: 'The CDK gives it to every function; it allows to write logs and nothing else.',
  'NIST.800.53.R5-IAMNoInlinePolicy': 'The right to call the pool belongs to this one function.',
  'NIST.800.53.R5-LambdaConcurrency': 'The pool limits how many sandboxes it makes; nothing needs to be reserved for it.',
  'NIST.800.53.R5-LambdaDLQ': 'Its callers wait for the answer.',
  'NIST.800.53.R5-LambdaInsideVPC': 'It calls the pool and the sandboxes, which are reached without a VPC.',
};
const LOG_REASONS = {
  'NIST.800.53.R5-CloudWatchLogGroupEncrypted': 'CloudWatch Logs encrypts it with a key of its own.',
};

/** What cdk-nag asks of a function, and why this one does without; an app that is not checked by cdk-nag needs none of it. */
export function acknowledgeNag(runCode: lambda.Function): void {
  const said = (reasons: Record<string, string>) => Object.entries(reasons).map(([id, reason]) => ({ id, reason }));
  Validations.of(runCode).acknowledge(...said(REASONS));
  Validations.of(runCode.logGroup).acknowledge(...said(LOG_REASONS));
}
