import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { chmod, link, lstat, mkdir, readdir, readFile, readlink, stat, symlink, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { join } from 'node:path';
import { pack as newPack } from 'tar-stream';
import type { Answer } from './daemon-fixture';
import { at, DaemonFixture } from './daemon-fixture';
import { ROUTES } from '../../client/src/protocol/daemon';

let fixture: DaemonFixture;
beforeEach(async () => (fixture = await DaemonFixture.running()));
afterEach(async () => fixture.stop());

/** Stands for a folder beside the workspace. */
const OUTSIDE = '{outside}';

type Entry = Parameters<ReturnType<typeof newPack>['entry']>[0] & { body?: Buffer | string };

async function tarOf(...entries: Entry[]): Promise<Buffer> {
  const pack = newPack();
  for (const { body, ...header } of entries) {
    if (body === undefined) pack.entry(header);
    else pack.entry(header, body);
  }
  pack.finalize();
  const chunks: Buffer[] = [];
  for await (const chunk of pack) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

const upload = async (path: string, tar: Buffer) => fixture.api('PUT', at(ROUTES.archive, { path }), tar);
const download = async (path: string) => fixture.api('GET', at(ROUTES.archive, { path }));

function expectError(answer: Answer, status: number, code: string, named = ''): void {
  expect({ status: answer.status, error: answer.json().error }).toEqual({
    status, error: { code, retryable: false, message: expect.stringContaining(named) },
  });
}

describe('a downloaded archive', () => {
  test('is unpacked by tar to the same tree', async () => {
    const tree = fixture.host('/workspace/tree');
    await mkdir(join(tree, 'empty'), { recursive: true });
    await mkdir(join(tree, 'sub'));
    const big = randomBytes(3_000_001);
    await writeFile(join(tree, 'big.bin'), big);
    await writeFile(join(tree, 'zero'), '');
    await writeFile(join(tree, 'sub', `grüße-${'long'.repeat(40)}`), 'long');
    await writeFile(join(tree, 'run.sh'), '#!/bin/sh\n');
    await chmod(join(tree, 'run.sh'), 0o750);
    await symlink('../big.bin', join(tree, 'sub', 'link'));
    await symlink('/etc', join(tree, 'outside'));
    execFileSync('mkfifo', [join(tree, 'pipe')]);

    const answer = await download('tree');
    expect(answer.headers['content-type']).toBe('application/x-tar');
    const copy = fixture.host('/tmp/copy');
    await mkdir(copy);
    execFileSync('tar', ['-xf', '-', '-C', copy], { input: answer.body });

    expect((await readdir(copy)).sort()).toEqual(['big.bin', 'empty', 'outside', 'run.sh', 'sub', 'zero']);
    expect((await readFile(join(copy, 'big.bin'))).equals(big)).toBe(true);
    expect((await readFile(join(copy, 'sub', `grüße-${'long'.repeat(40)}`))).toString()).toBe('long');
    expect((await stat(join(copy, 'run.sh'))).mode % 0o1000).toBe(0o750);
    expect((await stat(join(copy, 'run.sh'))).mtime.getTime()).toBe(Math.floor((await stat(join(tree, 'run.sh'))).mtimeMs / 1000) * 1000);
    expect(await readlink(join(copy, 'sub', 'link'))).toBe('../big.bin');
    expect(await readlink(join(copy, 'outside'))).toBe('/etc');
  });

  test('of an empty directory is an empty archive', async () => {
    await mkdir(fixture.host('/workspace/empty'));
    expect(execFileSync('tar', ['-tf', '-'], { input: (await download('empty')).body }).toString()).toBe('');
  });

  test('fails for a file and for nothing', async () => {
    await writeFile(fixture.host('/workspace/file'), 'x');
    expectError(await download('file'), 409, 'not_a_directory', '/workspace/file');
    expectError(await download('missing'), 404, 'file_not_found', '/workspace/missing');
  });

  test('is well-formed while its files grow and shrink', async () => {
    await fixture.start({ commandId: 'writer', command: 'while :; do head -c 900000 /dev/zero > f; : > f; done' });
    while (!(await readdir(fixture.host('/workspace'))).includes('f')) await new Promise(setImmediate);
    for (let round = 0; round < 20; round++) execFileSync('tar', ['-tf', '-'], { input: (await download('.')).body });
    await fixture.api('POST', '/v1/commands/writer/signal', { signal: 'SIGKILL' });
  });

  test('stops when the caller leaves', async () => {
    await writeFile(fixture.host('/workspace/big'), Buffer.alloc(50_000_000));
    (await fixture.openApi('GET', at(ROUTES.archive, { path: '.' }))).destroy();
    expect((await fixture.api('GET', ROUTES.health)).status).toBe(200);
    expect(fixture.log.filter(({ event }) => event === 'fault')).toEqual([]);
  });
});

describe('an uploaded archive', () => {
  test('of tar is unpacked to the same tree, and counted', async () => {
    const source = fixture.host('/source');
    await mkdir(join(source, 'a', 'locked'), { recursive: true });
    await writeFile(join(source, 'a', 'locked', 'file'), 'deep');
    await writeFile(join(source, 'a', 'x'.repeat(180)), 'long');
    await link(join(source, 'a', 'locked', 'file'), join(source, 'a', 'z-hard'));
    await symlink('locked/file', join(source, 'a', 'soft'));
    await chmod(join(source, 'a', 'locked'), 0o555);
    await chmod(join(source, 'a', 'locked', 'file'), 0o6754);
    for (const format of ['gnu', 'pax']) {
      const tar = execFileSync('tar', [`--format=${format}`, '-C', source, '-cf', '-', '.']);
      expect((await upload(`/workspace/deep/${format}`, tar)).json()).toEqual({ entries: 7 });
      const target = fixture.host(`/workspace/deep/${format}/a`);
      expect((await readFile(join(target, 'locked', 'file'))).toString()).toBe('deep');
      expect((await readFile(join(target, 'x'.repeat(180)))).toString()).toBe('long');
      expect((await stat(join(target, 'locked'))).mode % 0o10000).toBe(0o555);
      expect((await stat(join(target, 'locked', 'file'))).mode % 0o10000).toBe(0o754);
      expect((await stat(join(target, 'locked', 'file'))).ino).toBe((await stat(join(target, 'z-hard'))).ino);
      expect(await readlink(join(target, 'soft'))).toBe('locked/file');
      await chmod(join(target, 'locked'), 0o755);
    }
    await chmod(join(source, 'a', 'locked'), 0o755);
  });

  test('replaces files and links, and adds to directories', async () => {
    await mkdir(fixture.host('/workspace/dir'));
    await writeFile(fixture.host('/workspace/dir/kept'), 'kept');
    await writeFile(fixture.host('/workspace/file'), 'old');
    await symlink('/etc/passwd', fixture.host('/workspace/link'));
    const tar = await tarOf(
      { name: 'file', body: 'new' }, { name: 'link', body: 'no longer a link' }, { name: 'dir', type: 'directory' }, { name: 'dir/x', body: 'x' },
    );
    expect((await upload('.', tar)).json()).toEqual({ entries: 4 });
    expect((await readFile(fixture.host('/workspace/file'))).toString()).toBe('new');
    expect((await lstat(fixture.host('/workspace/link'))).isFile()).toBe(true);
    expect((await readdir(fixture.host('/workspace/dir'))).sort()).toEqual(['kept', 'x']);
  });

  test('may go through a link that stays below the target', async () => {
    const tar = await tarOf(
      { name: 'usr/lib', type: 'directory' }, { name: 'lib', type: 'symlink', linkname: 'usr/lib' }, { name: 'lib/x', body: 'x' },
    );
    expect((await upload('.', tar)).status).toBe(200);
    expect((await readFile(fixture.host('/workspace/usr/lib/x'))).toString()).toBe('x');
  });

  test('comes back as it went up', async () => {
    const tar = await tarOf({ name: 'b', body: randomBytes(200_000) }, { name: 'd/e', body: 'e' });
    await upload('one', tar);
    await upload('two', (await download('one')).body);
    expect((await readFile(fixture.host('/workspace/two/b'))).equals(await readFile(fixture.host('/workspace/one/b')))).toBe(true);
    expect((await readFile(fixture.host('/workspace/two/d/e'))).toString()).toBe('e');
  });

  const hostile: [string, Entry[], string][] = [
    ['..', [{ name: '../escaped', body: 'x' }], 'has ".."'],
    ['.. in the middle', [{ name: 'a/../../escaped', body: 'x' }], 'has ".."'],
    ['.. as a directory', [{ name: '../escaped', type: 'directory' }], 'has ".."'],
    ['an absolute path', [{ name: `${OUTSIDE}/escaped`, body: 'x' }], 'absolute'],
    ['a link out and a file through it', [{ name: 'l', type: 'symlink', linkname: OUTSIDE }, { name: 'l/escaped', body: 'x' }], 'l/escaped'],
    ['a relative link out and a file through it', [{ name: 'l', type: 'symlink', linkname: '../../outside' }, { name: 'l/escaped', body: 'x' }], 'l/escaped'],
    ['a link out and a directory through it', [{ name: 'l', type: 'symlink', linkname: OUTSIDE }, { name: 'l/escaped', type: 'directory' }], 'l/escaped'],
    ['a dangling link and a file through it', [{ name: 'l', type: 'symlink', linkname: `${OUTSIDE}/none` }, { name: 'l/escaped', body: 'x' }], 'l/escaped'],
    ['two links, one through the other', [
      { name: 'a', type: 'symlink', linkname: '..' }, { name: 'b', type: 'symlink', linkname: 'a/..' }, { name: 'b/escaped', body: 'x' },
    ], 'b/escaped'],
    ['a hard link to outside', [{ name: 'h', type: 'link', linkname: `${OUTSIDE}/secret` }], 'absolute'],
    ['a hard link by ..', [{ name: 'h', type: 'link', linkname: '../../outside/secret' }], 'has ".."'],
    ['a hard link through a link', [{ name: 'l', type: 'symlink', linkname: OUTSIDE }, { name: 'h', type: 'link', linkname: 'l/secret' }], '"h"'],
    ['a hard link to a link', [{ name: 'l', type: 'symlink', linkname: `${OUTSIDE}/secret` }, { name: 'h', type: 'link', linkname: 'l' }], '"h"'],
    ['a device', [{ name: 'dev', type: 'block-device', devmajor: 8, devminor: 0 }], 'block-device'],
    ['a character device', [{ name: 'dev', type: 'character-device', devmajor: 1, devminor: 5 }], 'character-device'],
    ['a pipe', [{ name: 'pipe', type: 'fifo' }], 'fifo'],
    ['a link without a target', [{ name: 'l', type: 'symlink', linkname: '' }], '"l"'],
    ['a file named .', [{ name: '.', body: 'x' }], 'target itself'],
    ['a name of 300 bytes', [{ name: 'x'.repeat(300), body: 'x' }], '255'],
  ];
  test.each(hostile)('fails for %s, and writes nothing outside', async (_, entries, named) => {
    await mkdir(fixture.host('/outside'));
    await writeFile(fixture.host('/outside/secret'), 'secret');
    const placed = entries.map((entry) => ({
      ...entry,
      name: entry.name.replace(OUTSIDE, fixture.host('/outside')),
      ...(entry.linkname === undefined ? {} : { linkname: entry.linkname.replace(OUTSIDE, fixture.host('/outside')) }),
    }));
    expectError(await upload('/workspace/target', await tarOf(...placed)), 400, 'invalid_argument', named);
    expect(await readdir(fixture.host('/outside'))).toEqual(['secret']);
    expect((await stat(fixture.host('/outside/secret'))).nlink).toBe(1);
    expect((await readdir(fixture.root)).sort()).toEqual(['home', 'outside', 'tmp', 'workspace']);
    expect(await readdir(fixture.host('/workspace'))).toEqual(['target']);
  });

  test('fails for a file over a directory and a directory over a file', async () => {
    await upload('.', await tarOf({ name: 'dir', type: 'directory' }, { name: 'file', body: 'x' }));
    expectError(await upload('.', await tarOf({ name: 'dir', body: 'x' })), 409, 'is_a_directory', 'dir');
    expectError(await upload('.', await tarOf({ name: 'file', type: 'directory' })), 409, 'not_a_directory', 'file');
    expectError(await upload('file', await tarOf()), 409, 'not_a_directory', '/workspace/file');
  });

  test('fails for anything that is no whole tar', async () => {
    const tar = await tarOf({ name: 'big', body: randomBytes(100_000) }, { name: 'x', body: 'x' });
    const compressed = execFileSync('gzip', ['-c'], { input: tar });
    const broken = Buffer.from(tar);
    broken.write('garbage', 0);
    for (const body of [compressed, broken, randomBytes(10_000), tar.subarray(0, 50_000), tar.subarray(0, 700), Buffer.from('text')]) {
      expectError(await upload('target', body), 400, 'invalid_argument', 'tar');
    }
    expect((await fixture.api('GET', ROUTES.health)).status).toBe(200);
  });

  test('fails for a size that would fill the disk, before it is written', async () => {
    const full = await DaemonFixture.running({ limits: { diskReserveBytes: Number.MAX_SAFE_INTEGER / 2 } });
    const answer = await full.api('PUT', at(ROUTES.archive, { path: 't' }), await tarOf({ name: 'x', body: 'x' }));
    expectError(answer, 507, 'not_enough_space');
    expect(await readdir(full.host('/workspace/t'))).toEqual([]);
    await full.stop();
  });

  test('answers a refused entry without waiting for the rest of the archive', async () => {
    const tar = await tarOf({ name: '../x', body: Buffer.alloc(1_000_000) });
    const socket = connect(fixture.daemon.apiPort, '127.0.0.1');
    const headers = Object.entries(fixture.headers()).map(([name, value]) => `${name}: ${value}\r\n`).join('');
    socket.write(`PUT /v1/archive?path=t HTTP/1.1\r\nhost: x\r\n${headers}content-length: 1000000000\r\n\r\n`);
    socket.write(tar.subarray(0, 4096));
    const chunks: Buffer[] = [];
    for await (const chunk of socket) chunks.push(chunk as Buffer);
    expect(Buffer.concat(chunks).toString()).toMatch(/^HTTP\/1\.1 400 [^]*"invalid_argument"/);
  });

  test('leaves no half file when it breaks off', async () => {
    const tar = await tarOf({ name: 'whole', body: 'whole' }, { name: 'half', body: Buffer.alloc(1_000_000) });
    const socket = connect(fixture.daemon.apiPort, '127.0.0.1');
    const headers = Object.entries(fixture.headers()).map(([name, value]) => `${name}: ${value}\r\n`).join('');
    socket.write(`PUT /v1/archive?path=t HTTP/1.1\r\nhost: x\r\n${headers}content-length: ${tar.length}\r\n\r\n`);
    socket.write(tar.subarray(0, 500_000));
    const names = async () => readdir(fixture.host('/workspace/t')).catch(() => []);
    const isHalfWay = (found: string[]) => found.includes('whole') && found.some((name) => name.startsWith('.partial'));
    while (!isHalfWay(await names())) await new Promise(setImmediate);
    socket.destroy();
    while ((await names()).some((name) => name.startsWith('.partial'))) await new Promise(setImmediate);
    expect(await names()).toEqual(['whole']);
  });
});
