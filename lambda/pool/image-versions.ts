import type { Pool } from './pool';
import { ServiceError } from './service-error';

/** How long an answer of the service stands: creating many sandboxes asks it once a minute per Lambda environment. */
const KNOWN_MS = 60_000;

/** Which version of the image new sandboxes run: the pool's own, or the one that the image names as its current. */
export class ImageVersions {
  private known?: { readonly version: string; readonly until: number };

  constructor(private readonly pool: Pick<Pool, 'configuration' | 'microvms' | 'clock'>) {}

  /** The version, where nobody has to be asked. */
  get atHand(): string | undefined {
    const { clock, configuration } = this.pool;
    if (this.known && clock.now() < this.known.until) return this.known.version;
    return configuration.imageVersion ?? undefined;
  }

  /** Asks the service. Throws `ServiceError`. */
  async lookUp(): Promise<string> {
    const { configuration: { imageArn }, microvms, clock } = this.pool;
    const version = await microvms.currentVersion(imageArn);
    if (version === undefined) {
      throw new ServiceError({
        kind: 'not_found', operation: 'GetMicrovmImage', message: 'the image has no version that can be run', certain: true,
      });
    }
    this.known = { version, until: clock.now() + KNOWN_MS };
    return version;
  }

  /** The current version after the service refused to run this one, or undefined if there is no other. */
  async insteadOf(refused: string): Promise<string | undefined> {
    this.known = undefined;
    try {
      const version = await this.lookUp();
      return version === refused ? undefined : version;
    } catch (error) {
      // The refusal itself is the better answer.
      if (error instanceof ServiceError) return undefined;
      throw error;
    }
  }
}
