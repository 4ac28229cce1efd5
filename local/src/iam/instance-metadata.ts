import { randomBytes } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer } from 'node:http';
import type { Socket } from 'node:net';
import type { Clock } from '../clock';
import { isFromForeignPage } from '../foreign-page';
import type { RoleSession } from '../role-session';
import { isEqual } from './signature';

const CREDENTIALS = '/latest/meta-data/iam/security-credentials/';
const ROLE = 'execution_role';
const MAX_TOKEN_SECONDS = 21_600;
const MAX_TOKENS = 100;
const MAX_CONNECTIONS = 50;
const TIMEOUT_MS = 10_000;
/** Its own address, and where it is for guests that have it elsewhere. */
const HOST = /^(?:169\.254\.169\.254|127\.0\.0\.1|localhost)(?::\d{1,5})?$/i;

/**
 * The instance metadata service of one microVM, version 2 only: a token first, then the credentials of the execution role, and nothing
 * else. Without a role there is nobody to be. The answer takes one connection from the guest.
 */
export function metadataServer(session: RoleSession | undefined, clock: Clock): (connection: Socket) => void {
  const metadata = new InstanceMetadata(session, clock);
  const server = createServer({ maxHeaderSize: 8192 });
  server.on('request', (request, response) => metadata.answer(request, response));
  server.on('clientError', (_, connection) => connection.destroy());
  let open = 0;
  return (connection) => {
    connection.on('error', () => connection.destroy());
    if (open >= MAX_CONNECTIONS) return void connection.destroy();
    open += 1;
    connection.once('close', () => {
      open -= 1;
    });
    // The server's own checks of its timeouts run only while it listens.
    connection.setTimeout(TIMEOUT_MS, () => connection.destroy());
    server.emit('connection', connection);
  };
}

class InstanceMetadata {
  /** When each token ends, in the order of their making. */
  readonly #tokens = new Map<string, number>();

  constructor(private readonly session: RoleSession | undefined, private readonly clock: Clock) {}

  answer(request: IncomingMessage, response: ServerResponse): void {
    // Whatever is sent with it is not read: nothing here takes a body.
    request.on('error', () => undefined).resume();
    response.on('error', () => undefined);
    const path = (request.url ?? '').split('?')[0];
    if (isForeign(request)) return send(response, 403);
    if (path === '/latest/api/token') return this.#giveToken(request, response);
    if (request.method !== 'GET') return send(response, 405);
    if (!this.#hasToken(request)) return send(response, 401);
    if (this.session && path === CREDENTIALS) return send(response, 200, ROLE);
    if (this.session && path === CREDENTIALS + ROLE) return send(response, 200, this.#credentials(this.session));
    return send(response, 404);
  }

  #giveToken({ method, headers }: IncomingMessage, response: ServerResponse): void {
    if (method !== 'PUT') return send(response, 405);
    // Behind a proxy the token would be handed on.
    if (headers['x-forwarded-for'] !== undefined) return send(response, 403);
    const given = String(headers['x-aws-ec2-metadata-token-ttl-seconds'] ?? '');
    const seconds = /^\d{1,5}$/.test(given) ? Number(given) : 0;
    if (seconds < 1 || seconds > MAX_TOKEN_SECONDS) return send(response, 400);
    const token = randomBytes(40).toString('base64');
    this.#tokens.set(token, this.clock.now() + seconds * 1000);
    for (const oldest of this.#tokens.keys()) if (this.#tokens.size > MAX_TOKENS) this.#tokens.delete(oldest);
    response.setHeader('x-aws-ec2-metadata-token-ttl-seconds', String(seconds));
    send(response, 200, token);
  }

  #hasToken({ headers }: IncomingMessage): boolean {
    const given = String(headers['x-aws-ec2-metadata-token'] ?? '');
    const now = this.clock.now();
    return [...this.#tokens].some(([token, end]) => end > now && isEqual(token, given));
  }

  #credentials(session: RoleSession): string {
    const { accessKeyId, secretAccessKey, sessionToken, expiresAt } = session.credentials();
    return JSON.stringify({
      Code: 'Success',
      LastUpdated: time(expiresAt - 55 * 60_000),
      Type: 'AWS-HMAC',
      AccessKeyId: accessKeyId,
      SecretAccessKey: secretAccessKey,
      Token: sessionToken,
      Expiration: time(expiresAt),
    });
  }
}

/** Without namespaces the service is a port of this machine, which a web page reaches under a name of its own. */
function isForeign({ method = 'GET', headers }: IncomingMessage): boolean {
  return !HOST.test(headers.host ?? '') || isFromForeignPage({ method, headers, readsObject: false });
}

function time(epochMs: number): string {
  return `${new Date(epochMs).toISOString().slice(0, 19)}Z`;
}

function send(response: ServerResponse, status: number, body = ''): void {
  response.writeHead(status, { 'content-type': 'text/plain', 'content-length': String(Buffer.byteLength(body)), 'connection': 'close' });
  response.end(body);
}
