import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { existsSync, statSync } from 'node:fs';
import { chmod, link, lstat, mkdir, mkdtemp, readdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Answer } from './daemon-fixture';
import { at, DaemonFixture } from './daemon-fixture';
import { ROUTES } from '../../client/src/protocol/daemon';

let fixture: DaemonFixture;
beforeEach(async () => (fixture = await DaemonFixture.running()));
afterEach(async () => fixture.stop());

const put = async (path: string, body: Buffer | string, query = {}) => fixture.api('PUT', at(ROUTES.files, { path, ...query }), body);
const get = async (path: string, query = {}) => fixture.api('GET', at(ROUTES.files, { path, ...query }));
const remove = async (path: string, query = {}) => fixture.api('DELETE', at(ROUTES.files, { path, ...query }));
const statOf = async (path: string) => fixture.api('GET', at(ROUTES.stat, { path }));
const list = async (path: string, query = {}) => fixture.api('GET', at(ROUTES.list, { path, ...query }));
const move = async (body: object) => fixture.api('POST', ROUTES.move, body);
const makeDirectory = async (path: string) => fixture.api('POST', ROUTES.directories, { path });

function expectError(answer: Answer, status: number, code: string, named = ''): void {
  expect({ status: answer.status, error: answer.json().error }).toEqual({
    status, error: { code, retryable: false, message: expect.stringContaining(named) },
  });
}

describe('a written file', () => {
  test.each([0, 1, 64 * 1024 - 1, 64 * 1024, 64 * 1024 + 1, 4 * 1024 * 1024 + 17])('of %d bytes is read back the same', async (size) => {
    const bytes = randomBytes(size);
    expect((await put('data.bin', bytes)).json()).toMatchObject({ name: 'data.bin', path: '/workspace/data.bin', type: 'file', size });
    const answer = await get('data.bin');
    expect(answer.body.equals(bytes)).toBe(true);
    expect(answer.headers['content-length']).toBe(String(size));
    expect(await readdir(fixture.host('/workspace'))).toEqual(['data.bin']);
  });

  test('may have any name that the system takes', async () => {
    for (const name of ['grüße 你好 🙂.txt', 'a b&c=d?e#f%20', '-rf', 'line\nbreak', '"quoted"', '...']) {
      await put(`dir/${name}`, name);
      expect((await get(`dir/${name}`)).body.toString()).toBe(name);
      expect((await statOf(`dir/${name}`)).json()).toMatchObject({ name, path: `/workspace/dir/${name}` });
    }
  });

  test('gets its parents, and 0644 or the mode asked for', async () => {
    expect((await put('/tmp/a/b/c.sh', 'x')).json().mode).toBe(0o644);
    expect((await put('/tmp/a/b/c.sh', 'x', { mode: '755' })).json().mode).toBe(0o755);
    expect((await put('/tmp/a/b/c.sh', 'y', { mode: '0600' })).json().mode).toBe(0o600);
    expect((await put('/tmp/a/b/c.sh', 'z')).json().mode).toBe(0o600);
    expect((await stat(fixture.host('/tmp/a/b'))).mode % 0o1000).toBe(0o755);
  });

  test('is replaced whole, also through a link, and other names of the old file keep it', async () => {
    await put('real/file', 'a long first version');
    await link(fixture.host('/workspace/real/file'), fixture.host('/workspace/other-name'));
    await symlink('real/file', fixture.host('/workspace/link'));
    await put('link', 'new');
    expect((await get('real/file')).body.toString()).toBe('new');
    expect((await lstat(fixture.host('/workspace/link'))).isSymbolicLink()).toBe(true);
    expect((await get('other-name')).body.toString()).toBe('a long first version');
  });

  test('is made where a dangling link points, if that is within reach', async () => {
    await symlink('later', fixture.host('/workspace/link'));
    await put('link', 'now');
    expect((await get('later')).body.toString()).toBe('now');
  });

  test('does not replace the old one if the upload breaks off', async () => {
    await put('kept', 'old');
    const socket = connect(fixture.daemon.apiPort, '127.0.0.1');
    const headers = Object.entries(fixture.headers()).map(([name, value]) => `${name}: ${value}\r\n`).join('');
    socket.write(`PUT /v1/files?path=kept HTTP/1.1\r\nhost: x\r\n${headers}content-length: 100\r\n\r\nhalf of it`);
    while ((await readdir(fixture.host('/workspace'))).length < 2) await new Promise(setImmediate);
    socket.destroy();
    while ((await readdir(fixture.host('/workspace'))).length > 1) await new Promise(setImmediate);
    expect((await get('kept')).body.toString()).toBe('old');
  });

  test.each([
    ['the workspace', '/workspace', {}, 409, 'is_a_directory'],
    ['a directory', 'dir', {}, 409, 'is_a_directory'],
    ['a directory, with a mode', 'dir', { mode: '644' }, 409, 'is_a_directory'],
    ['below a file', 'file/x', {}, 409, 'not_a_directory'],
    ['a name of 256 bytes', 'x'.repeat(256), {}, 400, 'invalid_argument'],
    ['a path of 5000 bytes', 'x/'.repeat(2500), {}, 400, 'invalid_argument'],
    ['mode 8', 'new', { mode: '8' }, 400, 'invalid_argument'],
    ['mode 4755', 'new', { mode: '4755' }, 400, 'invalid_argument'],
    ['an empty mode', 'new', { mode: '' }, 400, 'invalid_argument'],
    ['an empty path', '', {}, 400, 'invalid_argument'],
    ['a NUL', 'a\0b', {}, 400, 'invalid_argument'],
  ])('fails for %s', async (_, path, query, status, code) => {
    await put('file', 'x');
    await makeDirectory('dir');
    expectError(await put(path, 'x', query), status, code);
    expect((await readdir(fixture.host('/workspace'))).sort()).toEqual(['dir', 'file']);
  });

  test('fails without a path', async () => {
    expectError(await fixture.api('PUT', ROUTES.files, 'x'), 400, 'invalid_argument', 'path: missing');
  });
});

