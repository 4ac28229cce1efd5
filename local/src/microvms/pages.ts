import { check } from './constraints';
import { invalid } from './errors';

const DEFAULT_PAGE = 10;

/** Cursors of the service are about this long. */
const CURSOR_BYTES = 520;

export interface Page<T> {
  readonly items: T[];
  readonly nextToken: string | null;
}

/**
 * Cuts the page that the query asks for. `filter` runs on the cut page, as the service does it: a page may be empty and yet have a
 * `nextToken`.
 */
export function page<T>(all: readonly T[], query: URLSearchParams, filter: (item: T) => boolean = () => true): Page<T> {
  const maxResults = query.get('maxResults');
  const size = maxResults === null ? DEFAULT_PAGE : Number(maxResults);
  check({ maxResults: size }, { maxResults: { type: 'integer', min: 1, max: 50 } });
  const start = readCursor(query.get('nextToken'));
  const end = start + size;
  return { items: all.slice(start, end).filter(filter), nextToken: end < all.length ? writeCursor(end) : null };
}

function writeCursor(start: number): string {
  return Buffer.from(JSON.stringify({ start }).padEnd(CURSOR_BYTES)).toString('base64url');
}

function readCursor(cursor: string | null): number {
  if (cursor === null) return 0;
  try {
    const { start } = JSON.parse(Buffer.from(cursor, 'base64url').toString()) as { start: unknown };
    if (Number.isInteger(start)) return start as number;
  } catch {
    // Falls through: what cannot be read is no cursor of ours.
  }
  throw invalid('Invalid nextToken');
}
