import type { ServerResponse } from 'node:http';
import { b64, commandSends, EXIT, send, START } from './test-commands';
import { answer, type Arrived, routes, TestPool } from './test-pool';
import { CommandExitError, CommandNotFoundError, ConnectionLostError, InvalidArgumentError, TimeoutError } from '../../client/src/errors';
import type { CommandEvent } from '../../client/src/event-stream';
import type { Sandbox } from '../../client/src/sandbox';

let pool: TestPool;
let sandbox: Sandbox;
beforeEach(async () => {
  pool = await TestPool.start();
  sandbox = await pool.client().create();
});
afterEach(async () => { await pool[Symbol.asyncDispose](); });

function startRequest(): Record<string, unknown> {
  return JSON.parse(pool.requests('/v1/commands')[0].body.toString());
}

describe('run', () => {
  test('resolves with the output and exit code, whatever it is', async () => {
    pool.guest = commandSends(
      { seq: 2, type: 'stdout', data: b64('out') }, { type: 'heartbeat' }, { seq: 3, type: 'stderr', data: b64('err') },
      { seq: 4, type: 'exit', exitCode: 3, durationMs: 17 },
    );
    const result = await sandbox.commands.run('exit 3', { cwd: 'src', env: { A: 'b' }, user: 'root', timeoutMs: 1000 });
    expect(result).toEqual({
      commandId: expect.any(String), exitCode: 3, stdout: 'out', stderr: 'err', truncated: false, timedOut: false, durationMs: 17,
    });
    expect(startRequest()).toEqual({ commandId: result.commandId, command: 'exit 3', cwd: 'src', env: { A: 'b' }, user: 'root', timeoutMs: 1000 });
  });

  test('sends a list as a program with its arguments', async () => {
    pool.guest = commandSends({ seq: 2, type: 'exit', ...EXIT });
    await sandbox.commands.run(['echo', '$HOME'], { commandId: 'mine' });
    expect(startRequest()).toEqual({ commandId: 'mine', args: ['echo', '$HOME'] });
  });

  test('rejects with the result if asked to', async () => {
    pool.guest = commandSends({ seq: 2, type: 'stdout', data: b64('x') }, { seq: 3, type: 'exit', exitCode: 137, signal: 'SIGKILL', durationMs: 1 });
    const error = await sandbox.commands.run('x', { throwOnError: true }).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(CommandExitError);
    expect((error as CommandExitError).result).toMatchObject({ exitCode: 137, signal: 'SIGKILL', stdout: 'x' });
    expect(pool.arrived.filter(({ url }) => url.pathname.endsWith('/signal'))).toHaveLength(0);
  });

  test('a command that its own time limit ended says so', async () => {
    pool.guest = commandSends({ seq: 2, type: 'exit', exitCode: 137, timedOut: true, durationMs: 1000 });
    expect(await sandbox.commands.run('sleep 9', { timeoutMs: 1000 })).toMatchObject({ timedOut: true, exitCode: 137 });
    const error = await sandbox.commands.run('sleep 9', { timeoutMs: 1000, throwOnError: true }).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(TimeoutError);
    expect(error).toMatchObject({ scope: 'command', cause: expect.any(CommandExitError) });
  });

  test('never cuts a character in two', async () => {
    const bytes = Buffer.from('a€😀b');
    const events = [...bytes].map((byte, index) => ({ seq: index + 2, type: 'stdout', data: b64(Buffer.from([byte])) }));
    pool.guest = commandSends(...events, { seq: 99, type: 'exit', ...EXIT });
    const chunks: string[] = [];
    const { stdout } = await sandbox.commands.run('x', { onStdout: (chunk) => chunks.push(chunk) });
    expect(stdout).toBe('a€😀b');
    expect(chunks).toEqual(['a', '€', '😀', 'b']);
  });

  test('keeps the first maxOutputBytes and says that there was more', async () => {
    pool.guest = commandSends(
      { seq: 2, type: 'stdout', data: b64('12345') }, { seq: 3, type: 'stdout', data: b64('678') }, { seq: 4, type: 'exit', ...EXIT },
    );
    const seen: string[] = [];
    const options = { maxOutputBytes: 5, onStdout: (chunk: string) => seen.push(chunk) };
    expect(await sandbox.commands.run('x', options)).toMatchObject({ stdout: '12345', truncated: true });
    expect(seen.join('')).toBe('12345678');
    expect(await sandbox.commands.run('x', { maxOutputBytes: 8 })).toMatchObject({ stdout: '12345678', truncated: false });
  });

  test('a gap counts as truncated', async () => {
    pool.guest = commandSends({ seq: 2, type: 'gap', droppedBytes: 7 }, { seq: 3, type: 'exit', ...EXIT });
    expect(await sandbox.commands.run('x')).toMatchObject({ truncated: true });
  });

  test('connections serve command after command', async () => {
    pool.guest = commandSends({ seq: 2, type: 'exit', ...EXIT });
    for (let run = 0; run < 20; run++) await sandbox.commands.run('x');
    // A command may start before the end of the one before has been seen.
    expect(pool.connectionCount).toBeLessThanOrEqual(3);
  });

  test.each([
    [{ timeoutMs: 0 }, 'timeoutMs: 0'], [{ timeoutMs: 1.5 }, 'timeoutMs: 1.5'], [{ commandId: 'a b' }, 'commandId: "a b"'],
    [{ commandId: 'x'.repeat(65) }, 'commandId'], [{ maxOutputBytes: -1 }, 'maxOutputBytes'], [{ requestTimeoutMs: 0 }, 'requestTimeoutMs: 0'],
  ])('fails before anything is sent on %j', async (options, message) => {
    const before = pool.arrived.length;
    const error = await sandbox.commands.run('x', options).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(InvalidArgumentError);
    expect(String(error)).toContain(message);
    expect(pool.arrived).toHaveLength(before);
  });
});

