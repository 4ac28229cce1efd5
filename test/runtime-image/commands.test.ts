import { chmod, mkdir, rm, writeFile } from 'node:fs/promises';
import { at, DaemonFixture, eventsOf, outcomeOf, readUntil } from './daemon-fixture';
import { groupMembers, isAlive } from './process-table';
import type { CommandEvent } from '../../client/src/protocol/daemon';

let fixture: DaemonFixture;
beforeAll(async () => (fixture = await DaemonFixture.running()));
afterAll(async () => fixture.stop());

async function follow(commandId: string, after = 0): Promise<CommandEvent[]> {
  const events: CommandEvent[] = [];
  for await (const event of eventsOf(await fixture.openApi('GET', at(`/v1/commands/${commandId}/events`, { after: String(after) })))) {
    events.push(event);
  }
  return events;
}

describe('a command', () => {
  test('streams start, stdout and stderr apart, and exit, numbered from 1', async () => {
    const { events, stdout, stderr, exit } = await fixture.exec({ command: 'echo out; echo err >&2; exit 42' });
    expect(events.map((event) => ('seq' in event ? event.seq : 0))).toEqual(events.map((_, index) => index + 1));
    expect(events[0]).toEqual({ seq: 1, type: 'start', pid: expect.any(Number), startedAt: expect.any(Number) });
    expect(stdout.toString()).toBe('out\n');
    expect(stderr.toString()).toBe('err\n');
    expect(exit).toMatchObject({ exitCode: 42, durationMs: expect.any(Number) });
    expect(exit).not.toHaveProperty('timedOut');
    expect(exit).not.toHaveProperty('signal');
  });

  test('ends with 0', async () => {
    expect((await fixture.exec({ command: 'true' })).exit?.exitCode).toBe(0);
  });

  test('keeps every byte', async () => {
    const bytes = Buffer.from(Array.from({ length: 256 }, (_, byte) => byte));
    const printed = [...bytes].map((byte) => `\\x${byte.toString(16).padStart(2, '0')}`).join('');
    expect((await fixture.exec({ command: `printf '${printed}'` })).stdout).toEqual(bytes);
  });

  test('cuts output into events of at most 32 KiB', async () => {
    const { events, stdout } = await fixture.exec({ args: ['head', '-c', '1000000', '/dev/zero'] });
    expect(stdout.length).toBe(1_000_000);
    const sizes = events.flatMap((event) => (event.type === 'stdout' ? [Buffer.from(event.data, 'base64').length] : []));
    expect(Math.max(...sizes)).toBeLessThanOrEqual(32 * 1024);
  });

  test('runs arguments without a shell', async () => {
    const { stdout } = await fixture.exec({ args: ['printf', '%s|', '$HOME', 'a b', ''] });
    expect(stdout.toString()).toBe('$HOME|a b||');
  });

  test('fails as 127 if there is no such program, by shell and without', async () => {
    const shell = await fixture.exec({ command: 'no-such-program' });
    expect(shell.exit?.exitCode).toBe(127);
    const direct = await fixture.exec({ args: ['no-such-program'] });
    expect(direct.events.map(({ type }) => type)).toEqual(['start', 'stderr', 'exit']);
    expect(direct.stderr.toString()).toBe('no-such-program: command not found\n');
    expect(direct.exit?.exitCode).toBe(127);
    expect(direct.events[0]).not.toHaveProperty('pid');
  });

  test('fails as 126 if the file cannot be run', async () => {
    await writeFile(fixture.host('/workspace/data.txt'), 'no program');
    await chmod(fixture.host('/workspace/data.txt'), 0o644);
    const { exit, stderr } = await fixture.exec({ args: ['./data.txt'] });
    expect(exit?.exitCode).toBe(126);
    expect(stderr.toString()).toContain('./data.txt');
  });

  test('fails as 126 if the arguments are longer than the system takes', async () => {
    const { exit, stderr } = await fixture.exec({ args: ['echo', 'x'.repeat(500_000)] });
    expect(exit?.exitCode).toBe(126);
    expect(stderr.toString()).toContain('E2BIG');
  });

  test('fails as 128 and the signal if one ended it', async () => {
    expect((await fixture.exec({ command: 'kill -KILL $$' })).exit).toMatchObject({ exitCode: 137, signal: 'SIGKILL' });
    expect((await fixture.exec({ command: 'kill -SEGV $$' })).exit).toMatchObject({ exitCode: 139, signal: 'SIGSEGV' });
  });

  test('starts in the workspace, or where it is asked to', async () => {
    await mkdir(fixture.host('/workspace/project'), { recursive: true });
    expect((await fixture.exec({ command: 'pwd' })).stdout.toString()).toBe(`${fixture.host('/workspace')}\n`);
    for (const cwd of ['project', '/workspace/project', fixture.host('/workspace/project')]) {
      expect((await fixture.exec({ command: 'pwd', cwd })).stdout.toString()).toBe(`${fixture.host('/workspace/project')}\n`);
    }
    expect((await fixture.exec({ command: 'pwd', cwd: '/' })).stdout.toString()).toBe('/\n');
  });

  test('inherits the launch environment, with a home, and the request on top', async () => {
    process.env.FROM_THE_LAUNCH = 'launched';
    const { stdout } = await fixture.exec({ args: ['sh', '-c', 'echo $FROM_THE_LAUNCH $GIVEN $HOME'], env: { GIVEN: 'given' } });
    delete process.env.FROM_THE_LAUNCH;
    expect(stdout.toString()).toBe(`launched given ${fixture.host('/home/sandbox')}\n`);
    expect((await fixture.exec({ args: ['sh', '-c', 'echo $HOME'], env: { HOME: '/x' } })).stdout.toString()).toBe('/x\n');
  });

  test('keeps the PATH of the image and of the request in front, whatever the profile of the shell does', async () => {
    await mkdir(fixture.host('/home/sandbox'), { recursive: true });
    await writeFile(fixture.host('/home/sandbox/.bash_profile'), 'PATH=/from/profile:/usr/bin:/bin');
    const paths = async (env = {}) => (await fixture.exec({ command: 'echo "$PATH"', env })).stdout.toString().trim();
    expect(await paths()).toBe(`${process.env.PATH}:/from/profile:/usr/bin:/bin`);
    expect(await paths({ PATH: "/it's mine" })).toBe("/it's mine:/from/profile:/usr/bin:/bin");
    await rm(fixture.host('/home/sandbox/.bash_profile'));
  });

  test('has an empty stdin unless it asks for one', async () => {
    expect((await fixture.exec({ command: 'cat; echo done' })).stdout.toString()).toBe('done\n');
  });

  test('leads its own process group', async () => {
    const { stdout } = await fixture.exec({ args: ['sh', '-c', 'ps -o pgid= -p $$; echo $$'] });
    const [group, pid] = stdout.toString().trim().split(/\s+/);
    expect(group).toBe(pid);
  });

  test('is told to the kernel as the first to end when memory runs out', async () => {
    const events = eventsOf(await fixture.start({ commandId: 'oom', command: 'read line; cat /proc/self/oom_score_adj', stdin: true }));
    await events.next();
    await fixture.api('POST', '/v1/commands/oom/stdin?eof=true', 'go\n');
    const rest: CommandEvent[] = [];
    for await (const event of events) rest.push(event);
    expect(outcomeOf(rest).stdout.toString()).toBe('500\n');
  });

  test('ends without waiting for what it left running, and does not end that', async () => {
    const { stdout, exit } = await fixture.exec({ command: 'sleep 1000 & echo $!' });
    expect(exit?.exitCode).toBe(0);
    expect(exit?.durationMs).toBeLessThan(5000);
    const pid = Number(stdout.toString());
    expect(isAlive(pid)).toBe(true);
    process.kill(pid, 'SIGKILL');
  });

  test('goes on when its reader leaves', async () => {
    const response = await fixture.start({ commandId: 'left', command: 'echo one; read line; echo two', stdin: true });
    await readUntil(eventsOf(response), 'one');
    response.destroy();
    expect((await fixture.api('GET', '/v1/commands/left')).json().exit).toBeUndefined();
    await fixture.api('POST', '/v1/commands/left/stdin', 'go\n');
    expect(outcomeOf(await follow('left')).stdout.toString()).toBe('one\ntwo\n');
  });

  test('runs beside others, and is counted', async () => {
    const first = eventsOf(await fixture.start({ commandId: 'beside', command: 'cat', stdin: true }));
    await first.next();
    expect((await fixture.exec({ command: 'echo two' })).stdout.toString()).toBe('two\n');
    expect((await fixture.api('GET', '/v1/health')).json().running).toBe(1);
    await fixture.api('POST', '/v1/commands/beside/stdin?eof=true');
    for await (const event of first) expect(event.type).toBe('exit');
    expect((await fixture.api('GET', '/v1/health')).json().running).toBe(0);
  });

  test('is listed with its line, cut, and its exit', async () => {
    await fixture.exec({ commandId: 'listed', command: `true ${'x'.repeat(500)}` });
    await fixture.exec({ commandId: 'arguments', args: ['echo', 'a', 'b'] });
    const { commands } = (await fixture.api('GET', '/v1/commands')).json();
    const find = (id: string) => commands.find(({ commandId }: { commandId: string }) => commandId === id);
    expect(find('listed')).toMatchObject({ command: `true ${'x'.repeat(195)}`, pid: expect.any(Number), exit: { exitCode: 0 } });
    expect(find('arguments').command).toBe('echo a b');
    expect((await fixture.api('GET', '/v1/commands/listed')).json()).toEqual(find('listed'));
  });
});

