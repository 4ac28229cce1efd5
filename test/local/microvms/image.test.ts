/* eslint-disable no-bitwise -- file modes are bit fields */
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, readlinkSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { ZipFile } from 'yazl';
import { unpackArtifact } from '../../../local/src/microvms/image/artifact';
import { assembleImage } from '../../../local/src/microvms/image/assemble-image';
import { resolveInRoot } from '../../../local/src/microvms/image/rooted-path';
import { expand } from '../../../local/src/microvms/image/variables';

let folder: string;
let context: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'mv-image-'));
  context = join(folder, 'context');
  mkdirSync(context);
});
afterEach(() => rmSync(folder, { recursive: true }));

function write(files: Readonly<Record<string, string>>): void {
  for (const [name, content] of Object.entries(files)) {
    mkdirSync(dirname(join(context, name)), { recursive: true });
    writeFileSync(join(context, name), content);
  }
}

function assemble(dockerfile: string, files: Readonly<Record<string, string>> = {}) {
  write({ ...files, Dockerfile: dockerfile });
  return assembleImage(context, join(folder, 'work'));
}

function tree(root: string, path = ''): string[] {
  return readdirSync(join(root, path), { withFileTypes: true }).flatMap((entry) => (
    entry.isDirectory() ? tree(root, join(path, entry.name)) : [join(path, entry.name)]
  )).sort();
}

describe('a Dockerfile', () => {
  test('gives its settings', () => {
    const { layout, leftOut } = assemble(`
ARG BASE=al2023
FROM --platform=linux/arm64 public.ecr.aws/x:\${BASE}
ARG GREETING="good day"
ENV A=1 B="two words" C='$A' D=\${GREETING}
ENV PATH=/opt/bin:$PATH OLD=$A
LABEL a=b
WORKDIR /srv
WORKDIR app
USER nobody
EXPOSE 3000/tcp 9000
ENTRYPOINT ["node", "--flag with space"]
CMD ["server.js"]
`);
    expect(layout).toEqual({
      command: ['node', '--flag with space', 'server.js'],
      workingDirectory: '/srv/app',
      environment: {
        A: '1', B: 'two words', C: '$A', D: 'good day', OLD: '1', PATH: '/opt/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
      },
      ports: [3000, 9000],
      user: 'nobody',
    });
    expect(leftOut).toEqual([]);
  });

  test('in shell form runs a shell, and an ENTRYPOINT in shell form takes no CMD', () => {
    expect(assemble('FROM scratch\nSHELL ["/bin/bash", "-c"]\nCMD node server.js "$A"').layout.command)
      .toEqual(['/bin/bash', '-c', 'node server.js "$A"']);
    expect(assemble('FROM scratch\nENTRYPOINT exec node x\nCMD ["y"]').layout.command).toEqual(['/bin/sh', '-c', 'exec node x']);
  });

  test('copies files, folders, patterns and other stages, with modes', () => {
    const { rootfs, leftOut } = assemble(`
FROM scratch AS build
COPY src /out
FROM scratch
WORKDIR /app
COPY package.json a*.js ./
COPY --chmod=750 ["with space.txt", "/data/"]
COPY --from=build /out/lib ./lib
COPY --from=build /made-by-run /x
COPY src/lib/util.js /bin/tool
ADD https://example.org/x /x
COPY . /all
`, {
      'package.json': '{}',
      'a1.js': '',
      'ab.js': '',
      'b.js': '',
      'with space.txt': '',
      'src/lib/util.js': 'u',
      'src/main.js': '',
      'docs/notes.md': '',
      '.dockerignore': 'docs\n*.md\n',
    });
    expect(tree(rootfs)).toEqual([
      'all/.dockerignore', 'all/Dockerfile', 'all/a1.js', 'all/ab.js', 'all/b.js', 'all/package.json', 'all/src/lib/util.js',
      'all/src/main.js', 'all/with space.txt', 'app/a1.js', 'app/ab.js', 'app/lib/util.js', 'app/package.json', 'bin/tool',
      'data/with space.txt',
    ]);
    expect(statSync(join(rootfs, 'data/with space.txt')).mode & 0o777).toBe(0o750);
    expect(leftOut).toEqual([
      'COPY --from=build /made-by-run /x (line 9)', 'ADD https://example.org/x /x (line 11)', 'the base image\'s own CMD',
    ]);
  });

  test.each([
    ['FROM scratch\nCOPY missing /x', '"missing" is not there'],
    ['FROM scratch\nCOPY ../outside /x', 'leads out of the build context'],
    ['FROM scratch\nFETCH x', 'unknown instruction FETCH x (line 2)'],
    ['# nothing', 'has no FROM'],
  ])('fails on %p', (dockerfile, message) => {
    expect(() => assemble(dockerfile)).toThrow(message);
  });

  test('never writes through a link that leads out of the image', () => {
    mkdirSync(join(context, 'links'));
    symlinkSync('../../outside', join(context, 'links/out'));
    symlinkSync('/outside', join(context, 'links/root'));
    mkdirSync(join(folder, 'outside'));
    const { rootfs } = assemble('FROM scratch\nCOPY links /\nCOPY file /out/file\nCOPY file /root/file\nWORKDIR /out/folder\n', { file: 'x' });
    expect(readdirSync(join(folder, 'outside'))).toEqual([]);
    expect(readdirSync(join(rootfs, 'outside')).sort()).toEqual(['file', 'folder']);
  });
});

