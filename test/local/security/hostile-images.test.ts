import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { ZipFile } from 'yazl';
import { unpackArtifact } from '../../../local/src/microvms/build/artifact';
import { readDockerfile } from '../../../local/src/microvms/build/assemble-image';
import { BuildLog } from '../../../local/src/microvms/build/build-log';
import { DiskRoom } from '../../../local/src/microvms/build/disk-room';
import { parseDockerfile } from '../../../local/src/microvms/build/dockerfile';
import { ignoring, readIgnoreFile } from '../../../local/src/microvms/build/ignore-file';
import { LayeredRoot } from '../../../local/src/microvms/build/layered-root';
import { matchPaths } from '../../../local/src/microvms/build/path-pattern';
import { RunInstruction } from '../../../local/src/microvms/build/run-instruction';
import type { RunStep } from '../../../local/src/microvms/build/run-step';
import { emptyStage } from '../../../local/src/microvms/build/stage-state';
import { findStartProblem } from '../../../local/src/microvms/build/start-check';
import { expand } from '../../../local/src/microvms/build/variables';
import { ImageContext } from '../microvms/image-context';

let folder: string;
beforeEach(() => {
  folder = realpathSync(mkdtempSync(join(tmpdir(), 'hostile-image-')));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** Text makes a file. */
function zipOf(entries: Readonly<Record<string, string | { link: string }>>): Promise<Buffer> {
  const zip = new ZipFile();
  for (const [name, entry] of Object.entries(entries)) {
    if (typeof entry === 'string') zip.addBuffer(Buffer.from(entry), name, { mode: 0o100644 });
    else zip.addBuffer(Buffer.from(entry.link), name, { mode: 0o120777 });
  }
  zip.end();
  return buffer(zip.outputStream);
}

describe('an artifact\'s links', () => {
  const context = () => {
    const path = join(folder, 'build', 'context');
    mkdirSync(path, { recursive: true });
    return path;
  };
  // Read word by word, a/b/out is a/b; the file system follows up to the root first, and `..` is its parent.
  const chain = { 'a/b/up': { link: '../..' }, 'a/b/out': { link: 'up/..' } };

  test('fails where one leads out through another', async () => {
    await expect(unpackArtifact(await zipOf({ Dockerfile: 'FROM x', ...chain }), context())).rejects.toThrow(/ARCHIVE_INVALID.*a\/b\/out/);
  });

  test('fails without a folder that was made outside on the way', async () => {
    const files = { ...chain, 'a/b/out/outside/link': { link: 'x' } };
    await expect(unpackArtifact(await zipOf(files), context())).rejects.toThrow('ARCHIVE_INVALID');
    expect(existsSync(join(folder, 'build', 'outside'))).toBe(false);
  });

  test('that stay inside are made, also where nothing is yet at their end', async () => {
    const path = context();
    await unpackArtifact(await zipOf({ 'a/file': 'text', 'a/b/to': { link: '../file' }, 'later': { link: 'a/nothing' } }), path);
    expect(realpathSync(join(path, 'a/b/to'))).toBe(join(path, 'a/file'));
  });
});

describe('a table of users', () => {
  const layout = { command: ['/program'], workingDirectory: '/', environment: {}, ports: [], user: 'somebody' };
  const problem = () => {
    const root = new LayeredRoot([{ folder, sees: () => true }, { folder: '/', sees: (path) => path.startsWith('/dev') }]);
    return findStartProblem(layout, { root, toolPath: [] }, true);
  };

  test('fails for a device without an end', () => {
    mkdirSync(join(folder, 'etc'));
    symlinkSync('/dev/zero', join(folder, 'etc/passwd'));
    expect(problem()).toMatchObject({ exitCode: 126, message: expect.stringContaining('unable to find user somebody') });
  });

  test('fails for a pipe, which never ends either, and a RUN goes on without it', async () => {
    mkdirSync(join(folder, 'etc'));
    expect(spawnSync('mkfifo', [join(folder, 'etc/passwd')]).status).toBe(0);
    expect(problem()).toMatchObject({ exitCode: 126 });
    const { stages: [{ steps: [step] }] } = parseDockerfile('FROM scratch\nRUN true');
    const homes: (string | undefined)[] = [];
    const run: RunStep = async ({ environment }) => (homes.push(environment.HOME), 0);
    const instruction = new RunInstruction(step, emptyStage(folder, new DiskRoom(), false));
    expect(await instruction.execute(run, new BuildLog())).toBeUndefined();
    expect(homes).toEqual(['/root']);
  });

  test('fails for a folder', () => {
    mkdirSync(join(folder, 'etc/passwd'), { recursive: true });
    expect(problem()).toMatchObject({ exitCode: 126 });
  });
});

describe('a .dockerignore', () => {
  const ignored = (lines: string, paths: readonly string[]): string[] => {
    const rules = ignoring(lines.split('\n'));
    return paths.filter((path) => rules.ignores(path));
  };

  test.each<[string, string[], string[]]>([
    ['foo', ['foo', 'foo/bar', 'foo/bar/baz'], ['food', 'a/foo', 'FOO']],
    ['/foo/', ['foo', 'foo/x'], ['a/foo']],
    ['./a/../b', ['b', 'b/c'], ['a']],
    ['*.md', ['a.md', '.md', 'x.md/inner'], ['a/b.md', 'amd', 'a.md5']],
    ['*/temp*', ['a/temp', 'a/tempest', 'a/temp/b'], ['temp', 'a/b/temp']],
    ['*/*/temp*', ['a/b/temp', 'a/b/temporary.txt'], ['a/temp', 'a/b/c/temp']],
    ['temp?', ['tempa', 'tempb'], ['temp', 'tempab', 'temp/']],
    ['**', ['a', 'a/b', '.x'], []],
    ['**/x', ['x', 'a/x', 'a/b/x', 'a/x/y'], ['ax', 'a/bx']],
    ['**x', ['x', 'ax', 'a/bx'], ['xa']],
    ['**.go', ['x.go', 'a/x.go'], ['x.goo']],
    ['**/*.tmp', ['x.tmp', 'a/x.tmp', 'a/b/.tmp'], ['x.tmpl']],
    ['a/**', ['a/b', 'a/b/c'], ['a', 'b/a/c']],
    ['a/**/b', ['a/b', 'a/x/b', 'a/x/y/b', 'a/x/b/c'], ['a/xb', 'ab']],
    ['a**b', ['ab', 'ax/b', 'ax/y/b'], ['axb']],
    ['**/a/**', ['a/b', 'x/a/b'], ['a', 'x/a']],
    ['[a-c]x', ['ax', 'cx'], ['dx', 'x', '[a-c]x']],
    ['[^a-c]x', ['dx'], ['ax', 'x']],
    ['a\\*b', ['a*b'], ['axb', 'ab']],
    ['a.b+(c)$', ['a.b+(c)$'], ['axb+(c)$', 'a.bb(c)$']],
    ['\u{1f600}?', ['\u{1f600}\u{1f601}'], ['\u{1f600}']],
    ['constructor', ['constructor'], ['toString', '__proto__', 'hasOwnProperty']],
  ])('%j is read as Docker reads it', (lines, some, others) => {
    expect(ignored(lines, [...some, ...others])).toEqual(some);
  });

  test('lets exceptions through in the order of its lines', () => {
    expect(ignored('*.md\n!README*.md\nREADME-secret.md', ['a.md', 'README.md', 'README-secret.md'])).toEqual(['a.md', 'README-secret.md']);
    expect(ignored('*.md\nREADME-secret.md\n!README*.md', ['a.md', 'README.md', 'README-secret.md'])).toEqual(['a.md']);
    expect(ignored('docs\n! docs/keep', ['docs/a', 'docs/keep', 'docs/keep/b'])).toEqual(['docs/a']);
  });

  test('with many stars takes no longer than one with few', () => {
    const path = 'a'.repeat(1000);
    const before = performance.now();
    expect(ignored(`${'a*'.repeat(100)}b\n${'**a'.repeat(100)}b\n${'*'.repeat(100)}b`, [path])).toEqual([]);
    expect(ignored('a*a*a*a*b', ['a'.repeat(200)])).toEqual([]);
    expect(ignored('a*'.repeat(100), [path])).toEqual([path]);
    expect(performance.now() - before).toBeLessThan(2000);
  });

  test.each([
    ['a['.repeat(3), 'syntax error in pattern a[a[a['], ['a\\', 'syntax error in pattern a\\'], ['[]', 'syntax error in pattern []'], ['!', 'illegal exclusion pattern: "!"'],
    ['a'.repeat(1025), `the pattern ${'a'.repeat(64)}... has 1025 characters; at most 1024 are allowed`],
  ])('fails for the line %j', (line, message) => {
    writeFileSync(join(folder, '.dockerignore'), `# a comment [\n\n${line}\n`);
    expect(() => readIgnoreFile(folder)).toThrow(expect.objectContaining({ detail: `.dockerignore: ${message}` }));
  });

  test('fails for a folder, and for a file that is too long', () => {
    mkdirSync(join(folder, 'Dockerfile.dockerignore'));
    expect(() => readIgnoreFile(folder)).toThrow(expect.objectContaining({ detail: 'Dockerfile.dockerignore is not a file' }));
    rmSync(join(folder, 'Dockerfile.dockerignore'), { recursive: true });
    writeFileSync(join(folder, '.dockerignore'), 'a\n'.repeat(40_000));
    expect(() => readIgnoreFile(folder)).toThrow(expect.objectContaining({ detail: '.dockerignore has 80000 bytes; at most 65536 are allowed' }));
  });
});

describe('a Dockerfile', () => {
  const failure = (content: string): string | undefined => {
    try {
      parseDockerfile(content);
      return undefined;
    } catch (error) {
      return (error as { detail?: string }).detail;
    }
  };

  test('with a long run of blanks takes no longer than any other', () => {
    const blanks = ' \t'.repeat(200_000);
    const before = performance.now();
    expect(failure(`# escape=${blanks}x\nFROM scratch`)).toMatch(/invalid escape token 'x'/);
    expect(failure(`# a=x${blanks}x\nFROM scratch`)).toBeUndefined();
    const { stages: [{ steps: [step] }] } = parseDockerfile(`FROM scratch\nRUN a${blanks}b \\ \n c`);
    expect(step.text).toBe(`a${blanks}b  c`);
    expect(performance.now() - before).toBeLessThan(1000);
  });

  test('fails for more instructions than anybody writes', () => {
    expect(failure(`FROM scratch\n${'ENV A=1\n'.repeat(5000)}`)).toBe('the Dockerfile has 5001 instructions; at most 5000 are allowed');
    expect(failure(`FROM scratch\n${'ENV A=1\n'.repeat(4999)}`)).toBeUndefined();
  });

  test('fails where it is too long to be read', () => {
    writeFileSync(join(folder, 'Dockerfile'), Buffer.alloc(4 * 1024 ** 2 + 1, '#'));
    expect(() => readDockerfile(folder)).toThrow(expect.objectContaining({ detail: expect.stringContaining('at most 4194304 are allowed') }));
  });

  test('fails for a variable that doubles with every step, before it fills the memory', async () => {
    const image = new ImageContext();
    const doubling = `FROM scratch\nENV A=0123456789abcdef\n${'ENV A=$A$A\n'.repeat(40)}`;
    const detail = await image.failure(doubling);
    const many = Array.from({ length: 30 }, (_, index) => `ENV B${index}=$A`).join('\n');
    const together = await image.failure(`FROM scratch\nENV A=${'x'.repeat(100_000)}\n${many}`);
    image.remove();
    expect(detail).toBe('a word is longer than 131072 characters with its variables put in (line 16)');
    expect(together).toMatch(/^the variables of all ENV have \d+ characters; at most 2097152 are allowed/);
  });

  test('fails where its copies together are larger than any disk', async () => {
    const image = new ImageContext();
    image.write({ big: '' });
    // It takes no room here, and is never copied.
    truncateSync(join(image.path, 'big'), 33 * 1024 ** 3);
    const detail = await image.failure('FROM scratch\nCOPY big /big');
    image.remove();
    expect(detail).toBe('DISK_STORAGE_FULL: the stages are larger than the disk (line 2)');
    const disk = new DiskRoom();
    for (let copy = 0; copy < 4; copy++) disk.take(8 * 1024 ** 3);
    expect(() => disk.take(1)).toThrow('DISK_STORAGE_FULL');
  });

  test('fails for substitutions in substitutions without end, and for a search in a long value', () => {
    const nested = (depth: number): string => `${'${A:-'.repeat(depth)}x${'}'.repeat(depth)}`;
    expect(expand(nested(50), {})).toBe('x');
    expect(() => expand(nested(51), {})).toThrow('more than 50 deep');
    const VALUE = 'x'.repeat(4097);
    expect(() => expand('${VALUE#y*z}', { VALUE })).toThrow('looks for a pattern in 4097 characters; at most 4096 are allowed');
    expect(() => expand('${VALUE//y*z/}', { VALUE })).toThrow('at most 4096 are allowed');
    expect(expand('${VALUE:-x}', { VALUE })).toBe(VALUE);
  });
});

describe('a pattern with many stars takes no longer than one with few', () => {
  const stars = (count: number) => 'a*'.repeat(count);

  test('of COPY', () => {
    const name = 'a'.repeat(200);
    writeFileSync(join(folder, name), '');
    writeFileSync(join(folder, 'one.two.three'), '');
    const before = performance.now();
    expect(matchPaths(folder, `${stars(30)}b`)).toEqual([]);
    expect(performance.now() - before).toBeLessThan(1000);
    expect(matchPaths(folder, stars(30))).toEqual([name]);
    expect(matchPaths(folder, 'o*e.*.*e')).toEqual(['one.two.three']);
    expect(matchPaths(folder, 'o*.t?o*[e]')).toEqual(['one.two.three']);
    expect(matchPaths(folder, '*.four')).toEqual([]);
  });

  test('of a substitution', () => {
    const VALUE = 'a'.repeat(200);
    const before = performance.now();
    expect(expand(`\${VALUE#${stars(30)}b}`, { VALUE })).toBe(VALUE);
    expect(expand(`\${VALUE//${stars(30)}b/c}`, { VALUE })).toBe(VALUE);
    expect(performance.now() - before).toBeLessThan(1000);
    expect(expand('${VALUE##*/*/}', { VALUE: '/a/b/c' })).toBe('c');
    expect(expand('${VALUE%%.*.*}', { VALUE: 'a.b.c.d' })).toBe('a');
    expect(expand('${VALUE/b*d*f/-}', { VALUE: 'abcdefgf!' })).toBe('a-!');
  });
});
