import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

type Artifacts = Readonly<Record<string, Artifact>>;

interface Manifest {
  readonly artifacts?: Artifacts;
}

interface Artifact {
  readonly type: string;
  readonly environment?: string;
  readonly dependencies?: readonly string[];
  readonly displayName?: string;
  readonly properties?: {
    readonly templateFile?: string;
    readonly stackName?: string;
    readonly parameters?: Readonly<Record<string, string>>;
    readonly tags?: Readonly<Record<string, string>>;
    readonly file?: string;
    readonly directoryName?: string;
  };
}

/** A stack as the CDK synthesized it. */
export interface AssemblyStack {
  readonly artifactId: string;
  readonly stackName: string;
  /** The construct's path, which `cdk deploy` also takes for a name. */
  readonly displayName: string;
  /** `aws://<account>/<region>`, either of which may be unknown. */
  readonly environment: string;
  /** As it was synthesized: JSON or YAML. */
  readonly templateBody: string;
  readonly parameters: Readonly<Record<string, string>>;
  readonly tags: Readonly<Record<string, string>>;
  readonly assetManifests: readonly string[];
  /** Artifact ids of the stacks that come first. */
  readonly dependencies: readonly string[];
}

/** The stacks of a cloud assembly and of those nested in it, each after those that it depends on. */
export function readCloudAssembly(directory: string): AssemblyStack[] {
  const stacks = readStacks(directory);
  const ordered = new Set<AssemblyStack>();
  const add = (stack: AssemblyStack): void => {
    if (ordered.has(stack)) return;
    for (const other of stacks) if (stack.dependencies.includes(other.artifactId)) add(other);
    ordered.add(stack);
  };
  stacks.forEach(add);
  return [...ordered];
}

/** The stacks with these names and those that they depend on. Without names: all. */
export function selectStacks(stacks: readonly AssemblyStack[], names: readonly string[] | undefined): AssemblyStack[] {
  if (!names) return [...stacks];
  const wanted = new Set<AssemblyStack>();
  const add = (stack: AssemblyStack): void => {
    wanted.add(stack);
    for (const other of stacks) if (stack.dependencies.includes(other.artifactId) && !wanted.has(other)) add(other);
  };
  for (const name of names) {
    const found = stacks.find((stack) => [stack.stackName, stack.displayName, stack.artifactId].includes(name));
    if (!found) {
      const known = stacks.map(({ stackName }) => stackName).join(', ') || 'none';
      throw new Error(`deploy: the assembly has no stack "${name}"; it has ${known}`);
    }
    add(found);
  }
  return stacks.filter((stack) => wanted.has(stack));
}

function readStacks(directory: string): AssemblyStack[] {
  const file = join(directory, 'manifest.json');
  if (!existsSync(file)) {
    throw new Error(`deploy: "${directory}" is no cloud assembly: it has no manifest.json; give the folder that \`cdk synth\` wrote`);
  }
  const { artifacts = {} } = JSON.parse(readFileSync(file, 'utf8')) as Manifest;
  return Object.entries(artifacts).flatMap(([artifactId, artifact]) => {
    const { type, properties = {} } = artifact;
    if (type === 'cdk:cloud-assembly') return readStacks(join(directory, properties.directoryName ?? ''));
    return type === 'aws:cloudformation:stack' ? [readStack(directory, artifactId, artifacts)] : [];
  });
}

function readStack(directory: string, artifactId: string, artifacts: Artifacts): AssemblyStack {
  const { properties = {}, dependencies = [], environment = '', displayName } = artifacts[artifactId];
  return {
    artifactId,
    stackName: properties.stackName ?? artifactId,
    displayName: displayName ?? artifactId,
    environment,
    templateBody: readFileSync(join(directory, properties.templateFile ?? ''), 'utf8'),
    parameters: properties.parameters ?? {},
    tags: properties.tags ?? {},
    assetManifests: dependencies
      .filter((id) => artifacts[id]?.type === 'cdk:asset-manifest')
      .map((id) => join(directory, artifacts[id].properties?.file ?? '')),
    dependencies,
  };
}