describe('disk space', () => {
  test('fails with not_enough_space before it is written, and leaves nothing', async () => {
    const full = await DaemonFixture.running({ limits: { diskReserveBytes: Number.MAX_SAFE_INTEGER / 2 } });
    expectError(await full.api('PUT', at(ROUTES.files, { path: 'x' }), Buffer.alloc(10)), 507, 'not_enough_space', 'free');
    expect(await readdir(full.host('/workspace'))).toEqual([]);
    await full.stop();
  });
});

describe('reading', () => {
  beforeEach(async () => void await put('digits', '0123456789'));

  test.each([
    [{ offset: '3' }, '3456789'],
    [{ length: '4' }, '0123'],
    [{ offset: '3', length: '4' }, '3456'],
    [{ offset: '8', length: '100' }, '89'],
    [{ offset: '10' }, ''],
    [{ offset: '1000', length: '5' }, ''],
    [{ length: '0' }, ''],
  ])('%j answers that part', async (query, expected) => {
    expect((await get('digits', query)).body.toString()).toBe(expected);
  });

  test.each([{ offset: '-1' }, { offset: 'x' }, { length: '1.5' }, { length: '' }, { offset: '99999999999999999' }])('fails for %j', async (query) => {
    expectError(await get('digits', query), 400, 'invalid_argument', Object.keys(query)[0]);
  });

  test('fails for what is no file', async () => {
    await makeDirectory('dir');
    execFileSync('mkfifo', [fixture.host('/workspace/pipe')]);
    expectError(await get('missing'), 404, 'file_not_found', '/workspace/missing');
    expectError(await get('missing/deeper/x'), 404, 'file_not_found', '/workspace/missing/deeper/x');
    expectError(await get('digits/x'), 409, 'not_a_directory', '/workspace/digits/x');
    expectError(await get('dir'), 409, 'is_a_directory', '/workspace/dir');
    expectError(await get('pipe'), 400, 'invalid_argument', 'not a regular file');
    await symlink('loop', fixture.host('/workspace/loop'));
    expectError(await get('loop'), 400, 'invalid_argument', 'symbolic links');
    expectError(await get('loop/x'), 400, 'invalid_argument', 'symbolic links');
  });
});

