import type * as ecr from 'aws-cdk-lib/aws-ecr';
import type * as s3 from 'aws-cdk-lib/aws-s3';
import type * as s3Assets from 'aws-cdk-lib/aws-s3-assets';
import type { Construct } from 'constructs';
import { assetArtifact } from './private/asset-artifact';
import type { BoundSource } from './private/bound-source';
import { bindObject, checkObject } from './private/bucket-source';
import { bindDirectory, checkDirectory } from './private/directory-context';
import { bindRepository, checkDigest } from './private/repository-source';
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
   * Secrets that lie in a directory (`.env`, `*.pem`, `.aws`, Terraform state and the like), `.git` and `node_modules` are left out.
   *
   * @default - none
   */
  readonly files?: { [destination: string]: string };
}

/** How to read a directory. */
export interface DirectorySourceOptions {
  /**
   * What to leave out, as lines of a `.gitignore`. `!name` takes back what is left out by default: `.git`, `node_modules`, `cdk.out`, Terraform's
   * state, shell histories and files that hold secrets (`.env`, `*.pem`, `.aws`, `.ssh` and the like).
   *
   * @default - only what is left out by default
   */
  readonly exclude?: string[];

  /**
   * Whether the sandbox runtime is added, so that commands and files work. Its lines are appended to the last stage of the Dockerfile: the
   * daemon with a Node of its own in `/opt/microvm-sandbox`, the user `sandbox` and `/workspace` if they are missing.
   *
   * The image needs bash and glibc (2.28 or newer, with libstdc++). What its own CMD or ENTRYPOINT says is not started: start a server as a
   * command of the sandbox. Its hooks are the runtime's.
   *
   * @default false
   */
  readonly runtime?: boolean;
}

/** Which object of a bucket to take. */
export interface BucketSourceOptions {
  /**
   * Version of the object. It is copied to the artifact bucket, and another version builds another version of the image.
   *
   * @default - the object is used where it lies, and a change of it under the same key is not seen
   */
  readonly objectVersion?: string;
}

/** What an image is built from. */
export class ImageSource {
  /** The sandbox runtime with Python and Node, and what you add to it. */
  public static sandbox(options: SandboxSourceOptions = {}): ImageSource {
    checkRuntimeAdditions(options);
    return new ImageSource((scope) => bindRuntimeContext(scope, options));
  }

  /**
   * A directory with a Dockerfile at its top. Its CMD is started once, during the build, and every sandbox continues from there.
   *
   * A link that leads out of the directory is refused: what it leads to would be uploaded.
   *
   * The image must be for arm64. The sandbox is reached through the ports its server listens on; there are no commands and no files
   * without the option `runtime`.
   *
   * @param path Relative to the working directory of the synthesis.
   */
  public static directory(path: string, options: DirectorySourceOptions = {}): ImageSource {
    const directory = checkDirectory(path);
    return new ImageSource((scope) => bindDirectory(scope, directory, options));
  }

  /**
   * An asset of yours: a zip, or a directory that becomes one, with a Dockerfile at its root. Nothing is left out of it by this library.
   *
   * There are no commands and no files, as of a `directory` without `runtime`.
   */
  public static asset(asset: s3Assets.Asset): ImageSource {
    if (!asset.isZipArchive) {
      throw new ValidationError(
        'ImageSource.asset: the asset is a single file, and not a .zip; make the asset of a directory or of a .zip with a Dockerfile at its root',
        asset,
      );
    }
    return new ImageSource(() => ({ artifact: assetArtifact(asset) }));
  }

  /**
   * A zip in a bucket, with a Dockerfile at its root. Without a version it is used where it lies: the bucket must be in the stack's Region,
   * and the object must stay there for as long as the image is built from it. Put a hash of the content into the key.
   *
   * The bucket's policy must allow what the image's build role and builder are granted, if it is another account's.
   */
  public static bucket(bucket: s3.IBucket, key: string, options: BucketSourceOptions = {}): ImageSource {
    checkObject(key, options);
    return new ImageSource((scope) => bindObject(scope, bucket, { key, ...options }));
  }

  /**
   * A container image for arm64 in a private ECR repository of the same account, by its digest (`sha256:` and 64 hexadecimal digits). Its CMD is
   * started once, during the build. The build role may pull from this repository.
   */
  public static ecr(repository: ecr.IRepository, digest: string): ImageSource {
    checkDigest(digest);
    return new ImageSource((scope) => bindRepository(scope, repository, digest));
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
