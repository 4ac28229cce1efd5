import type * as iam from 'aws-cdk-lib/aws-iam';
import type * as s3 from 'aws-cdk-lib/aws-s3';
import type { ImageHooks } from '../image-hooks';

/** A zip that the image-builder copies to the artifact's place. */
export interface CopiedArtifact {
  readonly kind: 'copied';
  readonly bucket: s3.IBucket;
  readonly key: string;
  readonly objectVersion?: string;
  /** Names the content: another content is another artifact key, and with it a new version. */
  readonly fingerprint: string;
}

/** A zip that the build reads from where it lies. */
export interface ArtifactInPlace {
  readonly kind: 'inPlace';
  readonly bucket: s3.IBucket;
  readonly key: string;
}

/** A build context of one Dockerfile, which the image-builder zips. */
export interface DockerfileArtifact {
  readonly kind: 'dockerfile';
  readonly text: string;
  readonly fingerprint: string;
  /** Lets the build pull what the Dockerfile is based on. */
  readonly grantPull: (grantee: iam.IGrantable) => void;
}

export type Artifact = CopiedArtifact | ArtifactInPlace | DockerfileArtifact;

/** What an image source becomes inside of an image. */
export interface BoundSource {
  readonly artifact: Artifact;
  /** Where the source's daemon listens; absent for an image without our runtime. */
  readonly daemonPort?: number;
  /** Hooks that the source answers by itself; absent if the user says which there are. */
  readonly hooks?: ImageHooks;
}
