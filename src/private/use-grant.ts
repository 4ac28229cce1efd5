import type { IResource } from 'aws-cdk-lib';
import { Annotations, Token, TokenComparison } from 'aws-cdk-lib';
import * as iam from 'aws-cdk-lib/aws-iam';
import type * as lambda from 'aws-cdk-lib/aws-lambda';
import { fingerprintOf } from './fingerprint';

export interface UsedPool extends IResource {
  readonly allocatorArn: string;
}

/**
 * Grants what users of a pool need. A principal of another account, or one that takes no policy, is let in by the policy of the allocator,
 * too: of an imported pool nobody can change that from here, so it is told.
 */
export function grantUse(pool: UsedPool, grantee: iam.IGrantable, allocator?: lambda.IFunction): iam.Grant {
  const grant = iam.Grant.addToPrincipal({ grantee, actions: ['lambda:InvokeFunction'], resourceArns: [pool.allocatorArn] });
  const { grantPrincipal: principal } = grantee;
  const accounts = compareAccounts(pool, principal);
  if (grant.success && accounts === TokenComparison.SAME) return grant;
  if (allocator === undefined) {
    // An account that only the deployment knows is most likely the pool's own.
    if (!grant.success || accounts === TokenComparison.DIFFERENT) warnOfImported(pool, principal);
    return grant;
  }
  return grant.combine(permit(allocator, grantee));
}

/** Two accounts that are both unknown are that of the deployment. A principal that knows no account is no other's. */
function compareAccounts({ env }: IResource, { principalAccount }: iam.IPrincipal): TokenComparison {
  if (principalAccount === undefined) return TokenComparison.SAME;
  const compared = Token.compareStrings(env.account, principalAccount);
  return compared === TokenComparison.BOTH_UNRESOLVED ? TokenComparison.SAME : compared;
}

function permit(allocator: lambda.IFunction, grantee: iam.IGrantable): iam.Grant {
  return iam.Grant.addStatementToResourcePolicy({
    grantee,
    actions: ['lambda:InvokeFunction'],
    resourceArns: [allocator.functionArn],
    statement: new iam.PolicyStatement({
      actions: ['lambda:InvokeFunction'], resources: [allocator.functionArn], principals: [grantee.grantPrincipal],
    }),
    // Lambda takes its policy statement by statement, each as a resource.
    resource: { env: allocator.env, addToResourcePolicy: () => permitOnce(allocator, grantee.grantPrincipal) },
  });
}

function permitOnce(allocator: lambda.IFunction, principal: iam.IPrincipal): iam.AddToResourcePolicyResult {
  const { principalJson, conditions } = principal.policyFragment;
  const id = `Use${fingerprintOf(allocator, JSON.stringify([principalJson, conditions])).slice(0, 8)}`;
  if (allocator.node.tryFindChild(id) === undefined) allocator.addPermission(id, { principal });
  return { statementAdded: true, policyDependable: allocator.node.findChild(id) };
}

function warnOfImported(pool: UsedPool, { principalAccount }: iam.IPrincipal): void {
  const account = principalAccount === undefined || Token.isUnresolved(principalAccount) ? '<account>' : principalAccount;
  Annotations.of(pool).addWarningV2(
    'cdk-microvm-sandbox:useOfImportedPool',
    'grantUse: the pool is imported, and whether a principal of another account, or one without policies, may use it is for the pool\'s own stack '
    + `to say. Call grantUse(new iam.AccountPrincipal('${account}')) there, on the SandboxPool itself.`,
  );
}
