import { reportOldBase } from './base-images';
import type { Builder } from './builder';
import { explainFailure } from './explain-failure';
import { findImage } from './find-image';
import { findVersion } from './find-version';
import { isDeploying } from './image-tags';
import type { ImageVersion } from './images';
import { planRebuild } from './plan-rebuild';
import type { RebuildPlan } from './plan-rebuild';
import { settle } from './settle';
import type { Wait } from './step';
import { awaitVersion, submitVersion } from './submit';
import type { View } from './target';
import { hasFailed, isAtRest, newestFirst } from './target';
import { waitAfter } from './waits';
import type { RebuildEvent } from '../../src/contract/image';

/** Before the function's own end after 15 minutes: what it throws then, Lambda calls again, and the same token goes on. */
const PATIENCE_MS = 13 * 60_000;
/** Between two looks at most; the first come sooner. */
const LONGEST_PAUSE_MS = 10_000;

/** One delivery of the schedule's event. */
interface Run {
  readonly event: RebuildEvent;
  readonly startedAt: number;
  /** Looks that found something to do. */
  steps: number;
  /** The build failed: what is left to do is to make the image startable again. */
  hasFailed: boolean;
}

/** Builds the current version again if the service offers a newer base image, and makes the new one current. */
export async function rebuildImage(builder: Builder, event: RebuildEvent): Promise<void> {
  const { clock } = builder;
  const run: Run = { event, startedAt: clock.now(), steps: 0, hasFailed: false };
  for (;;) {
    const wait = await look(builder, run);
    if (!wait) return;
    const pauseMs = Math.min(1000 * 2 ** run.steps, LONGEST_PAUSE_MS);
    run.steps += 1;
    if (clock.now() + pauseMs > run.startedAt + PATIENCE_MS) {
      throw new Error(`The rebuild of ${event.imageArn} is not done yet: ${wait.waitsFor}.`);
    }
    await clock.sleep(pauseMs);
  }
}

async function look(builder: Builder, run: Run): Promise<Wait | undefined> {
  try {
    return await takeStep(builder, run);
  } catch (error) {
    const wait = waitAfter(error);
    if (!wait) throw error;
    return wait;
  }
}

/**
 * One step, from what there is. A rebuild gives way to deployments: each marks the image when it starts and when it is done, and is done
 * only after a look that found its own tags. So a fresh mark ends the rebuild; and one that comes between this look and its tag makes
 * the deployment set the tag again, and the next look here end.
 */
async function takeStep(builder: Builder, run: Run): Promise<Wait | undefined> {
  const { imageArn } = run.event;
  const image = await findImage(builder.images, imageArn);
  if (!image) return leave(builder, run, 'there is no such image');
  if (isDeploying(image.tags, builder.clock.now())) return leave(builder, run, 'a deployment is under way');
  const view = { image, versions: newestFirst(await builder.images.listVersions(imageArn)) };
  const plan = await planRebuild(builder, { event: run.event, startedAt: run.startedAt }, view);
  if (typeof plan === 'string') return leave(builder, run, plan);
  if (run.steps === 0 && plan.oldBase) reportOldBase(builder, plan.target.imageName, plan.oldBase);
  const version = await findWished(builder, run, { plan, view });
  if (!version) return leave(builder, run, `the image is ${image.state}`);
  if ('waitsFor' in version) return version;
  if (version.state === 'FAILED') return tellFailure(builder, run, { plan, version });
  const wait = await awaitVersion(builder, plan.target, version)
    ?? await settle(builder, plan.target, { view, version });
  return wait ?? leave(builder, run, `version ${version.imageVersion} is current`);
}

/** The version to make current: being built, built, or still to be asked for. Undefined if somebody else is at work on the image. */
async function findWished(
  builder: Builder, run: Run, { plan, view }: { readonly plan: RebuildPlan; readonly view: View },
): Promise<ImageVersion | Wait | undefined> {
  const isBusy = !isAtRest(view.image) && !hasFailed(view.image);
  // What is left to do is to clean up, perhaps after a delivery that broke off.
  if (plan.isCurrent || run.hasFailed) return isBusy && run.steps === 0 ? undefined : plan.current;
  const version = await findVersion(builder, plan.target, { view, acceptsOtherBase: () => false });
  if (version || isBusy) return version;
  return submitVersion(builder, plan.target, view);
}

/** A build that fails on the new base leaves the current version in use. */
async function tellFailure(
  builder: Builder, run: Run, { plan, version }: { readonly plan: RebuildPlan; readonly version: ImageVersion },
): Promise<Wait> {
  const error = await explainFailure(builder, plan.target, version);
  builder.log({
    level: 'error', operation: 'rebuild', message: 'the rebuild failed; the current version stays in use', current: plan.current.imageVersion, error,
  });
  run.hasFailed = true;
  return { waitsFor: 'the image goes back to its current version' };
}

function leave({ log }: Builder, { event: { imageArn } }: Run, message: string): undefined {
  log({ operation: 'rebuild', imageArn, message });
  return undefined;
}