describe('abort', () => {
  type OnSignal = (request: Arrived, response: ServerResponse, stream: ServerResponse | undefined) => void;

  function running(onSignal: OnSignal): void {
    let stream: ServerResponse | undefined;
    pool.guest = (request, response) => {
      if (request.url.pathname === '/v1/commands') {
        stream = response;
        return send(response, START, { seq: 2, type: 'stdout', data: b64('x') });
      }
      if (request.url.pathname.endsWith('/signal')) return onSignal(request, response, stream);
      return routes({})(request, response);
    };
  }

  test('kills the process group and rejects with the reason', async () => {
    const signals: unknown[] = [];
    running((request, response, stream) => {
      signals.push(JSON.parse(request.body.toString()));
      if (stream) send(stream, { seq: 3, type: 'exit', exitCode: 137, signal: 'SIGKILL', durationMs: 1 });
      // The end is seen before the kill is confirmed: it is no result for one who gave up.
      setTimeout(() => answer(response, { signalled: true }), 30);
    });
    const stop = new AbortController();
    const reason = new Error('enough');
    const run = sandbox.commands.run('x', { signal: stop.signal, onStdout: () => stop.abort(reason) });
    await expect(run).rejects.toBe(reason);
    expect(signals).toEqual([{ signal: 'SIGKILL' }]);
  });

  test('kills also a command whose start is still on its way', async () => {
    const stop = new AbortController();
    let kills = 0;
    pool.guest = (request, response) => {
      if (request.url.pathname === '/v1/commands') return void setImmediate(() => stop.abort());
      if (!request.url.pathname.endsWith('/signal')) return routes({})(request, response);
      const unknown = { error: { code: 'command_not_found', message: 'not yet', retryable: false } };
      if (++kills === 1) return answer(response, unknown, 404);
      answer(response, { signalled: true });
    };
    await expect(sandbox.commands.run('x', { signal: stop.signal })).rejects.toMatchObject({ name: 'AbortError' });
    expect(kills).toBe(2);
  });

  test('before the start nothing is sent', async () => {
    const before = pool.arrived.length;
    await expect(sandbox.commands.run('x', { signal: AbortSignal.abort() })).rejects.toMatchObject({ name: 'AbortError' });
    expect(pool.arrived).toHaveLength(before);
  });

  test('a callback that throws kills the command and is heard', async () => {
    let killed = false;
    running((_, response) => {
      killed = true;
      answer(response, { signalled: true });
    });
    await expect(sandbox.commands.run('x', { onStdout: () => { throw new Error('mine'); } })).rejects.toThrow('mine');
    expect(killed).toBe(true);
  });

  test('of a wait leaves the command alone, as does disconnect', async () => {
    let killed = false;
    running((_, response) => {
      killed = true;
      answer(response, { signalled: true });
    });
    const stop = new AbortController();
    const command = await sandbox.commands.run('x', { background: true, signal: stop.signal });
    const wait = new AbortController();
    const waiting = command.wait({ signal: wait.signal });
    wait.abort(new Error('no more'));
    await expect(waiting).rejects.toThrow('no more');
    await command.disconnect();
    await expect(command.wait()).rejects.toThrow('disconnected');
    stop.abort();
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(killed).toBe(false);
  });
});

