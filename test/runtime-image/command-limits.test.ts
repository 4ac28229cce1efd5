import { DaemonFixture, eventsOf, outcomeOf } from './daemon-fixture';
import type { CommandEvent } from '../../client/src/protocol/daemon';

let fixture: DaemonFixture;
beforeAll(async () => (fixture = await DaemonFixture.running()));
afterAll(async () => fixture.stop());

describe('limits', () => {
  test('a reader that fell behind gets a gap with what it missed', async () => {
    const small = await DaemonFixture.running({ limits: { commandOutputBytes: 100_000 } });
    await small.exec({ commandId: 'big', args: ['head', '-c', '5000000', '/dev/zero'] });
    const { events, stdout, droppedBytes, exit } = await small.exec({ commandId: 'big', args: ['head', '-c', '5000000', '/dev/zero'] });
    expect(events.slice(0, 2).map(({ type }) => type)).toEqual(['start', 'gap']);
    expect(stdout.length).toBeLessThanOrEqual(100_000);
    expect(stdout.length + droppedBytes).toBe(5_000_000);
    expect(exit?.exitCode).toBe(0);
    await small.stop();
  });

  test('a reader that does not read neither stops the command nor grows the daemon', async () => {
    const response = await fixture.start({ commandId: 'flood', args: ['head', '-c', '300000000', '/dev/zero'] });
    const before = process.memoryUsage().rss;
    let info = (await fixture.api('GET', '/v1/commands/flood')).json();
    while (!info.exit) info = (await fixture.api('GET', '/v1/commands/flood')).json();
    expect(process.memoryUsage().rss - before).toBeLessThan(150_000_000);
    const events: CommandEvent[] = [];
    for await (const event of eventsOf(response)) events.push(event);
    const { stdout, droppedBytes } = outcomeOf(events);
    expect(droppedBytes).toBeGreaterThan(200_000_000);
    expect(stdout.length + droppedBytes).toBe(300_000_000);
  });

  test('ended commands lose their output first when all together hold too much', async () => {
    const small = await DaemonFixture.running({ limits: { totalOutputBytes: 300_000 } });
    const request = (name: string) => ({ commandId: name, args: ['head', '-c', '200000', '/dev/zero'] });
    await small.exec(request('first'));
    await small.exec(request('second'));
    // The limit is looked at once in a 64th of it.
    expect((await small.exec(request('first'))).droppedBytes).toBeGreaterThanOrEqual(100_000 - 300_000 / 64);
    expect((await small.exec(request('second'))).droppedBytes).toBe(0);
    await small.stop();
  });

  test('fails with rate_limited, to be tried again, if too many run or are known', async () => {
    const small = await DaemonFixture.running({ limits: { runningCommands: 1, knownCommands: 2 } });
    await small.start({ commandId: 'one', command: 'sleep 1000' });
    const crowded = await small.api('POST', '/v1/commands', { commandId: 'two', command: 'true' });
    expect(crowded.status).toBe(429);
    expect(crowded.json().error).toMatchObject({ code: 'rate_limited', retryable: true });
    await small.api('POST', '/v1/commands/one/signal', { signal: 'SIGKILL' });
    for await (const event of eventsOf(await small.openApi('GET', '/v1/commands/one/events'))) void event;
    expect((await small.exec({ commandId: 'two', command: 'true' })).exit?.exitCode).toBe(0);
    expect((await small.api('POST', '/v1/commands', { commandId: 'three', command: 'true' })).status).toBe(429);
    await small.stop();
  });
});
