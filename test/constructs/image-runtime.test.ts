import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { App } from 'aws-cdk-lib';
import { Annotations, Match } from 'aws-cdk-lib/assertions';
import { ImageSource, SandboxImage } from 'cdk-microvm-sandbox';
import type { DirectorySourceOptions } from 'cdk-microvm-sandbox';
import { directoryWith } from './directories';
import { newStack, propertiesOf } from './synthesized';
import { assembleImage } from '../../local/src/microvms/build/assemble-image';
import { BuildLog } from '../../local/src/microvms/build/build-log';
import { SET_UP_SCRIPT } from '../../src/private/set-up-script';
import { shippedAsset } from '../../src/private/shipped-assets';

function imageOf(files: Record<string, string>, options: DirectorySourceOptions = {}) {
  const stack = newStack();
  const path = directoryWith(files);
  const image = new SandboxImage(stack, 'Image', { source: ImageSource.directory(path, { runtime: true, ...options }) });
  const key = propertiesOf(stack, 'Custom::MicrovmSandboxImage').SourceKey as string;
  const context = join((stack.node.root as App).synth().directory, `asset.${key.replace('.zip', '')}`);
  return {
    stack,
    image,
    path,
    key,
    context,
    files: () => readdirSync(context, { recursive: true }).map(String).sort(),
    read: (file: string) => readFileSync(join(context, file), 'utf8'),
  };
}

describe('the sandbox runtime in an image of the user', () => {
  test('comes with its files beside the user\'s own, and its ports and hooks', () => {
    const { image, stack, files, read } = imageOf({ 'Dockerfile': 'FROM debian:12-slim\nRUN true', 'app/a.txt': '', '.env': 'SECRET' });

    expect(files()).toEqual([
      '.microvm-sandbox', '.microvm-sandbox/daemon.js', '.microvm-sandbox/init.sh', '.microvm-sandbox/set-up.sh', 'Dockerfile', 'app', 'app/a.txt',
    ]);
    expect(read('.microvm-sandbox/init.sh')).toBe(readFileSync(join(shippedAsset('runtime-image'), 'init.sh'), 'utf8'));
    expect([image.daemonPort, image.hookPort]).toEqual([8080, 9000]);
    expect(propertiesOf(stack, 'Custom::MicrovmSandboxImage').Hooks).toMatchObject({ Ready: '300', Validate: '300', Run: '30' });
  });

  test('is what the last stage starts, as root, with a Node of its own', () => {
    const { read } = imageOf({ Dockerfile: 'FROM debian:12-slim\nUSER app' });
    expect(read('Dockerfile').split('\n')).toEqual([
      'FROM debian:12-slim',
      'USER app',
      '# The sandbox runtime.',
      'USER root',
      expect.stringMatching(/^COPY --from=public\.ecr\.aws\/docker\/library\/node:24\S+ \/usr\/local\/bin\/node \/opt\/microvm-sandbox\/node$/),
      'COPY .microvm-sandbox/daemon.js .microvm-sandbox/init.sh .microvm-sandbox/set-up.sh /opt/microvm-sandbox/',
      'RUN ["/bin/bash","/opt/microvm-sandbox/set-up.sh"]',
      'WORKDIR /workspace',
      'ENTRYPOINT ["/bin/bash"]',
      'CMD ["/opt/microvm-sandbox/init.sh"]',
      '',
    ]);
  });

  test('leaves the user\'s directory as it is', () => {
    const { path } = imageOf({ Dockerfile: 'FROM scratch' });
    expect(readdirSync(path)).toEqual(['Dockerfile']);
    expect(readFileSync(join(path, 'Dockerfile'), 'utf8')).toBe('FROM scratch');
  });

  test.each(['.dockerignore', 'Dockerfile.dockerignore'])('is not lost to a %s that leaves everything out', (name) => {
    const { read } = imageOf({ Dockerfile: 'FROM scratch', [name]: '*\n!app' });
    expect(read(name)).toBe('*\n!app\n!.microvm-sandbox\n!.microvm-sandbox/**\n');
  });

  test('is put together by the local cloud without an engine, where this machine\'s own Node runs it', async () => {
    const { context } = imageOf({
      'Dockerfile': 'FROM debian:12-slim AS build\nRUN make\nFROM debian:12-slim\nCOPY app /app\nENTRYPOINT ["/start"]\nCMD ["me"]',
      'app/a.txt': 'a',
      '.dockerignore': '*\n!app',
    });
    const { layout, rootfs } = await assembleImage({
      context, folder: directoryWith({}), log: new BuildLog(), run: 'it is not run here',
    });

    expect(layout).toMatchObject({ command: ['/bin/bash', '/opt/microvm-sandbox/init.sh'], workingDirectory: '/workspace', user: 'root' });
    expect(readdirSync(join(rootfs, 'opt/microvm-sandbox'))).toEqual(expect.arrayContaining(['daemon.js', 'init.sh', 'set-up.sh']));
    expect(readFileSync(join(rootfs, 'app/a.txt'), 'utf8')).toBe('a');
  });

  test('is another artifact than the directory without it, and the same for the same', () => {
    const files = { Dockerfile: 'FROM scratch' };
    expect(imageOf(files).key).toBe(imageOf(files).key);
    expect(imageOf(files).key).not.toBe(imageOf(files, { runtime: false }).key);
    expect(imageOf(files, { runtime: false }).image.daemonPort).toBeUndefined();
  });

  test('fails on hooks of the user', () => {
    const source = ImageSource.directory(directoryWith({ Dockerfile: 'FROM scratch' }), { runtime: true });
    expect(() => new SandboxImage(newStack(), 'Image', { source, hooks: { ready: {} } })).toThrow('hooks: the sandbox runtime brings its own');
  });

  test('fails on a folder that has its name', () => {
    expect(() => imageOf({ 'Dockerfile': 'FROM scratch', '.microvm-sandbox/a': '' }))
      .toThrow("ImageSource.directory: with runtime the folder '.microvm-sandbox' is the construct's own; rename or exclude yours");
  });

  test('fails if the Dockerfile is left out', () => {
    expect(() => imageOf({ Dockerfile: 'FROM scratch' }, { exclude: ['Dockerfile'] }))
      .toThrow("ImageSource.directory: exclude leaves the Dockerfile out; add '!Dockerfile'");
  });
});

