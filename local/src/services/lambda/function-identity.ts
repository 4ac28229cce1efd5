import type { Clock } from '../../clock';
import type { IamService } from '../../iam/iam-service';
import type { RoleSession, SessionCredentials } from '../../role-session';
import { ServiceError } from '../service-error';
import type { FunctionDefinition } from './function-definition';

/** The longest that an invocation takes. */
const LONGEST_INVOCATION_MS = 15 * 60_000;

export interface FunctionIdentitiesOptions {
  readonly iam: IamService;
  readonly account: string;
  readonly region: string;
  readonly clock: Pick<Clock, 'now'>;
}

interface Identity {
  readonly session: RoleSession;
  readonly mayLog: boolean;
}

/** What functions act as: the sessions of their roles. */
export class FunctionIdentities {
  readonly #identities = new WeakMap<FunctionDefinition, Identity>();

  constructor(private readonly options: FunctionIdentitiesOptions) {}

  /** Throws if Lambda may not assume the role, as when a function is created with it. */
  async check({ roleArn, name }: Pick<FunctionDefinition, 'roleArn' | 'name'>): Promise<RoleSession> {
    const session = await this.options.iam.assumeForFunction(roleArn, name);
    if (session) return session;
    throw new ServiceError('InvalidParameterValueException', 'The role defined for the function cannot be assumed by Lambda.');
  }

  /** Before an invocation: takes on the role if that has not happened, and looks whether it may write the function's log. */
  async take(definition: FunctionDefinition): Promise<void> {
    const { iam, account, region, clock } = this.options;
    const session = this.#identities.get(definition)?.session ?? await this.check(definition);
    const day = new Date(clock.now()).toISOString().slice(0, 10).replaceAll('-', '/');
    const stream = `arn:aws:logs:${region}:${account}:log-group:${definition.logGroup}:log-stream:${day}/[${definition.version}]`;
    const mayLog = !iam.access.enforced
      || (await session.allows('logs:CreateLogStream', stream) && await session.allows('logs:PutLogEvents', stream));
    this.#identities.set(definition, { session, mayLog });
  }

  /** Lambda writes logs as the function's role, and drops them without a word if it may not. */
  mayLog(definition: FunctionDefinition): boolean {
    return this.#identities.get(definition)?.mayLog ?? false;
  }

  /** For a process that starts now, and when it is too old for another invocation. Only after `take`. */
  credentials(definition: FunctionDefinition): { credentials: SessionCredentials; staleAt: number } {
    const identity = this.#identities.get(definition);
    if (!identity) throw new Error(`function ${definition.name} starts without its role`);
    const credentials = identity.session.credentials();
    return { credentials, staleAt: credentials.expiresAt - LONGEST_INVOCATION_MS };
  }
}
