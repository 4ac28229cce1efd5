import type { ArtifactStore } from './artifacts';
import type { BuildLogs } from './build-log';
import type { ImageClient } from './images';
import type { Clock } from '../pool/clock';
import type { Log } from '../pool/log';

/** What the handlers work with. */
export interface Builder {
  readonly images: ImageClient;
  readonly artifacts: ArtifactStore;
  readonly logs: BuildLogs;
  readonly clock: Clock;
  readonly log: Log;
}