describe('stat and list', () => {
  test.each([-86_400, 9e13])('a file that claims the time %d seconds is told with a time that a date can hold', async (seconds) => {
    await put('odd', 'x');
    // Node takes no such times: the system's own program does.
    execFileSync('touch', ['-d', `@${seconds}`, fixture.host('/workspace/odd')]);
    const [{ modifiedAt }] = (await list('.')).json().entries;
    expect(Number.isNaN(new Date(modifiedAt).getTime())).toBe(false);
    if (seconds < 0) expect(modifiedAt).toBe(seconds * 1000);
  });

  test('stat follows links, list does not', async () => {
    await put('dir/file', 'four', { mode: '640' });
    await symlink('dir/file', fixture.host('/workspace/link'));
    await symlink('nowhere', fixture.host('/workspace/dangling'));
    expect((await statOf('link')).json()).toEqual({
      name: 'link', path: '/workspace/link', type: 'file', size: 4, mode: 0o640, modifiedAt: expect.any(Number),
    });
    expect((await statOf('/workspace')).json()).toMatchObject({ name: 'workspace', path: '/workspace', type: 'directory' });
    expectError(await statOf('dangling'), 404, 'file_not_found', '/workspace/dangling');
    const { entries } = (await list('.')).json();
    expect(entries.map(({ name, type }: { name: string; type: string }) => [name, type])).toEqual([
      ['dangling', 'symlink'], ['dir', 'directory'], ['link', 'symlink'],
    ]);
    expect(entries[2]).toMatchObject({ path: '/workspace/link', symlinkTarget: 'dir/file' });
  });

  test('list goes as deep as asked', async () => {
    await put('a/b/c/d', 'x');
    await symlink('a', fixture.host('/workspace/z'));
    const paths = async (query: object) => (await list('/workspace', query)).json().entries.map(({ path }: { path: string }) => path);
    expect(await paths({})).toEqual(['/workspace/a', '/workspace/z']);
    expect(await paths({ depth: '2' })).toEqual(['/workspace/a', '/workspace/a/b', '/workspace/z']);
    expect(await paths({ depth: '16' })).toEqual(['/workspace/a', '/workspace/a/b', '/workspace/a/b/c', '/workspace/a/b/c/d', '/workspace/z']);
    expect((await list('z')).json().entries.map(({ path }: { path: string }) => path)).toEqual(['/workspace/z/b']);
  });

  test.each(['0', '17', 'x'])('fails to list to depth %s', async (depth) => {
    expectError(await list('.', { depth }), 400, 'invalid_argument', 'depth');
  });

  test('fails to list what is no directory', async () => {
    await put('file', 'x');
    expectError(await list('file'), 409, 'not_a_directory', '/workspace/file');
    expectError(await list('missing'), 404, 'file_not_found', '/workspace/missing');
  });

  test('fails with too_large one entry past the limit', async () => {
    const small = await DaemonFixture.running({ limits: { listedEntries: 3 } });
    for (const name of ['a', 'b', 'c']) await small.api('PUT', at(ROUTES.files, { path: name }), 'x');
    expect((await small.api('GET', at(ROUTES.list, { path: '.' }))).json().entries.length).toBe(3);
    await small.api('PUT', at(ROUTES.files, { path: 'd' }), 'x');
    expectError(await small.api('GET', at(ROUTES.list, { path: '.' })), 413, 'too_large', 'smaller depth');
    await small.stop();
  });
});

