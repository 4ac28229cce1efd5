import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { App } from 'aws-cdk-lib';
import { ImageSource, SandboxImage } from 'cdk-microvm-sandbox';
import type { SandboxSourceOptions } from 'cdk-microvm-sandbox';
import { directoryWith } from './directories';
import { newStack, propertiesOf } from './synthesized';
import { shippedAsset } from '../../src/private/shipped-assets';

/** The build context as it is published. */
function contextOf(source: ImageSource) {
  const stack = newStack();
  const image = new SandboxImage(stack, 'Image', { source });
  const key = propertiesOf(stack, 'Custom::MicrovmSandboxImage').SourceKey as string;
  const directory = join((stack.node.root as App).synth().directory, `asset.${key.replace('.zip', '')}`);
  return {
    image,
    key,
    files: () => readdirSync(directory, { recursive: true }).map(String).sort(),
    read: (file: string) => readFileSync(join(directory, file), 'utf8'),
    lines: () => readFileSync(join(directory, 'Dockerfile'), 'utf8').split('\n'),
  };
}

describe('ImageSource.directory', () => {
  test('publishes the directory without what should not be in a build context', () => {
    const path = directoryWith({
      'Dockerfile': 'FROM scratch',
      'src/server.js': '',
      'src/.env.production': '',
      '.env': '',
      '.git/config': '',
      'certs/a.pem': '',
      'node_modules/x/index.js': '',
      '.aws/credentials': '',
      '.ssh/id_rsa': '',
      'cdk.out/manifest.json': '',
      'environment.txt': '',
    });

    expect(contextOf(ImageSource.directory(path)).files())
      .toEqual(['Dockerfile', 'certs', 'environment.txt', 'src', 'src/server.js']);
  });

  test('leaves out more, and takes back what it leaves out by itself, if asked', () => {
    const path = directoryWith({ 'Dockerfile': 'FROM scratch', 'notes.md': '', 'node_modules/x/index.js': '' });

    expect(contextOf(ImageSource.directory(path, { exclude: ['*.md', '!node_modules'] })).files())
      .toEqual(['Dockerfile', 'node_modules', 'node_modules/x', 'node_modules/x/index.js']);
  });

  test('fails on a directory that is not there, naming it', () => {
    expect(() => ImageSource.directory('./no-such-place')).toThrow(/ImageSource.directory: '.\/no-such-place' \(\/.*no-such-place\) is not a directory/);
  });

  test('fails on a file', () => {
    expect(() => ImageSource.directory(__filename)).toThrow('is not a directory');
  });

  test('fails on a directory without Dockerfile, naming it', () => {
    const path = directoryWith({ 'sub/Dockerfile': 'FROM scratch' });
    expect(() => ImageSource.directory(path)).toThrow(`ImageSource.directory: '${path}' (${path}) has no Dockerfile; put one at its top`);
  });
});

