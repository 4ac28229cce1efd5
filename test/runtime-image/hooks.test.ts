import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { DaemonFixture, eventsOf, HOOK_PREFIX, PAYLOAD, send } from './daemon-fixture';
import { groupMembers, isAlive } from './process-table';

describe('hooks', () => {
  let fixture: DaemonFixture;
  beforeEach(async () => (fixture = await DaemonFixture.start()));
  afterEach(async () => fixture.stop());

  test.each(['ready', 'validate', 'resume', 'suspend', 'terminate'])('answers 200 to /%s, also before /run and twice', async (hook) => {
    expect((await fixture.hook(hook)).status).toBe(200);
    expect((await fixture.hook(hook)).status).toBe(200);
  });

  test.each(['resume', 'suspend', 'terminate'])('answers 200 to /%s whatever the body', async (hook) => {
    expect((await fixture.hook(hook, '\0garbage')).status).toBe(200);
    expect((await fixture.hook(hook, 'x'.repeat(300_000))).status).toBe(200);
  });

  test('/validate starts nothing once a sandbox is served: code in it could ask without end', async () => {
    await mkdir(fixture.host('/bin'));
    await writeFile(fixture.host('/bin/git'), `#!/bin/sh\necho x >>${fixture.host('/calls')}\n`, { mode: 0o755 });
    const { PATH } = process.env;
    process.env.PATH = `${fixture.host('/bin')}:${PATH}`;
    try {
      await fixture.hook('validate');
      const calls = await readFile(fixture.host('/calls'), 'utf8');
      expect(calls).toMatch(/^(x\n)+$/);
      await fixture.run();
      expect((await fixture.hook('validate')).status).toBe(200);
      expect(await readFile(fixture.host('/calls'), 'utf8')).toBe(calls);
    } finally {
      process.env.PATH = PATH;
    }
  });

  test('takes the same /run again', async () => {
    expect((await fixture.run()).status).toBe(200);
    expect((await fixture.run()).status).toBe(200);
  });

  test('lets unknown keys in /run through', async () => {
    const call = { microvmId: 'm', later: 1, runHookPayload: JSON.stringify({ ...PAYLOAD, later: { x: 1 } }) };
    expect((await fixture.hook('run', JSON.stringify(call))).status).toBe(200);
    expect((await fixture.api('GET', '/v1/health')).status).toBe(200);
  });

  test.each([
    ['sandbox', { ...PAYLOAD, sandboxId: 'sbx-other' }],
    ['generation', { ...PAYLOAD, generation: 4 }],
    ['secret', { ...PAYLOAD, secretSha256: 'a'.repeat(64) }],
  ])('fails a second /run with another %s and stays with the first', async (_, other) => {
    await fixture.run();
    expect((await fixture.run(other)).status).toBe(409);
    expect((await fixture.api('GET', '/v1/health')).json()).toMatchObject({ sandboxId: PAYLOAD.sandboxId, generation: 3 });
  });

  test.each([
    ['no body', undefined],
    ['text', 'hello'],
    ['a list', '[]'],
    ['null', 'null'],
    ['no payload', '{"microvmId":"m"}'],
    ['a payload that is an object', JSON.stringify({ runHookPayload: PAYLOAD })],
    ['a payload that is no JSON', JSON.stringify({ runHookPayload: '{' })],
    ['no sandbox id', JSON.stringify({ runHookPayload: JSON.stringify({ ...PAYLOAD, sandboxId: '' }) })],
    ['generation 0', JSON.stringify({ runHookPayload: JSON.stringify({ ...PAYLOAD, generation: 0 }) })],
    ['a short hash', JSON.stringify({ runHookPayload: JSON.stringify({ ...PAYLOAD, secretSha256: 'ab' }) })],
  ])('fails /run with 400 for %s and stays gated', async (_, body) => {
    expect((await fixture.hook('run', body)).status).toBe(400);
    expect((await fixture.api('GET', '/v1/health')).status).toBe(503);
  });

  test('fails what is not a hook with 400', async () => {
    expect((await send(fixture.daemon.hookPort, 'GET', `${HOOK_PREFIX}ready`)).status).toBe(400);
    expect((await send(fixture.daemon.hookPort, 'POST', `${HOOK_PREFIX}launch`)).status).toBe(400);
    expect((await send(fixture.daemon.hookPort, 'POST', '/v1/health')).status).toBe(400);
  });

  test('/terminate ends running commands and what ended ones left behind', async () => {
    await fixture.run();
    const left = Number((await fixture.exec({ command: 'sleep 1000 >/dev/null 2>&1 & echo $!' })).stdout.toString());
    const stubborn = await fixture.start({ commandId: 'stubborn', command: 'trap "" TERM; echo ready; while :; do sleep 1000; done' });
    for await (const event of eventsOf(stubborn)) if (event.type === 'stdout') break;
    const { pid } = (await fixture.api('GET', '/v1/commands/stubborn')).json();
    expect((await fixture.hook('terminate')).status).toBe(200);
    expect(isAlive(left)).toBe(false);
    expect(groupMembers(pid)).toEqual([]);
  });

  test('logs the life of the microVM, and neither commands nor payloads', async () => {
    await fixture.run();
    await fixture.exec({ command: 'echo my-private-words', env: { API_KEY: 'my-private-key' } });
    await fixture.hook('suspend');
    await fixture.hook('resume');
    await fixture.hook('terminate');
    expect(fixture.log.map(({ event }) => event)).toEqual(['start', 'run', 'suspend', 'resume', 'terminate']);
    expect(JSON.stringify(fixture.log)).not.toContain('private');
  });
});
