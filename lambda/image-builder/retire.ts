import type { Builder } from './builder';
import type { ImageVersion } from './images';
import type { Target, View } from './target';

/** Versions that microVMs may still be started from, though another one is current. */
export function outdated({ versions }: View, current: string): ImageVersion[] {
  return versions.filter(({ imageVersion, state, status }) => imageVersion !== current && state === 'SUCCESSFUL' && status === 'ACTIVE');
}

/** Lets no new microVM start from the outdated versions. Those that run go on; and it can be taken back at once. */
export async function retire(
  { images }: Builder, { imageArn }: Target, versions: readonly ImageVersion[],
): Promise<void> {
  for (const { imageVersion } of versions) await images.setStatus(imageArn, imageVersion, 'INACTIVE');
}