describe('a command id', () => {
  test('runs once, however often it is sent', async () => {
    const request = { commandId: 'once', command: 'echo $$', env: { A: '1', B: '2' } };
    const outcomes = await Promise.all([1, 2, 3].map(async () => fixture.exec(request)));
    const [first, ...others] = [...outcomes, await fixture.exec({ ...request, env: { B: '2', A: '1' } })];
    for (const other of others) expect(other.events).toEqual(first.events);
  });

  test.each([
    ['line', { command: 'echo other' }], ['environment', { command: 'echo', env: { A: '1' } }], ['user', { command: 'echo', timeoutMs: 5 }],
  ])('fails with command_conflict for another %s', async (name, other) => {
    await fixture.exec({ commandId: `conflict-${name}`, command: 'echo' });
    const answer = await fixture.api('POST', '/v1/commands', { commandId: `conflict-${name}`, ...other });
    expect(answer.status).toBe(409);
    expect(answer.json().error.code).toBe('command_conflict');
  });

  test('replays what came after an event', async () => {
    const { events } = await fixture.exec({ commandId: 'replay', command: 'echo a; echo b >&2; exit 3' });
    for (let seen = 0; seen <= events.length; seen++) expect(await follow('replay', seen)).toEqual(events.slice(seen));
  });

  test('fails to replay from an event that there was not', async () => {
    await fixture.exec({ commandId: 'beyond', command: 'true' });
    for (const after of ['99', '-1', 'x', '1.5']) {
      const answer = await fixture.api('GET', at('/v1/commands/beyond/events', { after }));
      expect(answer.status).toBe(400);
      expect(answer.json().error.message).toContain('after');
    }
  });

  test('fails with command_not_found if nothing was started by it', async () => {
    for (const [method, path] of [['GET', ''], ['GET', '/events'], ['POST', '/stdin'], ['POST', '/signal']]) {
      const answer = await fixture.api(method, `/v1/commands/unknown${path}`, method === 'POST' ? { signal: 'SIGTERM' } : undefined);
      expect(answer.status).toBe(404);
      expect(answer.json().error.code).toBe('command_not_found');
    }
  });
});

