import { Annotations, Token } from 'aws-cdk-lib';
import type { IConstruct } from 'constructs';
import { LATEST_BASE_IMAGE } from './contract/image';
import { ValidationError } from './validation-error';

/** Newest version that the platform is known to have. */
const NEWEST_VERSION = 1;

/**
 * Version of the managed base image `al2023-1`: the system that the platform boots under your container.
 *
 * AWS publishes a new one now and then. 60 days after that the former is DEPRECATED, 30 days later EXPIRING, when nothing can be built on it
 * any more, and then EXPIRED, when what was built on it does not start. A deployment on one that is not AVAILABLE says so in the log of the
 * image-builder, in `image.baseImageStatus` and in the metric `DeprecatedBaseImage`.
 */
export class BaseImage {
  /** Version 1 of `al2023-1`. The same template builds the same image until you change it. */
  public static readonly AL2023_1 = new BaseImage('1');

  /** Exactly this version: a bare whole number like `1`. The platform answers with `1.0`, and refuses that as an input. */
  public static of(version: string): BaseImage {
    if (!Token.isUnresolved(version) && !/^\d{1,9}$/.test(version)) {
      const bare = /^(\d+)\.0$/.exec(version)?.[1];
      throw new ValidationError(
        `baseImage: '${version}' is not a version of a base image; `
        + (bare === undefined ? 'it is a whole number from 0, like 1' : `the platform answers with ${version} but takes the bare ${bare} only`),
      );
    }
    return new BaseImage(version);
  }

  /**
   * The newest AVAILABLE version when the image is deployed.
   *
   * A deployment that changes nothing of the image does not look; see `rebuildOnNewBase`.
   */
  public static latest(): BaseImage {
    return new BaseImage(LATEST_BASE_IMAGE);
  }

  private constructor(private readonly version: string) {}

  /**
   * Whether the version is found out at deploy time.
   * @internal
   */
  public get _isLatest(): boolean {
    return this.version === LATEST_BASE_IMAGE;
  }

  /**
   * The value for the image resource.
   * @internal
   */
  public _render(scope: IConstruct): string {
    if (!Token.isUnresolved(this.version) && Number(this.version) < NEWEST_VERSION) {
      Annotations.of(scope).addWarningV2(
        'cdk-microvm-sandbox:olderBaseImage',
        `baseImage: version ${this.version} is older than ${NEWEST_VERSION}. AWS deprecates a version 60 days after the next one, and ends it later: `
        + 'use BaseImage.AL2023_1, or BaseImage.latest().',
      );
    }
    return this.version;
  }
}
