import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { text } from 'node:stream/consumers';
import { MicrovmCloud, zip } from './microvm-cloud';
import { type Clock, LocalClock } from '../../../local/src/clock';

const recorded = resolve(process.env.MICROVM_RECORDED ?? join(__dirname, '../../../../shared/recorded'));

/** The recordings hold the hour at which the service answered. */
function clockAt(start: number): Clock {
  const clock = new LocalClock();
  const shift = start - clock.now();
  return {
    now: () => clock.now() + shift,
    after: (ms, callback) => clock.after(ms, callback),
    sleep: (ms) => clock.sleep(ms),
  };
}

async function replay(scenario: string, start: number): Promise<string> {
  const cloud = await new MicrovmCloud('processes', clockAt(start)).open();
  try {
    cloud.objects.set('m80-conformance-123456789012-use2/code.zip', await zip({ Dockerfile: 'FROM scratch\nCMD ["sleep", "600"]\n' }));
    const player = spawn(process.execPath, [
      join(recorded, 'replay.mjs'), '--endpoint', `http://127.0.0.1:${cloud.port}`, '--only', scenario,
    ]);
    return await text(player.stdout);
  } finally {
    await cloud.close();
  }
}

if (existsSync(join(recorded, 'replay.mjs'))) {
  test.each([
    ['images-lifecycle', Date.UTC(2026, 6, 30, 6, 10), 13],
    ['managed-images', Date.UTC(2026, 6, 30, 6, 10), 2],
    ['vms-lifecycle', Date.UTC(2026, 6, 30, 5, 10), 8],
    ['errors-validation', Date.UTC(2026, 6, 30, 6, 10), 2],
  ])('answers %s as the live service did', async (scenario, start, steps) => {
    const output = await replay(scenario, start);
    expect(output.split('\n').filter((line) => line.startsWith('failed'))).toEqual([]);
    expect(output).toContain(`${steps} passed, 0 failed, 0 skipped`);
  });
} else {
  test.skip(`answers as the live service did: no recordings at ${recorded}`, () => undefined);
}
