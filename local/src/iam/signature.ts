import { createHmac, timingSafeEqual } from 'node:crypto';
import type { ApiRequest } from '../api';
import { sha256Hex } from './canonical-request';
import type { Signer } from './signer';
import { signerOf } from './signer';

const ALGORITHM = 'AWS4-HMAC-SHA256';
const MAX_EXPIRES_SECONDS = 7 * 24 * 3600;

/** The parts of a signature, as they came with a request. */
export interface Signature {
  readonly signer: Signer;
  /** In lower case. */
  readonly signedHeaders: readonly string[];
  readonly signature: string;
  /** `yyyymmddThhmmssZ` */
  readonly timestamp: string;
  readonly sessionToken?: string;
  /** Epoch milliseconds; of a presigned URL only. */
  readonly expiresAt?: number;
}

/** True if a request claims to be signed, however badly. */
export function isSigned({ headers, query }: ApiRequest): boolean {
  return headers.authorization !== undefined || query.has('X-Amz-Signature') || query.has('X-Amz-Credential');
}

/** Undefined: the request is signed, but not in the form of Signature Version 4. */
export function signatureOf({ headers, query }: ApiRequest): Signature | undefined {
  return headers.authorization === undefined ? inQuery(query) : inHeaders(headers, query);
}

function inHeaders(headers: ApiRequest['headers'], query: URLSearchParams): Signature | undefined {
  const { authorization } = headers;
  const signer = signerOf(authorization, query);
  if (!signer || !authorization.startsWith(`${ALGORITHM} `)) return undefined;
  const part = (name: string): string => new RegExp(`[ ,]${name}=([^, ]+)`).exec(authorization)?.[1] ?? '';
  const timestamp = headers['x-amz-date'] ?? basicTime(headers.date);
  const sessionToken = headers['x-amz-security-token'];
  return complete({ signer, signedHeaders: part('SignedHeaders').split(';'), signature: part('Signature'), timestamp, sessionToken });
}

function inQuery(query: URLSearchParams): Signature | undefined {
  const signer = signerOf(undefined, query);
  const seconds = Number(query.get('X-Amz-Expires') ?? NaN);
  if (!signer || query.get('X-Amz-Algorithm') !== ALGORITHM || !(seconds >= 0 && seconds <= MAX_EXPIRES_SECONDS)) return undefined;
  const timestamp = query.get('X-Amz-Date') ?? '';
  return complete({
    signer,
    signedHeaders: (query.get('X-Amz-SignedHeaders') ?? '').split(';'),
    signature: query.get('X-Amz-Signature') ?? '',
    timestamp,
    sessionToken: query.get('X-Amz-Security-Token') ?? undefined,
    expiresAt: epochOf(timestamp) + seconds * 1000,
  });
}

function complete(signature: Signature): Signature | undefined {
  const { signer, timestamp, signedHeaders } = signature;
  const isWhole = /^[0-9a-f]{64}$/.test(signature.signature) && /^\d{8}T\d{6}Z$/.test(timestamp) && timestamp.startsWith(signer.date);
  // Without the host a signature would be good for any server.
  return isWhole && signedHeaders.includes('host') ? signature : undefined;
}

function epochOf(timestamp: string): number {
  return Date.parse(timestamp.replace(/^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/, '$1-$2-$3T$4:$5:$6Z'));
}

function basicTime(date: string | undefined): string {
  const time = Date.parse(date ?? '');
  return Number.isNaN(time) ? '' : `${new Date(time).toISOString().slice(0, 19).replace(/[-:]/g, '')}Z`;
}

/** Signs strings for one scope: that of a request and its chunks. */
export class SigningKey {
  readonly scope: string;
  readonly #key: Buffer;

  constructor(secretAccessKey: string, { date, region, service }: Signer) {
    this.scope = `${date}/${region}/${service}/aws4_request`;
    this.#key = [date, region, service, 'aws4_request'].reduce<string | Buffer>(hmac, `AWS4${secretAccessKey}`) as Buffer;
  }

  /** The signature of a text of many lines: the algorithm, the time, the scope, and what is given. */
  sign(algorithm: string, timestamp: string, ...lines: string[]): string {
    return hmac(this.#key, [algorithm, timestamp, this.scope, ...lines].join('\n')).toString('hex');
  }

  signRequest(timestamp: string, canonicalRequest: string): string {
    return this.sign(ALGORITHM, timestamp, sha256Hex(canonicalRequest));
  }
}

function hmac(key: string | Buffer, text: string): Buffer {
  return createHmac('sha256', key).update(text).digest();
}

/** Takes the same time wherever two texts differ. */
export function isEqual(a: string, b: string): boolean {
  return timingSafeEqual(Buffer.from(sha256Hex(a)), Buffer.from(sha256Hex(b)));
}
