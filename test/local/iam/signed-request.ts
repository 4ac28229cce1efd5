import { Sha256 } from '@aws-crypto/sha256-js';
import { SignatureV4 } from '@smithy/signature-v4';
import { type IamCloud, REGION, type Sent } from './iam-cloud';

export interface Unsigned {
  /** Of the credential scope. */
  readonly service: string;
  readonly method?: string;
  readonly path?: string;
  readonly query?: Readonly<Record<string, string>>;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
}

interface SigningKey {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string;
}

/** Sends what no client of the SDK would send, signed all the same. */
export async function sendSigned(cloud: IamCloud, credentials: SigningKey, request: Unsigned): Promise<Sent> {
  const { service, method = 'POST', path = '/', query = {}, headers = {}, body = '' } = request;
  const signer = new SignatureV4({ service, region: REGION, sha256: Sha256, uriEscapePath: service !== 's3', credentials });
  const host = `127.0.0.1:${cloud.port}`;
  const signed = await signer.sign({ protocol: 'http:', hostname: '127.0.0.1', method, path, query, headers: { ...headers, host }, body });
  const search = Object.entries(query).map((pair) => pair.map(encodeURIComponent).join('=')).join('&');
  return cloud.send(search === '' ? path : `${path}?${search}`, { method, headers: signed.headers, body });
}
