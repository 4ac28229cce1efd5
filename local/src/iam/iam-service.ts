import type { Clock } from '../clock';
import type { Persistent } from '../persistent';
import type { RoleAssumer, RoleSession, SessionCredentials } from '../role-session';
import type { AccessControlOptions, Caller } from './access-control';
import { AccessControl } from './access-control';
import { MANAGED_POLICIES } from './managed-policies';
import type { Role, SavedRoles } from './role-store';
import { RoleStore, uniqueId } from './role-store';
import type { Session, SessionRole } from './sessions';
import { secret, Sessions } from './sessions';
import { ServiceError } from '../services/service-error';

export type { Role } from './role-store';

/** The instance metadata service says that its credentials live for this long. */
const METADATA_SESSION_MS = 55 * 60_000;
const FUNCTION_SESSION_MS = 12 * 3_600_000;
/** A function keeps the credentials that it started with, so they must last for a whole invocation. */
const FUNCTION_RENEW_MS = 20 * 60_000;
const ADMINISTRATOR = 'arn:aws:iam::aws:policy/AdministratorAccess';

export interface Credentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string;
}

/**
 * The key pair that people give to local clouds out of habit: it is the account's user, too, unless rights are enforced, as on AWS it is
 * nobody's. Its session token does not matter.
 */
export const HABITUAL_KEY: Credentials = { accessKeyId: 'test', secretAccessKey: 'test' };

/** Whose requests an access key signs. Without a role: the account's own user, who may do anything. */
export interface Principal {
  readonly credentials: Credentials;
  /** ARN of the user, or of the session as in `arn:aws:sts::…:assumed-role/<role>/<session>`. */
  readonly arn: string;
  /** What `aws:userid` says: `AROA…:<session>` for a session. */
  readonly userId: string;
  readonly roleArn?: string;
  /** Epoch milliseconds; absent for the user. */
  readonly expiresAt?: number;
}

export interface AssumeRoleContext {
  readonly sessionName: string;
  /** Default: 3600. */
  readonly durationSeconds?: number;
  readonly externalId?: string;
  readonly sessionTags?: Readonly<Record<string, string>>;
}

export interface AssumedRole {
  readonly credentials: SessionCredentials;
  /** `arn:aws:sts::…:assumed-role/<role>/<session>` */
  readonly arn: string;
  /** `AROA…:<session>` */
  readonly assumedRoleId: string;
}

/** What a role is taken on for. */
export interface ServiceSession {
  /** As in `lambda.amazonaws.com`. */
  readonly service: string;
  readonly sessionName: string;
  readonly durationMs: number;
  /** Credentials with less time left than this are replaced. Default: 5 minutes. */
  readonly renewMs?: number;
  /** Default: `sts:AssumeRole` alone. */
  readonly actions?: readonly string[];
  /** False: the service does not say on whose behalf it comes, and a condition on that is not met. Default: true. */
  readonly presentsAccount?: boolean;
}

export type IamOptions = Partial<Omit<AccessControlOptions, 'account'>>;

/** Roles, their policies, who may assume them, and which access key belongs to whom. */
export class IamService implements RoleAssumer, Persistent {
  /** Signs for the user of the local cloud. */
  user: Credentials = { accessKeyId: uniqueId('AKIA'), secretAccessKey: secret(30) };
  readonly access: AccessControl;
  readonly #roles: RoleStore;
  readonly #sessions: Sessions;
  readonly #clock: Pick<Clock, 'now'>;

