import { Annotations, Lazy, Names, Stack, Token } from 'aws-cdk-lib';
import * as iam from 'aws-cdk-lib/aws-iam';
import type { Construct, IDependable } from 'constructs';
import { Dependable } from 'constructs';

/** The warning for a role whose rights cannot be changed. */
export interface RefusalWarning {
  readonly id: string;
  /** The prop as the user typed it. */
  readonly prop: string;
}

/**
 * A role that the user brought, as grants want it: an `IRole`, or a bare reference, whose rights become a policy on its name. What a role
 * does not take, because it is another account's or imported as it is, is told and not dropped.
 */
export class RolePrincipal implements iam.IPrincipal {
  public readonly grantPrincipal = this;
  public readonly assumeRoleAction = 'sts:AssumeRole';
  public readonly policyFragment: iam.PrincipalPolicyFragment;
  public readonly principalAccount: string | undefined;
  /** What to wait for before the role is used. */
  public readonly dependables: IDependable[];

  private readonly refused: iam.PolicyStatement[] = [];
  private document?: iam.PolicyDocument;

  /** `policyId`: of the policy, made here, of a role whose own policy cannot be used. */
  constructor(
    private readonly scope: Construct,
    private readonly role: iam.IRoleRef,
    private readonly policyId: string,
  ) {
    this.policyFragment = new iam.ArnPrincipal(role.roleRef.roleArn).policyFragment;
    this.principalAccount = isRole(role) ? role.principalAccount : role.env.account;
    // An imported role is there; to wait for the stack that imports it could have the two wait for each other.
    const isImportedElsewhere = isRole(role) && !iam.Role.isRole(role) && this.isOfOtherStack(role);
    this.dependables = isImportedElsewhere ? [] : [role];
  }

  public get roleArn(): string {
    return this.role.roleRef.roleArn;
  }

  public addToPrincipalPolicy(statement: iam.PolicyStatement): iam.AddToPrincipalPolicyResult {
    if (!isRole(this.role) || this.isOfOtherStack(this.role)) {
      if (this.isOfOtherAccount()) {
        this.refused.push(statement);
        return { statementAdded: false };
      }
      this.documentOf(this.role).addStatements(statement);
      return { statementAdded: true, policyDependable: this.role };
    }
    const result = this.role.addToPrincipalPolicy(statement);
    if (result.policyDependable !== undefined) this.dependables.push(result.policyDependable);
    if (!isAdded(this.role, result)) this.refused.push(statement);
    return result;
  }

  /** Names what the role did not take. */
  public warnOfRefused({ id, prop }: RefusalWarning): void {
    const stack = Stack.of(this.scope);
    const statements: unknown[] = this.refused.splice(0).map((statement) => stack.resolve(statement.toStatementJson()));
    if (statements.length === 0) return;
    Annotations.of(this.scope).addWarningV2(
      `cdk-microvm-sandbox:${id}`,
      `${prop}: the rights of this role cannot be changed from here. It needs ${JSON.stringify(statements)}.`,
    );
  }

  /**
   * Its own policy is in its stack then, also of a role that is only imported there: rights there on what is made here would have the two
   * stacks wait for each other. One that takes no policies takes none here, either.
   */
  private isOfOtherStack(role: iam.IRole): boolean {
    return Stack.of(role) !== Stack.of(this.scope) && takesPolicies(role);
  }

  /** A policy of this stack's account finds no role of another. */
  private isOfOtherAccount(): boolean {
    const { account } = Stack.of(this.scope);
    const theirs = this.principalAccount ?? account;
    return !Token.isUnresolved(theirs) && !Token.isUnresolved(account) && theirs !== account;
  }

  /** The policy, in this stack, of a role that is known by reference only or is another stack's. */
  private documentOf(role: iam.IRoleRef): iam.PolicyDocument {
    if (this.document !== undefined) return this.document;
    this.document = new iam.PolicyDocument();
    const policy: iam.CfnPolicy = new iam.CfnPolicy(this.scope, this.policyId, {
      policyName: Lazy.string({ produce: () => Names.uniqueResourceName(policy, { maxLength: 128 }) }),
      policyDocument: this.document,
      roles: [role.roleRef.roleName],
    });
    this.dependables.push(policy);
    return this.document;
  }
}

/** One that takes none stands for the role that it was made of, and has no resources of its own to wait for. */
function takesPolicies(role: iam.IRole): boolean {
  return Dependable.of(role).dependencyRoots.includes(role);
}

function isRole(role: iam.IRoleRef): role is iam.IRole {
  return 'addToPrincipalPolicy' in role;
}

/** A role that takes no policies answers that it took one; but there is nothing to wait for. A role of the app's tells that later only. */
function isAdded(role: iam.IRole, { statementAdded, policyDependable }: iam.AddToPrincipalPolicyResult): boolean {
  if (!statementAdded || policyDependable === undefined) return false;
  return iam.Role.isRole(role) || Dependable.of(policyDependable).dependencyRoots.length > 0;
}
