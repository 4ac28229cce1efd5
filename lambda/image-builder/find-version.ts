import type { Builder } from './builder';
import type { ImageVersion } from './images';
import { sameApartFromBase, sameBuild } from './same-build';
import type { Target, View } from './target';
import { isBuilding } from './target';
import { CURRENT_VERSION_TAG } from '../../src/contract/image';

export interface FindOptions {
  /** Whether a finished version may be taken although its base image is another one than `latest` is now. */
  readonly acceptsOtherBase: (version: ImageVersion) => boolean;
}

/** A version that is what the target wants, built or being built: the current one if it is, else the newest. Failed ones are none. */
export async function findVersion(
  builder: Builder, target: Target, { view, acceptsOtherBase }: { readonly view: View } & FindOptions,
): Promise<ImageVersion | undefined> {
  const current = view.image.tags[CURRENT_VERSION_TAG];
  const candidates = view.versions
    .filter((version) => version.state === 'SUCCESSFUL' || isBuilding(version))
    // A list tells the artifact, though not the environment: it saves looking at every version.
    .filter(({ build: { codeArtifact } }) => [undefined, target.build.codeArtifact.uri].includes(codeArtifact?.uri))
    .sort((one, other) => Number(other.imageVersion === current) - Number(one.imageVersion === current));
  const described: ImageVersion[] = [];
  for (const { imageVersion } of candidates) {
    const version = await builder.images.getVersion(target.imageArn, imageVersion);
    if (version.state !== 'SUCCESSFUL' && !isBuilding(version)) continue;
    if (sameBuild(version.build, target.build)) return version;
    described.push(version);
  }
  return described.find((version) => (
    version.state === 'SUCCESSFUL' && sameApartFromBase(version.build, target.build) && acceptsOtherBase(version)
  ));
}
