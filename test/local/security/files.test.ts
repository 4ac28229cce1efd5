import { existsSync, mkdirSync, mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CloudFolder } from '../../../local/src/state/cloud-folder';
import { IamCloud } from '../iam/iam-cloud';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'hostile-files-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

test('a folder of kept state that was there before is closed to other users: it holds keys', async () => {
  const state = join(folder, 'state');
  mkdirSync(state, { mode: 0o755 });
  await (await CloudFolder.open({ state })).close();
  // eslint-disable-next-line no-bitwise -- a mode is a bit field
  expect(statSync(state).mode & 0o777).toBe(0o700);
});

test.each(['../outside', '..', 'a/b', '', 'x'.repeat(65)])('fails for a function whose name is no name: %j', async (name) => {
  const cloud = await IamCloud.start();
  const { arn: roleArn } = cloud.iam.createRole('Role', { trustPolicy: {} });
  const settings = { runtime: 'nodejs22.x', handler: 'index.handler', timeoutSeconds: 3, memoryMib: 128, environment: {}, description: '' };
  const logging = { logGroup: 'group', logFormat: 'Text', logLevel: 'INFO' } as const;
  // An archive without an entry.
  const code = Buffer.concat([Buffer.from('PK\u0005\u0006'), Buffer.alloc(18)]);
  const created = cloud.services.lambda.create({ name, roleArn, code, ...settings, ...logging });
  const failure: unknown = await created.then(() => undefined, (error: unknown) => error);
  const isOutside = existsSync(join(cloud.folder, 'outside'));
  await cloud.stop();
  expect(isOutside).toBe(false);
  expect(failure).toMatchObject({ name: 'ValidationException', message: expect.stringContaining('functionName') });
});
