import { drain } from './drain';
import { keep } from './keep';
import type { Keeper, KeeperSummary } from './keep';

/**
 * What the schedule and the pool's custom resource ask for. An event of the resource holds the URL that answers CloudFormation: it is
 * never logged, and nothing of it is used but its type.
 */
export async function answerEvent(keeper: Keeper, event: unknown): Promise<KeeperSummary | Record<string, never>> {
  switch ((event as { RequestType?: unknown } | null | undefined)?.RequestType) {
    case 'Delete':
      await drain(keeper);
      return {};
    case 'Create':
    case 'Update':
      // Without a call: right after the roles were made, none might be allowed yet.
      return {};
    default:
      return keep(keeper);
  }
}
