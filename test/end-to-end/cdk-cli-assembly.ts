import { createHash } from 'node:crypto';
import { cp, mkdir, mkdtemp, readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export interface TestTemplate {
  Resources: Record<string, { Type: string; Properties?: Record<string, unknown> }>;
  Outputs?: Record<string, unknown>;
}

/** A copy of an assembly whose stack has another template, as if it had been synthesized so. */
export async function changedAssembly(
  assembly: string,
  stackName: string,
  change: (template: TestTemplate) => void,
): Promise<string> {
  const copy = await mkdtemp(join(tmpdir(), 'changed-assembly-'));
  await cp(assembly, copy, { recursive: true });
  const file = join(copy, `${stackName}.template.json`);
  const template = JSON.parse(await readFile(file, 'utf8')) as TestTemplate;
  change(template);
  const text = JSON.stringify(template);
  await writeFile(file, text);
  // A template is an asset, named after its content.
  const manifest = await readFile(join(copy, 'manifest.json'), 'utf8');
  const before = /stackTemplateAssetObjectUrl": "[^"]*\/([0-9a-f]{64})\.json"/.exec(manifest)?.[1] ?? '';
  const after = createHash('sha256').update(text).digest('hex');
  for (const name of ['manifest.json', `${stackName}.assets.json`]) {
    const content = await readFile(join(copy, name), 'utf8');
    await writeFile(join(copy, name), content.replaceAll(before, after));
  }
  return copy;
}

export interface SmallStack {
  readonly template: TestTemplate;
  /** Names of the stacks that it comes after. */
  readonly dependencies?: readonly string[];
  /** Further ones than the file of its template. */
  readonly properties?: object;
}

/** Writes an assembly of stacks without assets by hand. */
export async function smallAssembly(directory: string, stacks: Readonly<Record<string, SmallStack>>): Promise<string> {
  await mkdir(directory, { recursive: true });
  const artifacts: Record<string, object> = {};
  for (const [stackName, { template, dependencies = [], properties }] of Object.entries(stacks)) {
    const templateFile = `${stackName}.template.json`;
    await writeFile(join(directory, templateFile), JSON.stringify(template));
    artifacts[stackName] = {
      type: 'aws:cloudformation:stack', environment: 'aws://000000000000/us-east-1', dependencies, properties: { templateFile, ...properties },
    };
  }
  await writeFile(join(directory, 'manifest.json'), JSON.stringify({ version: '36.0.0', artifacts }));
  return directory;
}
