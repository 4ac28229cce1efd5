import { randomBytes } from 'node:crypto';
import { ServiceError } from './service-error';
import type { RoleAssumer, RoleSession, SessionCredentials } from '../role-session';

/** The instance metadata service hands out credentials for this long. */
const SESSION_MS = 55 * 60_000;

export interface Credentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string;
}

/** Whose requests an access key signs. Without a role: the account's own user, who may do anything. */
export interface Principal {
  readonly credentials: Credentials;
  readonly roleArn?: string;
}

export interface Role {
  readonly arn: string;
  readonly id: string;
  readonly path: string;
  trustPolicy: unknown;
  /** Inline policies by name. */
  readonly policies: Map<string, unknown>;
  readonly managedPolicyArns: Set<string>;
}

/** Roles, policies as documents, and which access key belongs to whom. */
export class IamService implements RoleAssumer {
  readonly #roles = new Map<string, Role>();
  readonly #managedPolicies = new Map<string, unknown>();
  readonly #byRole = new Map<string, Principal>();
  readonly #byAccessKey = new Map<string, Principal>();
  /** Signs for the user of the local cloud. */
  readonly user: Credentials = { accessKeyId: keyId('AKIA'), secretAccessKey: secret() };

  constructor(private readonly account: string) {
    this.#byAccessKey.set(this.user.accessKeyId, { credentials: this.user });
  }

  createRole(name: string, { path = '/', trustPolicy }: { path?: string; trustPolicy: unknown }): Role {
    if (this.#roles.has(name)) throw new ServiceError('EntityAlreadyExists', `Role with name ${name} already exists.`, 409);
    const role: Role = {
      arn: `arn:aws:iam::${this.account}:role${path}${name}`,
      id: keyId('AROA'),
      path,
      trustPolicy,
      policies: new Map(),
      managedPolicyArns: new Set(),
    };
    this.#roles.set(name, role);
    return role;
  }

  role(name: string): Role {
    const role = this.#roles.get(name);
    if (!role) throw new ServiceError('NoSuchEntity', `The role with name ${name} cannot be found.`, 404);
    return role;
  }

  hasRole(name: string): boolean {
    return this.#roles.has(name);
  }

  deleteRole(name: string): void {
    const { arn } = this.role(name);
    this.#roles.delete(name);
    const principal = this.#byRole.get(arn);
    if (principal) this.#byAccessKey.delete(principal.credentials.accessKeyId);
    this.#byRole.delete(arn);
  }

  roles(): string[] {
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

  policyArn(path: string, name: string): string {
    return `arn:aws:iam::${this.account}:policy${path}${name}`;
  }

  /** The credentials that work done under a role carries: the same as long as the role lives. */
  credentials(roleArn: string): Credentials {
    const existing = this.#byRole.get(roleArn);
    if (existing) return existing.credentials;
    const credentials = { accessKeyId: keyId('ASIA'), secretAccessKey: secret(), sessionToken: secret() };
    const principal = { credentials, roleArn };
    this.#byRole.set(roleArn, principal);
    this.#byAccessKey.set(credentials.accessKeyId, principal);
    return credentials;
  }

  async assume(roleArn: string): Promise<RoleSession | undefined> {
    const { accessKeyId, secretAccessKey, sessionToken = '' } = this.credentials(roleArn);
    const credentials = (): SessionCredentials => ({ accessKeyId, secretAccessKey, sessionToken, expiresAt: Date.now() + SESSION_MS });
    return { credentials, allows: async () => true };
  }

  /** Whose access key this is. Undefined: nobody's. */
  principal(accessKeyId: string): Principal | undefined {
    return this.#byAccessKey.get(accessKeyId);
  }
}

function keyId(prefix: string): string {
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567';
  return prefix + [...randomBytes(16)].map((byte) => alphabet[byte % alphabet.length]).join('');
}

function secret(): string {
  return randomBytes(30).toString('base64');
}
