import type { MicrovmRecord } from './microvm-record';
import type { LogSink } from '../../api';
import type { RoleSession } from '../../role-session';
import type { Guest } from '../guest/guest';
import { type LogTarget, logTarget } from '../guest/log-stream';
import type { Place } from '../wire/arns';

/** Actions that the execution role needs for its microVM's log stream. Without one of them AWS drops the lines in silence. */
const ACTIONS = ['logs:CreateLogStream', 'logs:PutLogEvents'];

interface Speaker {
  readonly guest: Guest;
  readonly record: MicrovmRecord;
}

/** Where the lines of a microVM's guest go: to its log stream, if it has one and a role to write there with; else nowhere. */
export function guestOutput(
  { guest: { image, version }, record }: Speaker,
  session: RoleSession | undefined,
  { logs, place }: { readonly logs: LogSink; readonly place: Place },
): (line: string) => void {
  const source = { imageName: image.name, version: version.imageVersion, microvmId: record.id, time: record.startedAt };
  const target = logTarget(record.settings.logging, source);
  if (!session || !target) return () => undefined;
  const log = new GuestLog(logs, place, target, session);
  return (line) => log.write(line);
}

/** Writes what a guest says to its log stream, as its execution role and as far as that may. */
class GuestLog {
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
