import type { AuthorizationDecision, AuthorizationRequest, Authorize } from 'microvm-sandbox-local';
import { authorize } from '../authorize';

interface Statement {
  readonly Effect: string;
  readonly Action: string | readonly string[];
  readonly Resource?: string | readonly string[];
  /** Of the policy of a resource. */
  readonly Principal?: { readonly AWS?: string };
}

/** A statement of a role, and where it stands. */
export interface RoleStatement {
  readonly role: string;
  /** Of the policy, or `trust`. */
  readonly policy: string;
  readonly statement: Statement;
}

const TRUST = 'trust';

/** Judges what a cloud asks, and remembers it. */
export class RecordedAccess {
  readonly #allowed = new Map<string, AuthorizationRequest>();
  readonly #statements = new Map<string, RoleStatement>();
  /** Statements that are taken out before the decision. */
  readonly #withheld: ((statement: RoleStatement) => boolean)[] = [];

  /** For the option of the same name. */
  readonly authorize: Authorize = async (request) => {
    const key = keyOf(request);
    if (this.#withheld.length === 0 && this.#allowed.has(key)) return { allowed: true };
    const decision = await this.#judge(request);
    if (decision.allowed) this.#remember(key, request);
    return decision;
  };

  /** Every statement that had a say, once. */
  get statements(): RoleStatement[] {
    return [...this.#statements.values()];
  }

  /** From now on decides as if these statements had never been written, until the answer is called. */
  withhold(withheld: (statement: RoleStatement) => boolean): () => void {
    this.#withheld.push(withheld);
    return () => void this.#withheld.splice(this.#withheld.indexOf(withheld), 1);
  }

  /**
   * Whether something that happened would not have been allowed without this statement, or with `other` in its place. What stands in
   * several policies of a role is one statement: each image brings it for itself, and takes it along when it goes.
   */
  async isNeeded(removed: RoleStatement, other?: Statement): Promise<boolean> {
    const same = JSON.stringify(removed.statement);
    for (const request of this.#allowed.values()) {
      if (roleOf(request) !== removed.role || !names(removed.statement, request)) continue;
      if (other && names(other, request)) continue;
      const changed = mapStatements(request, ({ statement }) => (
        JSON.stringify(statement) === same ? other : statement
      ));
      if (!(await authorize(changed)).allowed) return true;
    }
    return false;
  }

  async #judge(request: AuthorizationRequest): Promise<AuthorizationDecision> {
    if (this.#withheld.length === 0) return authorize(request);
    const isWithheld = (found: RoleStatement) => this.#withheld.some((withheld) => withheld(found));
    return authorize(mapStatements(request, (found) => (isWithheld(found) ? undefined : found.statement)));
  }

  #remember(key: string, request: AuthorizationRequest): void {
    if (this.#allowed.has(key)) return;
    this.#allowed.set(key, request);
    mapStatements(request, (found) => {
      this.#statements.set(JSON.stringify(found), found);
      return found.statement;
    });
  }
}

/** Everything that decides: of the context what a policy names. Tags change with every deployment, and nobody asks for them. */
function keyOf({ context, ...request }: AuthorizationRequest): string {
  const key = JSON.stringify(request);
  const named = key.toLowerCase();
  return key + JSON.stringify(Object.entries(context).filter(([name]) => named.includes(`"${name.toLowerCase()}"`)));
}

/** Whose policies decide: the role of the session, or the one that is assumed. */
function roleOf({ principal, action, resource }: AuthorizationRequest): string {
  const session = /:assumed-role\/([^/]+)\//.exec(principal)?.[1];
  if (session !== undefined) return session;
  return action.startsWith('sts:') ? resource.split('/').at(-1) ?? '' : principal;
}

type Change = (found: RoleStatement) => Statement | undefined;

/** The request with every statement changed, or left out where the change answers nothing. */
function mapStatements(request: AuthorizationRequest, change: Change): AuthorizationRequest {
  const role = roleOf(request);
  const mapped = (policy: string, document: unknown) => {
    const { Statement: given, ...rest } = document as { Statement: Statement | Statement[] };
    const statements = [given].flat().flatMap((statement) => (
      isOf(role, statement) ? change({ role, policy, statement }) ?? [] : statement
    ));
    return { ...rest, Statement: statements };
  };
  const { resourcePolicy, identityPolicies: given, ...others } = request;
  const identityPolicies = given.map(({ name, document }) => ({ name, document: mapped(name, document) }));
  const own = resourcePolicy === undefined ? {} : { resourcePolicy: mapped(TRUST, resourcePolicy) };
  return { ...others, identityPolicies, ...own };
}

/** Whether it is not about another role. */
function isOf(role: string, { Principal: { AWS: named = '*' } = {} }: Statement): boolean {
  return named === '*' || named.endsWith(`/${role}`);
}

/** Whether the statement is about the request; its conditions are left to IAM. Without a resource it is about the role that it stands on. */
function names({ Action, Resource = '*' }: Statement, { action, resource }: AuthorizationRequest): boolean {
  const actions = [Action].flat().map((pattern) => pattern.toLowerCase());
  return matchesOne(actions, action.toLowerCase()) && matchesOne(Resource, resource);
}

function matchesOne(patterns: string | readonly string[], value: string): boolean {
  return [patterns].flat().some((pattern) => (
    pattern.includes('*') ? new RegExp(`^${pattern.split('*').map(literally).join('.*')}$`).test(value) : pattern === value
  ));
}

const literally = (text: string) => text.replace(/[.+?^${}()|[\]\\]/g, '\\$&');

/** The statement with one of its actions or one of its resources less, for each of those that are more than one. */
export function narrowed(statement: Statement): { readonly left: string; readonly other: Statement }[] {
  return (['Action', 'Resource'] as const).flatMap((member) => {
    const values = [statement[member] ?? []].flat();
    if (values.length < 2) return [];
    const without = (left: string): Statement => ({ ...statement, [member]: values.filter((value) => value !== left) });
    return values.map((left) => ({ left, other: without(left) }));
  });
}
