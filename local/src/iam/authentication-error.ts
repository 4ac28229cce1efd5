import type { ApiResponse } from '../api';
import { unsupportedRegion } from '../microvms/wire/errors';
import { protocolError } from '../protocol-error';
import { ServiceError } from '../services/service-error';

/** Why a caller is not who it says. */
export type AuthenticationFailure =
  | 'unsigned' | 'malformed' | 'wrongRegion' | 'unknownKey' | 'wrongToken' | 'expiredToken' | 'expiredUrl' | 'headersNotSigned'
  | 'wrongPayload' | 'wrongSignature';

type Answer = readonly [code: string, status: number, message: string];
type Failures = Readonly<Partial<Record<AuthenticationFailure, Answer>>>;

const TOKEN_INVALID = 'The security token included in the request is invalid.';
const TOKEN_EXPIRED = 'The security token included in the request is expired';
const MISMATCH = 'The request signature we calculated does not match the signature you provided. '
  + 'Check your AWS Secret Access Key and signing method. Consult the service documentation for details.';
const WRONG_REGION = 'Credential should be scoped to a valid region.';
const INCOMPLETE = 'The signature has to be AWS4-HMAC-SHA256 with Credential, SignedHeaders that cover the host, Signature, and a date that fits the credential.';

const S3: Failures = {
  unsigned: ['AccessDenied', 403, 'Access Denied'],
  malformed: ['AuthorizationHeaderMalformed', 400, `The authorization header is malformed; ${INCOMPLETE}`],
  wrongRegion: ['AuthorizationHeaderMalformed', 400, 'The authorization header is malformed; the region is wrong'],
  unknownKey: ['InvalidAccessKeyId', 403, 'The AWS Access Key Id you provided does not exist in our records.'],
  wrongToken: ['InvalidToken', 400, 'The provided token is malformed or otherwise invalid.'],
  expiredToken: ['ExpiredToken', 400, 'The provided token has expired.'],
  expiredUrl: ['AccessDenied', 403, 'Request has expired'],
  headersNotSigned: ['AccessDenied', 403, 'There were headers present in the request which were not signed'],
  wrongPayload: ['XAmzContentSHA256Mismatch', 400, 'The provided \'x-amz-content-sha256\' header does not match what was computed.'],
  wrongSignature: ['SignatureDoesNotMatch', 403, 'The request signature we calculated does not match the signature you provided. Check your key and signing method.'],
};

/** Services that take a form and answer XML. */
const QUERY: Failures = {
  unsigned: ['MissingAuthenticationToken', 403, 'Request is missing Authentication Token'],
  malformed: ['IncompleteSignature', 400, INCOMPLETE],
  wrongRegion: ['SignatureDoesNotMatch', 403, WRONG_REGION],
  unknownKey: ['InvalidClientTokenId', 403, TOKEN_INVALID],
  expiredToken: ['ExpiredToken', 403, TOKEN_EXPIRED],
  wrongSignature: ['SignatureDoesNotMatch', 403, MISMATCH],
};

/** The status differs: the JSON protocols answer 400, services with paths 403. */
const json = (status: number): Failures => ({
  unsigned: ['MissingAuthenticationTokenException', status, 'Missing Authentication Token'],
  malformed: ['IncompleteSignatureException', status, INCOMPLETE],
  wrongRegion: ['InvalidSignatureException', status, WRONG_REGION],
  unknownKey: ['UnrecognizedClientException', status, TOKEN_INVALID],
  expiredToken: ['ExpiredTokenException', status, TOKEN_EXPIRED],
  wrongSignature: ['InvalidSignatureException', status, MISMATCH],
});

const REST: Failures = json(403);
const JSON_TARGET: Failures = json(400);
const FAMILIES: Readonly<Record<string, Failures>> = {
  s3: S3, cloudformation: QUERY, iam: QUERY, sts: QUERY, lambda: REST, microvms: REST,
};

/** The refusal as the service words it. */
export function authenticationError(service: string, failure: AuthenticationFailure): ApiResponse {
  // In a Region without it, the service denies without a word.
  if (service === 'microvms' && failure === 'wrongRegion') {
    return unsupportedRegion();
  }
  const failures = Object.hasOwn(FAMILIES, service) ? FAMILIES[service] : JSON_TARGET;
  const fallback = failure === 'wrongToken' ? failures.unknownKey : failures.wrongSignature;
  const [code, status, message] = failures[failure] ?? fallback ?? ['AccessDenied', 403, 'Access Denied'];
  return protocolError(service, new ServiceError(code, message, status));
}