  constructor(private readonly account: string, options: IamOptions = {}) {
    this.#clock = options.clock ?? Date;
    this.#roles = new RoleStore(account);
    this.#sessions = new Sessions(this.#clock);
    this.access = new AccessControl({ region: 'us-east-1', ...options, account, clock: this.#clock });
  }

  createRole(name: string, given: { path?: string; trustPolicy: unknown }): Role {
    return this.#roles.create(name, given);
  }

  role(name: string): Role {
    return this.#roles.get(name);
  }

  hasRole(name: string): boolean {
    return this.#roles.has(name);
  }

  deleteRole(name: string): void {
    this.#sessions.endAll(this.role(name));
    this.#roles.delete(name);
  }

  roles(): string[] {
    return this.#roles.names();
  }

  putManagedPolicy(arn: string, document: unknown): void {
    this.#roles.putManagedPolicy(arn, document);
  }

  deleteManagedPolicy(arn: string): void {
    this.#roles.deleteManagedPolicy(arn);
  }

  managedPolicies(): string[] {
    return this.#roles.managedPolicies();
  }

  policyArn(path: string, name: string): string {
    return `arn:aws:iam::${this.account}:policy${path}${name}`;
  }

  /** As the MicroVMs service does it, which tags its sessions and presents its account but no ARN. */
  assume(roleArn: string): Promise<RoleSession | undefined> {
    return this.assumeAs(roleArn, {
      service: 'lambda.amazonaws.com',
      sessionName: 'execution_role',
      durationMs: METADATA_SESSION_MS,
      actions: ['sts:AssumeRole', 'sts:TagSession'],
    });
  }

  /** For work that a function does: undefined if its role does not let Lambda assume it. */
  assumeForFunction(roleArn: string, functionName: string): Promise<RoleSession | undefined> {
    const lifetime = { durationMs: FUNCTION_SESSION_MS, renewMs: FUNCTION_RENEW_MS };
    return this.assumeAs(roleArn, { service: 'lambda.amazonaws.com', sessionName: functionName, ...lifetime });
  }

  /**
   * A service takes on a role of the account. Undefined: there is no such role, or its trust policy does not let the service do it.
   * Where nothing is enforced, a role that nobody created is assumed, too.
   */
  async assumeAs(roleArn: string, wanted: ServiceSession): Promise<RoleSession | undefined> {
    const { service, sessionName, durationMs, renewMs = 5 * 60_000, actions = ['sts:AssumeRole'], presentsAccount = true } = wanted;
    const role = this.#roles.byArn(roleArn);
    if (!role && this.access.enforced) return undefined;
    if (role) {
      const caller = presentsAccount ? this.service(service) : anonymous(this.service(service));
      for (const action of actions) {
        if (await this.access.refusal(caller, { action, resource: roleArn }, role.trustPolicy)) return undefined;
      }
    }
    const assumed = role ?? { arn: roleArn, id: uniqueId('AROA') };
    const open = (): Session => this.#sessions.open(assumed, sessionName, durationMs);
    return this.#roleSession({ role: assumed, name: sessionName, open, renewMs });
  }

  /** What STS answers. Throws AccessDenied, also for a role that does not exist. */
  async assumeRole(roleArn: string, callerArn: string, context: AssumeRoleContext): Promise<AssumedRole> {
    const { sessionName, durationSeconds = 3600, externalId, sessionTags = {} } = context;
    const role = this.#roles.byArn(roleArn);
    const tags = Object.entries(sessionTags);
    const actions = tags.length === 0 ? ['sts:AssumeRole'] : ['sts:AssumeRole', 'sts:TagSession'];
    const keys = {
      'sts:RoleSessionName': sessionName,
      ...(externalId !== undefined && { 'sts:ExternalId': externalId }),
      ...(tags.length > 0 && { 'aws:TagKeys': tags.map(([key]) => key) }),
      ...Object.fromEntries(tags.map(([key, value]) => [`aws:RequestTag/${key}`, value])),
    };
    const caller = this.#callerOf(callerArn);
    for (const action of actions) {
      const access = { action, resource: roleArn, context: keys };
      const refused = role && await this.access.refusal(caller, access, role.trustPolicy);
      if (refused || !role) {
        throw new ServiceError('AccessDenied', `User: ${callerArn} is not authorized to perform: ${action} on resource: ${roleArn}`, 403);
      }
    }
    const { credentials, roleId } = this.#sessions.open(role as Role, sessionName, durationSeconds * 1000);
    return { credentials, arn: this.#sessionArn(roleArn, sessionName), assumedRoleId: `${roleId}:${sessionName}` };
  }

  /** Whose access key this is, also if it has expired. Undefined: nobody's. */
  principal(accessKeyId: string): Principal | undefined {
    for (const credentials of this.access.enforced ? [this.user] : [this.user, HABITUAL_KEY]) {
      if (accessKeyId === credentials.accessKeyId) return { credentials, arn: this.#userArn, userId: `AIDA${'0'.repeat(16)}` };
    }
    const session = this.#sessions.find(accessKeyId);
    if (!session) return undefined;
    const { credentials, roleArn, roleId, name } = session;
    return { credentials, arn: this.#sessionArn(roleArn, name), userId: `${roleId}:${name}`, roleArn, expiresAt: credentials.expiresAt };
  }

  /** A service of AWS, on behalf of a resource of this account. */
  service(service: string, sourceArn?: string): Caller {
    const context = {
      'aws:PrincipalIsAWSService': 'true',
      'aws:PrincipalServiceName': service,
      'aws:SourceAccount': this.account,
      ...(sourceArn !== undefined && { 'aws:SourceArn': sourceArn }),
    };
    return { principal: service, policies: { identity: [] }, context };
  }

  /** A role's session with what is attached to the role now. */
  caller({ arn, userId, roleArn = '' }: Omit<Principal, 'credentials'>): Caller {
    const role = this.#roles.byArn(roleArn);
    // A later role of the same name is another role.
    const isSame = role !== undefined && userId.startsWith(`${role.id}:`);
    return {
      principal: arn,
      policies: isSame ? this.#roles.policiesOf(role) : { identity: [] },
      context: {
        'aws:PrincipalAccount': this.account,
        'aws:PrincipalArn': roleArn,
        'aws:PrincipalIsAWSService': 'false',
        'aws:PrincipalType': 'AssumedRole',
        'aws:userid': userId,
      },
    };
  }

  save(): unknown {
    return { user: this.user, ...this.#roles.save(), sessions: this.#sessions.save() };
  }

  restore(state: unknown): void {
    const { user, sessions, ...roles } = state as { user: Credentials; sessions: Session[] } & SavedRoles;
    this.user = user;
    this.#roles.restore(roles);
    this.#sessions.restore(sessions);
  }

  get #userArn(): string {
    return `arn:aws:iam::${this.account}:user/local`;
  }

  #sessionArn(roleArn: string, name: string): string {
    return `arn:aws:sts::${roleArn.split(':')[4]}:assumed-role/${roleArn.split('/').at(-1)}/${name}`;
  }

  #callerOf(arn: string): Caller {
    const [, roleName, session] = /:assumed-role\/([^/]+)\/(.+)$/.exec(arn) ?? [];
    if (roleName !== undefined && this.hasRole(roleName)) {
      const { arn: roleArn, id } = this.role(roleName);
      return this.caller({ arn, roleArn, userId: `${id}:${session}` });
    }
    const identity = arn === this.#userArn ? [{ name: ADMINISTRATOR, document: MANAGED_POLICIES[ADMINISTRATOR] }] : [];
    return { principal: arn, policies: { identity }, context: { 'aws:PrincipalAccount': this.account, 'aws:PrincipalArn': arn } };
  }

  #roleSession({ role, name, open, renewMs }: Assumption): RoleSession {
    let session: Session | undefined;
    const credentials = (): SessionCredentials => {
      if (!session || session.credentials.expiresAt - this.#clock.now() <= renewMs) session = open();
      return session.credentials;
    };
    const identity = { arn: this.#sessionArn(role.arn, name), userId: `${role.id}:${name}`, roleArn: role.arn };
    const allows = async (action: string, resource: string): Promise<boolean> => (
      await this.access.refusal(this.caller(identity), { action, resource }) === undefined
    );
    return { credentials, allows };
  }
}

/** Without what tells on whose behalf a service comes. */
function anonymous({ context: { 'aws:SourceAccount': _, ...context }, ...caller }: Caller): Caller {
  return { ...caller, context };
}

interface Assumption {
  readonly role: SessionRole;
  readonly name: string;
  readonly open: () => Session;
  readonly renewMs: number;
}
