import { EventLog } from '../../runtime-image/daemon/commands/event-log';

const OVERHEAD = 128;

/** Reads everything that there is for a cursor. */
function readAll(log: EventLog, after: number) {
  const cursor = log.cursorAfter(after);
  const events = [];
  for (let batch = log.read(cursor); batch.length > 0; batch = log.read(cursor)) events.push(...batch);
  return events;
}

/** A log with ten outputs of 10 to 19 bytes, numbered 2 to 11, of which the last three are kept. */
function tenOutputs(): EventLog {
  const log = new EventLog(17 + 18 + 19 + 3 * OVERHEAD);
  log.begin(1, 0);
  for (let size = 10; size < 20; size++) log.append('stdout', Buffer.alloc(size));
  log.finish({ exitCode: 0, durationMs: 1 });
  return log;
}

test('a gap stands for the dropped events, by the number of the last one', () => {
  expect(readAll(tenOutputs(), 0).map((event) => [event.type, 'seq' in event && event.seq])).toEqual([
    ['start', 1], ['gap', 8], ['stdout', 9], ['stdout', 10], ['stdout', 11], ['exit', 12],
  ]);
});

test.each([[0, 10 + 11 + 12 + 13 + 14 + 15 + 16], [1, 91], [2, 81], [7, 16]])(
  'a reader that saw up to %d is told of exactly %d dropped bytes', (after, droppedBytes) => {
    expect(readAll(tenOutputs(), after)).toContainEqual({ seq: 8, type: 'gap', droppedBytes });
  });

test.each([8, 9, 11])('a reader that saw up to %d gets no gap', (after) => {
  const events = readAll(tenOutputs(), after);
  expect(events.map(({ type }) => type)).not.toContain('gap');
  expect(events.length).toBe(12 - after);
});

test('a reader that keeps up and then falls behind is told of what it missed', () => {
  const log = new EventLog(100 + OVERHEAD);
  log.begin(1, 0);
  const cursor = log.cursorAfter(0);
  log.append('stdout', Buffer.alloc(100, 'a'));
  expect(log.read(cursor).length).toBe(2);
  for (const letter of 'bcd') log.append('stderr', Buffer.alloc(100, letter));
  expect(log.read(cursor)).toEqual([
    { seq: 4, type: 'gap', droppedBytes: 200 }, { seq: 5, type: 'stderr', data: Buffer.alloc(100, 'd').toString('base64') },
  ]);
  expect(log.read(cursor)).toEqual([]);
});

test('many small events are bounded too, and late readers are told of no less than they missed', () => {
  const log = new EventLog(100 * (1 + OVERHEAD));
  log.begin(1, 0);
  for (let count = 0; count < 50_000; count++) log.append('stdout', Buffer.alloc(1));
  expect(log.cost).toBeLessThanOrEqual(100 * (1 + OVERHEAD));
  for (const after of [0, 1, 2, 777, 30_001, 49_900]) {
    const [gap] = readAll(log, Math.max(1, after));
    const missed = 49_901 - Math.max(1, after);
    expect(gap).toMatchObject({ type: 'gap', seq: 49_901 });
    const { droppedBytes } = gap as { droppedBytes: number };
    expect(droppedBytes).toBeGreaterThanOrEqual(missed);
    expect(droppedBytes).toBeLessThan(missed + 64);
  }
});

test('a batch holds at most some 64 KiB, so that a slow reader holds no more', () => {
  const log = new EventLog(10_000_000);
  log.begin(1, 0);
  log.append('stdout', Buffer.alloc(1_000_000));
  const cursor = log.cursorAfter(0);
  expect(log.read(cursor).length).toBe(1 + 2);
  expect(log.read(cursor).length).toBe(2);
  expect(cursor).toEqual({ seq: 5, bytes: 4 * 32 * 1024 });
});
