/* eslint-disable no-bitwise -- file modes are bit fields */
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, readlinkSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { type Header, pack } from 'tar-stream';
import { ZipFile } from 'yazl';
import { ImageContext, tree } from './image-context';
import { unpackArtifact } from '../../../local/src/microvms/build/artifact';

let image: ImageContext;
beforeEach(() => {
  image = new ImageContext();
});
afterEach(() => image.remove());

type TarEntry = Partial<Header> & { readonly name: string; readonly content?: string };

async function tar(entries: readonly TarEntry[]): Promise<Buffer> {
  const archive = pack();
  for (const { content, ...header } of entries) archive.entry(header, content ?? '');
  archive.finalize();
  const chunks: Buffer[] = [];
  for await (const chunk of archive) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

const FILES: readonly TarEntry[] = [
  { name: 'app/', type: 'directory', mode: 0o755 }, { name: 'app/run', content: 'run', mode: 0o750 },
  { name: 'app/link', type: 'symlink', linkname: 'run' }, { name: 'app/hard', type: 'link', linkname: 'app/run' },
  { name: 'app/device', type: 'character-device' },
];

describe('ADD', () => {
  test('unpacks archives by their content, and COPY does not', async () => {
    const plain = await tar(FILES);
    const { rootfs } = await image.assemble(`FROM scratch
ADD plain.bin /plain
ADD zipped.tar.gz file.gz file.tar /zipped/
COPY zipped.tar.gz /copied/
ADD --unpack=false zipped.tar.gz /kept/
CMD ["x"]`, { 'plain.bin': plain, 'zipped.tar.gz': gzipSync(plain), 'file.gz': gzipSync('no archive'), 'file.tar': 'no archive' });
    expect(tree(rootfs)).toEqual([
      'copied/zipped.tar.gz', 'kept/zipped.tar.gz', 'plain/app/hard', 'plain/app/link', 'plain/app/run', 'zipped/app/hard',
      'zipped/app/link', 'zipped/app/run', 'zipped/file.gz', 'zipped/file.tar',
    ]);
    expect(statSync(join(rootfs, 'plain/app/run')).mode & 0o777).toBe(0o750);
    expect(readFileSync(join(rootfs, 'zipped/app/hard'), 'utf8')).toBe('run');
    expect(readlinkSync(join(rootfs, 'zipped/app/link'))).toBe('run');
  });

  const xz = spawnSync('xz', ['--version']).status === 0;
  (xz ? test : test.skip)(`unpacks what a program of this machine decompresses${xz ? '' : ': there is no xz'}`, async () => {
    const compressed = spawnSync('xz', ['-c'], { input: await tar(FILES) }).stdout;
    const { rootfs } = await image.assemble('FROM scratch\nADD a.tar.xz /\nCMD ["x"]', { 'a.tar.xz': compressed });
    expect(tree(rootfs)).toEqual(['app/hard', 'app/link', 'app/run']);
  });

  test.each([
    ['a name that leads out', [{ name: '../escaped', content: 'x' }], 'invalid tar archive: ../escaped leads out of it'],
    ['a hard link that leads out', [{ name: 'x', type: 'link', linkname: '../../../../etc/passwd' }], 'invalid tar archive: ../../../../etc/passwd leads out of it'],
    ['a hard link to nothing', [{ name: 'x', type: 'link', linkname: '/etc/passwd' }], 'invalid tar archive: x links to nothing'],
  ] as const)('fails on %s', async (_, entries, detail) => {
    const content = await tar(entries as readonly TarEntry[]);
    expect(await image.failure('FROM scratch\nADD a.tar /x/', { 'a.tar': content })).toBe(`${detail} (line 2)`);
    expect(existsSync(join(image.folder, 'escaped'))).toBe(false);
  });

  test('fails on an archive that is cut', async () => {
    const content = (await tar([{ name: 'big', content: 'x'.repeat(5000) }])).subarray(0, 2000);
    expect(await image.failure('FROM scratch\nADD a.tar /x/', { 'a.tar': content })).toContain('(line 2)');
  });

  test('writes nothing through a link of the archive that leads out of the image', async () => {
    const content = await tar([
      { name: 'out', type: 'symlink', linkname: '../../../../../../../..' }, { name: `out${image.folder}/escaped`, content: 'x' },
    ]);
    await image.assemble('FROM scratch\nADD a.tar /\nCMD ["x"]', { 'a.tar': content });
    expect(readdirSync(image.folder)).not.toContain('escaped');
  });
});

describe('an artifact', () => {
  async function archive(entries: readonly { name: string; content?: string; mode?: number }[]): Promise<Buffer> {
    const zip = new ZipFile();
    for (const { name, content = '', mode = 0o100644 } of entries) zip.addBuffer(Buffer.from(content), name, { mode, compress: false });
    zip.end();
    const chunks: Buffer[] = [];
    for await (const chunk of zip.outputStream) chunks.push(chunk as Buffer);
    return Buffer.concat(chunks);
  }

  test('keeps modes and links that stay inside', async () => {
    const zip = await archive([
      { name: 'bin/tool', content: 'x', mode: 0o100755 }, { name: 'link', content: 'bin/tool', mode: 0o120777 }, { name: 'plain' },
    ]);
    await unpackArtifact(zip, image.path);
    expect(statSync(join(image.path, 'bin/tool')).mode & 0o777).toBe(0o755);
    expect(statSync(join(image.path, 'plain')).mode & 0o777).toBe(0o644);
    expect(readlinkSync(join(image.path, 'link'))).toBe('bin/tool');
    expect(readFileSync(join(image.path, 'link'), 'utf8')).toBe('x');
  });

  test.each([
    ['an absolute link', [{ name: 'link', content: '/etc/passwd', mode: 0o120777 }]],
    ['a link that leads out', [{ name: 'a/link', content: '../../x', mode: 0o120777 }]],
    ['a file behind a link', [{ name: 'link', content: 'folder', mode: 0o120777 }, { name: 'link/x', content: '' }]],
    ['a link behind a link', [
      { name: 'd', content: 'folder', mode: 0o120777 }, { name: 'folder/x' }, { name: 'd/up', content: '..', mode: 0o120777 },
    ]],
    ['an endless link', [{ name: 'link', content: 'x'.repeat(5000), mode: 0o120777 }]],
    ['the same file twice', [{ name: 'x' }, { name: 'x' }]],
  ])('fails on %s', async (_, entries) => {
    await expect(unpackArtifact(await archive(entries), image.path)).rejects.toThrow('ARCHIVE_INVALID');
  });

  test.each(['../escaped', '/escaped'])('fails on the name %p, and writes nothing', async (name) => {
    // A proper archiver refuses such a name, so it is put in afterwards.
    const zip = await archive([{ name: 'x'.repeat(name.length), content: 'x' }]);
    const forged = Buffer.from(zip.toString('latin1').replaceAll('x'.repeat(name.length), name), 'latin1');
    await expect(unpackArtifact(forged, image.path)).rejects.toThrow('ARCHIVE_INVALID');
    expect(existsSync(join(image.folder, 'escaped'))).toBe(false);
    expect(existsSync('/escaped')).toBe(false);
  });
});
