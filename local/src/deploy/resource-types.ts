import type { ResourceType } from './resource-type';
import { customResource } from './resource-types/custom-resource';
import { globalTable, table } from './resource-types/dynamodb';
import { repository } from './resource-types/ecr';
import { rule } from './resource-types/events';
import { instanceProfile, managedPolicy, policy, role } from './resource-types/iam';
import { alias, key } from './resource-types/kms';
import { eventInvokeConfig, lambdaFunction, layerVersion, networkConnector, permission } from './resource-types/lambda';
import { alias as functionAlias, version as functionVersion } from './resource-types/lambda-versions';
import { logGroup } from './resource-types/logs';
import { nestedStack } from './resource-types/nested-stack';
import { bucket, bucketPolicy } from './resource-types/s3';
import { parameter } from './resource-types/ssm';
import { isCustomType, isKnownStandIn, standIn } from './resource-types/stand-in';
import { stateMachine } from './resource-types/step-functions';

const TYPES: Readonly<Record<string, ResourceType>> = {
  'AWS::CloudFormation::Stack': nestedStack,
  'AWS::DynamoDB::GlobalTable': globalTable,
  'AWS::DynamoDB::Table': table,
  'AWS::ECR::Repository': repository,
  'AWS::Events::Rule': rule,
  'AWS::IAM::InstanceProfile': instanceProfile,
  'AWS::IAM::ManagedPolicy': managedPolicy,
  'AWS::IAM::Policy': policy,
  'AWS::IAM::Role': role,
  'AWS::KMS::Alias': alias,
  'AWS::KMS::Key': key,
  'AWS::Lambda::Alias': functionAlias,
  'AWS::Lambda::EventInvokeConfig': eventInvokeConfig,
  'AWS::Lambda::Function': lambdaFunction,
  'AWS::Lambda::LayerVersion': layerVersion,
  'AWS::Lambda::NetworkConnector': networkConnector,
  'AWS::Lambda::Permission': permission,
  'AWS::Lambda::Version': functionVersion,
  'AWS::Logs::LogGroup': logGroup,
  'AWS::S3::Bucket': bucket,
  'AWS::S3::BucketPolicy': bucketPolicy,
  'AWS::SSM::Parameter': parameter,
  'AWS::StepFunctions::StateMachine': stateMachine,
};

/** How a type is handled. Undefined: nothing here knows it, and a stand-in takes its place. */
export function resourceType(type: string): ResourceType | undefined {
  if (isKnownStandIn(type)) return standIn;
  if (isCustomType(type)) return customResource;
  return Object.hasOwn(TYPES, type) ? TYPES[type] : undefined;
}