test('a path is resolved as if its root were the root', () => {
  symlinkSync('../../..', join(context, 'up'));
  symlinkSync('loop', join(context, 'loop'));
  expect(resolveInRoot(context, '/up/etc/passwd')).toBe(join(context, 'etc/passwd'));
  expect(resolveInRoot(context, '../../x')).toBe(join(context, 'x'));
  expect(() => resolveInRoot(context, 'loop')).toThrow('Too many links');
});

test.each([
  ['$A-${B}', 'a-b'], ['${NONE:-x$A}', 'xa'], ['${A:+yes}${NONE:+no}', 'yes'], ['\'$A\' "$A"', '$A a'], ['\\$A', '$A'], ['"a\\"b\\n"', 'a"b\\n'],
  ['$', '$'],
])('the word %p is put together as Docker does it', (word, expected) => {
  expect(expand(word, { A: 'a', B: 'b' })).toBe(expected);
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
    await unpackArtifact(zip, context);
    expect(statSync(join(context, 'bin/tool')).mode & 0o777).toBe(0o755);
    expect(statSync(join(context, 'plain')).mode & 0o777).toBe(0o644);
    expect(readlinkSync(join(context, 'link'))).toBe('bin/tool');
    expect(readFileSync(join(context, 'link'), 'utf8')).toBe('x');
  });

  test.each([
    ['an absolute link', [{ name: 'link', content: '/etc/passwd', mode: 0o120777 }]],
    ['a link that leads out', [{ name: 'a/link', content: '../../x', mode: 0o120777 }]],
    ['a file behind a link', [{ name: 'link', content: 'folder', mode: 0o120777 }, { name: 'link/x', content: '' }]],
    ['the same file twice', [{ name: 'x' }, { name: 'x' }]],
  ])('fails on %s', async (_, entries) => {
    await expect(unpackArtifact(await archive(entries), context)).rejects.toThrow('ARCHIVE_INVALID');
  });

  test.each(['../escaped', '/escaped'])('fails on the name %p, and writes nothing', async (name) => {
    // A proper archiver refuses such a name, so it is put in afterwards.
    const zip = await archive([{ name: 'x'.repeat(name.length), content: 'x' }]);
    const forged = Buffer.from(zip.toString('latin1').replaceAll('x'.repeat(name.length), name), 'latin1');
    await expect(unpackArtifact(forged, context)).rejects.toThrow('ARCHIVE_INVALID');
    expect(existsSync(join(folder, 'escaped'))).toBe(false);
    expect(existsSync('/escaped')).toBe(false);
  });
});