describe('deleting', () => {
  test('removes a file, a link and not its target, an empty directory, and a tree if asked', async () => {
    await put('tree/a/b', 'x');
    await put('kept', 'x');
    await symlink('../kept', fixture.host('/workspace/tree/link'));
    await makeDirectory('empty');
    expect((await remove('tree/link')).status).toBe(204);
    expect((await remove('empty')).status).toBe(204);
    await symlink('..', fixture.host('/workspace/tree/up'));
    expect((await remove('tree', { recursive: 'true' })).status).toBe(204);
    expect(await readdir(fixture.host('/workspace'))).toEqual(['kept']);
  });

  test('fails for a directory that is not empty, what is missing, and the folders themselves', async () => {
    await put('dir/x', 'x');
    expectError(await remove('dir'), 409, 'directory_not_empty', 'recursive=true');
    expectError(await remove('missing'), 404, 'file_not_found', '/workspace/missing');
    expectError(await remove('missing', { recursive: 'true' }), 404, 'file_not_found', '/workspace/missing');
    expectError(await remove('dir', { recursive: 'yes' }), 400, 'invalid_argument', 'recursive');
    for (const path of ['/workspace', '/tmp', '/home/sandbox', '.', 'dir/..']) {
      expectError(await remove(path, { recursive: 'true' }), 403, 'permission_denied');
    }
    expect((await get('dir/x')).body.toString()).toBe('x');
  });
});

describe('moving', () => {
  beforeEach(async () => {
    await put('file', 'file');
    await put('other', 'other');
    await put('dir/inner', 'inner');
    await put('full/old', 'old');
  });

  test('renames files and directories, and a link itself', async () => {
    expect((await move({ from: 'file', to: 'dir/file' })).json()).toMatchObject({ path: '/workspace/dir/file', type: 'file', size: 4 });
    expect((await move({ from: 'dir', to: '/tmp/dir' })).json()).toMatchObject({ path: '/tmp/dir', type: 'directory' });
    expect((await get('/tmp/dir/inner')).body.toString()).toBe('inner');
    await symlink('/etc', fixture.host('/workspace/link'));
    expect((await move({ from: 'link', to: 'renamed' })).json()).toMatchObject({ type: 'symlink', symlinkTarget: '/etc' });
  });

  test.each([['other', 'other'], ['dir', 'dir'], ['itself', 'file']])('fails with file_exists onto %s, and replaces it if asked', async (_, to) => {
    expectError(await move({ from: 'file', to }), 409, 'file_exists', `/workspace/${to}`);
    expect((await move({ from: 'file', to, overwrite: true })).json().type).toBe('file');
    expect((await get(to)).body.toString()).toBe('file');
  });

  test.each(['other', 'full'])('replaces %s by a directory', async (to) => {
    await move({ from: 'dir', to, overwrite: true });
    expect((await list(to)).json().entries.map(({ name }: { name: string }) => name)).toEqual(['inner']);
    expect((await readdir(fixture.host('/workspace'))).filter((name) => name.startsWith('.'))).toEqual([]);
  });

  test('replaces a directory by something inside it', async () => {
    await put('outer/keep/x', 'x');
    await move({ from: 'outer/keep', to: 'outer', overwrite: true });
    expect((await get('outer/x')).body.toString()).toBe('x');
  });

  test('fails for what cannot be moved, and changes nothing', async () => {
    expectError(await move({ from: 'missing', to: 'x' }), 404, 'file_not_found', '/workspace/missing');
    expectError(await move({ from: 'file', to: 'missing/x' }), 404, 'file_not_found', '/workspace/missing/x');
    expectError(await move({ from: 'dir', to: 'dir/below' }), 400, 'invalid_argument', '/workspace/dir');
    expectError(await move({ from: '/workspace', to: '/tmp/x' }), 403, 'permission_denied', '/workspace');
    expectError(await move({ from: 'file', to: '/tmp', overwrite: true }), 403, 'permission_denied', '/tmp');
    expectError(await move({ to: 'x' }), 400, 'invalid_argument', 'from');
    expectError(await move({ from: 'file', to: 5 }), 400, 'invalid_argument', 'to');
    expectError(await move({ from: 'file', to: 'x', overwrite: 1 }), 400, 'invalid_argument', 'overwrite');
    expectError(await move({ from: 'file', to: 'x', force: true }), 400, 'invalid_argument', 'force');
    expect((await get('file')).body.toString()).toBe('file');
  });
});

