import type { ServerResponse } from 'node:http';
import { b64, commandSends, EXIT, send, START } from './test-commands';
import { answer, refusal, routes, TestPool } from './test-pool';
import { CommandNotFoundError, ConnectionLostError } from '../../client/src/errors';
import type { Sandbox } from '../../client/src/sandbox';

let pool: TestPool;
let sandbox: Sandbox;
beforeEach(async () => {
  pool = await TestPool.start();
  sandbox = await pool.client().create();
});
afterEach(async () => { await pool[Symbol.asyncDispose](); });

describe('a stream that breaks', () => {
  /** Sends `events` in pieces: each connection breaks after as many as `cuts` says. */
  function breaking(events: readonly { seq: number }[], cuts: number[], partial = ''): void {
    const serve = (after: number, response: ServerResponse) => {
      const rest = events.filter(({ seq }) => seq > after);
      const most = cuts.shift() ?? rest.length;
      send(response, ...rest.slice(0, most));
      if (most >= rest.length) return void response.end();
      response.write(partial, () => setTimeout(() => response.destroy(), 5));
    };
    pool.guest = (request, response) => {
      if (request.url.pathname === '/v1/commands') return serve(0, response);
      if (request.url.pathname.endsWith('/events')) return serve(Number(request.url.searchParams.get('after')), response);
      return routes({})(request, response);
    };
  }
  const output = Array.from({ length: 20 }, (_, index) => ({ seq: index + 2, type: 'stdout', data: b64(`${index},`) }));
  const all = [START, ...output, { seq: 22, type: 'exit', ...EXIT }];

  test('goes on where it was, without loss and without repetition', async () => {
    breaking(all, [3, 1, 5, 0, 4]);
    const seen: string[] = [];
    const result = await sandbox.commands.run('x', { onStdout: (chunk) => seen.push(chunk) });
    expect(result.stdout).toBe(output.map((_, index) => `${index},`).join(''));
    expect(seen.join('')).toBe(result.stdout);
    expect(pool.requests('/v1/commands')).toHaveLength(1);
    expect(pool.arrived.filter(({ url }) => url.pathname.endsWith('/events')).map(({ url }) => url.search))
      .toEqual(['?after=3', '?after=4', '?after=9', '?after=9', '?after=13']);
  });

  test('half a line is dropped and fetched again', async () => {
    breaking(all, [4], '{"seq":5,"type":"stdout","da');
    expect((await sandbox.commands.run('x')).stdout).toBe(output.map((_, index) => `${index},`).join(''));
  });

  test('an end without an exit is a break, not a success', async () => {
    breaking(all, [21]);
    expect((await sandbox.commands.run('x')).exitCode).toBe(0);
    expect(pool.arrived.at(-1)?.url.search).toBe('?after=21');
  });

  test('starts the same command id again if nothing was heard of it', async () => {
    breaking(all, [0]);
    await sandbox.commands.run('x');
    const starts = pool.requests('/v1/commands').map(({ body }) => JSON.parse(body.toString()).commandId);
    expect(starts).toHaveLength(2);
    expect(starts[0]).toBe(starts[1]);
  });

  test('45 seconds without a byte are a break', async () => {
    let silent = true;
    pool.guest = routes({ 'POST /v1/commands': (_, response) => send(response, START) });
    const guest = pool.guest;
    pool.guest = (request, response) => {
      if (!request.url.pathname.endsWith('/events')) return guest(request, response);
      silent = false;
      send(response, { seq: 2, type: 'exit', ...EXIT });
      response.end();
    };
    const running = await sandbox.commands.run('x', { background: true });
    await new Promise((resolve) => setImmediate(resolve));
    pool.clock.advance(44_000);
    expect(silent).toBe(true);
    pool.clock.advance(46_000);
    expect((await running.wait()).exitCode).toBe(0);
    expect(silent).toBe(false);
  });

  test('fails as lost, with no exit code, if the sandbox forgot the command', async () => {
    breaking(all, [3]);
    const guest = pool.guest;
    pool.guest = (request, response) => {
      if (!request.url.pathname.endsWith('/events')) return guest(request, response);
      answer(response, { error: { code: 'command_not_found', message: 'no such command', retryable: false } }, 404);
    };
    const error = await sandbox.commands.run('x', { commandId: 'c1' }).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(ConnectionLostError);
    expect(error).toMatchObject({ commandId: 'c1', cause: expect.any(CommandNotFoundError) });
  });

  test('fails as terminated if the sandbox is gone', async () => {
    breaking(all, [3]);
    const guest = pool.guest;
    pool.guest = (request, response) => {
      if (request.url.pathname.endsWith('/events')) return void response.writeHead(502).end();
      return guest(request, response);
    };
    pool.onOperation = () => { throw refusal('sandbox_terminated'); };
    pool.clock.advance(60_000);
    await expect(sandbox.commands.run('x')).rejects.toMatchObject({ name: 'SandboxTerminatedError' });
  });

  test('fails as lost if connections keep ending without an event', async () => {
    breaking(all, [3, ...Array<number>(10_000).fill(0)]);
    await expect(sandbox.commands.run('x', { requestTimeoutMs: 5000 })).rejects.toThrow(ConnectionLostError);
  });

  test('is not started a second time on the next generation', async () => {
    pool.guest = (request, response) => {
      if (request.url.pathname !== '/v1/commands') return routes({})(request, response);
      if (request.headers['x-sandbox-generation'] === '1') {
        pool.generation = 2;
        pool.asleepFor = 2;
        return void response.destroy();
      }
      send(response, START, { seq: 2, type: 'exit', ...EXIT });
      response.end();
    };
    pool.clock.advance(60_000);
    await expect(sandbox.commands.run('x')).rejects.toThrow(ConnectionLostError);
  });
});

