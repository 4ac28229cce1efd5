import { existsSync, readdirSync } from 'node:fs';
import { mkdtemp, readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runProgram } from './run-program';

const TEST = join(__dirname, '..');
const EXAMPLES = join(TEST, '..', 'examples');

/** A program that synthesizes stacks when it ends, as the CDK CLI starts it. */
export interface CdkApp {
  readonly name: string;
  readonly file: string;
}

/** `test/integ.<feature>.ts`, each deployable by itself. */
export const INTEG_APPS: readonly CdkApp[] = readdirSync(TEST)
  .flatMap((name) => /^(integ\.[a-z0-9-]+)\.ts$/.exec(name)?.[1] ?? [])
  .map((name) => ({ name, file: join(TEST, `${name}.ts`) }));

export const EXAMPLE_APPS: readonly CdkApp[] = readdirSync(EXAMPLES)
  .map((name) => ({ name: `example.${name}`, file: join(EXAMPLES, name, 'app.ts') }))
  .filter(({ file }) => existsSync(file));

/** Where the committed templates of an app are. */
export const snapshotFolder = ({ name }: CdkApp): string => join(TEST, `${name}.snapshot`);

/** Synthesizes apps from sources in one process, with CDK's own check of templates. Answers the folder of their assemblies, by name. */
export async function synthesizeApps(apps: readonly CdkApp[]): Promise<string> {
  const outdir = await mkdtemp(join(tmpdir(), 'apps-'));
  const args = ['--import', 'tsx', join(__dirname, 'synthesize-apps.ts'), outdir, ...apps.flatMap(({ name, file }) => [name, file])];
  const { exitCode, output } = await runProgram(args, {
    env: { ...process.env, TSX_TSCONFIG_PATH: join(TEST, 'tsconfig.json'), CDK_VALIDATION: 'true' },
  });
  if (exitCode !== 0) throw new Error(`the synthesis of the apps ended with ${exitCode}:\n${output}`);
  return outdir;
}

/** The templates of an assembly, by file name, as they are committed. */
export async function templatesOf(assembly: string): Promise<Record<string, string>> {
  const files = readdirSync(assembly).filter((name) => name.endsWith('.template.json')).sort();
  const read = async (name: string) => [name, masked(await readFile(join(assembly, name), 'utf8'))] as const;
  return Object.fromEntries(await Promise.all(files.map(read)));
}

/** The committed templates of an app; none before the first `npm run snapshots`. */
export async function committedTemplates(app: CdkApp): Promise<Record<string, string>> {
  return existsSync(snapshotFolder(app)) ? templatesOf(snapshotFolder(app)) : {};
}

/** What CDK's own check found in the templates of an assembly, one line each. Without the check there is no report, and this fails. */
export async function validationFindings(assembly: string): Promise<string[]> {
  const report = JSON.parse(await readFile(join(assembly, 'validation-report.json'), 'utf8')) as ValidationReport;
  const violations = report.pluginReports.flatMap((plugin) => plugin.violations);
  return violations.map(({ severity, ruleName, description }) => `${severity} ${ruleName}: ${description}`);
}

/** Names of the stacks of an assembly that are for this Region, or for any. */
export async function stacksForRegion(assembly: string, region: string): Promise<string[]> {
  const { artifacts } = JSON.parse(await readFile(join(assembly, 'manifest.json'), 'utf8')) as Manifest;
  return Object.entries(artifacts)
    .filter(([, { type, environment = '' }]) => (
      type === 'aws:cloudformation:stack' && (environment.endsWith(`/${region}`) || environment.endsWith('/unknown-region'))
    ))
    .map(([name]) => name);
}

interface Manifest {
  readonly artifacts: Readonly<Record<string, { readonly type: string; readonly environment?: string }>>;
}

interface ValidationReport {
  readonly pluginReports: readonly {
    readonly violations: readonly Readonly<Record<'ruleName' | 'severity' | 'description', string>>[];
  }[];
}

/** Masked are asset hashes, which change with every dependency of a bundle. */
function masked(template: string): string {
  return `${template.replace(/[0-9a-f]{64}/g, '<asset-hash>').trimEnd()}\n`;
}
