import { existsSync, readFileSync, statSync } from 'fs';
import { join, resolve } from 'path';
import { Annotations, IgnoreMode } from 'aws-cdk-lib';
import * as s3Assets from 'aws-cdk-lib/aws-s3-assets';
import type { Construct } from 'constructs';
import { addRuntime } from './added-runtime';
import { assetArtifact, composedArtifact } from './asset-artifact';
import type { BoundSource } from './bound-source';
import { copyTree } from './copied-files';
import { DEFAULT_EXCLUDE } from './default-exclude';
import { commandOf } from './dockerfile-command';
import { refuseOutwardLinks } from './outward-links';
import { withDaemon } from './runtime-context';
import { DOCKERFILE } from '../contract/runtime';
import type { DirectorySourceOptions } from '../image-source';
import { ValidationError } from '../validation-error';

/** The directory, if it can be a build context. */
export function checkDirectory(path: string): string {
  const directory = resolve(path);
  if (!existsSync(directory) || !statSync(directory).isDirectory()) {
    throw new ValidationError(`ImageSource.directory: '${path}' (${directory}) is not a directory`);
  }
  if (!existsSync(join(directory, DOCKERFILE))) {
    throw new ValidationError(`ImageSource.directory: '${path}' (${directory}) has no Dockerfile; put one at its top`);
  }
  return directory;
}

export function bindDirectory(scope: Construct, directory: string, options: DirectorySourceOptions): BoundSource {
  const exclude = [...DEFAULT_EXCLUDE, ...options.exclude ?? []];
  if (!options.runtime) {
    refuseOutwardLinks(directory, exclude);
    const asset = new s3Assets.Asset(scope, 'Source', { path: directory, exclude, ignoreMode: IgnoreMode.GIT });
    return { artifact: assetArtifact(asset) };
  }
  warnOfCommand(scope, join(directory, DOCKERFILE));
  return withDaemon(composedArtifact(scope, (context) => {
    copyTree(directory, context, exclude);
    if (!existsSync(join(context, DOCKERFILE))) {
      throw new ValidationError("ImageSource.directory: exclude leaves the Dockerfile out; add '!Dockerfile'");
    }
    addRuntime(context);
  }));
}

function warnOfCommand(scope: Construct, dockerfile: string): void {
  const command = commandOf(readFileSync(dockerfile, 'utf8'));
  if (command === undefined) return;
  Annotations.of(scope).addWarningV2(
    'cdk-microvm-sandbox:commandReplaced',
    `ImageSource.directory: with runtime the sandbox runtime is started, and '${command.slice(0, 200)}' of the Dockerfile is not. Remove it, `
    + 'and start a server as a command of the sandbox.',
  );
}
