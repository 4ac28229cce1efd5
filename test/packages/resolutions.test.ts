import ts from 'typescript';
import { InstalledProject } from './packed';

let project: InstalledProject;
beforeAll(async () => {
  project = await InstalledProject.create(['./client', './local'], ['@types/node']);
}, 120_000);
afterAll(() => project?.remove());

const USER = `
import { SandboxClient, type Sandbox } from 'microvm-sandbox';
import type { CreateRequest } from 'microvm-sandbox/protocol';
import { startLocalCloud } from 'microvm-sandbox-local';

export async function use(): Promise<string> {
  const sandbox: Sandbox = await new SandboxClient().create();
  return (await sandbox.commands.run('true')).stdout;
}
export const timeoutMs = (request: CreateRequest): number | undefined => request.timeoutMs;
export const endpoint = async (): Promise<string> => (await startLocalCloud()).endpoint;
// With a declaration that is not found all of it would be any.
// @ts-expect-error
export const wrong: number = new SandboxClient();
`;

/** What the compiler says of a program that uses the packages. */
function compile(file: string, options: ts.CompilerOptions): string[] {
  project.write({ [file]: USER });
  const program = ts.createProgram([project.path(file)], {
    target: ts.ScriptTarget.ES2022,
    lib: ['lib.es2022.d.ts', 'lib.esnext.disposable.d.ts'],
    types: ['node'],
    typeRoots: [project.path('node_modules', '@types')],
    strict: true,
    noEmit: true,
    skipLibCheck: true,
    ...options,
  });
  return ts.getPreEmitDiagnostics(program).map(({ messageText }) => ts.flattenDiagnosticMessageText(messageText, '\n'));
}

const { ModuleKind, ModuleResolutionKind } = ts;

test.each<[string, string, ts.CompilerOptions]>([
  ['node', 'old.ts', {
    module: ModuleKind.CommonJS, moduleResolution: ModuleResolutionKind.Node10, ignoreDeprecations: '6.0', esModuleInterop: true,
  }],
  ['node16, from CommonJS', 'common.cts', { module: ModuleKind.Node16, moduleResolution: ModuleResolutionKind.Node16 }],
  ['node16, from an ES module', 'module.mts', { module: ModuleKind.Node16, moduleResolution: ModuleResolutionKind.Node16 }],
  ['bundler', 'bundled.ts', { module: ModuleKind.ESNext, moduleResolution: ModuleResolutionKind.Bundler }],
])('the types are found by the resolution %s', (_resolution, file, options) => {
  expect(compile(file, options)).toEqual([]);
}, 60_000);