describe('a Dockerfile whose last instruction is not complete', () => {
  test.each([
    ['FROM a\nRUN make && \\', "in '\\', with which the instruction goes on"],
    ['FROM a\nRUN make \\  \n\n# a comment\n', "in '\\', with which the instruction goes on"],
    ['# syntax=docker/dockerfile:1\n# escape=`\nFROM a\nRUN dir `\n', "in '`', with which the instruction goes on"],
    ['FROM a\nRUN <<EOF\nmake\n', 'within the heredoc EOF'],
    ['FROM a\nRUN <<EOF\nmake\n  EOF\n', 'within the heredoc EOF'],
    ['FROM a\nCOPY <<A <<"B" /x/\na\nA\nb\n', 'within the heredoc B'],
    ['FROM a\nRUN \\\n  <<EOF\nmake', 'within the heredoc EOF'],
  ])('fails: %j', (dockerfile, end) => {
    expect(() => imageOf({ Dockerfile: dockerfile }))
      .toThrow(`ImageSource.directory: with runtime lines are added to the Dockerfile, and yours ends ${end}; complete its last instruction`);
    expect(() => imageOf({ Dockerfile: dockerfile }, { runtime: false })).not.toThrow();
  });

  test.each([
    'FROM a\nRUN make \\\n  all', 'FROM a\nRUN echo \\\\', '# escape=`\nFROM a\nRUN dir C:\\', 'FROM a\nRUN <<-EOF\n\tmake\n\tEOF', 'FROM a\n# RUN \\',
    'FROM a\nRUN echo "a <<EOF b"', 'FROM a\nENV TEXT <<EOF', 'FROM a\nRUN cat <<<EOF', 'FROM a\nRUN <<EOF\nmake \\\nEOF',
  ])('is not seen where there is none: %j', (dockerfile) => {
    expect(() => imageOf({ Dockerfile: dockerfile })).not.toThrow();
  });
});