describe('a malformed command', () => {
  test.each([
    ['no JSON', '{', 'JSON'],
    ['not UTF-8', Buffer.from([0x7b, 0xff, 0x7d]), 'UTF-8'],
    ['a list', '[]', 'object'],
    ['no id', { command: 'x' }, 'commandId'],
    ['an id with a slash', { commandId: 'a/b', command: 'x' }, 'commandId'],
    ['a long id', { commandId: 'a'.repeat(65), command: 'x' }, 'commandId'],
    ['neither command nor args', { commandId: 'x' }, 'command, args'],
    ['both', { commandId: 'x', command: 'x', args: ['x'] }, 'command, args'],
    ['an empty line', { commandId: 'x', command: '' }, 'command'],
    ['no arguments', { commandId: 'x', args: [] }, 'args'],
    ['a number in args', { commandId: 'x', args: ['x', 1] }, 'args[1]'],
    ['a NUL in args', { commandId: 'x', args: ['x', 'a\0b'] }, 'args[1]'],
    ['a NUL in the line', { commandId: 'x', command: 'a\0b' }, 'command'],
    ['a text as env', { commandId: 'x', command: 'x', env: 'A=1' }, 'env'],
    ['a number in env', { commandId: 'x', command: 'x', env: { A: 1 } }, 'env.A'],
    ['a name with = in env', { commandId: 'x', command: 'x', env: { 'A=B': '1' } }, 'env'],
    ['another user', { commandId: 'x', command: 'x', user: 'daemon' }, 'user'],
    ['no time', { commandId: 'x', command: 'x', timeoutMs: 0 }, 'timeoutMs'],
    ['half a millisecond', { commandId: 'x', command: 'x', timeoutMs: 0.5 }, 'timeoutMs'],
    ['a text as stdin', { commandId: 'x', command: 'x', stdin: 'text' }, 'stdin'],
    ['an unknown field', { commandId: 'x', command: 'x', timeout: 5 }, 'timeout'],
    ['a missing directory', { commandId: 'x', command: 'x', cwd: '/workspace/missing' }, 'cwd: /workspace/missing'],
    ['a file as directory', { commandId: 'x', command: 'x', cwd: '/etc/passwd' }, 'cwd: /etc/passwd'],
    ['an empty directory name', { commandId: 'x', command: 'x', cwd: '' }, 'cwd'],
  ])('fails with invalid_argument for %s, names it, and starts nothing', async (_, body, named) => {
    const answer = await fixture.api('POST', '/v1/commands', body);
    expect(answer.status).toBe(400);
    expect(answer.json().error).toMatchObject({ code: 'invalid_argument', message: expect.stringContaining(named) });
    expect((await fixture.api('GET', '/v1/commands/x')).status).toBe(404);
  });

  test('fails with too_large above 1 MiB', async () => {
    const answer = await fixture.api('POST', '/v1/commands', { commandId: 'x', command: 'x'.repeat(1024 * 1024) });
    expect(answer.status).toBe(413);
    expect(answer.json().error.code).toBe('too_large');
  });

  test('never shows the value of a variable', async () => {
    const answer = await fixture.api('POST', '/v1/commands', { commandId: 'x', command: 'x', env: { KEY: 'private\0key' } });
    expect(answer.status).toBe(400);
    expect(answer.body.toString()).not.toContain('private');
  });
});

