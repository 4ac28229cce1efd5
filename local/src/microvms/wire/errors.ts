import type { ApiResponse } from '../../api';

interface ErrorShape {
  readonly status: number;
  /** Members besides the message. The service sends them, and leaves them null. */
  readonly members?: readonly string[];
}

const RESOURCE = ['resourceId', 'resourceType'];
const QUOTA = ['quotaCode', 'serviceCode'];

const SHAPES = {
  ValidationException: { status: 400 },
  SerializationException: { status: 400 },
  InvalidParameterValueException: { status: 400, members: ['Type'] },
  ServiceQuotaExceededException: { status: 402, members: [...RESOURCE, ...QUOTA] },
  AccessDeniedException: { status: 403 },
  ResourceNotFoundException: { status: 404, members: RESOURCE },
  ConflictException: { status: 409, members: RESOURCE },
  ThrottlingException: { status: 429, members: QUOTA },
  InternalServerException: { status: 500 },
  InsufficientCapacityException: { status: 500 },
} as const satisfies Record<string, ErrorShape>;

export type ErrorType = keyof typeof SHAPES;

/** An answer of the service that is not a success: type, status and text as the service words them. */
export class ServiceError extends Error {
  constructor(readonly type: ErrorType, message: string) {
    super(message);
  }
}

export function invalid(message: string): ServiceError {
  return new ServiceError('ValidationException', message);
}

/** A value of the wrong JSON type: it fails in the service's parser, ahead of every constraint. */
export function unreadable(message: string): ServiceError {
  return new ServiceError('SerializationException', message);
}

export function notFound(message: string): ServiceError {
  return new ServiceError('ResourceNotFoundException', message);
}

export function imageNotFound(imageArn: string): ServiceError {
  return notFound(`MicroVMImage not found for MicroVMImageID: ${imageArn}`);
}

export function errorResponse(type: ErrorType, message: string | null): ApiResponse {
  const { status, members = [] }: ErrorShape = SHAPES[type];
  const nulls = Object.fromEntries(members.map((name) => [name, null]));
  return { status, headers: { ...JSON_HEADERS, 'x-amzn-errortype': type }, body: JSON.stringify({ message, ...nulls }) };
}

/** What a request gets that was signed for a Region in which the service is not offered. */
export function unsupportedRegion(): ApiResponse {
  return errorResponse('AccessDeniedException', null);
}

/** An altered or foreign cursor: the service answers it before it has words for it. */
export function unreadableCursor(): ApiResponse {
  return errorResponse('ValidationException', null);
}

export function jsonResponse(status: number, body: unknown): ApiResponse {
  return { status, headers: JSON_HEADERS, body: JSON.stringify(body) };
}

/** What the load balancer in front of the service answers by itself. */
export function htmlResponse(status: 404 | 502): ApiResponse {
  const title = status === 404 ? '404 Not Found' : '502 Bad Gateway';
  const body = `<html>\r\n<head><title>${title}</title></head>\r\n<body>\r\n<center><h1>${title}</h1></center>\r\n`
    + '</body>\r\n</html>\r\n';
  return { status, headers: { 'content-type': 'text/html' }, body };
}

const JSON_HEADERS = { 'content-type': 'application/json' };
