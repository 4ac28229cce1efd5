import { Annotations, Stack } from 'aws-cdk-lib';
import * as iam from 'aws-cdk-lib/aws-iam';
import * as kms from 'aws-cdk-lib/aws-kms';
import type { Construct } from 'constructs';

const ID = 'MicrovmSandboxKey';

/** The key with its grants. A bare reference becomes an imported key, one in a stack, whose policy cannot be changed from here. */
export function resolveKey(scope: Construct, ref: kms.IKeyRef): kms.IKey {
  if (isKey(ref)) return ref;
  const stack = Stack.of(scope);
  const id = `${ID}-${ref.node.addr.slice(-8)}`;
  return stack.node.tryFindChild(id) as kms.IKey | undefined ?? kms.Key.fromKeyArn(stack, id, ref.keyRef.keyArn);
}

/** Lets CloudWatch Logs use the key for the log groups of the scope's stack. Where the key's policy is not ours, says what it needs. */
export function allowLogs(scope: Construct, key: kms.IKey): void {
  const statement = logsStatement(scope);
  const { statementAdded } = key.addToResourcePolicy(statement, true);
  if (statementAdded) return;
  Annotations.of(scope).addWarningV2(
    'cdk-microvm-sandbox:keyPolicyNotChanged',
    'encryptionKey: the policy of this key cannot be changed from here, and CloudWatch Logs refuses a log group whose key it may not use. '
    + `The key's policy needs ${JSON.stringify(Stack.of(scope).resolve(statement.toStatementJson()))}.`,
  );
}

/** Id of a thing that the users of one key share: keys do not share, and without a key the id is the bare one. */
export function idForKey(id: string, key: kms.IKey | undefined): string {
  return key === undefined ? id : `${id}-${key.node.addr.slice(-8)}`;
}

/** Use of a key through one service only: whoever holds the role cannot decrypt what he finds elsewhere. */
export function keyStatement(scope: Construct, key: kms.IKeyRef, { service, actions }: KeyUse): iam.PolicyStatement {
  return new iam.PolicyStatement({
    actions,
    resources: [key.keyRef.keyArn],
    conditions: { StringEquals: { 'kms:ViaService': `${service}.${Stack.of(scope).region}.amazonaws.com` } },
  });
}

export interface KeyUse {
  /** As in the service's host name. */
  readonly service: string;
  readonly actions: string[];
}

// The statement of the CloudWatch Logs guide. In a key's policy * is the key itself.
function logsStatement(scope: Construct): iam.PolicyStatement {
  const stack = Stack.of(scope);
  return new iam.PolicyStatement({
    principals: [new iam.ServicePrincipal(`logs.${stack.region}.amazonaws.com`)],
    actions: ['kms:Encrypt*', 'kms:Decrypt*', 'kms:ReEncrypt*', 'kms:GenerateDataKey*', 'kms:Describe*'],
    resources: ['*'],
    conditions: {
      ArnLike: {
        'kms:EncryptionContext:aws:logs:arn': `arn:${stack.partition}:logs:${stack.region}:${stack.account}:*`,
      },
    },
  });
}

function isKey(ref: kms.IKeyRef): ref is kms.IKey {
  return 'addToResourcePolicy' in ref;
}
