import { cpSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { CreateBucketCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { runProgram } from './run-program';
import { ProgramHome, type Ready } from '../local/cli/program';
import { zip } from '../local/microvms/microvm-cloud';

const recorded = resolve(process.env.MICROVM_RECORDED ?? join(__dirname, '../../../shared/recorded'));
const STEPS = 25;

/** `YYMMDDHH` of a time, as it stands in a version's `versionStateTimeBucket`. */
const hourOf = (time: number) => new Date(time).toISOString().slice(2, 13).replace(/\D/g, '');

/** The recordings as if the service had answered in this hour, in a folder of their own. */
function recordedAt(hour: string): string {
  const folder = mkdtempSync(join(tmpdir(), 'recorded-'));
  cpSync(join(recorded, 'fixtures'), folder, { recursive: true });
  for (const name of readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.json'))) {
    const path = join(folder, name);
    const body = readFileSync(path, 'utf8').replace(/("versionStateTimeBucket": "\w+#)\d{8}/, `$1${hour}`);
    rmSync(path);
    writeFileSync(path, body);
  }
  return folder;
}

async function putArtifact({ endpoints, env }: Ready): Promise<void> {
  const credentials = { accessKeyId: 'test', secretAccessKey: 'test' };
  const s3 = new S3Client({ endpoint: endpoints.s3, region: env.AWS_REGION, credentials, forcePathStyle: true });
  const Bucket = 'm80-conformance-123456789012-use2';
  await s3.send(new CreateBucketCommand({ Bucket }));
  const Body = await zip({ Dockerfile: 'FROM scratch\nCMD ["sleep", "600"]\n' });
  await s3.send(new PutObjectCommand({ Bucket, Key: 'code.zip', Body }));
  s3.destroy();
}

/** What the player of the recordings prints. Plays again if the hour changed meanwhile. */
async function replay({ endpoints }: Ready, ...options: string[]): Promise<string> {
  for (;;) {
    const hour = hourOf(Date.now());
    const fixtures = recordedAt(hour);
    try {
      const { output } = await runProgram([
        join(recorded, 'replay.mjs'), '--fixtures', fixtures, '--endpoint', endpoints.lambdaMicrovms, '--vm-endpoint', endpoints.microvms, ...options,
      ], { limitMs: 25_000 });
      if (hourOf(Date.now()) === hour) return output;
    } finally {
      rmSync(fixtures, { recursive: true, force: true });
    }
  }
}

const failures = (output: string) => output.split('\n').filter((line) => line.startsWith('failed'));

if (existsSync(join(recorded, 'replay.mjs'))) {
  test('the program answers every recorded request as the live service did, with the keys test and with its own', async () => {
    const home = new ProgramHome();
    try {
      const { ready } = await home.start('--port', '0', '--isolation', 'processes');
      await putArtifact(ready);
      const output = await replay(ready);
      expect(failures(output)).toEqual([]);
      expect(output).toContain(`${STEPS} passed, 0 failed, 0 skipped`);
      const { AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY } = ready.env;
      const own = await replay(ready, '--only', 'vms-lifecycle', '--access-key', AWS_ACCESS_KEY_ID, '--secret-key', AWS_SECRET_ACCESS_KEY);
      expect(own).toContain('8 passed, 0 failed, 0 skipped');
    } finally {
      await home.end();
    }
  }, 60_000);
} else {
  test.skip(`the program answers as the live service did: no recordings at ${recorded}`, () => undefined);
}
