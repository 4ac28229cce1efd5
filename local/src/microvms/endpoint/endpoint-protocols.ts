import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';

const PROXY_PROTOCOL = 'lambda-microvms';
const AUTHENTICATION = `${PROXY_PROTOCOL}.authentication.`;
const PORT = `${PROXY_PROTOCOL}.port.`;

/** What a WebSocket's subprotocols say to the proxy. A browser can set no headers, but it can offer subprotocols. */
export interface ProxyProtocols {
  /** The client offered the proxy's own subprotocol, and gets it if the application selects none. */
  readonly offered: boolean;
  readonly token?: string;
  /** As it was sent. */
  readonly port?: string;
}

export function proxyProtocols(headers: IncomingHttpHeaders): ProxyProtocols {
  const all = split(headers['sec-websocket-protocol'] ?? '');
  const after = (prefix: string): string | undefined => (
    all.find((protocol) => protocol.startsWith(prefix))?.slice(prefix.length)
  );
  return { offered: all.includes(PROXY_PROTOCOL), token: after(AUTHENTICATION), port: after(PORT) };
}

/** The subprotocols of a header that are the application's. */
export function guestProtocols(header: string): string {
  return split(header).filter((protocol) => protocol !== PROXY_PROTOCOL && !protocol.startsWith(`${PROXY_PROTOCOL}.`)).join(', ');
}

/** An answer's headers, with the proxy's subprotocol where the application selected none. */
export function withProtocol({ headers, rawHeaders }: IncomingMessage, { offered }: ProxyProtocols): readonly string[] {
  const selected = headers['sec-websocket-protocol'] !== undefined;
  return selected || !offered ? rawHeaders : [...rawHeaders, 'Sec-WebSocket-Protocol', PROXY_PROTOCOL];
}

function split(value: string): string[] {
  return value.split(',').map((protocol) => protocol.trim()).filter(Boolean);
}