describe('ImageSource.sandbox', () => {
  const sandbox = (options?: SandboxSourceOptions) => contextOf(ImageSource.sandbox(options));

  test('publishes the runtime as it is shipped', () => {
    const { image, files, read } = sandbox();

    expect(files()).toEqual(['Dockerfile', 'daemon.js', 'init.sh']);
    expect(read('daemon.js')).toBe(readFileSync(join(shippedAsset('runtime-image'), 'daemon.js'), 'utf8'));
    expect([image.daemonPort, image.hookPort]).toEqual([8080, 9000]);
  });

  test('installs system packages as root and the others as the sandbox user, before the end of the Dockerfile', () => {
    const lines = sandbox({
      systemPackages: ['jq', 'ffmpeg'], pythonPackages: ['pandas>=2,<3'], nodePackages: ['@scope/name@^1.2.3'],
    }).lines();
    const first = lines.findIndex((line) => line.includes('jq'));

    expect(lines.slice(first, first + 5)).toEqual([
      'RUN apt-get update && apt-get install --yes --no-install-recommends jq ffmpeg && rm -rf /var/lib/apt/lists/*',
      'USER sandbox',
      'RUN ["python3","-m","pip","install","--no-cache-dir","pandas>=2,<3"]',
      'RUN ["npm","install","--no-fund","--no-audit","--prefix","/opt/sandbox-node","@scope/name@^1.2.3"]',
      'USER root',
    ]);
    expect(first).toBeLessThan(lines.findIndex((line) => /^(CMD|ENTRYPOINT)/.test(line)));
  });

  test('copies files and directories for the user that commands run as, without secrets', () => {
    const path = directoryWith({ 'data/a.csv': 'a', 'data/.env': 'SECRET', 'data/deep/key.pem': 'SECRET', 'one.txt': 'one' });
    const context = sandbox({ files: { '/workspace/data': join(path, 'data'), '/opt/with space/one.txt': join(path, 'one.txt') } });

    expect(context.lines()).toContain('COPY --chown=sandbox:sandbox ["files/0","/workspace/data"]');
    expect(context.lines()).toContain('COPY --chown=sandbox:sandbox ["files/1","/opt/with space/one.txt"]');
    expect(context.files().filter((file) => file.startsWith('files')))
      .toEqual(['files', 'files/0', 'files/0/a.csv', 'files/0/deep', 'files/1']);
    expect(context.read('files/1')).toBe('one');
  });

  test('copies a file that is named itself, whatever its name', () => {
    const path = directoryWith({ '.env': 'HARMLESS=1' });
    expect(sandbox({ files: { '/workspace/.env': join(path, '.env') } }).read('files/0')).toBe('HARMLESS=1');
  });

  test('publishes the same context for the same input, and another for another', () => {
    const path = directoryWith({ 'a.txt': 'a', 'b.txt': 'b' });
    const options = (file: string) => ({ pythonPackages: ['numpy'], files: { '/workspace/x': join(path, file) } });

    expect(sandbox(options('a.txt')).key).toBe(sandbox(options('a.txt')).key);
    expect(sandbox(options('b.txt')).key).not.toBe(sandbox(options('a.txt')).key);
    expect(sandbox().key).not.toBe(sandbox({ nodePackages: ['tsx'] }).key);
  });

  test.each([
    ['pythonPackages', 'pandas; rm -rf /'], ['pythonPackages', '--index-url=http://x'], ['pythonPackages', ''], ['pythonPackages', 'a b'],
    ['pythonPackages', 'git+https://x/y'], ['pythonPackages', './local'], ['pythonPackages', 'x\nRUN y'], ['pythonPackages', 'x=='],
    ['nodePackages', '-g'], ['nodePackages', '../x'], ['nodePackages', 'https://x/y.tgz'], ['nodePackages', 'x@$(id)'],
    ['nodePackages', 'a@file:b'], ['nodePackages', 'x@'], ['nodePackages', '@scope'],
    ['systemPackages', '-y'], ['systemPackages', '/tmp/x.rpm'], ['systemPackages', 'git && id'], ['systemPackages', 'git\tjq'],
  ])('fails on %s that hold %j', (prop, name) => {
    expect(() => ImageSource.sandbox({ [prop]: ['fine', name] })).toThrow(`${prop}: '${name}' is not a package name`);
  });

  test.each(['relative/x', '/workspace/../etc/passwd', '/a//b', '/$HOME/x', '/a\\b', '/a\nRUN id', '/x/..'])(
    'fails on the destination %j', (destination) => {
      expect(() => ImageSource.sandbox({ files: { [destination]: __filename } })).toThrow(`files: the destination '${destination}'`);
    });

  test('fails on the root as a destination', () => {
    expect(() => ImageSource.sandbox({ files: { '/': __dirname } })).toThrow("the destination '/' would replace the image");
  });

  test('fails on a source that is not there, naming it', () => {
    expect(() => ImageSource.sandbox({ files: { '/workspace/x': './no-such-file' } }))
      .toThrow(/files: '.\/no-such-file' \(\/.*no-such-file\), to be copied to \/workspace\/x, does not exist/);
  });
});

test('fails without the bundles, naming the command that makes them', () => {
  expect(() => shippedAsset('lambda/no-such-handler', 'index.js')).toThrow(/no-such-handler\/index.js is missing: .* run `npx projen bundle`/);
});
