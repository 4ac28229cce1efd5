import { join } from 'node:path';

/** Names the engine's image, where an image without an engine has its files. */
export function referenceIn(rootfs: string): string {
  return join(rootfs, 'container-image');
}
