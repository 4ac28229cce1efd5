/* eslint-disable no-bitwise -- file modes are bit fields */
import { mkdirSync, readdirSync, readFileSync, readlinkSync, statSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { ImageContext, NOT_RUN, tree } from './image-context';
import { resolveInRoot } from '../../../local/src/microvms/build/rooted-path';
import { expand } from '../../../local/src/microvms/build/variables';

let image: ImageContext;
beforeEach(() => {
  image = new ImageContext();
});
afterEach(() => image.remove());

const NO_CMD = 'the base image\'s own CMD: no other image is fetched';

describe('settings', () => {
  test('come from the instructions, with variables put in', async () => {
    const { layout, leftOut } = await image.assemble(`
ARG BASE=al2023
FROM --platform=linux/arm64 public.ecr.aws/x:\${BASE}
ARG GREETING="good day"
ENV A=1 B="two words" C='$A' D=\${GREETING} \\
    # a comment inside
    E=five\\ 5

ENV PATH=/opt/bin:$PATH OLD=$A
ENV LEGACY some text
LABEL a=b
WORKDIR /srv
WORKDIR app
EXPOSE 3000/tcp 9000 7000-7002/udp
ENTRYPOINT ["node", "--flag with space"]
CMD ["server.js"]
`);
    expect(layout).toEqual({
      command: ['node', '--flag with space', 'server.js'],
      workingDirectory: '/srv/app',
      environment: {
        A: '1',
        B: 'two words',
        C: '$A',
        D: 'good day',
        E: 'five 5',
        OLD: '1',
        LEGACY: 'some text',
        PATH: '/opt/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
      },
      ports: [3000, 9000, 7000, 7001, 7002],
      user: undefined,
    });
    expect(leftOut).toEqual([]);
  });

  test.each([
    ['SHELL ["/bin/bash", "-c"]\nCMD node server.js "$A"', ['/bin/bash', '-c', 'node server.js "$A"']],
    ['ENTRYPOINT exec node x\nCMD ["y"]', ['/bin/sh', '-c', 'exec node x']],
    ['ENTRYPOINT ["node"]\nCMD ["a"]\nCMD ["b"]', ['node', 'b']],
    ['CMD ["a"]\nENTRYPOINT ["node"]', ['node', 'a']],
    ['ENTRYPOINT ["a"]\nENTRYPOINT []\nCMD ["b"]', ['b']],
    ['CMD [not json]', ['/bin/sh', '-c', '[not json]']],
  ])('%p starts %p', async (lines, command) => {
    expect((await image.assemble(`FROM scratch\n${lines}`)).layout.command).toEqual(command);
  });

  test('an ENTRYPOINT forgets the CMD of the stage below it', async () => {
    const { layout, leftOut } = await image.assemble('FROM scratch AS base\nENV A=1\nARG B=2\nCMD ["a"]\nFROM base\nENTRYPOINT ["b"]\nENV C=$A$B');
    expect(layout).toMatchObject({ command: ['b'], environment: { A: '1', C: '12' } });
    expect(leftOut).toEqual([]);
  });

  test('an ARG has its default, that of the ARG above the first FROM, or none; and ENV wins', async () => {
    const { layout } = await image.assemble(`ARG V=1 W=\${V}2
FROM scratch
ENV BEFORE=[$V]
ARG V
ARG W=own X Y="a b" TARGETARCH
ENV E=$V$W[$X]$Y ARCH=$TARGETARCH
ENV V=env
ARG V=arg
ENV F=$V
`);
    expect(layout.environment).toMatchObject({ BEFORE: '[]', E: '1own[]a b', F: 'env', ARCH: process.arch === 'x64' ? 'amd64' : process.arch });
  });

  test('the escape directive changes the character of continuations', async () => {
    const { layout } = await image.assemble('# escape=`\r\nFROM scratch\r\nENV A=1 `\r\n  B=C:\\x\r\nCMD ["x"]\r\n');
    expect(layout.environment).toMatchObject({ A: '1', B: 'C:\\x' });
  });

  test('what has no effect here is named', async () => {
    const { noEffect } = await image.assemble(`FROM scratch
VOLUME /data
HEALTHCHECK --interval=5s CMD curl x
STOPSIGNAL SIGINT
ONBUILD RUN x
COPY --chown=1:1 --chmod=u+x a /a
USER nobody
CMD ["x"]`, { a: '' });
    expect(noEffect).toEqual([
      'VOLUME /data (line 2)', 'HEALTHCHECK --interval=5s CMD curl x (line 3)', 'STOPSIGNAL SIGINT (line 4)', 'ONBUILD RUN x (line 5)',
      '--chown=1:1 --chmod=u+x of COPY --chown=1:1 --chmod=u+x a /a (line 6)', 'USER nobody, as a guest has one user here',
    ]);
  });
});

describe('files', () => {
  test('are copied: files, folders, patterns and other stages, with modes', async () => {
    const { rootfs, leftOut, complete } = await image.assemble(`
FROM scratch AS build
COPY src /out
RUN make
FROM scratch
WORKDIR /app
COPY package.json a*.js ./
COPY --chmod=750 ["with space.txt", "/data/"]
COPY --from=build /out/lib ./lib
COPY --from=build /made-by-run /x
COPY --from=0 out/main.js /main.js
COPY --from=docker.io/library/x /y /y
COPY --parents src/lib/util.js /parents
COPY --exclude=*.md --exclude=lib src docs /excluded/
COPY src/lib/util.js /bin/tool
ADD https://example.org/x /x
ADD git@github.com:a/b.git /y
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
      'docs/keep.md': '',
      'docs/plain': '',
      '.dockerignore': 'docs\n!docs/keep.md\n!docs/plain\n**/*.tmp\n',
      'src/x.tmp': '',
    });
    expect(tree(rootfs)).toEqual([
      'all/.dockerignore', 'all/Dockerfile', 'all/a1.js', 'all/ab.js', 'all/b.js', 'all/docs/keep.md', 'all/docs/plain', 'all/package.json',
      'all/src/lib/util.js', 'all/src/main.js', 'all/with space.txt', 'app/a1.js', 'app/ab.js', 'app/lib/util.js', 'app/package.json',
      'bin/tool', 'data/with space.txt', 'excluded/main.js', 'excluded/plain', 'main.js', 'parents/src/lib/util.js',
    ]);
    expect(statSync(join(rootfs, 'data/with space.txt')).mode & 0o777).toBe(0o750);
    expect(leftOut).toEqual([
      `RUN make (line 4): ${NOT_RUN}`,
      'COPY --from=build /made-by-run /x (line 10): what it copies would come from a step that was left out',
      'COPY --from=docker.io/library/x /y /y (line 12): no other image is fetched',
      'ADD https://example.org/x /x (line 16): nothing is fetched from elsewhere',
      'ADD git@github.com:a/b.git /y (line 17): nothing is fetched from elsewhere',
      NO_CMD,
    ]);
    expect(complete).toBe(false);
  });

  test('come from heredocs, with variables put in unless the name is quoted', async () => {
    const { rootfs } = await image.assemble(`FROM scratch
ENV A=1
COPY --chmod=755 <<-EOT /etc/run.sh
\t#!/bin/sh
\techo "$A" \\$A 'it'
\tEOT
COPY <<a <<"b" file /dir/
$A
a
$A
b
CMD ["x"]`, { file: '' });
    expect(readFileSync(join(rootfs, 'etc/run.sh'), 'utf8')).toBe('#!/bin/sh\necho "1" $A \'it\'\n');
    expect(statSync(join(rootfs, 'etc/run.sh')).mode & 0o777).toBe(0o755);
    expect(['a', 'b', 'file'].map((name) => readFileSync(join(rootfs, 'dir', name), 'utf8'))).toEqual(['1\n', '$A\n', '']);
  });

  test('of stages that nothing needs are not built', async () => {
    const { leftOut, rootfs } = await image.assemble(`FROM scratch AS unused
COPY nothing /x
FROM scratch
COPY --from=later /a /b
CMD ["x"]
FROM scratch AS later
COPY a /a
FROM 1`.replace('FROM 1', 'FROM scratch\nCOPY --from=1 /b /c\nCMD ["y"]'), { a: '' });
    expect(leftOut).toEqual([]);
    expect(tree(rootfs)).toEqual(['c']);
  });

  test('are never written through a link that leads out of the image', async () => {
    const outside = join(image.folder, 'outside');
    image.write({ file: 'x' });
    mkdirSync(join(image.path, 'links'));
    symlinkSync('../../outside', join(image.path, 'links/out'));
    symlinkSync(outside, join(image.path, 'links/root'));
    mkdirSync(outside);
    const { rootfs } = await image.assemble('FROM scratch\nCOPY links /\nCOPY file /out/file\nCOPY file /root/file\nWORKDIR /out/folder\n');
    expect(readdirSync(outside)).toEqual([]);
    expect(readdirSync(join(rootfs, 'outside')).sort()).toEqual(['file', 'folder']);
    expect(readdirSync(join(rootfs, outside))).toEqual(['file']);
    expect(readlinkSync(join(rootfs, 'out'))).toBe('../../outside');
  });

  test('that a source names through a link stay inside the context', async () => {
    symlinkSync('../../../etc', join(image.path, 'link'));
    expect(await image.failure('FROM scratch\nCOPY link/passwd /x')).toContain('"/link/passwd": not found');
  });
});

test.each([
  ['', 'file with no instructions'],
  ['# nothing', 'file with no instructions'],
  ['ARG A=1', 'dockerfile contains no stages to build: it has no FROM'],
  ['RUN x\nFROM scratch', 'dockerfile parse error on line 1: no build stage in current context'],
  ['FROM scratch\n\nFETCH x', 'dockerfile parse error on line 3: unknown instruction: FETCH'],
  ['FROM a b', 'dockerfile parse error on line 1: FROM requires either one or three arguments'],
  ['FROM a AS 1b', 'dockerfile parse error on line 1: invalid name for build stage: "1b", name can\'t start with a number or contain symbols'],
  ['FROM scratch\nCOPY x', 'dockerfile parse error on line 2: COPY requires at least two arguments, but only one was provided. Destination could not be determined'],
  ['FROM scratch\nCOPY --frm=x a b', 'dockerfile parse error on line 2: unknown flag: --frm'],
  ['FROM scratch\nARG', 'dockerfile parse error on line 2: ARG requires at least one argument'],
  ['FROM scratch\nARG =x', 'dockerfile parse error on line 2: ARG names can not be blank'],
  ['FROM scratch\nENV A', 'dockerfile parse error on line 2: ENV must have two arguments'],
  ['FROM scratch\nENV A=1 B', 'dockerfile parse error on line 2: Syntax error - can\'t find = in "B". Must be of the form: name=value'],
  ['FROM scratch\nSHELL bash', 'dockerfile parse error on line 2: SHELL requires the arguments to be in JSON form'],
  ['FROM scratch\nRUN <<EOF\nx', 'dockerfile parse error on line 2: unterminated heredoc EOF'],
  ['# escape=x\nFROM scratch', 'dockerfile parse error on line 1: invalid escape token \'x\' does not match ` or \\'],
  ['ARG V\nFROM $V', 'base name ($V) should not be blank (line 2)'],
  ['FROM scratch AS a\nCOPY --from=a /x /y\nFROM a', 'circular dependency detected on stage: a (line 1)'],
  ['FROM scratch\nCOPY --from=7 /x /y', 'invalid from flag value 7: there is no such stage (line 2)'],
  ['FROM scratch\nCOPY missing /x', 'failed to calculate checksum of ref: "/missing": not found (line 2)'],
  ['FROM scratch\nCOPY ../outside /x', 'failed to calculate checksum of ref: "../outside" leads out of the build context: not found (line 2)'],
  ['FROM scratch AS a\nFROM scratch\nCOPY --from=a /missing /x', 'failed to calculate checksum of ref: "/missing": not found (line 3)'],
  ['FROM scratch\nCOPY f /f\nWORKDIR /f', 'cannot mkdir: /f is not a directory (line 3)'],
  ['FROM scratch\nEXPOSE web', 'invalid containerPort: web (line 2)'],
  ['FROM scratch\nEXPOSE 1-65535', 'EXPOSE names more than 1000 ports: 1-65535 (line 2)'],
  ['FROM scratch\nENV A="${B:?is needed}"', 'B: is needed (line 2)'],
  ['FROM scratch\nENV A=${B', 'syntax error: missing \'}\' (line 2)'],
  ['FROM scratch\nCOPY --chmod=999 f /f', 'invalid chmod parameter: \'999\'. it should be octal string and between 0 and 07777 (line 2)'],
  ['FROM scratch\nCOPY d /d\nCOPY f /d/sub/x\nCOPY f /x\nCOPY d /x', 'cannot copy to non-directory: /x (line 5)'],
])('fails on %p', async (dockerfile, detail) => {
  expect(await image.failure(dockerfile, { 'f': '', 'd/sub/file': '' })).toBe(detail);
});

test('fails with a log that shows the step and its place', async () => {
  await image.failure('FROM scratch\nENV A=1\nCOPY missing /x\nCMD ["x"]\n');
  expect(image.log.lines).toEqual([
    '#1 [internal] load build definition from Dockerfile', '#1 transferring dockerfile: 47B done', '', '#2 [1/4] FROM scratch', '',
    '#3 [2/4] ENV A=1', '', '#4 [3/4] COPY missing /x', '#4 ERROR: failed to calculate checksum of ref: "/missing": not found',
    '------', ' > [3/4] COPY missing /x:', '------', 'Dockerfile:3', '--------------------', '   1 |     FROM scratch', '   2 |     ENV A=1',
    '   3 | >>> COPY missing /x', '   4 |     CMD ["x"]', '   5 |     ', '--------------------',
    'ERROR: failed to solve: failed to calculate checksum of ref: "/missing": not found',
  ]);
});

test('a path is resolved as if its root were the root', () => {
  symlinkSync('../../..', join(image.path, 'up'));
  symlinkSync('loop', join(image.path, 'loop'));
  expect(resolveInRoot(image.path, '/up/etc/passwd')).toBe(join(image.path, 'etc/passwd'));
  expect(resolveInRoot(image.path, '../../x')).toBe(join(image.path, 'x'));
  expect(() => resolveInRoot(image.path, 'loop')).toThrow('Too many links');
});

test.each([
  ['$A-${B}', 'a-b'], ['${NONE:-x$A}', 'xa'], ['${A:+yes}${NONE:+no}', 'yes'], ['\'$A\' "$A"', '$A a'], ['\\$A', '$A'], ['"a\\"b\\n"', 'a"b\\n'],
  ['$', '$'], ['${NONE:-${A:-${B}}}', 'a'], ['${P#*/}|${P##*/}', 'b/c.tar.gz|c.tar.gz'], ['${P%.*}|${P%%.*}', 'a/b/c.tar|a/b/c'],
  ['${P/\\//_}|${P//./-}', 'a_b/c.tar.gz|a/b/c-tar-gz'], ['${toString}', ''], ['${EMPTY-x}${EMPTY:-y}', 'y'],
])('the word %p is put together as Docker does it', (word, expected) => {
  expect(expand(word, { A: 'a', B: 'b', P: 'a/b/c.tar.gz', EMPTY: '' })).toBe(expected);
});