describe('a command that may have started on the generation before', () => {
  test('is not started again by a stream that broke without an event', async () => {
    pool.guest = (request, response) => {
      if (request.headers['x-sandbox-generation'] === '2') return commandSends({ seq: 2, type: 'exit', ...EXIT })(request, response);
      if (pool.generation === 2) {
        return answer(response, { error: { code: 'stale_generation', message: 'older', retryable: false } }, 409);
      }
      pool.generation = 2;
      response.writeHead(200).flushHeaders();
      setTimeout(() => response.destroy(), 10);
    };
    await expect(sandbox.commands.run('x')).rejects.toThrow(ConnectionLostError);
    expect(pool.requests('/v1/commands').map(({ headers }) => headers['x-sandbox-generation'])).toEqual(['1', '1']);
  });

  test('is started on the new one if the old one refused it', async () => {
    pool.generation = 2;
    pool.guest = (request, response) => {
      if (request.headers['x-sandbox-generation'] === '2') return commandSends({ seq: 2, type: 'exit', ...EXIT })(request, response);
      answer(response, { error: { code: 'stale_generation', message: 'older', retryable: false } }, 409);
    };
    expect((await sandbox.commands.run('x')).exitCode).toBe(0);
  });
});

describe('hostile events', () => {
  test.each<[string, string]>([
    ['no JSON', '{"seq":2,"type":"stdout","data":"c2VjcmV0'],
    ['no object', '[]'],
    ['no type', '{"seq":2}'],
    ['a wrong type', '{"seq":2,"type":5}'],
    ['no seq', '{"type":"stdout","data":""}'],
    ['a seq that goes back', '{"seq":1,"type":"stdout","data":""}'],
    ['a seq that is text', '{"seq":"2","type":"stdout","data":""}'],
    ['data that is no text', '{"seq":2,"type":"stdout","data":7}'],
    ['data that is no base64', '{"seq":2,"type":"stdout","data":"@@@@"}'],
    ['data that is half base64', '{"seq":2,"type":"stdout","data":"abc"}'],
    ['an exit without a code', '{"seq":2,"type":"exit","durationMs":1}'],
    ['an impossible exit code', '{"seq":2,"type":"exit","exitCode":-1,"durationMs":1}'],
    ['a signal that is none', '{"seq":2,"type":"exit","exitCode":1,"signal":"\\u001b[2J","durationMs":1}'],
    ['a gap of nothing', '{"seq":2,"type":"gap","droppedBytes":-1}'],
  ])('fails on %s', async (_, line) => {
    pool.guest = routes({
      'POST /v1/commands': (_request, response) => {
        send(response, START);
        response.end(`${line}\n`);
      },
    });
    const error = await sandbox.commands.run('x').catch((reason: unknown) => reason) as Error;
    expect(error.message).toMatch(/^malformed answer/);
    expect(error.message).not.toContain('c2VjcmV0');
    expect(error.cause).toBeUndefined();
  });

  test('fails on a line without end, without taking it all in', async () => {
    let sent = 0;
    pool.guest = routes({
      'POST /v1/commands': (_, response) => {
        send(response, START);
        const more = () => {
          while (!response.destroyed && sent < 1e9 && response.write('x'.repeat(65_536))) sent += 65_536;
          if (!response.destroyed) response.once('drain', more);
        };
        more();
      },
    });
    await expect(sandbox.commands.run('x')).rejects.toThrow('longer than 1048576 bytes');
    expect(sent).toBeLessThan(32 * 1024 * 1024);
  });
});
