import { InvalidArgumentError, SandboxError } from './errors';
import { ENDPOINT_HOST } from './protocol';

/** Where requests to a microVM go. */
export interface EndpointAddress {
  readonly secure: boolean;
  readonly hostname: string;
  readonly port: number;
  /** The `Host` header: always the microVM's own name. */
  readonly host: string;
  readonly url: string;
}

/** Base URL of a local cloud: plain http, because it is on this machine, and for the same reason nothing but this machine. */
export function parseLocalEndpoint(value: string): URL {
  const url = URL.canParse(value) ? new URL(value) : undefined;
  const bare = url && url.pathname === '/' && !url.search && !url.hash && !url.username && !url.password;
  if (!bare || url.protocol !== 'http:' || !isLoopback(url.hostname)) {
    throw new InvalidArgumentError(
      `localEndpoint: ${JSON.stringify(value)} is not a plain http URL of a loopback address, like http://127.0.0.1:4566`,
    );
  }
  return url;
}

function isLoopback(hostname: string): boolean {
  return hostname === 'localhost' || hostname === '[::1]' || /^127(\.\d{1,3}){3}$/.test(hostname);
}

/** The address of the microVM `host`; refuses a host that secrets must not be sent to. */
export function endpointAddress(host: string, region: string, local: URL | undefined): EndpointAddress {
  if (local) {
    const hostname = local.hostname.replace(/^\[|\]$/g, '');
    return { secure: false, hostname, port: Number(local.port || 80), host, url: local.origin };
  }
  if (ENDPOINT_HOST.exec(host)?.[1] !== region) {
    throw new SandboxError(`the endpoint ${host} is not a microVM of ${region}: nothing was sent to it`);
  }
  return { secure: true, hostname: host, port: 443, host, url: `https://${host}` };
}
