import type { ApiRequest, ApiResponse } from '../../api';
import { ServiceError } from '../service-error';
import { payloadOf } from './aws-chunked';
import type { Bucket } from './bucket-store';
import { xmlResponse } from './s3-xml';

const missing = (code: string, message: string) => (): never => {
  throw new ServiceError(code, message, 404);
};

/** What S3 answers where nothing was put, by the query parameter that names the configuration. */
const ABSENT: Readonly<Record<string, () => ApiResponse>> = {
  encryption: () => xmlResponse(200, 'ServerSideEncryptionConfiguration', {
    Rule: { ApplyServerSideEncryptionByDefault: { SSEAlgorithm: 'AES256' }, BucketKeyEnabled: false },
  }),
  lifecycle: missing('NoSuchLifecycleConfiguration', 'The lifecycle configuration does not exist'),
  publicAccessBlock: missing('NoSuchPublicAccessBlockConfiguration', 'The public access block configuration was not found'),
  ownershipControls: missing('OwnershipControlsNotFoundError', 'The bucket ownership controls were not found'),
  cors: missing('NoSuchCORSConfiguration', 'The CORS configuration does not exist'),
};

/** Gets, puts or deletes a configuration of a bucket. It is kept as it came, and changes nothing of what the bucket does. */
export function bucketDocument(bucket: Bucket, { method, query, body, headers }: ApiRequest): ApiResponse {
  const name = Object.keys(ABSENT).find((parameter) => query.has(parameter)) ?? '';
  const { [name]: document, ...others } = bucket.documents ?? {};
  if (method === 'GET') {
    return document === undefined ? ABSENT[name]() : { status: 200, headers: { 'content-type': 'application/xml' }, body: document };
  }
  bucket.documents = method === 'PUT' ? { ...others, [name]: payloadOf(body, headers).content.toString() } : others;
  return { status: method === 'PUT' ? 200 : 204 };
}
