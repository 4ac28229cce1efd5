import { eventLine } from '../../../local/src/cli/event-line';
import { logs as printLogs } from '../../../local/src/cli/logs';
import { LocalClock } from '../../../local/src/clock';
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
