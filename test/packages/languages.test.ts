import { execFile } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';

const ROOT = join(__dirname, '..', '..');
const PACMAK = join(dirname(require.resolve('jsii-pacmak/package.json')), 'bin', 'jsii-pacmak');
const EXAMPLE = join(ROOT, 'examples', 'python', 'app.py');

const run = promisify(execFile);
const folder = mkdtempSync(join(tmpdir(), 'languages-'));
const inFolder = (...path: string[]) => join(folder, ...path);

// Of the compiled package, without the tools of any of these languages.
beforeAll(async () => {
  await run(process.execPath, [
    PACMAK, '--code-only', '--no-npmignore', '--targets', 'python', 'java', 'dotnet', 'go', '--outdir', folder,
  ], { cwd: ROOT, timeout: 110_000 });
}, 120_000);
afterAll(() => rmSync(folder, { recursive: true, force: true }));

test.each([
  ['Python', 'python/src/cdk_microvm_sandbox/__init__.py', /^class SandboxPool\($/m],
  ['Java', 'java/src/main/java/io/github/cdkmicrovmsandbox/SandboxPool.java', /^public class SandboxPool extends /m],
  ['.NET', 'dotnet/CdkMicrovmSandbox/CdkMicrovmSandbox/SandboxPool.cs', /public class SandboxPool : /],
  ['Go', 'go/cdkmicrovmsandbox/SandboxPool.go', /^func NewSandboxPool\(/m],
])('the %s sources have the pool', (_language, file, declaration) => {
  expect(readFileSync(inFolder(file), 'utf8')).toMatch(declaration);
});

test('each source tree carries the package itself, which its code calls', () => {
  const bundled = ['python/src/cdk_microvm_sandbox/_jsii', 'dotnet/CdkMicrovmSandbox', 'go/cdkmicrovmsandbox/jsii'];
  expect(bundled.map((path) => readdirSync(inFolder(path)).filter((name) => name.endsWith('.tgz')).length)).toEqual([1, 1, 1]);
});

test('the Go module and the Python distribution have the names of the package', () => {
  expect(readFileSync(inFolder('go/cdkmicrovmsandbox/go.mod'), 'utf8'))
    .toContain('module github.com/cdk-microvm-sandbox/cdk-microvm-sandbox-go/cdkmicrovmsandbox');
  expect(readFileSync(inFolder('python/setup.py'), 'utf8')).toContain('"name": "cdk-microvm-sandbox"');
});

describe('the Python example', () => {
  /** What the app asked jsii for: kind, type, then the keywords of a new object or the member's name. */
  async function runApp(app: string): Promise<[kind: string, type: string, detail: string | string[]][]> {
    // -O leaves out type checks at run time, which need a package that is not here.
    const args = ['-O', '-B', join(__dirname, 'run_example.py'), inFolder('python', 'src'), app];
    const { stdout } = await run('python3', args, { timeout: 30_000 });
    return JSON.parse(stdout);
  }

  test('uses names that the generated package has', async () => {
    const asked = await runApp(EXAMPLE);
    expect(asked).toContainEqual(['sinvoke', 'cdk-microvm-sandbox.ImageSource', 'sandbox']);
    expect(asked).toContainEqual([
      'create', 'cdk-microvm-sandbox.SandboxPool', ['default_timeout', 'idle_policy', 'image', 'max_sandboxes', 'network'],
    ]);
    expect(asked).toContainEqual(['invoke', 'cdk-microvm-sandbox.SandboxPool', 'connect']);
  });

  test.each([
    ['keyword', 'max_sandboxes', 'maxSandboxes', "unexpected keyword argument 'maxSandboxes'"],
    ['keyword of a factory', 'python_packages', 'packages', "unexpected keyword argument 'packages'"],
    ['property', 'allocator_arn', 'arn', "has no attribute 'arn'"],
    ['method', 'pool.connect', 'pool.join', "has no attribute 'join'"],
    ['constant', 'MIB_2048', 'MIB_2', "has no attribute 'MIB_2'"],
    ['class', 'SandboxNetwork', 'Network', "cannot import name 'Network'"],
  ])('fails with a %s that is not there', async (_kind, name, other, message) => {
    const app = inFolder('app.py');
    writeFileSync(app, readFileSync(EXAMPLE, 'utf8').replaceAll(name, other));
    await expect(runApp(app)).rejects.toMatchObject({ stderr: expect.stringContaining(message) });
  });

  test('has the files that a user starts from', () => {
    const files = ['app.py', 'cdk.json', 'requirements.txt', 'README.md'];
    expect(files.filter((name) => !existsSync(join(dirname(EXAMPLE), name)))).toEqual([]);
  });
});