const otherFileSystem = existsSync('/dev/shm') && statSync('/dev/shm').dev !== statSync(tmpdir()).dev ? '/dev/shm' : undefined;

(otherFileSystem ? test : test.skip)('a file moves between file systems whole, a directory is refused', async () => {
  const other = await mkdtemp(join(otherFileSystem ?? '', 'other-'));
  const split = await DaemonFixture.running({ prepare: async (root) => symlink(other, join(root, 'tmp')) });
  await split.api('PUT', at(ROUTES.files, { path: 'run.sh', mode: '750' }), 'text');
  await split.api('PUT', at(ROUTES.files, { path: 'dir/x' }), 'x');
  expect((await split.api('POST', ROUTES.move, { from: 'run.sh', to: '/tmp/run.sh' })).json()).toMatchObject({ size: 4, mode: 0o750 });
  expect(await readdir(other)).toEqual(['run.sh']);
  expectError(await split.api('POST', ROUTES.move, { from: 'dir', to: '/tmp/dir' }), 501, 'unsupported', 'mv');
  expect(await readdir(split.host('/workspace'))).toEqual(['dir']);
  await split.stop();
  await rm(other, { recursive: true });
});

describe('making a directory', () => {
  test('makes parents, and says whether it was there', async () => {
    expect((await makeDirectory('a/b/c')).json()).toEqual({ created: true });
    expect((await makeDirectory('a/b/c')).json()).toEqual({ created: false });
    expect((await makeDirectory('/workspace')).json()).toEqual({ created: false });
  });

  test('fails where a file stands', async () => {
    await put('file', 'x');
    expectError(await makeDirectory('file'), 409, 'file_exists', '/workspace/file');
    expectError(await makeDirectory('file/x'), 409, 'not_a_directory', '/workspace/file/x');
    expectError(await makeDirectory('x'.repeat(300)), 400, 'invalid_argument', '255');
  });
});

