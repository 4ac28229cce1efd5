import type { ResourceType } from './resource-type';
import { customResource } from './resource-types/custom-resource';
import { globalTable, table } from './resource-types/dynamodb';
import { rule } from './resource-types/events';
import { managedPolicy, policy, role } from './resource-types/iam';
import { eventInvokeConfig, lambdaFunction, networkConnector, permission } from './resource-types/lambda';
import { logGroup } from './resource-types/logs';
import { bucket, bucketPolicy } from './resource-types/s3';
import { parameter } from './resource-types/ssm';
import { isKnownStandIn, standIn } from './resource-types/stand-in';
import { stateMachine } from './resource-types/step-functions';

const TYPES: Readonly<Record<string, ResourceType>> = {
  'AWS::CloudFormation::CustomResource': customResource,
  'AWS::DynamoDB::GlobalTable': globalTable,
  'AWS::DynamoDB::Table': table,
  'AWS::Events::Rule': rule,
  'AWS::IAM::ManagedPolicy': managedPolicy,
  'AWS::IAM::Policy': policy,
  'AWS::IAM::Role': role,
  'AWS::Lambda::EventInvokeConfig': eventInvokeConfig,
  'AWS::Lambda::Function': lambdaFunction,
  'AWS::Lambda::NetworkConnector': networkConnector,
  'AWS::Lambda::Permission': permission,
  'AWS::Logs::LogGroup': logGroup,
  'AWS::S3::Bucket': bucket,
  'AWS::S3::BucketPolicy': bucketPolicy,
  'AWS::SSM::Parameter': parameter,
  'AWS::StepFunctions::StateMachine': stateMachine,
};

/** How a type is handled. Undefined: nothing here knows it, and a stand-in takes its place. */
export function resourceType(type: string): ResourceType | undefined {
  if (isKnownStandIn(type)) return standIn;
  if (type.startsWith('Custom::')) return customResource;
  return Object.hasOwn(TYPES, type) ? TYPES[type] : undefined;
}
