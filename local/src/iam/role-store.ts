import { randomBytes } from 'node:crypto';
import { MANAGED_POLICIES } from './managed-policies';
import { ServiceError } from '../services/service-error';

export interface Role {
  readonly arn: string;
  readonly id: string;
  readonly path: string;
  trustPolicy: unknown;
  /** Inline policies by name. */
  readonly policies: Map<string, unknown>;
  readonly managedPolicyArns: Set<string>;
  /** ARN of a managed policy. */
  permissionsBoundary?: string;
}

export interface NamedPolicy {
  readonly name: string;
  readonly document: unknown;
}

/** What decides about calls of a role. */
export interface RolePolicies {
  readonly identity: readonly NamedPolicy[];
  readonly boundary?: NamedPolicy;
}

interface SavedRole {
  readonly arn: string;
  readonly id: string;
  readonly path: string;
  readonly trustPolicy: unknown;
  readonly policies: readonly (readonly [string, unknown])[];
  readonly managedPolicyArns: readonly string[];
  readonly permissionsBoundary?: string;
}

export interface SavedRoles {
  readonly roles: readonly SavedRole[];
  readonly managedPolicies: readonly (readonly [string, unknown])[];
}

/** Roles and managed policies, as documents. */
export class RoleStore {
  readonly #roles = new Map<string, Role>();
  readonly #managedPolicies = new Map<string, unknown>();

  constructor(private readonly account: string) {}

  create(name: string, { path = '/', trustPolicy }: { path?: string; trustPolicy: unknown }): Role {
    if (this.#roles.has(name)) throw new ServiceError('EntityAlreadyExists', `Role with name ${name} already exists.`, 409);
    const role: Role = {
      arn: `arn:aws:iam::${this.account}:role${path}${name}`,
      id: uniqueId('AROA'),
      path,
      trustPolicy,
      policies: new Map(),
      managedPolicyArns: new Set(),
    };
    this.#roles.set(name, role);
    return role;
  }

  get(name: string): Role {
    const role = this.#roles.get(name);
    if (!role) throw new ServiceError('NoSuchEntity', `The role with name ${name} cannot be found.`, 404);
    return role;
  }

  has(name: string): boolean {
    return this.#roles.has(name);
  }

  byArn(arn: string): Role | undefined {
    const role = this.#roles.get(arn.split('/').at(-1) ?? '');
    return role?.arn === arn ? role : undefined;
  }

  delete(name: string): void {
    this.get(name);
    this.#roles.delete(name);
  }

  names(): string[] {
    return [...this.#roles.keys()];
  }

  putManagedPolicy(arn: string, document: unknown): void {
    this.#managedPolicies.set(arn, document);
  }

  deleteManagedPolicy(arn: string): void {
    this.#managedPolicies.delete(arn);
    for (const { managedPolicyArns } of this.#roles.values()) managedPolicyArns.delete(arn);
  }

  managedPolicies(): string[] {
    return [...this.#managedPolicies.keys()];
  }

  /** A managed policy whose document is not known allows nothing, and lets nothing through as a boundary. */
  policiesOf({ policies, managedPolicyArns, permissionsBoundary }: Role): RolePolicies {
    const inline = [...policies].map(([name, document]) => ({ name, document }));
    return {
      identity: [...inline, ...[...managedPolicyArns].map((arn) => this.#managed(arn))],
      ...(permissionsBoundary !== undefined && { boundary: this.#managed(permissionsBoundary) }),
    };
  }

  save(): SavedRoles {
    const roles = [...this.#roles.values()].map((role) => (
      { ...role, policies: [...role.policies], managedPolicyArns: [...role.managedPolicyArns] }
    ));
    return { roles, managedPolicies: [...this.#managedPolicies] };
  }

  restore({ roles, managedPolicies }: SavedRoles): void {
    for (const role of roles) {
      const [policies, managedPolicyArns] = [new Map(role.policies), new Set(role.managedPolicyArns)];
      this.#roles.set(role.arn.split('/').at(-1) ?? '', { ...role, policies, managedPolicyArns });
    }
    for (const [arn, document] of managedPolicies) this.#managedPolicies.set(arn, document);
  }

  #managed(arn: string): NamedPolicy {
    const document = this.#managedPolicies.get(arn) ?? MANAGED_POLICIES[arn] ?? { Version: '2012-10-17', Statement: [] };
    return { name: arn, document };
  }
}

/** An id as IAM makes it for access keys, roles and users. */
export function uniqueId(prefix: string): string {
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567';
  return prefix + [...randomBytes(16)].map((byte) => alphabet[byte % alphabet.length]).join('');
}
