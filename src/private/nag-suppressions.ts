import { Stack, Validations } from 'aws-cdk-lib';
import type * as logs from 'aws-cdk-lib/aws-logs';
import type * as s3 from 'aws-cdk-lib/aws-s3';
import type { Provider } from 'aws-cdk-lib/custom-resources';
import type { IConstruct } from 'constructs';

/** Rules of cdk-nag's packs to the reason why the resource is right as it is. */
export type NagReasons = Readonly<Record<string, string>>;

/** A role whose rights stand in policies of its own. */
export const INLINE_POLICY: NagReasons = {
  'NIST.800.53.R5-IAMNoInlinePolicy':
    'The policy belongs to this one role, comes and goes with it, and does not count against the quota of managed policies.',
};

/** A function that runs code of this library or of the CDK. */
export const FUNCTION: NagReasons = {
  'NIST.800.53.R5-LambdaConcurrency':
    'Reserved concurrency would be taken from the account, and fails the deployment in an account that has only the minimum.',
  'NIST.800.53.R5-LambdaDLQ':
    'Its callers wait for the answer and see a failure; where a schedule calls it, the next call is the retry.',
  'NIST.800.53.R5-LambdaInsideVPC':
    'It calls nothing but AWS APIs; in a VPC it would need a NAT gateway or interface endpoints, billed by the hour, for that.',
};

/** The table of a pool. */
export const LIST_OF_SANDBOXES: NagReasons = {
  'AwsSolutions-DDB3': 'It holds what runs at the moment: a list of an earlier moment would name microVMs that are gone.',
  'NIST.800.53.R5-DynamoDBPITREnabled': 'It holds what runs at the moment: a list of an earlier moment would name microVMs that are gone.',
  'NIST.800.53.R5-DynamoDBInBackupPlan': 'It holds what runs at the moment: a list of an earlier moment would name microVMs that are gone.',
};

/** The role that Lambda makes the network interfaces of a VPC connector with. */
export const CONNECTOR_OPERATOR: NagReasons = {
  'AwsSolutions-IAM4[Policy::arn:<AWS::Partition>:iam::aws:policy/AWSLambdaNetworkConnectorOperatorPolicy]':
    'AWS made the policy for this role alone and changes it together with the service.',
};

const OWN_VPC_FLOWS = 'Flow logs are billed by what they record: who wants them gives a VPC that has them.';
/** A VPC that a network makes for its sandboxes. */
export const OWN_VPC: NagReasons = {
  'AwsSolutions-VPC7': OWN_VPC_FLOWS,
  'NIST.800.53.R5-VPCFlowLogsEnabled': OWN_VPC_FLOWS,
  'NIST.800.53.R5-VPCDefaultSecurityGroupClosed':
    'Nothing is in the default security group, and to empty it would take a function with rights on security groups.',
};

/** The way of a NAT gateway to the internet. */
export const NAT_ROUTE: NagReasons = {
  'NIST.800.53.R5-VPCNoUnrestrictedRouteToIGW': 'The subnet holds a NAT gateway and nothing else, and the gateway works with this route only.',
};

/** What the repositories of an account are asked for before one of them. */
export const REGISTRY_LOGIN = 'Amazon ECR gives its login for all repositories of an account; the rights to pull name the one.';

/** A resource that the service names in no ARN before it exists, or evaluates on `*` whatever the request names. */
export const ONLY_WILDCARD = 'The service evaluates these calls on no narrower resource.';

/** The prefix of one image in the bucket that the images of a stack share. */
export const OWN_PREFIX = "All keys below the image's own prefix, which nothing else uses: their names are hashes of what is built.";

