import { Stack } from 'aws-cdk-lib';
import * as iam from 'aws-cdk-lib/aws-iam';
import type { IConstruct } from 'constructs';
import { anyMicrovmArn, imageArn } from './microvm-arns';
import { TrustCondition } from '../trust-condition';

/**
 * The platform, as a principal of a role's trust policy. Without the right to tag its session a build or a microVM has no credentials
 * and no log: the templates of aws-samples grant both actions, the guide's example only one.
 */
export function microvmPlatform(scope: IConstruct, condition = TrustCondition.SOURCE_ACCOUNT): iam.IPrincipal {
  return new iam.ServicePrincipal('lambda.amazonaws.com', { conditions: conditionsOf(scope, condition) }).withSessionTags();
}

function conditionsOf(scope: IConstruct, condition: TrustCondition): Record<string, Record<string, unknown>> {
  if (condition === TrustCondition.NONE) return {};
  const sourceAccount = { StringEquals: { 'aws:SourceAccount': Stack.of(scope).account } };
  if (condition === TrustCondition.SOURCE_ACCOUNT) return sourceAccount;
  // A role that named microVMs only could not be assumed for them either: the image's ARN is what some starts present.
  return { ...sourceAccount, ArnLike: { 'aws:SourceArn': [imageArn(scope, '*'), anyMicrovmArn(scope)] } };
}