describe('reach', () => {
  beforeEach(async () => {
    await mkdir(fixture.host('/outside'));
    await writeFile(fixture.host('/outside/secret'), 'secret');
    await symlink(fixture.host('/outside'), fixture.host('/workspace/out'));
    await symlink(fixture.host('/outside/secret'), fixture.host('/workspace/secret-link'));
    await symlink(fixture.host('/outside/new'), fixture.host('/workspace/dangling-out'));
    await symlink('/proc/self/root/etc', fixture.host('/workspace/magic'));
    await put('file', 'x');
  });

  /** Paths whose loss would hurt nobody, should the check under test be broken: only these are written to and deleted. */
  const harmless = [
    '../outside/secret', '/workspace/../outside/secret', '/no-such-folder-of-the-sandbox/x', 'out/secret', 'out/new', 'out/new/deeper',
  ];
  const links = ['secret-link', 'dangling-out'];
  const readable = ['/etc/passwd', '/etc/no-such-file', '/etc/passwd/x', '/workspaces', '/', '/tmpx', '/home', 'magic/passwd', 'magic/new'];

  test.each([...harmless, ...links, ...readable])('fails with path_outside_reach for %s, whatever reads it', async (path) => {
    for (const answer of [await get(path), await statOf(path), await list(path), await fixture.api('GET', at(ROUTES.archive, { path }))]) {
      expectError(answer, 403, 'path_outside_reach', '/workspace, /tmp, /home/sandbox');
      expect(answer.body.toString()).not.toContain('ENO');
    }
  });

  test.each([...harmless, ...links])('fails with path_outside_reach for %s, whatever writes it', async (path) => {
    const archive = await fixture.api('PUT', at(ROUTES.archive, { path }), Buffer.alloc(1024));
    for (const answer of [await put(path, 'x'), await makeDirectory(path), archive]) {
      expectError(answer, 403, 'path_outside_reach', '/workspace, /tmp, /home/sandbox');
    }
    expect(await readdir(fixture.host('/outside'))).toEqual(['secret']);
  });

  test.each(harmless)('fails to move from and to %s, and to delete it', async (path) => {
    expectError(await move({ from: path, to: 'x' }), 403, 'path_outside_reach');
    expectError(await move({ from: 'file', to: path, overwrite: true }), 403, 'path_outside_reach');
    expectError(await remove(path, { recursive: 'true' }), 403, 'path_outside_reach');
  });

  test('a link that leads outside can itself be deleted and moved', async () => {
    expect((await move({ from: 'secret-link', to: 'renamed' })).status).toBe(200);
    expect((await remove('renamed')).status).toBe(204);
    expect((await remove('out', { recursive: 'true' })).status).toBe(204);
    expect((await readFile(fixture.host('/outside/secret'))).toString()).toBe('secret');
  });

  test('includes the workspace, /tmp and the home, and a folder that stands for / by its own name', async () => {
    for (const path of ['/tmp/x', '/home/sandbox/.config/x', '/workspace/x', fixture.host('/workspace/x')]) {
      expect((await put(path, path)).status).toBe(200);
      expect((await get(path)).body.toString()).toBe(path);
    }
    expect((await statOf(fixture.host('/workspace/x'))).json().path).toBe('/workspace/x');
  });

  test('holds while directories are swapped for links', async () => {
    await writeFile(fixture.host('/outside/hidden'), 'x');
    await symlink(fixture.host('/outside'), fixture.host('/workspace/evil'));
    await mkdir(fixture.host('/workspace/real/d'), { recursive: true });
    const swap = `
      const { renameSync } = require('node:fs');
      for (;;) for (const [from, to] of [['real/d', 'aside'], ['evil', 'real/d'], ['real/d', 'evil'], ['aside', 'real/d']]) {
        try { renameSync(from, to); } catch {}
      }`;
    const swapping = await fixture.start({ commandId: 'swapper', args: [process.execPath, '-e', swap] });
    for (let round = 0; round < 200; round++) {
      const answers = await Promise.all([
        put('real/d/secret', 'overwritten'), get('real/d/secret'), get('real/d/hidden'), makeDirectory('real/d/new'), remove('real/d/secret'),
        list('real', { depth: '3' }), fixture.api('GET', at(ROUTES.archive, { path: 'real' })).catch(() => undefined),
        move({ from: 'file', to: 'real/d/file' }), move({ from: 'real/d/file', to: 'file' }),
      ]);
      for (const answer of answers) expect(answer?.status === 200 ? answer.body.toString() : '').not.toMatch(/^secret$|"hidden"|hidden\0/);
    }
    await fixture.api('POST', '/v1/commands/swapper/signal', { signal: 'SIGKILL' });
    swapping.destroy();
    expect((await readdir(fixture.host('/outside'))).sort()).toEqual(['hidden', 'secret']);
    expect((await readFile(fixture.host('/outside/secret'))).toString()).toBe('secret');
  });

  (process.getuid?.() === 0 ? test.skip : test)('fails with permission_denied where the system says so', async () => {
    await makeDirectory('locked');
    await chmod(fixture.host('/workspace/locked'), 0o500);
    expectError(await put('locked/x', 'x'), 403, 'permission_denied', '/workspace/locked/x');
    await chmod(fixture.host('/workspace/locked'), 0o700);
  });
});
