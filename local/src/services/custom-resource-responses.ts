import { randomBytes, randomUUID } from 'node:crypto';
import type { ApiRequest, ApiResponse, ApiService } from '../api';

/** CloudFormation refuses a longer answer. */
const MAX_RESPONSE_BYTES = 4096;

/** What a custom resource answers to CloudFormation. */
export interface CustomResourceResponse {
  readonly Status?: string;
  readonly Reason?: string;
  readonly PhysicalResourceId?: string;
  readonly Data?: Readonly<Record<string, unknown>>;
}

export interface ExpectedResponse {
  readonly url: string;
  readonly response: Promise<CustomResourceResponse>;
  /** Later answers are refused. */
  cancel(): void;
}

/** The presigned URLs that custom resources send their answers to. */
export class CustomResourceResponses implements ApiService {
  readonly host: string;
  readonly #expected = new Map<string, (response: CustomResourceResponse) => void>();

  constructor(region: string) {
    this.host = `cloudformation-custom-resource-response-${region.replaceAll('-', '')}.s3.amazonaws.com`;
  }

  /** A new URL, good for one answer. */
  expect(stackId: string, logicalId: string): ExpectedResponse {
    const path = `/${encodeURIComponent(stackId)}%7C${logicalId}%7C${randomUUID()}`;
    const signature = randomBytes(32).toString('hex');
    const key = `${path}?${signature}`;
    const response = new Promise<CustomResourceResponse>((resolve) => this.#expected.set(key, resolve));
    const url = `https://${this.host}${path}?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Signature=${signature}`;
    return { url, response, cancel: () => void this.#expected.delete(key) };
  }

  async handle({ method, path, query, body }: ApiRequest): Promise<ApiResponse> {
    const key = `${path}?${query.get('X-Amz-Signature')}`;
    const resolve = this.#expected.get(key);
    if (method !== 'PUT' || !resolve) return { status: 403, body: '<Error><Code>AccessDenied</Code></Error>' };
    this.#expected.delete(key);
    resolve(parseResponse(body));
    return { status: 200 };
  }
}

function parseResponse(body: Buffer): CustomResourceResponse {
  if (body.length > MAX_RESPONSE_BYTES) return { Status: 'FAILED', Reason: 'Response object is too long.' };
  try {
    const response: unknown = JSON.parse(body.toString());
    if (typeof response === 'object' && response !== null) return response;
  } catch {
    // Answered below, as CloudFormation answers.
  }
  return { Status: 'FAILED', Reason: 'Invalid response: the custom resource did not answer with a JSON object.' };
}
