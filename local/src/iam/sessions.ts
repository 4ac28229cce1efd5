import { randomBytes } from 'node:crypto';
import type { Clock } from '../clock';
import type { SessionCredentials } from '../role-session';
import type { Role } from './role-store';
import { uniqueId } from './role-store';

/** Expired keys are told apart from unknown ones for this long. */
const REMEMBERED_MS = 24 * 3_600_000;

/** One set of temporary credentials. */
export interface Session {
  readonly credentials: SessionCredentials;
  readonly roleArn: string;
  readonly roleId: string;
  readonly name: string;
}

/** Whom the credentials are for. */
export type SessionRole = Pick<Role, 'arn' | 'id'>;

/** The temporary credentials of the account. */
export class Sessions {
  readonly #byAccessKey = new Map<string, Session>();

  constructor(private readonly clock: Pick<Clock, 'now'>) {}

  open(role: SessionRole, name: string, durationMs: number): Session {
    this.#forget();
    const credentials = {
      accessKeyId: uniqueId('ASIA'),
      secretAccessKey: secret(30),
      sessionToken: secret(96),
      expiresAt: this.clock.now() + durationMs,
    };
    const session = { credentials, roleArn: role.arn, roleId: role.id, name };
    this.#byAccessKey.set(credentials.accessKeyId, session);
    return session;
  }

  /** Expired ones, too. */
  find(accessKeyId: string): Session | undefined {
    return this.#byAccessKey.get(accessKeyId);
  }

  /** Sessions of a deleted role are worth nothing, also when a role of the same name comes after it. */
  endAll({ id }: SessionRole): void {
    for (const [key, { roleId }] of this.#byAccessKey) if (roleId === id) this.#byAccessKey.delete(key);
  }

  save(): Session[] {
    return [...this.#byAccessKey.values()];
  }

  restore(sessions: readonly Session[]): void {
    for (const session of sessions) this.#byAccessKey.set(session.credentials.accessKeyId, session);
  }

  #forget(): void {
    const oldest = this.clock.now() - REMEMBERED_MS;
    for (const [key, { credentials }] of this.#byAccessKey) {
      // In the order of their making, which is about that of their end.
      if (credentials.expiresAt > oldest) return;
      this.#byAccessKey.delete(key);
    }
  }
}

export function secret(bytes: number): string {
  return randomBytes(bytes).toString('base64');
}
