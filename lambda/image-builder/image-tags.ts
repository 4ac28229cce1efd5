import { createHash } from 'node:crypto';
import type { ProviderEvent } from './events';

/** A tag takes 256 characters of few kinds, so what may be longer stands there as a hash. */
export const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');

/** Names the attempt that created the image. */
export const ATTEMPT_TAG = 'cdk-microvm-sandbox:attempt';
/** Tells an image of this resource from one that merely has the name. */
export const OWNER_TAG = 'cdk-microvm-sandbox:owner';
/** When the last deployment started, which it is, and `done` once it is. A rebuild keeps away from one that is under way. */
export const DEPLOYMENT_TAG = 'cdk-microvm-sandbox:deployment';
/** The version that was current before: a rollback asks for it, though newer ones may have been built in between. */
export const PREVIOUS_VERSION_TAG = 'cdk-microvm-sandbox:previous';

/** Tags that no user sets: ours, and those of AWS. */
export const RESERVED_TAG = { any: /^(aws|cdk-microvm-sandbox):/i, none: /^(?!(aws|cdk-microvm-sandbox):)/i };

/** CloudFormation gives up on a custom resource after an hour. */
const DEPLOYMENT_MS = 3_600_000;

export function ownerTags({ StackId, LogicalResourceId }: Pick<ProviderEvent, 'StackId' | 'LogicalResourceId'>): Record<string, string> {
  return { [OWNER_TAG]: sha256(`${StackId} ${LogicalResourceId}`) };
}

export function attemptTags({ RequestId }: Pick<ProviderEvent, 'RequestId'>): Record<string, string> {
  return { [ATTEMPT_TAG]: sha256(RequestId) };
}

export function deploymentTags(event: Pick<ProviderEvent, 'RequestId'> & { readonly StartedAt: number }, phase: 'started' | 'done') {
  const started = `${event.StartedAt} ${sha256(event.RequestId).slice(0, 32)}`;
  return { [DEPLOYMENT_TAG]: phase === 'done' ? `${started} done` : started };
}

/** True while the deployment that a tag tells of may go on. */
export function isDeploying(tags: Readonly<Record<string, string>>, now: number): boolean {
  const [startedAt, , done] = (tags[DEPLOYMENT_TAG] ?? '').split(' ');
  return done === undefined && now - Number(startedAt) < DEPLOYMENT_MS;
}
