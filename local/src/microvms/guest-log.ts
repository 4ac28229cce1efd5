import type { LogSink } from '../api';
import type { RoleSession } from '../role-session';
import type { Place } from './arns';
import type { LogTarget } from './log-stream';

/** Actions that the execution role needs for its microVM's log stream. Without one of them AWS drops the lines in silence. */
const ACTIONS = ['logs:CreateLogStream', 'logs:PutLogEvents'];

/** Writes what a guest says to its log stream, as its execution role and as far as that may. */
export class GuestLog {
  readonly #allowed: Promise<boolean>;

  constructor(private readonly logs: LogSink, place: Place, private readonly target: LogTarget, session: RoleSession) {
    const { group, stream } = target;
    const arn = `arn:aws:logs:${place.region}:${place.account}:log-group:${group}:log-stream:${stream}`;
    this.#allowed = Promise.all(ACTIONS.map((action) => session.allows(action, arn)))
      .then((answers) => answers.every(Boolean), () => false);
  }

  write(line: string): void {
    void this.#allowed.then((allowed) => {
      if (allowed) this.logs.write(this.target.group, this.target.stream, line);
    });
  }
}