const ARTIFACTS = 'It holds build contexts on their way to the service, each of which is published again from its asset when it is missing.';
const ARTIFACT_BUCKET: NagReasons = {
  'AwsSolutions-S1': `${ARTIFACTS} Its one reader is the service, whose builds CloudTrail records.`,
  'NIST.800.53.R5-S3BucketLoggingEnabled': `${ARTIFACTS} Its one reader is the service, whose builds CloudTrail records.`,
  'NIST.800.53.R5-S3BucketReplicationEnabled': ARTIFACTS,
  'NIST.800.53.R5-S3BucketVersioningEnabled': `${ARTIFACTS} Versions would keep the bucket from being emptied and deleted with the stack.`,
};

/** How the Provider framework waits for an `isComplete` handler. */
const WAITER: NagReasons = {
  ...INLINE_POLICY,
  'AwsSolutions-SF1': 'It only asks again until the handler is done, and the handler logs that; its own log needs a right on every resource.',
  'AwsSolutions-SF2': 'The Provider framework of the CDK, which makes it, has no switch for tracing.',
};
const ANY_VERSION = 'Any version of one function: the Provider framework of the CDK grants its calls so.';

/**
 * Says in the app why a finding of cdk-nag is no defect here; cdk-nag 3 and later read it, and nothing of it reaches the template.
 *
 * Only for what the resource itself cannot do better.
 */
export function acknowledge(scope: IConstruct, reasons: NagReasons): void {
  Validations.of(scope).acknowledge(...Object.entries(reasons).map(([id, reason]) => ({ id, reason })));
}

/** A wildcard in the resource of a statement of this role or policy. */
export function acknowledgeWildcard(scope: IConstruct, arn: string, reason: string): void {
  acknowledge(scope, { [`AwsSolutions-IAM5[Resource::${flatten(Stack.of(scope).resolve(arn))}]`]: reason });
}

/** Without a key of the user CloudWatch Logs encrypts with its own. */
export function acknowledgeLogGroup(logGroup: logs.LogGroup): void {
  if ((logGroup.node.defaultChild as logs.CfnLogGroup).kmsKeyId !== undefined) return;
  acknowledge(logGroup, {
    'NIST.800.53.R5-CloudWatchLogGroupEncrypted': 'CloudWatch Logs encrypts it with a key of its own; a key of the user costs and is theirs to choose.',
  });
}

/** The bucket of build contexts. */
export function acknowledgeArtifactBucket(bucket: s3.Bucket): void {
  acknowledge(bucket, ARTIFACT_BUCKET);
  if (bucket.encryptionKey !== undefined) return;
  acknowledge(bucket, {
    'NIST.800.53.R5-S3DefaultEncryptionKMS': 'S3 encrypts it with a key of its own; a key of the user costs and is theirs to choose.',
  });
}

/** What the Provider framework makes, and the roles in `scope` that it extends. */
export function acknowledgeFramework(scope: IConstruct, provider: Provider): void {
  acknowledge(provider, FUNCTION);
  if (provider.isCompleteHandler !== undefined) acknowledge(provider, WAITER);
  const inner = ['framework-isComplete', 'framework-onTimeout'].map((id) => provider.node.tryFindChild(id));
  for (const called of [provider.onEventHandler, provider.isCompleteHandler, ...inner]) {
    if (called !== undefined && 'functionArn' in called) acknowledgeWildcard(scope, `${String(called.functionArn)}:*`, ANY_VERSION);
  }
}

type Intrinsic = string | { readonly [name: string]: unknown };

/** An ARN with its references as cdk-nag writes them: `<Id>` and `<Id.Attribute>`. */
function flatten(value: Intrinsic): string {
  if (typeof value === 'string') return value;
  if (Array.isArray(value['Fn::Join'])) {
    const [delimiter, parts] = value['Fn::Join'] as [string, Intrinsic[]];
    return parts.map(flatten).join(delimiter);
  }
  if (Array.isArray(value['Fn::GetAtt'])) return `<${value['Fn::GetAtt'].join('.')}>`;
  return typeof value.Ref === 'string' ? `<${value.Ref}>` : JSON.stringify(value);
}
