import { DaemonFixture, eventsOf, readUntil } from './daemon-fixture';
import { ManualClock } from './manual-clock';
import { groupMembers } from './process-table';
import type { CommandEvent } from '../../client/src/protocol/daemon';

describe('time', () => {
  let clock: ManualClock;
  let timed: DaemonFixture;
  beforeEach(async () => {
    clock = new ManualClock();
    timed = await DaemonFixture.running({ clock });
  });
  afterEach(async () => {
    for (const command of (await timed.api('GET', '/v1/commands')).json().commands) {
      if (!command.exit) await timed.api('POST', `/v1/commands/${command.commandId}/signal`, { signal: 'SIGKILL' });
      await timed.openApi('GET', `/v1/commands/${command.commandId}/events`).then(async (response) => {
        for await (const _ of eventsOf(response)) void _;
      });
    }
    await timed.stop();
  });

  test('a timeout ends the whole group with SIGTERM and says so', async () => {
    const events = eventsOf(await timed.start({ command: 'sleep 1000 & echo up; wait', timeoutMs: 60_000 }));
    const [start] = await readUntil(events, 'up');
    clock.advance(59_999);
    expect(groupMembers((start as { pid: number }).pid).length).toBe(2);
    clock.advance(1);
    const { pid } = start as { pid: number };
    while (groupMembers(pid).length > 0) await new Promise(setImmediate);
    clock.advance(2000);
    const rest: CommandEvent[] = [];
    for await (const event of events) rest.push(event);
    expect(rest.filter(({ type }) => type !== 'heartbeat')).toEqual([
      { seq: 3, type: 'exit', exitCode: 143, signal: 'SIGTERM', timedOut: true, durationMs: expect.any(Number) },
    ]);
  });

  test('a timeout kills what ignores SIGTERM after two seconds, grandchildren too', async () => {
    const stubborn = 'trap "" TERM; (while :; do sleep 1000; done) & echo up; while :; do sleep 1000; done';
    const events = eventsOf(await timed.start({ command: stubborn, timeoutMs: 1000 }));
    const [start] = await readUntil(events, 'up');
    clock.advance(1000 + 1999);
    expect(groupMembers((start as { pid: number }).pid).length).toBeGreaterThanOrEqual(2);
    clock.advance(1);
    for await (const event of events) expect(event).toMatchObject({ type: 'exit', exitCode: 137, signal: 'SIGKILL', timedOut: true });
    expect(groupMembers((start as { pid: number }).pid)).toEqual([]);
  });

  test('a timeout is not reported before the last of the group is gone', async () => {
    const command = '(trap "" TERM; echo up; while :; do sleep 1000; done) >/dev/null 2>&1 & echo up; wait';
    const response = await timed.start({ commandId: 'last', command, timeoutMs: 1000 });
    const events = eventsOf(response);
    const [start] = await readUntil(events, 'up');
    const { pid } = start as { pid: number };
    while (groupMembers(pid).length < 3) await new Promise(setImmediate);
    clock.advance(1000);
    while (groupMembers(pid).includes(pid)) await new Promise(setImmediate);
    clock.advance(1500);
    expect((await timed.api('GET', '/v1/commands/last')).json().exit).toBeUndefined();
    clock.advance(500);
    for await (const event of events) expect(event).toMatchObject({ type: 'exit', exitCode: 143, timedOut: true });
    expect(groupMembers(pid)).toEqual([]);
  });

  test('a silent command sends a heartbeat', async () => {
    const events = eventsOf(await timed.start({ command: 'sleep 1000' }));
    expect((await events.next()).value.type).toBe('start');
    clock.advance(15_000);
    expect((await events.next()).value).toEqual({ type: 'heartbeat' });
    clock.advance(15_000);
    expect((await events.next()).value).toEqual({ type: 'heartbeat' });
  });

  test('an ended command is kept for ten minutes, a running one for good', async () => {
    await timed.exec({ commandId: 'ended', command: 'true' });
    await timed.start({ commandId: 'running', command: 'sleep 1000' });
    clock.advance(10 * 60_000);
    expect((await timed.api('GET', '/v1/commands/ended')).status).toBe(200);
    clock.advance(2 * 60_000);
    expect((await timed.api('GET', '/v1/commands/ended')).status).toBe(404);
    clock.advance(8 * 60 * 60_000);
    expect((await timed.api('GET', '/v1/commands/running')).status).toBe(200);
  });
});
