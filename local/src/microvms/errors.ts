import type { ApiResponse } from '../api';

const STATUS = {
  ValidationException: 400,
  SerializationException: 400,
  InvalidParameterValueException: 400,
  AccessDeniedException: 403,
  ResourceNotFoundException: 404,
  UnknownOperationException: 404,
  ConflictException: 409,
  InternalServerException: 500,
} as const;

export type ErrorType = keyof typeof STATUS;

/** An answer of the service that is not a success: type, status and text as the service words them. */
export class ServiceError extends Error {
  constructor(readonly type: ErrorType, message: string) {
    super(message);
  }
}

export function invalid(message: string): ServiceError {
  return new ServiceError('ValidationException', message);
}

export function errorResponse(type: ErrorType, message: string | null): ApiResponse {
  return { status: STATUS[type], headers: { ...JSON_HEADERS, 'x-amzn-errortype': type }, body: JSON.stringify({ message }) };
}

export function jsonResponse(status: number, body: unknown): ApiResponse {
  return { status, headers: JSON_HEADERS, body: JSON.stringify(body) };
}

/** What the load balancer in front of the service answers by itself. */
export function htmlResponse(status: 404 | 502): ApiResponse {
  const title = status === 404 ? '404 Not Found' : '502 Bad Gateway';
  const body = `<html>\r\n<head><title>${title}</title></head>\r\n<body>\r\n<center><h1>${title}</h1></center>\r\n`
    + '<hr><center>nginx</center>\r\n</body>\r\n</html>\r\n';
  return { status, headers: { 'content-type': 'text/html' }, body };
}

const JSON_HEADERS = { 'content-type': 'application/json' };