describe('a command of the Dockerfile, which is not started,', () => {
  const warned = (dockerfile: string) => Annotations.fromStack(imageOf({ Dockerfile: dockerfile }).stack)
    .findWarning('*', Match.stringLikeRegexp('commandReplaced')).map(({ entry }) => String(entry.data));

  test.each([
    ['FROM a\nCMD ["node", "server.js"]', 'CMD ["node", "server.js"]'],
    ['FROM a\nentrypoint /start.sh', 'entrypoint /start.sh'],
    ['FROM a\nRUN echo \\\n  # a comment\n\n  x\nCMD x', 'CMD x'],
    ['# escape=`\nFROM a\nRUN dir `\n  x\nCMD x', 'CMD x'],
    ['FROM a\nRUN <<EOF\nFROM b\nEOF\nCMD x', 'CMD x'],
  ])('is warned of in %j', (dockerfile, command) => {
    expect(warned(dockerfile)).toEqual([expect.stringContaining(`'${command}' of the Dockerfile is not. Remove it`)]);
  });

  test.each([
    'FROM a', 'FROM a AS build\nCMD x\nFROM b', 'FROM a\nHEALTHCHECK CMD true', 'FROM a\nRUN echo \\\n  CMD x', 'FROM a\n# CMD x',
    'FROM a\nRUN <<EOF\nCMD x\nEOF', 'FROM a\nRUN <<EOF\n  EOF\nCMD x\nEOF', 'FROM a\n# escape=`\nRUN echo \\\n  CMD x',
  ])('is not seen where there is none: %j', (dockerfile) => {
    expect(warned(dockerfile)).toEqual([]);
  });
});

describe('the set-up in the image', () => {
  /** Runs the script on tables of its own; chown only notes, as it may not be root's. */
  function setUp(passwd: string, group: string, node?: string) {
    const root = directoryWith({ 'etc/passwd': passwd, 'etc/group': group, 'bin/chown': '#!/bin/bash\necho "$@" >> ROOT/chown\n', 'chown': '' });
    mkdirSync(join(root, 'home'));
    if (node !== undefined) mkdirSync(join(root, 'opt/microvm-sandbox'), { recursive: true });
    if (node !== undefined) writeFileSync(join(root, 'opt/microvm-sandbox/node'), node, { mode: 0o755 });
    writeFileSync(join(root, 'bin/chown'), readFileSync(join(root, 'bin/chown'), 'utf8').replace('ROOT', root));
    chmodSync(join(root, 'bin/chown'), 0o755);
    const script = SET_UP_SCRIPT.replace(/(?<=[\s"=])\/(etc|home|workspace|opt)/g, `${root}/$1`);
    execFileSync('/bin/bash', ['-c', script], { env: { PATH: `${join(root, 'bin')}:${process.env.PATH ?? ''}` }, stdio: 'pipe' });
    const read = (file: string) => readFileSync(join(root, file), 'utf8').replaceAll(root, '');
    return { passwd: read('etc/passwd'), group: read('etc/group'), chown: read('chown').split('\n').slice(0, -1), folders: readdirSync(root) };
  }

  const ROOT_USER = 'root:x:0:0:root:/root:/bin/bash\n';

  test('makes the user with uid 1000, its home and the workspace', () => {
    const made = setUp(ROOT_USER, 'root:x:0:\n');
    expect(made.passwd).toBe(`${ROOT_USER}sandbox:x:1000:1000::/home/sandbox:/bin/bash\n`);
    expect(made.group).toBe('root:x:0:\nsandbox:x:1000:\n');
    expect(made.chown).toEqual(['1000:1000 /home/sandbox', '1000:1000 /workspace']);
    expect(made.folders).toContain('workspace');
  });

  test('takes the next id that neither a user nor a group has', () => {
    const made = setUp(`${ROOT_USER}node:x:1000:1000::/home/node:/bin/bash\n`, 'root:x:0:\nnode:x:1000:\nother:x:1001:\n');
    expect(made.passwd).toContain('\nsandbox:x:1002:1002::');
  });

  test('leaves a user of that name as it is, and gives it the workspace', () => {
    const passwd = `${ROOT_USER}sandbox:x:500:600::/srv:/bin/sh\n`;
    const made = setUp(passwd, 'sandbox:x:600:\n');
    expect(made).toMatchObject({ passwd, group: 'sandbox:x:600:\n', chown: ['500:600 /workspace'] });
  });

  test('puts the user into a group of that name', () => {
    expect(setUp(ROOT_USER, 'sandbox:x:70:\n')).toMatchObject({
      passwd: `${ROOT_USER}sandbox:x:1000:70::/home/sandbox:/bin/bash\n`, group: 'sandbox:x:70:\n',
    });
  });

  test('tries the Node that it brought', () => {
    expect(() => setUp(ROOT_USER, '', '#!/bin/bash\n[ "$1" = --version ]')).not.toThrow();
  });

  test('fails with words if this Node does not start, as on an image without glibc', () => {
    expect(() => setUp(ROOT_USER, '', '#!/bin/bash\nexit 1')).toThrow(/its Node does not start here. It needs an arm64 image with glibc 2.28/);
  });
});
