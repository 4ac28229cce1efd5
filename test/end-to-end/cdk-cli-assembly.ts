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

/** Writes an assembly of one stack without assets by hand. `properties` are further ones of the stack. */
export async function smallAssembly(
  directory: string,
  stackName: string,
  template: TestTemplate,
  properties: object = {},
): Promise<string> {
  await mkdir(directory, { recursive: true });
  const templateFile = `${stackName}.template.json`;
  const stack = { type: 'aws:cloudformation:stack', environment: 'aws://000000000000/us-east-1', properties: { templateFile, ...properties } };
  await writeFile(join(directory, templateFile), JSON.stringify(template));
  await writeFile(join(directory, 'manifest.json'), JSON.stringify({ version: '36.0.0', artifacts: { [stackName]: stack } }));
  return directory;
}
