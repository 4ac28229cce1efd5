import { artifactPrefix } from './artifacts';
import type { Builder } from './builder';
import type { IsCompleteEvent } from './events';
import type { ListedMicrovm } from './images';
import { findArtifactProperties } from './properties';
import { ServiceError } from '../pool/service-error';

/** Below the platform's 10 terminations a second, which other parts of the account share. */
const TERMINATION_INTERVAL_MS = 125;
/** Twenty seconds' worth; the next look goes on. */
const TERMINATIONS_PER_LOOK = 160;

/** Takes the next step of a delete: drain, delete, wait, clean up. True once nothing is left. */
export async function deleteImage(builder: Builder, event: IsCompleteEvent): Promise<boolean> {
  const imageArn = event.PhysicalResourceId;
  const state = await findState(builder, imageArn);
  if (state !== undefined) {
    await dismantle(builder, imageArn, state);
    return false;
  }
  const artifact = findArtifactProperties(event.ResourceProperties);
  if (artifact) await builder.artifacts.deleteAll(artifact.ArtifactBucket, artifactPrefix(artifact.ArtifactKey));
  return true;
}

/** Undefined if there is no such image, also for an id of a shape that this builder never gave out. */
async function findState({ images }: Builder, imageArn: string): Promise<string | undefined> {
  if (!/^arn:[^:]+:lambda:[^:]+:[^:]+:microvm-image:/.test(imageArn)) return undefined;
  try {
    const { state } = await images.get(imageArn);
    return state === 'DELETED' ? undefined : state;
  } catch (error) {
    if (error instanceof ServiceError && error.kind === 'not_found') return undefined;
    throw error;
  }
}

async function dismantle({ images, clock }: Builder, imageArn: string, state: string): Promise<void> {
  if (state === 'DELETING') return;
  const microvms = (await images.listMicrovms(imageArn)).filter((microvm) => microvm.state !== 'TERMINATED');
  if (microvms.length > 0) return drain({ images, clock }, microvms);
  // A build cannot be cancelled, and the service refuses to delete an image while one runs.
  if (state === 'CREATING' || state === 'UPDATING') return;
  try {
    await images.delete(imageArn);
  } catch (error) {
    if (!(error instanceof ServiceError) || !(error.kind === 'refused' && /cannot delete/i.test(error.message))) throw error;
  }
}

async function drain({ images, clock }: Pick<Builder, 'images' | 'clock'>, microvms: readonly ListedMicrovm[]): Promise<void> {
  const staying = microvms.filter(({ state }) => state !== 'TERMINATING').slice(0, TERMINATIONS_PER_LOOK);
  for (const { microvmId } of staying) {
    try {
      await images.terminate(microvmId);
    } catch (error) {
      // The next look finds those that stayed.
      if (!(error instanceof ServiceError) || error.kind === 'refused') throw error;
    }
    await clock.sleep(TERMINATION_INTERVAL_MS);
  }
}