describe('a command in the background', () => {
  test('is a handle with its pid, its events and its result', async () => {
    const events = [START, { seq: 2, type: 'stdout', data: b64('hi') }, { seq: 3, type: 'exit', ...EXIT }];
    pool.guest = (request, response) => {
      if (!request.url.pathname.startsWith('/v1/commands')) return routes({})(request, response);
      send(response, ...events.filter(({ seq }) => seq > Number(request.url.searchParams.get('after'))));
      response.end();
    };
    await using command = await sandbox.commands.run('x', { background: true, commandId: 'c1' });
    expect(command).toMatchObject({ commandId: 'c1', pid: 42 });
    const seen: CommandEvent[] = [];
    for await (const event of command) seen.push(event);
    expect(seen).toEqual([
      { seq: 1, type: 'start', pid: 42, startedAt: new Date(START.startedAt) },
      { seq: 2, type: 'stdout', data: new Uint8Array(Buffer.from('hi')) },
      { seq: 3, type: 'exit', ...EXIT },
    ]);
    expect((await command.wait()).stdout).toBe('hi');
    expect((await (await sandbox.commands.connect('c1')).wait()).stdout).toBe('hi');
  });

  test('fails to connect to a command that is not known', async () => {
    pool.guest = routes({
      'GET /v1/commands/c9/events': (_, response) => {
        answer(response, { error: { code: 'command_not_found', message: 'no c9', retryable: false } }, 404);
      },
    });
    await expect(sandbox.commands.connect('c9')).rejects.toThrow(CommandNotFoundError);
  });

  test('is listed and killed by id', async () => {
    pool.guest = routes({
      'GET /v1/commands': (_, response) => answer(response, { commands: [{ commandId: 'c1', pid: 4, command: 'x', startedAt: 5 }] }),
      'POST /v1/commands/c1/signal': (_, response) => answer(response, { signalled: false }),
    });
    expect(await sandbox.commands.list()).toEqual([{ commandId: 'c1', pid: 4, command: 'x', startedAt: new Date(5) }]);
    expect(await sandbox.commands.kill('c1', 'SIGTERM')).toBe(false);
    expect(pool.arrived.at(-1)?.body.toString()).toBe('{"signal":"SIGTERM"}');
    await expect(sandbox.commands.kill('../files')).rejects.toThrow(InvalidArgumentError);
    await expect(sandbox.commands.kill('c1', 'SIGFOO' as never)).rejects.toThrow('SIGFOO');
  });
});

describe('stdin', () => {
  function reading(onStdin: (request: Arrived, response: ServerResponse) => void): void {
    let stream: ServerResponse | undefined;
    pool.guest = (request, response) => {
      if (request.url.pathname === '/v1/commands') {
        stream = response;
        return send(response, START);
      }
      if (request.url.pathname.endsWith('/stdin')) {
        onStdin(request, response);
        if (stream && request.url.searchParams.get('eof') === 'true' && !response.destroyed) {
          send(stream, { seq: 2, type: 'exit', ...EXIT });
          stream.end();
        }
        return;
      }
      if (request.url.pathname.endsWith('/signal')) return answer(response, { signalled: true });
      return routes({})(request, response);
    };
  }

  test('text is sent and closed', async () => {
    const got: string[] = [];
    reading((request, response) => {
      got.push(request.body.toString());
      response.writeHead(204).end();
    });
    expect((await sandbox.commands.run('cat', { stdin: 'héllo' })).exitCode).toBe(0);
    expect(got).toEqual(['héllo']);
    expect(startRequest().stdin).toBe(true);
  });

  test('stays open if asked to', async () => {
    const got: string[] = [];
    reading((request, response) => {
      got.push(`${request.body}${request.url.search}`);
      response.writeHead(204).end();
    });
    const command = await sandbox.commands.run('cat', { stdin: true, background: true });
    await command.sendStdin('one');
    await command.closeStdin();
    await command.wait();
    expect(got).toEqual(['one', '?eof=true']);
  });

  test('fails as lost and is not sent twice if the connection breaks', async () => {
    let sent = 0;
    reading((_, response) => {
      sent++;
      response.destroy();
    });
    const command = await sandbox.commands.run('cat', { stdin: true, background: true });
    await expect(command.sendStdin('one')).rejects.toThrow(ConnectionLostError);
    expect(sent).toBe(1);
    await command.disconnect();
  });

  test('that a command does not want is no error', async () => {
    reading((_, response) => answer(response, { error: { code: 'command_conflict', message: 'stdin is closed', retryable: false } }, 409));
    expect((await sandbox.commands.run('true', { stdin: 'x' })).exitCode).toBe(0);
  });
});
