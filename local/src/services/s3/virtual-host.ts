/** `<bucket>.s3.<region>.amazonaws.com` and what the SDK makes of an endpoint on this machine: `<bucket>.localhost`. */
const HOST = /^([a-z0-9][a-z0-9.-]{1,61}[a-z0-9])\.(?:s3(?:\.dualstack)?(?:[.-][a-z0-9-]+)?\.amazonaws\.com|localhost)$/;

/** The bucket that a host name names. Undefined: none. */
export function bucketOfHost(host: string): string | undefined {
  return HOST.exec(host)?.[1];
}

/** The path-style path of a request to a bucket's own host. */
export function pathStyle(bucket: string, path: string): string {
  return `/${bucket}${path}`;
}
