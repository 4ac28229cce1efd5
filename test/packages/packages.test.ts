import { cpSync, existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { InstalledProject, type Packed, ROOT } from './packed';

const HANDLERS = readdirSync(join(ROOT, 'lambda')).filter((name) => existsSync(join(ROOT, 'lambda', name, 'index.ts')));

/** A user's program. */
const USE = `
import { SandboxClient } from 'microvm-sandbox';
import { startLocalCloud } from 'microvm-sandbox-local';

const cloud = await startLocalCloud();
try {
  const [{ outputs }] = await cloud.deploy(process.argv[2]);
  Object.assign(process.env, cloud.environment);
  const client = new SandboxClient({ pool: outputs.SandboxPool });
  const sandbox = await client.create();
  const { stdout } = await sandbox.commands.run('echo here');
  await cloud.destroy('Quickstart');
  console.log(stdout + JSON.stringify(cloud.inventory().microvms));
} finally {
  await cloud.stop();
}
`;

let project: InstalledProject;
beforeAll(async () => {
  project = await InstalledProject.create(['.', './client', './local'], ['esbuild', 'tsx']);
}, 120_000);
afterAll(() => project?.remove());

const packageOf = (name: string): Packed => {
  const packed = project.packages.find((candidate) => candidate.name === name);
  if (packed === undefined) throw new Error(`${name} was not packed`);
  return packed;
};
const pathsOf = (name: string) => packageOf(name).files.map(({ path }) => path);

test.each([
  ['cdk-microvm-sandbox', 2],
  ['microvm-sandbox', 0.25],
  ['microvm-sandbox-local', 1],
])('%s is no more than %d MB to download', (name, megabytes) => {
  const { size, unpackedSize, files } = packageOf(name);
  console.info(`${name}: ${Math.round(size / 1024)} KiB packed, ${Math.round(unpackedSize / 1024)} KiB on disk, ${files.length} files`);
  expect(size).toBeLessThan(megabytes * 1024 ** 2);
});

describe('the construct package', () => {
  test('holds its bundles, its type system and its documents', () => {
    expect(pathsOf('cdk-microvm-sandbox')).toEqual(expect.arrayContaining([
      '.jsii', 'API.md', 'LICENSE', 'README.md', 'package.json', 'lib/index.js', 'lib/index.d.ts',
      'assets/runtime-image/Dockerfile', 'assets/runtime-image/daemon.js', 'assets/runtime-image/init.sh',
      ...HANDLERS.map((handler) => `assets/lambda/${handler}/index.js`),
    ]));
    expect(HANDLERS.length).toBeGreaterThanOrEqual(3);
  });

  test('holds nothing else', () => {
    const wanted = /^(lib\/.*\.(js|d\.ts)|assets\/(lambda|runtime-image)\/.*|\.jsii|\.warnings\.jsii\.js|API\.md|LICENSE|README\.md|package\.json)$/;
    expect(pathsOf('cdk-microvm-sandbox').filter((path) => !wanted.test(path))).toEqual([]);
  });
});

describe('the quickstart, with the packages alone', () => {
  const assembly = () => project.path('cdk.out');

  beforeAll(async () => {
    cpSync(join(ROOT, 'examples', 'quickstart'), project.path('quickstart'), { recursive: true });
    await project.node(['--import', 'tsx', project.path('quickstart', 'app.ts')], { CDK_OUTDIR: assembly() });
  }, 60_000);

  test('is synthesized', () => {
    const template = JSON.parse(readFileSync(join(assembly(), 'Quickstart.template.json'), 'utf8')) as { Resources: Record<string, { Type: string }> };
    expect(Object.values(template.Resources).map(({ Type }) => Type)).toContain('Custom::MicrovmSandboxImage');
    const assets = readdirSync(assembly()).filter((name) => existsSync(join(assembly(), name, 'index.js'))).length;
    expect(assets).toBeGreaterThan(HANDLERS.length);
  });

  test('is deployed, and gives a sandbox to a program', async () => {
    project.write({ 'use.mjs': USE });
    expect(await project.node(['use.mjs', assembly()])).toBe('here\n[]\n');
  }, 90_000);
});

describe.each(['microvm-sandbox', 'microvm-sandbox-local'])('the package %s', (name) => {
  test('holds compiled code, its document and its licence', () => {
    const wanted = /^(lib\/.*\.(js|d\.ts)|bin\/.*\.js|LICENSE|README\.md|package\.json)$/;
    expect(pathsOf(name).filter((path) => !wanted.test(path))).toEqual([]);
    expect(pathsOf(name)).toEqual(expect.arrayContaining(['LICENSE', 'README.md', 'package.json', 'lib/index.js', 'lib/index.d.ts']));
  });
});

describe('what a program loads', () => {
  const NAMES = { 'microvm-sandbox': 'SandboxClient', 'microvm-sandbox-local': 'startLocalCloud' };

  test.each(Object.entries(NAMES))('%s is imported by an ES module and required by a CommonJS one', async (name, exported) => {
    project.write({
      'module.mjs': `import { ${exported} } from '${name}';\nconsole.log(typeof ${exported});\n`,
      'module.cjs': `const { ${exported} } = require('${name}');\nconsole.log(typeof ${exported});\n`,
    });
    expect(await Promise.all(['module.mjs', 'module.cjs'].map((file) => project.node([file])))).toEqual(['function\n', 'function\n']);
  });

  test('the protocol is a module of its own', async () => {
    project.write({ 'protocol.mjs': "import * as protocol from 'microvm-sandbox/protocol';\nconsole.log(Object.keys(protocol).length > 1);\n" });
    expect(await project.node(['protocol.mjs'])).toBe('true\n');
  });

  test('fails on a file that no export names', async () => {
    project.write({ 'inner.cjs': "require('microvm-sandbox/lib/index.js');\n" });
    await expect(project.node(['inner.cjs'])).rejects.toMatchObject({ stderr: expect.stringContaining('ERR_PACKAGE_PATH_NOT_EXPORTED') });
  });

  test('the local cloud has its command', async () => {
    expect(await project.node([project.path('node_modules', '.bin', 'microvm-sandbox-local'), '--help'])).toContain('microvm-sandbox-local');
  });
});
