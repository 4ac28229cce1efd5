import * as iam from 'aws-cdk-lib/aws-iam';
import type { Construct } from 'constructs';
import { injectedProps } from './private/injected-props';
import { microvmPlatform } from './private/trust';
import type { TrustCondition } from './trust-condition';

/** How an execution role is made. */
export interface SandboxExecutionRoleProps {
  /**
   * On whose behalf the platform may assume the role.
   *
   * @default TrustCondition.SOURCE_ACCOUNT
   */
  readonly trustCondition?: TrustCondition;

  /**
   * Name of the role. A role with a name cannot be replaced in place.
   *
   * @default - CloudFormation makes one up
   */
  readonly roleName?: string;

  /**
   * Description of the role, at most 1000 characters.
   *
   * @default - says which construct it is
   */
  readonly description?: string;
}

/**
 * A role for a pool's `executionRole`, with the trust that microVMs need and no rights.
 *
 * Any code in a sandbox can act as this role: grant it only what you would give to a stranger.
 */
export class SandboxExecutionRole extends iam.Role {
  /** Names the construct to property injectors. */
  public static readonly PROPERTY_INJECTION_ID: string = 'cdk-microvm-sandbox.SandboxExecutionRole';

  constructor(scope: Construct, id: string, props: SandboxExecutionRoleProps = {}) {
    const site = { scope, id, uniqueId: SandboxExecutionRole.PROPERTY_INJECTION_ID };
    const { trustCondition, roleName, description } = injectedProps(site, props);
    super(scope, id, {
      assumedBy: microvmPlatform(scope, trustCondition),
      roleName,
      description: description ?? `Role of the code in the sandboxes of ${scope.node.path}`.slice(0, 1000),
    });
  }
}