describe('stdin', () => {
  test('arrives in order, byte for byte, until eof', async () => {
    const bytes = Buffer.from(Array.from({ length: 300_000 }, (_, index) => (index * 7) % 256));
    const events = eventsOf(await fixture.start({ commandId: 'cat', command: 'cat', stdin: true }));
    await events.next();
    const parts = [bytes.subarray(0, 100_000), bytes.subarray(100_000, 100_001), bytes.subarray(100_001)];
    for (const part of parts) expect((await fixture.api('POST', '/v1/commands/cat/stdin', part)).status).toBe(204);
    expect((await fixture.api('POST', '/v1/commands/cat/stdin?eof=true')).status).toBe(204);
    const rest: CommandEvent[] = [];
    for await (const event of events) rest.push(event);
    expect(outcomeOf(rest).stdout.equals(bytes)).toBe(true);
  });

  test('fails with command_conflict once it is closed or the command has ended', async () => {
    const events = eventsOf(await fixture.start({ commandId: 'closed', command: 'read line; read line < /dev/stdin; echo end; sleep 1000', stdin: true }));
    await fixture.api('POST', '/v1/commands/closed/stdin?eof=true', 'x\n');
    await readUntil(events, 'end');
    expect((await fixture.api('POST', '/v1/commands/closed/stdin', 'x')).json().error.code).toBe('command_conflict');
    await fixture.api('POST', '/v1/commands/closed/signal', { signal: 'SIGKILL' });
    expect((await follow('closed')).at(-1)?.type).toBe('exit');
    const late = await fixture.api('POST', '/v1/commands/closed/stdin', 'x');
    expect(late.status).toBe(409);
    expect(late.json().error).toMatchObject({ code: 'command_conflict', message: expect.stringContaining('ended') });
  });

  test('fails with command_conflict if the command stops reading', async () => {
    await fixture.start({ commandId: 'deaf', command: 'exec 0<&-; echo deaf; sleep 1000', stdin: true });
    await readUntil(eventsOf(await fixture.openApi('GET', '/v1/commands/deaf/events')), 'deaf');
    expect((await fixture.api('POST', '/v1/commands/deaf/stdin', Buffer.alloc(200_000))).json().error.code).toBe('command_conflict');
    await fixture.api('POST', '/v1/commands/deaf/signal', { signal: 'SIGKILL' });
  });

  test('fails with invalid_argument if the command was started without', async () => {
    await fixture.start({ commandId: 'mute', command: 'sleep 1000' });
    const answer = await fixture.api('POST', '/v1/commands/mute/stdin', 'x');
    expect(answer.status).toBe(400);
    expect(answer.json().error.message).toContain('"stdin": true');
    await fixture.api('POST', '/v1/commands/mute/signal', { signal: 'SIGKILL' });
  });
});

