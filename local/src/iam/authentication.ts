import type { ApiCall, ApiRequest, ApiResponse, Guard } from '../api';
import type { Clock } from '../clock';
import type { AuthenticationFailure } from './authentication-error';
import { authenticationError } from './authentication-error';
import { canonicalRequests, sha256Hex } from './canonical-request';
import { areChunksSigned } from './chunk-signatures';
import type { IamService, Principal } from './iam-service';
import { HABITUAL_KEY } from './iam-service';
import type { Signature } from './signature';
import { isEqual, isSigned, signatureOf, SigningKey } from './signature';

export interface AuthenticationOptions {
  readonly iam: IamService;
  readonly region: string;
  readonly clock: Pick<Clock, 'now'>;
}

const UNSIGNED = 'UNSIGNED-PAYLOAD';
const SIGNED_CHUNKS = /^STREAMING-AWS4-HMAC-SHA256-PAYLOAD(?:-TRAILER)?$/;
/** Answered in one Region for all. */
const GLOBAL_SERVICES: Readonly<Record<string, string>> = { iam: 'us-east-1', sts: 'us-east-1' };

/**
 * Lets only requests through whose Signature Version 4 is that of a key of this cloud.
 *
 * The time of a signature is not compared with the clock, which tests move; only presigned URLs and session tokens run out by it.
 */
export class Authentication implements Guard {
  constructor(private readonly options: AuthenticationOptions) {}

  async admit({ service, request }: ApiCall): Promise<ApiResponse | undefined> {
    const failure = this.#failure(service, request);
    return failure && authenticationError(service, failure);
  }

  #failure(service: string, request: ApiRequest): AuthenticationFailure | undefined {
    const { iam, region, clock } = this.options;
    // Where nothing is enforced, a plain request to S3 is the user's: people look at objects with a browser and curl.
    if (!isSigned(request)) return service === 's3' && !iam.access.enforced ? undefined : 'unsigned';
    const signature = signatureOf(request);
    if (!signature) return 'malformed';
    const { signer, expiresAt } = signature;
    if (signer.region !== region && signer.region !== GLOBAL_SERVICES[service]) return 'wrongRegion';
    const principal = iam.principal(signer.accessKeyId);
    if (!principal) return 'unknownKey';
    if (!hasItsToken(principal, signature)) return 'wrongToken';
    const failure = requestFailure(request, signature, principal);
    if (failure) return failure;
    if (principal.expiresAt !== undefined && principal.expiresAt <= clock.now()) return 'expiredToken';
    return expiresAt !== undefined && expiresAt <= clock.now() ? 'expiredUrl' : undefined;
  }
}

function hasItsToken({ credentials }: Principal, { sessionToken = '' }: Signature): boolean {
  return credentials === HABITUAL_KEY || isEqual(credentials.sessionToken ?? '', sessionToken);
}

function requestFailure(
  request: ApiRequest, signature: Signature, { credentials }: Principal,
): AuthenticationFailure | undefined {
  const { signer, signedHeaders, timestamp } = signature;
  const key = new SigningKey(credentials.secretAccessKey, signer);
  const payloadHash = payloadHashOf(request, signature);
  const isRight = canonicalRequests(request, { service: signer.service, signedHeaders, payloadHash })
    .some((canonical) => isEqual(key.signRequest(timestamp, canonical), signature.signature));
  if (!isRight) return 'wrongSignature';
  if (signer.service !== 's3') return undefined;
  const unsigned = Object.keys(request.headers).some((name) => name.startsWith('x-amz-') && !signedHeaders.includes(name));
  if (unsigned) return 'headersNotSigned';
  return payloadFailure(request, signature, key);
}

/** S3 trusts the hash in the header for the signature, and compares it with the body afterwards. */
function payloadHashOf({ headers, query, body }: ApiRequest, { signer, expiresAt }: Signature): string {
  if (signer.service !== 's3') return sha256Hex(body);
  const given = headers['x-amz-content-sha256'] ?? query.get('X-Amz-Content-Sha256');
  return given ?? (expiresAt === undefined ? sha256Hex(body) : UNSIGNED);
}

function payloadFailure(request: ApiRequest, signature: Signature, key: SigningKey): AuthenticationFailure | undefined {
  const hash = payloadHashOf(request, signature);
  if (hash === UNSIGNED || hash === 'STREAMING-UNSIGNED-PAYLOAD-TRAILER') return undefined;
  if (SIGNED_CHUNKS.test(hash)) return areChunksSigned(request.body, key, signature) ? undefined : 'wrongSignature';
  return hash === sha256Hex(request.body) ? undefined : 'wrongPayload';
}
