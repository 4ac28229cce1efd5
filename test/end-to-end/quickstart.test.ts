import { SandboxNotFoundError, type Sandbox, SandboxTerminatedError } from 'microvm-sandbox';
import { Deployed, descendants, eventually, removeFolder } from './deployed';
import { synthesizeExample } from './example';
import { isolations } from './isolations';
import { NOTHING_LEFT } from '../local/nothing-left';

let assembly: string;
beforeAll(async () => {
  assembly = await synthesizeExample('quickstart');
}, 60_000);
afterAll(() => removeFolder(assembly));

describe.each(isolations())('the quickstart, microVMs in %s', (isolation) => {
  let deployed: Deployed;
  let sandbox: Sandbox;
  let processesBefore: string[];

  beforeAll(async () => {
    processesBefore = descendants();
    deployed = await Deployed.start(isolation, assembly);
    sandbox = await deployed.client.create({ metadata: { purpose: 'test' } });
  }, 60_000);
  afterAll(() => deployed.stop());

  test('needs no resource type that the local cloud does not know', () => {
    expect(deployed.warnings.filter((warning) => /AWS::|Custom::/.test(warning))).toEqual([]);
  });

  test('gives out a sandbox that was started for it', () => {
    expect(sandbox.launch.kind).toBe('cold');
    expect(sandbox.metadata).toEqual({ purpose: 'test' });
    expect(sandbox.expiresAt.getTime() - Date.now()).toBeGreaterThan(14 * 60_000);
  });

  test('streams output while the command runs, each stream by itself', async () => {
    const chunks: string[] = [];
    const running = sandbox.commands.run('echo one; echo two >&2; read line; echo "got $line"', {
      background: true, stdin: true, onStdout: (chunk) => chunks.push(`out ${chunk}`), onStderr: (chunk) => chunks.push(`err ${chunk}`),
    });
    const command = await running;
    // The command waits for its input, so these came while it ran.
    for await (const event of command) if (event.type === 'stderr') break;
    await command.sendStdin('three\n');
    const result = await command.wait();

    expect(result).toMatchObject({ exitCode: 0, stdout: 'one\ngot three\n', stderr: 'two\n' });
    expect(chunks).toEqual(expect.arrayContaining(['out one\n', 'err two\n', 'out got three\n']));
  });

  test('keeps memory, files and processes over pause and resume', async () => {
    await sandbox.files.write('count.js', 'let n = 0; process.stdin.on("data", () => console.log(++n));');
    const counter = await sandbox.commands.run(['node', 'count.js'], { background: true, stdin: true });
    await counter.sendStdin('x');
    for await (const event of counter) if (event.type === 'stdout') break;

    await sandbox.pause();
    await sandbox.resume();
    await counter.sendStdin('x');
    await counter.closeStdin();

    expect(await counter.wait()).toMatchObject({ exitCode: 0, stdout: '1\n2\n' });
    expect(await sandbox.files.read('count.js')).toContain('let n = 0');
  });

  test("the app's function runs code in a sandbox of its own", async () => {
    const { RunCodeName } = deployed.stack.outputs;
    const { payload, functionError } = await deployed.cloud.invoke(RunCodeName, { language: 'node', code: 'console.log(6 * 7)' });

    expect(functionError).toBeUndefined();
    expect(payload).toMatchObject({ exitCode: 0, stdout: '42\n' });
    const { sandboxId } = payload as { sandboxId: string };
    expect(sandboxId).not.toBe(sandbox.sandboxId);
    await expect(deployed.client.connect(sandboxId)).rejects.toBeInstanceOf(SandboxTerminatedError);
  });

  test('the same key gives the same sandbox, also when calls race', async () => {
    const raced = await Promise.all([1, 2, 3].map(() => deployed.client.getOrCreate({ key: 'session-1' })));
    expect(new Set(raced.map(({ sandboxId }) => sandboxId)).size).toBe(1);
    expect(await raced[0].kill()).toBe(true);
  });

  test('lists what lives, and a killed sandbox is not listed', async () => {
    const ids: string[] = [];
    for await (const { sandboxId } of deployed.client.list()) ids.push(sandboxId);
    expect(ids).toEqual([sandbox.sandboxId]);
  });

  describe('after each of these the daemon answers', () => {
    afterEach(async () => {
      expect(await sandbox.commands.run(['node', '-p', '1 + 1'])).toMatchObject({ exitCode: 0, stdout: '2\n' });
    });

    test('a command that does not exist: exit code 127, not an exception', async () => {
      expect(await sandbox.commands.run(['no-such-program'])).toMatchObject({ exitCode: 127 });
      expect(await sandbox.commands.run('no-such-program')).toMatchObject({ exitCode: 127 });
    });

    test.each(['/etc/passwd', '../../etc/passwd', '/workspace/../etc/passwd'])('fails on %s, which is out of reach', async (path) => {
      await expect(sandbox.files.read(path)).rejects.toMatchObject({ code: 'path_outside_reach', message: expect.stringContaining('etc/passwd') });
    });

    test('fails on a file that is not there', async () => {
      await expect(sandbox.files.read('nothing.txt')).rejects.toMatchObject({ code: 'file_not_found' });
    });

    test('a command that takes longer than it may', async () => {
      expect(await sandbox.commands.run('sleep 60', { timeoutMs: 200 })).toMatchObject({ timedOut: true, signal: 'SIGTERM' });
    });
  });

  test('fails on a malformed request, naming the field, the value and what is allowed', async () => {
    await expect(deployed.client.create({ timeoutMs: 8 * 3_600_000 + 1 })).rejects.toMatchObject({
      code: 'invalid_argument', message: expect.stringMatching(/timeoutMs.*28800001.*28800000/),
    });
    const { payload } = await deployed.cloud.invoke(deployed.stack.outputs.SandboxPool, { version: 1, operation: 'create', lease: 5 });
    expect(payload).toMatchObject({ ok: false, error: { code: 'invalid_argument', message: expect.stringContaining('lease') } });
  });

  test('fails on a sandbox that never was', async () => {
    await expect(deployed.client.connect('sbx-00000000000000000000000000')).rejects.toBeInstanceOf(SandboxNotFoundError);
  });

  test('fails one sandbox past maxSandboxes, and gives the place out again', async () => {
    const others = await Promise.all([1, 2, 3, 4].map(() => deployed.client.create()));
    await expect(deployed.client.create({ requestTimeoutMs: 2000 })).rejects.toMatchObject({ code: 'pool_exhausted' });
    await others[0].kill();
    others[0] = await deployed.client.create();
    await Promise.all(others.map((other) => other.kill()));
  });

  test('kill is idempotent, and everyone after it learns so', async () => {
    expect(await sandbox.kill()).toBe(true);
    expect(await sandbox.kill()).toBe(false);
    await expect(sandbox.commands.run('true')).rejects.toBeInstanceOf(SandboxTerminatedError);
    await expect(sandbox.pause()).rejects.toBeInstanceOf(SandboxTerminatedError);
  });

  test('deleting the stack ends a sandbox that still runs and leaves nothing', async () => {
    const living = await deployed.client.create();
    await living.commands.run(['sleep', '600'], { background: true });
    expect(descendants().join('\n')).toContain('sleep 600');

    await deployed.cloud.destroy('Quickstart');
    expect(deployed.cloud.inventory()).toEqual(NOTHING_LEFT);
    await eventually(() => descendants().length <= processesBefore.length, 'no process is left but those from before');
    expect(descendants()).toEqual(processesBefore);
  });
});
