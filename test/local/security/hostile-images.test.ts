import { existsSync, mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { ZipFile } from 'yazl';
import { unpackArtifact } from '../../../local/src/microvms/image/artifact';
import { LayeredRoot } from '../../../local/src/microvms/image/layered-root';
import { matchPaths } from '../../../local/src/microvms/image/path-pattern';
import { findStartProblem } from '../../../local/src/microvms/image/start-check';
import { expand } from '../../../local/src/microvms/image/variables';

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

  test('fails for a folder', () => {
    mkdirSync(join(folder, 'etc/passwd'), { recursive: true });
    expect(problem()).toMatchObject({ exitCode: 126 });
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
