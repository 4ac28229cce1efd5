import { drain } from './drain';
import { keep } from './keep';
import type { Keeper, KeeperSummary } from './keep';
import { poolChangeOf } from './pool-change';
import { update } from './update';

/**
 * What the schedule and the pool's custom resource ask for. An event of the resource holds the URL that answers CloudFormation: it is
 * never logged, and nothing of it is used but its type and the properties.
 */
export async function answerEvent(keeper: Keeper, event: unknown): Promise<KeeperSummary | Record<string, never>> {
  const { RequestType } = (event ?? {}) as { RequestType?: unknown };
  switch (RequestType) {
    case 'Delete':
      await drain(keeper);
      return {};
    case 'Update': {
      const change = poolChangeOf(event as object);
      if (change) await update(keeper, change);
      return {};
    }
    case 'Create':
      // Without a call: right after the roles were made, none might be allowed yet.
      return {};
    default:
      return keep(keeper);
  }
}
