import type { ApiRequest, ApiResponse } from '../api';

/** An error as an AWS service answers it. */
export class ServiceError extends Error {
  constructor(
    readonly code: string,
    message: string,
    readonly status = 400,
    /** Further members of the error's body. */
    readonly members: Readonly<Record<string, unknown>> = {},
  ) {
    super(message);
    this.name = code;
  }
}

/** An operation of a service that speaks AWS JSON: the body in, the answer out. */
export type JsonOperation<Input> = (input: Input) => unknown;

/** The operation that `x-amz-target` names, as in `Logs_20140328.PutLogEvents`. */
export function targetOperation(request: ApiRequest): string {
  return (request.headers['x-amz-target'] ?? '').split('.').at(-1) ?? '';
}

/** Answers a request of the AWS JSON protocol. */
export async function answerJson<Input>(
  request: ApiRequest,
  service: string,
  operations: Readonly<Record<string, JsonOperation<Input>>>,
): Promise<ApiResponse> {
  try {
    const name = targetOperation(request);
    const operation = Object.hasOwn(operations, name) ? operations[name] : undefined;
    if (!operation) {
      throw new ServiceError('UnknownOperationException', `the local cloud's ${service} has no operation "${name}"`);
    }
    return jsonResponse(200, await operation(parseBody(request.body) as Input));
  } catch (error) {
    return jsonError(error);
  }
}

export function jsonResponse(status: number, body: unknown): ApiResponse {
  return { status, headers: { 'content-type': 'application/x-amz-json-1.1' }, body: JSON.stringify(body ?? {}) };
}

/** The error as AWS JSON has it; anything that is not a `ServiceError` is a defect here and answers 500. */
export function jsonError(error: unknown): ApiResponse {
  const known = error instanceof ServiceError ? error : new ServiceError('InternalFailure', String(error), 500);
  const body = { __type: known.code, message: known.message, ...known.members };
  const headers = { 'content-type': 'application/x-amz-json-1.1', 'x-amzn-errortype': known.code };
  return { status: known.status, headers, body: JSON.stringify(body) };
}

/** The members of a request of the AWS JSON protocol. */
export function parseBody(body: Buffer): Record<string, unknown> {
  let members: unknown;
  try {
    members = JSON.parse(body.toString() || '{}');
  } catch {
    throw new ServiceError('SerializationException', 'the body is not JSON');
  }
  if (typeof members === 'object' && members !== null && !Array.isArray(members)) return members as Record<string, unknown>;
  throw new ServiceError('SerializationException', 'the body is not a JSON object');
}