describe('a signal', () => {
  test('reaches the whole group', async () => {
    const events = eventsOf(await fixture.start({ commandId: 'group', command: 'sleep 1000 & sleep 1000 & echo up; wait' }));
    const [start] = await readUntil(events, 'up');
    const { pid = 0 } = start as CommandEvent & { type: 'start' };
    expect(groupMembers(pid).length).toBe(3);
    expect((await fixture.api('POST', '/v1/commands/group/signal', { signal: 'SIGTERM' })).json()).toEqual({ signalled: true });
    for await (const event of events) expect(event).toMatchObject({ type: 'exit', exitCode: 143, signal: 'SIGTERM' });
    expect(groupMembers(pid)).toEqual([]);
  });

  test('is not sent to a command that has ended', async () => {
    await fixture.exec({ commandId: 'gone', command: 'true' });
    expect((await fixture.api('POST', '/v1/commands/gone/signal', { signal: 'SIGKILL' })).json()).toEqual({ signalled: false });
  });

  test('can be handled by the command', async () => {
    const events = eventsOf(await fixture.start({ commandId: 'handler', args: ['sh', '-c', 'trap "echo caught; exit 7" USR1; echo up; while :; do sleep 0.05; done'] }));
    await readUntil(events, 'up');
    await fixture.api('POST', '/v1/commands/handler/signal', { signal: 'SIGUSR1' });
    await readUntil(events, 'caught');
    for await (const event of events) expect(event).toMatchObject({ type: 'exit', exitCode: 7 });
  });

  test.each([['another signal', { signal: 'SIGSEGV' }], ['a number', { signal: 9 }], ['none', {}]])(
    'fails with invalid_argument for %s', async (_, body) => {
      await fixture.exec({ commandId: 'quiet', command: 'true' });
      const answer = await fixture.api('POST', '/v1/commands/quiet/signal', body);
      expect(answer.status).toBe(400);
      expect(answer.json().error.message).toContain('SIGTERM');
    });
});

describe('users', () => {
  const sandbox = { name: 'sandbox', home: '/home/sandbox' };

  test('fails with permission_denied for root if the daemon is not root', async () => {
    const own = await DaemonFixture.running({ identities: { sandbox } });
    const answer = await own.api('POST', '/v1/commands', { commandId: 'x', command: 'id', user: 'root' });
    expect(answer.status).toBe(403);
    expect(answer.json().error.code).toBe('permission_denied');
    await own.stop();
  });

  (process.getuid?.() === 0 ? test : test.skip)('a daemon that is root runs commands as the sandbox user, and as root on request', async () => {
    const switchTo = { uid: 54321, gid: 54321 };
    const both = await DaemonFixture.running({ identities: { sandbox: { ...sandbox, switchTo }, root: { name: 'root', home: '/root' } } });
    await chmod(both.root, 0o755);
    const closed = both.host('/closed');
    await mkdir(closed, { mode: 0o700 });
    const script = 'id -u; id -g; id -G; echo $USER';
    expect((await both.exec({ args: ['sh', '-c', script] })).stdout.toString()).toBe('54321\n54321\n54321\nsandbox\n');
    expect((await both.exec({ args: ['sh', '-c', 'id -u; echo $HOME'], user: 'root' })).stdout.toString()).toBe('0\n/root\n');
    await both.api('PUT', '/v1/files?path=new/file', 'x');
    expect((await both.exec({ args: ['stat', '-c', '%u:%g', 'new', 'new/file'] })).stdout.toString()).toBe('54321:54321\n54321:54321\n');
    const missing = await both.exec({ args: ['no-such-program'], env: { PATH: `${closed}:/usr/bin` } });
    expect(missing.exit?.exitCode).toBe(127);
    await both.stop();
  });
});
