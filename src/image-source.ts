import { existsSync, statSync } from 'fs';
import { join, resolve } from 'path';
import { IgnoreMode } from 'aws-cdk-lib';
import * as s3Assets from 'aws-cdk-lib/aws-s3-assets';
import type { Construct } from 'constructs';
import type { BoundSource } from './private/bound-source';
import { DEFAULT_EXCLUDE } from './private/default-exclude';
import { bindRuntimeContext, checkRuntimeAdditions } from './private/runtime-context';
import { ValidationError } from './validation-error';

/** What to add to the sandbox runtime. */
export interface SandboxSourceOptions {
  /**
   * Python packages, as pip names them: `pandas`, `pandas[excel]`, `pandas==2.3.1`, `pandas>=2,<3`. Installed into the venv that `python3` is of.
   *
   * @default - none
   */
  readonly pythonPackages?: string[];

  /**
   * Node packages, as npm names them: `typescript`, `@scope/name`, `typescript@5.9`. Found from every folder, their programs in the PATH.
   *
   * @default - none
   */
  readonly nodePackages?: string[];

  /**
   * Packages of Debian 12, as apt names them: `ffmpeg`, `jq`. Node, Python, git, ripgrep and the usual tools are there without.
   *
   * @default - none
   */
  readonly systemPackages?: string[];

  /**
   * Files and directories to copy: absolute path in the sandbox to path on this machine. They belong to the user that commands run as.
   *
   * Secrets that lie in a directory (`.env`, `*.pem`, `.aws` and the like), `.git` and `node_modules` are left out.
   *
   * @default - none
   */
  readonly files?: { [destination: string]: string };
}

/** How to read a directory. */
export interface DirectorySourceOptions {
  /**
   * What to leave out, as lines of a `.gitignore`. `!name` takes back what is left out by default: `.git`, `node_modules`, `cdk.out` and
   * files that hold secrets (`.env`, `*.pem`, `.aws`, `.ssh` and the like).
   *
   * @default - only what is left out by default
   */
  readonly exclude?: string[];
}

/** What an image is built from. */
export class ImageSource {
  /** The sandbox runtime with Python and Node, and what you add to it. Commands and files work only in images built from it. */
  public static sandbox(options: SandboxSourceOptions = {}): ImageSource {
    checkRuntimeAdditions(options);
    return new ImageSource((scope) => bindRuntimeContext(scope, options));
  }

  /**
   * A directory with a Dockerfile at its top. Its CMD is started once, during the build, and every sandbox continues from there.
   *
   * The image must be for arm64. The sandbox is reached through the ports its server listens on; there are no commands and no files.
   *
   * @param path Relative to the working directory of the synthesis.
   */
  public static directory(path: string, options: DirectorySourceOptions = {}): ImageSource {
    const directory = resolve(path);
    if (!existsSync(directory) || !statSync(directory).isDirectory()) {
      throw new ValidationError(`ImageSource.directory: '${path}' (${directory}) is not a directory`);
    }
    if (!existsSync(join(directory, 'Dockerfile'))) {
      throw new ValidationError(`ImageSource.directory: '${path}' (${directory}) has no Dockerfile; put one at its top`);
    }
    return new ImageSource((scope) => ({
      asset: new s3Assets.Asset(scope, 'Source', {
        path: directory,
        exclude: [...DEFAULT_EXCLUDE, ...options.exclude ?? []],
        ignoreMode: IgnoreMode.GIT,
      }),
    }));
  }

  private constructor(private readonly bind: (scope: Construct) => BoundSource) {}

  /**
   * Publishes the build context.
   * @internal
   */
  public _bind(scope: Construct): BoundSource {
    return this.bind(scope);
  }
}
