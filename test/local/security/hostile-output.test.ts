import { once } from 'node:events';
import { Readable } from 'node:stream';
import { eventLine } from '../../../local/src/cli/event-line';
import { logs as printLogs } from '../../../local/src/cli/logs';
import { LocalClock } from '../../../local/src/clock';
import { LineSplitter, MAX_EVENT_BYTES } from '../../../local/src/line-splitter';
import { BuildLog } from '../../../local/src/microvms/build/build-log';
import { readLines } from '../../../local/src/microvms/machine/output-lines';
import { LogsService } from '../../../local/src/services/cloudwatch-logs/logs-service';
import { IamCloud, REGION } from '../iam/iam-cloud';

const MIB = 1024 ** 2;

test('a guest that writes without end does not fill the memory: the oldest lines go', async () => {
  const clock = new LocalClock();
  const logs = new LogsService(clock, { account: '000000000000', region: REGION });
  const line = 'x'.repeat(256 * 1024);
  logs.write('group', 'stream', 'first');
  for (let count = 0; count < 400; count++) logs.write('group', 'stream', line);
  logs.write('group', 'stream', 'last');
  const kept = logs.messages('group');
  clock.stop();
  expect(kept.reduce((sum, { length }) => sum + length, 0)).toBeLessThanOrEqual(64 * MIB);
  expect(kept.length).toBeGreaterThan(200);
  expect(kept[0]).not.toBe('first');
  expect(kept.at(-1)).toBe('last');
});

test('a message is cut where an event of CloudWatch ends, between two characters', () => {
  const clock = new LocalClock();
  const logs = new LogsService(clock, { account: '000000000000', region: REGION });
  for (const message of ['x'.repeat(MAX_EVENT_BYTES), 'x'.repeat(10 * MIB), '\u20ac'.repeat(MIB), '\u{1f600}'.repeat(MIB)]) logs.write('group', 'stream', message);
  clock.stop();
  const [whole, ...cut] = logs.messages('group').map((message) => ({ bytes: Buffer.byteLength(message), message }));
  expect(whole.bytes).toBe(MAX_EVENT_BYTES);
  expect(MAX_EVENT_BYTES + 26).toBe(256 * 1024);
  for (const { bytes, message } of cut) {
    expect(bytes).toBeGreaterThan(MAX_EVENT_BYTES - 4);
    expect(bytes).toBeLessThanOrEqual(MAX_EVENT_BYTES);
    expect(message).not.toContain('\ufffd');
  }
});

describe('output without a newline', () => {
  test('of a guest goes on in lines of the size of an event, and nothing of it is lost', async () => {
    const lines: string[] = [];
    // The third piece is cut within a character.
    const euro = Buffer.from('\u20ac');
    const pieces = [...Array.from({ length: 40 }, () => Buffer.alloc(64 * 1024, 'a')), Buffer.from('\nb\n'), euro.subarray(0, 1), euro.subarray(1), Buffer.from('\n\nlast')];
    const stream = Readable.from(pieces, { objectMode: false });
    readLines(stream, (line) => lines.push(line));
    await once(stream, 'end');
    expect(lines.slice(0, 10).map(({ length }) => length)).toEqual(Array.from({ length: 10 }, () => MAX_EVENT_BYTES));
    expect(lines.slice(10)).toEqual(['a'.repeat(40 * 64 * 1024 - 10 * MAX_EVENT_BYTES), 'b', '\u20ac', '', 'last']);
  });

  test('takes no longer in single characters than in one piece', () => {
    const lines: string[] = [];
    const splitter = new LineSplitter((line) => lines.push(line));
    const before = performance.now();
    for (let count = 0; count < 400_000; count++) splitter.write('x');
    expect(performance.now() - before).toBeLessThan(2000);
    splitter.end();
    expect(lines.map(({ length }) => length)).toEqual([MAX_EVENT_BYTES, 400_000 - MAX_EVENT_BYTES]);
  });
});

describe('a build\'s log', () => {
  test('is cut for each step where BuildKit cuts it', () => {
    const log = new BuildLog();
    for (const title of ['one', 'two']) {
      log.begin(title);
      for (let count = 0; count < 5000; count++) log.output('x'.repeat(992), 0, 1000);
    }
    const outputs = log.lines.filter((line) => line.includes('xxx'));
    expect(outputs).toHaveLength(2 * 2048);
    expect(log.lines.filter((line) => line.includes('clipped'))).toEqual(['#1 1.000 [output clipped, log limit 2MiB reached]', '#2 1.000 [output clipped, log limit 2MiB reached]']);
  });

  test('is cut where an engine prints without end', () => {
    const log = new BuildLog();
    for (let count = 0; count < 200; count++) log.printed('x'.repeat(256 * 1024));
    log.note('built');
    expect(log.lines.reduce((sum, line) => sum + line.length, 0)).toBeLessThan(33 * MIB);
    expect(log.lines.filter((line) => !line.startsWith('x'))).toEqual(['[output clipped, log limit 32MiB reached]', 'built']);
  });

  test('is cut for all steps together, and no line of it is longer than an event', () => {
    const log = new BuildLog();
    for (let step = 0; step < 100; step++) {
      log.begin('step');
      for (let count = 0; count < 10; count++) log.output('x'.repeat(256 * 1024), 0, 0);
    }
    log.fail('y'.repeat(MIB), { title: 'step', line: 1, source: ['z'.repeat(MIB)] });
    expect(log.lines.reduce((sum, line) => sum + line.length, 0)).toBeLessThan(40 * MIB);
    expect(Math.max(...log.lines.map(({ length }) => length))).toBe(MAX_EVENT_BYTES);
    expect(log.lines.at(-1)).toMatch(/^ERROR: failed to solve: y/);
  });
});

describe('what a guest says does not steer the terminal', () => {
  // Sets the clipboard, goes up, clears, and the same as a single character of the second control set.
  const HOSTILE = 'before \u001b]52;c;ZXZpbA==\u0007\u001b[2A\u001b[2J\u009b2J\r\u0008\u0000after';

  test('in its log; colours and tabs stay', async () => {
    const cloud = await IamCloud.start();
    const stream = '2026/01/01[1.0]microvm-00000000-0000-0000-0000-000000000001';
    for (const message of [HOSTILE, '\u001b[1;31mred\u001b[0m\ttab\r']) {
      cloud.services.logs.write('/aws/lambda-microvms/image', stream, message);
    }
    const printed: string[] = [];
    const { user } = cloud.iam;
    const print = (line: string) => void printed.push(line);
    const options = { follow: false, json: false, print, signal: AbortSignal.abort() };
    await printLogs({ endpoint: cloud.endpoint, region: REGION, ...user }, options);
    await cloud.stop();
    expect(printed[0]).toMatch(/before .*after$/);
    // eslint-disable-next-line no-control-regex -- what must not be there
    expect(printed[0]).not.toMatch(/[\u0000-\u001f\u007f-\u009f]/);
    expect(printed[1]).toMatch(/\u001b\[1;31mred\u001b\[0m\ttab$/);
  });

  test('in a warning and in the reason of a failure', () => {
    for (const line of [
      eventLine({ kind: 'warning', message: HOSTILE }),
      eventLine({ kind: 'resource', stackName: 's', logicalId: 'l', type: 't', status: 'CREATE_FAILED', reason: HOSTILE }),
    ]) {
      expect(line).toMatch(/after$/);
      // eslint-disable-next-line no-control-regex -- what must not be there
      expect(line).not.toMatch(/[\u0000-\u001f\u007f-\u009f]/);
    }
  });
});
