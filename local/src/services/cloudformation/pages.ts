import { ServiceError } from '../service-error';

export interface Page<Item> {
  readonly items: Item[];
  readonly nextToken?: string;
}

/**
 * One page of a list. The token names the last item that was sent, not a count: what comes in at the head of a list meanwhile neither
 * shifts the next page nor shows up in it.
 */
export function pageOf<Item>(
  all: readonly Item[],
  token: string | undefined,
  { size = 100, keyOf }: { readonly size?: number; readonly keyOf: (item: Item) => string },
): Page<Item> {
  const last = token === undefined ? undefined : Buffer.from(token, 'base64url').toString();
  const at = last === undefined ? -1 : all.findIndex((item) => keyOf(item) === last);
  if (last !== undefined && at < 0) throw new ServiceError('ValidationError', 'NextToken is not one that this list answered');
  const items = all.slice(at + 1, at + 1 + size);
  const end = items.at(-1);
  const isLast = end === undefined || at + 1 + size >= all.length;
  return { items, ...(!isLast && { nextToken: Buffer.from(keyOf(end)).toString('base64url') }) };
}
