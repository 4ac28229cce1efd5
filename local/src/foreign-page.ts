import type { IncomingHttpHeaders } from 'node:http';

/** A request as far as it tells where it comes from. */
export interface PageRequest {
  readonly method: string;
  readonly headers: IncomingHttpHeaders;
  /** It reads an object: that changes nothing, and a page of another origin does not get to see the answer. */
  readonly readsObject: boolean;
}

/**
 * True for what a web page of another origin has its browser send. Any page reaches loopback, and signs with a key pair that everybody
 * knows; only what the browser says of the page tells it from a program. A link to an object may be followed from everywhere.
 */
export function isFromForeignPage({ method, headers, readsObject }: PageRequest): boolean {
  if (readsObject && (method === 'GET' || method === 'HEAD')) return false;
  if (headers.origin !== undefined && headers.origin !== `http://${headers.host}`) return true;
  const site = headers['sec-fetch-site'];
  return site !== undefined && site !== 'same-origin' && site !== 'none';
}
