import { copyFileSync, readFileSync, writeFileSync } from 'fs';
import { join } from 'path';
import { Duration } from 'aws-cdk-lib';
import type { Construct } from 'constructs';
import { composedArtifact } from './asset-artifact';
import type { Artifact, BoundSource } from './bound-source';
import { checkCopiedFiles, stageFiles } from './copied-files';
import { checkPackageNames, NODE_PACKAGES, PYTHON_PACKAGES, SYSTEM_PACKAGES } from './package-names';
import { shippedAsset } from './shipped-assets';
import { DAEMON_FILE, DAEMON_PORT, DOCKERFILE, HOOK_PORT, INIT_FILE } from '../contract/runtime';
import type { ImageHooks } from '../image-hooks';
import type { SandboxSourceOptions } from '../image-source';
import { ValidationError } from '../validation-error';

/** Line of the Dockerfile that the additions take the place of. */
const ADDITIONS_MARKER = '# additions';

/** What the daemon answers, wherever it runs. */
const RUNTIME_HOOKS: ImageHooks = {
  port: HOOK_PORT,
  ready: { timeout: Duration.minutes(5) },
  validate: { timeout: Duration.minutes(5) },
  run: { timeout: Duration.seconds(30) },
  resume: { timeout: Duration.seconds(30) },
  suspend: { timeout: Duration.seconds(30) },
  terminate: { timeout: Duration.seconds(10) },
};

/** Refuses additions before anything is created. */
export function checkRuntimeAdditions(options: SandboxSourceOptions): void {
  checkPackageNames(PYTHON_PACKAGES, options.pythonPackages);
  checkPackageNames(NODE_PACKAGES, options.nodePackages);
  checkPackageNames(SYSTEM_PACKAGES, options.systemPackages);
  checkCopiedFiles(options.files);
}

/** The build context of the sandbox runtime with the user's additions. */
export function bindRuntimeContext(scope: Construct, options: SandboxSourceOptions): BoundSource {
  return withDaemon(composedArtifact(scope, (context) => writeContext(context, options)));
}

/** A source whose images answer the daemon's port and hooks. */
export function withDaemon(artifact: Artifact): BoundSource {
  return { artifact, daemonPort: DAEMON_PORT, hooks: RUNTIME_HOOKS };
}

function writeContext(context: string, options: SandboxSourceOptions): void {
  const runtime = shippedAsset('runtime-image', DOCKERFILE, INIT_FILE, DAEMON_FILE);
  for (const file of [INIT_FILE, DAEMON_FILE]) copyFileSync(join(runtime, file), join(context, file));
  const template = readFileSync(join(runtime, DOCKERFILE), 'utf8');
  const additions = [...installLines(options), ...stageFiles(context, options.files)];
  writeFileSync(join(context, DOCKERFILE), insert(template, additions));
}

function insert(template: string, additions: string[]): string {
  const lines = template.split('\n');
  const marker = lines.findIndex((line) => line.startsWith(ADDITIONS_MARKER));
  if (marker === -1) throw new ValidationError(`the Dockerfile of the sandbox runtime has no line '${ADDITIONS_MARKER}'`);
  return [...lines.slice(0, marker), ...additions, ...lines.slice(marker + 1)].join('\n');
}

/**
 * System packages as root, the others as the sandbox's user, to whom the venv and the Node packages belong. The names are checked
 * before: they cannot be more than a word to the shell or the program.
 */
function installLines({ systemPackages = [], pythonPackages = [], nodePackages = [] }: SandboxSourceOptions): string[] {
  const system = systemPackages.length === 0 ? [] : [
    `RUN apt-get update && apt-get install --yes --no-install-recommends ${systemPackages.join(' ')} && rm -rf /var/lib/apt/lists/*`,
  ];
  const others = [
    ...runLine(['python3', '-m', 'pip', 'install', '--no-cache-dir'], pythonPackages),
    ...runLine(['npm', 'install', '--no-fund', '--no-audit', '--prefix', '/opt/sandbox-node'], nodePackages),
  ];
  return [...system, ...(others.length === 0 ? [] : ['USER sandbox', ...others, 'USER root'])];
}

/** In exec form: no shell reads the names. */
function runLine(command: string[], packages: readonly string[]): string[] {
  return packages.length === 0 ? [] : [`RUN ${JSON.stringify([...command, ...packages])}`];
}
