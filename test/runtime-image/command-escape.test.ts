import { existsSync } from 'node:fs';
import { DaemonFixture, eventsOf, readUntil } from './daemon-fixture';
import { ManualClock } from './manual-clock';
import { isAlive } from './process-table';

const linux = existsSync('/proc/self/environ');

/** Each line starts one process that leaves the command's process group, and prints its id. */
const ESCAPES: readonly (readonly [string, string])[] = [
  ['a session of its own', 'setsid sh -c \'echo pid=$$; exec sleep 1000\' & wait'],
  ['a session of its own whose parent has ended', '(setsid sh -c \'echo pid=$$; exec sleep 1000\' &) & sleep 1000'],
  ['a group of its own by job control', 'set -m; sh -c \'echo pid=$$; exec sleep 1000\' & wait'],
  ['a session of its own and an empty environment', 'setsid env -i /bin/sh -c \'echo pid=$$; exec /bin/sleep 1000\' & wait'],
  ['a session of its own that ignores SIGTERM', 'setsid sh -c \'trap "" TERM; echo pid=$$; while :; do sleep 1000; done\' & wait'],
];

(linux ? describe : describe.skip)('a timeout leaves nothing behind', () => {
  let clock: ManualClock;
  let fixture: DaemonFixture;
  beforeEach(async () => {
    clock = new ManualClock();
    fixture = await DaemonFixture.running({ clock });
  });
  afterEach(async () => fixture.stop());

  test.each(ESCAPES)('ends %s', async (_, command) => {
    const events = eventsOf(await fixture.start({ command, timeoutMs: 1000 }));
    const seen = await readUntil(events, '\n');
    const output = seen.flatMap((event) => (event.type === 'stdout' ? [Buffer.from(event.data, 'base64')] : []));
    const pid = Number(/pid=(\d+)/.exec(Buffer.concat(output).toString())?.[1]);
    expect(isAlive(pid)).toBe(true);
    clock.advance(1000);
    clock.advance(2000);
    const advance = setInterval(() => clock.advance(1000), 20);
    try {
      const rest = [];
      for await (const event of events) rest.push(event);
      // The shell may have told of the signal before.
      expect(rest.at(-1)).toMatchObject({ type: 'exit', timedOut: true });
    } finally {
      clearInterval(advance);
    }
    const escaped = isAlive(pid);
    if (escaped) process.kill(pid, 'SIGKILL');
    expect(escaped).toBe(false);
  });

  test('and sends one SIGTERM to each', async () => {
    const events = eventsOf(await fixture.start({ command: 'trap "echo term" TERM; echo up; while :; do sleep 0.01; done', timeoutMs: 1000 }));
    await readUntil(events, 'up');
    clock.advance(1000);
    await readUntil(events, 'term');
    clock.advance(1000);
    clock.advance(1000);
    for await (const event of events) expect(event.type).toBe('exit');
  });

  test('and lets alone what another command left running', async () => {
    const other = await fixture.exec({ command: 'setsid sleep 1000 >/dev/null 2>&1 & echo $!' });
    const pid = Number(other.stdout.toString());
    const events = eventsOf(await fixture.start({ command: 'echo up; sleep 1000', timeoutMs: 1000 }));
    await readUntil(events, 'up');
    clock.advance(3000);
    const advance = setInterval(() => clock.advance(1000), 20);
    for await (const event of events) expect(event.type).toBe('exit');
    clearInterval(advance);
    expect(isAlive(pid)).toBe(true);
    process.kill(pid, 'SIGKILL');
  });
});
