import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { App, CfnOutput, Stack } from 'aws-cdk-lib';
import { ImageSource, SandboxImage, SandboxPool } from 'cdk-microvm-sandbox';
import type { Sandbox } from 'microvm-sandbox';
import { type CloudEvent, type LocalCloud, startLocalCloud } from 'microvm-sandbox-local';
import { clientOf } from './deployed';
import { NOTHING_LEFT } from '../local/nothing-left';

let folder: string;
let cloud: LocalCloud;
const events: CloudEvent[] = [];

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'new-version-'));
  cloud = await startLocalCloud({ quotas: true, onEvent: (event) => events.push(event) });
}, 60_000);
afterAll(async () => {
  await cloud.stop();
  await rm(folder, { recursive: true, force: true });
});

/** Synthesizes a stack whose image is a server that answers `word`; `command` starts it. */
async function synthesize(word: string, command = ['node', 'server.js']): Promise<string> {
  const context = join(folder, word);
  await mkdir(context);
  await writeFile(join(context, 'server.js'), `
    require('node:http').createServer((_, response) => response.end('${word}')).listen(process.env.PORT ?? 8080);
  `);
  await writeFile(join(context, 'Dockerfile'), [
    'FROM public.ecr.aws/docker/library/node:24-slim', 'WORKDIR /app', 'COPY server.js .', `CMD ${JSON.stringify(command)}`,
  ].join('\n'));
  const stack = new Stack(new App({ outdir: join(folder, `${word}.out`) }), 'Versions');
  const image = new SandboxImage(stack, 'Image', { source: ImageSource.directory(context) });
  const pool = new SandboxPool(stack, 'Pool', { image });
  new CfnOutput(stack, 'SandboxPool', { value: pool.allocatorArn });
  new CfnOutput(stack, 'ImageVersion', { value: image.imageVersion });
  return (stack.node.root as App).synth().directory;
}

const ask = async (sandbox: Sandbox) => (await sandbox.fetch(8080, '/')).text();

test('a changed artifact is a second version, which the next sandbox runs and living ones do not', async () => {
  const [first] = await cloud.deploy(await synthesize('one'));
  expect(first.outputs.ImageVersion).toBe('1.0');
  const client = clientOf(cloud, first.outputs.SandboxPool);
  const before = await client.create();
  expect(await ask(before)).toBe('one');

  const [second] = await cloud.deploy(await synthesize('two'));
  expect(second.outputs).toEqual({ ...first.outputs, ImageVersion: '2.0' });
  const after = await client.create();
  expect(await ask(after)).toBe('two');
  expect(await ask(before)).toBe('one');
}, 60_000);

test('fails a deployment whose image does not build, with the reason of the build, and keeps the version before', async () => {
  const failure = await cloud.deploy(await synthesize('three', ['no-such-program'])).catch((error: Error) => error);
  expect(failure).toMatchObject({ message: expect.stringMatching(/no-such-program/) });

  const stack = cloud.inventory().stacks;
  expect(stack).toEqual(['Versions']);
  const reasons = events.flatMap((event) => (event.kind === 'resource' && event.status === 'UPDATE_FAILED' ? event.reason ?? '' : []));
  expect(reasons.join()).toMatch(/3\.0/);
}, 60_000);

test('deleting the stack ends its sandboxes and leaves nothing', async () => {
  await cloud.destroy('Versions');
  expect(cloud.inventory()).toEqual(NOTHING_LEFT);
}, 60_000);
