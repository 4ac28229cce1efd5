import type { ResourceType } from './resource-type';
import { customResource } from './resource-types/custom-resource';
import { globalTable, table } from './resource-types/dynamodb';
import { elasticIp, subnet } from './resource-types/ec2';
import { repository } from './resource-types/ecr';
import { rule } from './resource-types/events';
import {
  firewall, firewallDomainList, firewallPolicy, firewallRuleGroup, firewallRuleGroupAssociation, loggingConfiguration,
  ruleGroup,
} from './resource-types/firewalls';
import { instanceProfile, managedPolicy, policy, role } from './resource-types/iam';
import { alias, key } from './resource-types/kms';
import { eventInvokeConfig, lambdaFunction, layerVersion, permission } from './resource-types/lambda';
import { alias as functionAlias, version as functionVersion } from './resource-types/lambda-versions';
import { logGroup } from './resource-types/logs';
import { alarm, dashboard, queue, topic } from './resource-types/messages-and-alarms';
import { microvmImage } from './resource-types/microvm-image';
import { nestedStack } from './resource-types/nested-stack';
import { networkConnector } from './resource-types/network-connector';
import { bucket, bucketPolicy } from './resource-types/s3';
import { parameter } from './resource-types/ssm';
import { isCustomType, isKnownStandIn, standIn } from './resource-types/stand-in';
import { stateMachine } from './resource-types/step-functions';

const TYPES: Readonly<Record<string, ResourceType>> = {
  'AWS::CloudFormation::Stack': nestedStack,
  'AWS::CloudWatch::Alarm': alarm,
  'AWS::CloudWatch::Dashboard': dashboard,
  'AWS::DynamoDB::GlobalTable': globalTable,
  'AWS::DynamoDB::Table': table,
  'AWS::EC2::EIP': elasticIp,
  'AWS::EC2::Subnet': subnet,
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
  'AWS::Lambda::MicrovmImage': microvmImage,
  'AWS::Lambda::NetworkConnector': networkConnector,
  'AWS::Lambda::Permission': permission,
  'AWS::Lambda::Version': functionVersion,
  'AWS::Logs::LogGroup': logGroup,
  'AWS::NetworkFirewall::Firewall': firewall,
  'AWS::NetworkFirewall::FirewallPolicy': firewallPolicy,
  'AWS::NetworkFirewall::LoggingConfiguration': loggingConfiguration,
  'AWS::NetworkFirewall::RuleGroup': ruleGroup,
  'AWS::Route53Resolver::FirewallDomainList': firewallDomainList,
  'AWS::Route53Resolver::FirewallRuleGroup': firewallRuleGroup,
  'AWS::Route53Resolver::FirewallRuleGroupAssociation': firewallRuleGroupAssociation,
  'AWS::S3::Bucket': bucket,
  'AWS::S3::BucketPolicy': bucketPolicy,
  'AWS::SNS::Topic': topic,
  'AWS::SQS::Queue': queue,
  'AWS::SSM::Parameter': parameter,
  'AWS::StepFunctions::StateMachine': stateMachine,
};

/** How a type is handled. Undefined: nothing here knows it, and a stand-in takes its place. */
export function resourceType(type: string): ResourceType | undefined {
  if (isKnownStandIn(type)) return standIn;
  if (isCustomType(type)) return customResource;
  return Object.hasOwn(TYPES, type) ? TYPES[type] : undefined;
}
