import type { ArtifactStore } from './artifacts';
import type { ImageClient } from './images';
import type { Clock } from '../pool/clock';

/** What the handlers work with. */
export interface Builder {
  readonly images: ImageClient;
  readonly artifacts: ArtifactStore;
  readonly clock: Clock;
}
