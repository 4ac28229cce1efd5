import type { Builder } from './builder';
import { expired } from './deadline';
import { deleteImage } from './delete-image';
import type { IsCompleteEvent, IsCompleteResult } from './events';
import { reconcile } from './reconcile';
import type { Step } from './step';
import { isWait } from './step';
import { waitAfter } from './waits';

/** Takes the next step of what `onEvent` started. Called until it is done, or for too long. */
export async function completeImage(builder: Builder, event: IsCompleteEvent): Promise<IsCompleteResult> {
  const step = await look(builder, event);
  if (!isWait(step)) return { IsComplete: true, Data: step.data };
  const error = expired(step, event, builder.clock.now());
  if (error) throw error;
  return { IsComplete: false };
}

async function look(builder: Builder, event: IsCompleteEvent): Promise<Step> {
  try {
    return await (event.RequestType === 'Delete' ? deleteImage(builder, event) : reconcile(builder, event));
  } catch (error) {
    const wait = waitAfter(error);
    if (!wait) throw error;
    return wait;
  }
}
