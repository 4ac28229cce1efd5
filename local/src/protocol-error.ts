import { XMLBuilder } from 'fast-xml-parser';
import type { ApiResponse } from './api';
import { xmlError } from './services/s3/s3-xml';
import type { ServiceError } from './services/service-error';
import { jsonError } from './services/service-error';

/** Services that take a form and answer XML. */
const QUERY_SERVICES = new Set(['cloudformation', 'iam', 'sts']);

/** Services that are told apart by method and path, and answer JSON. */
const REST_SERVICES = new Set(['lambda', 'microvms', 'connectors']);

const builder = new XMLBuilder();

/** An error as the named service would put it on the wire: for answers that are given in a service's place. */
export function protocolError(
  service: string,
  error: ServiceError,
  headers: Readonly<Record<string, string>> = {},
): ApiResponse {
  const answer = errorOf(service, error);
  return { ...answer, headers: { ...answer.headers, ...headers } };
}

function errorOf(service: string, error: ServiceError): ApiResponse {
  const { code, message, status, members } = error;
  if (service === 's3') return xmlError(error);
  if (QUERY_SERVICES.has(service)) {
    const Type = status < 500 ? 'Sender' : 'Receiver';
    const RequestId = crypto.randomUUID();
    const body = builder.build({ ErrorResponse: { Error: { Type, Code: code, Message: message }, RequestId } });
    return { status, headers: { 'content-type': 'text/xml' }, body };
  }
  if (!REST_SERVICES.has(service)) return jsonError(error);
  const text = service === 'microvms' ? { message } : { Message: message, ...(service === 'lambda' && { message }) };
  const headers = { 'content-type': 'application/json', 'x-amzn-errortype': code };
  return { status, headers, body: JSON.stringify({ ...text, ...members }) };
}
