import { check } from './constraints';
import { type Cursors } from './cursors';
import { readQuery } from './json-type';
import { PAGING } from './member-rules';

const DEFAULT_PAGE = 10;

export interface Page<T> {
  readonly items: T[];
  readonly nextToken: string | null;
}

export interface Listing<T> {
  /** Names the operation and what it lists: a cursor of another listing is refused. */
  readonly list: string;
  /** In the order of `position`, each greater than the one before it. */
  readonly items: readonly T[];
  position(item: T): number;
  /**
   * Runs on the cut page, as the service does it with its name filter: a page may be empty and yet have a `nextToken`.
   */
  filter?(item: T): boolean;
}

/** Cuts the page that the query asks for. */
export function page<T>(cursors: Cursors, query: URLSearchParams, listing: Listing<T>): Page<T> {
  const { list, items, position, filter = () => true } = listing;
  const paging = readQuery(query, PAGING) as { maxResults?: number; nextToken?: string };
  check(paging, PAGING);
  const { maxResults = DEFAULT_PAGE, nextToken } = paging;
  // A position outlives the items before it: what is deleted between two pages shifts nothing.
  const after = nextToken === undefined ? Number.NEGATIVE_INFINITY : cursors.read(list, nextToken);
  const rest = items.filter((item) => position(item) > after);
  const cut = rest.slice(0, maxResults);
  const last = cut.at(-1);
  const more = last !== undefined && rest.length > cut.length;
  return { items: cut.filter(filter), nextToken: more ? cursors.write(list, position(last)) : null };
}
