import type { ApiCall, ApiResponse } from '../api';
import { buildsExceeded, memoryExceeded } from '../microvms/quotas';
import { errorResponse } from '../microvms/wire/errors';
import { protocolError } from '../protocol-error';
import { ServiceError } from '../services/service-error';

/** The operations that the service refuses over a quota. */
export const QUOTA_OPERATIONS = ['RunMicrovm', 'CreateMicrovmImage', 'UpdateMicrovmImage'];

/** They share a path, and the error types, with the older operations of Lambda. */
const TAG_OPERATIONS = ['ListTags', 'TagResource', 'UntagResource'];

/** Operations on items are throttled by the throughput of their table, all others by the account's rate. */
const TABLE_OPERATIONS = /^(?:Create|Update|Delete|Describe|List)(?:Table|TimeToLive|Tables)/;

/** Services that spell out the same errors in their own way. */
const QUERY_SERVICES = ['cloudformation', 'iam', 'sts'];

/** What the service says to a call too many. */
export function throttled(call: ApiCall, retryAfterSeconds: number | undefined): ApiResponse {
  const answer = isTyped(call) ? errorResponse('ThrottlingException', 'Rate exceeded') : protocolError(call.service, throttling(call));
  return withHint(answer, retryAfterSeconds);
}

/** What the service says when something broke on its side. */
export function failed(call: ApiCall, retryAfterSeconds: number | undefined): ApiResponse {
  const answer = isTyped(call) ? errorResponse('InternalServerException', null) : protocolError(call.service, failure(call));
  return withHint(answer, retryAfterSeconds);
}

/** What the MicroVMs say to a call that would go beyond a quota: of memory to RunMicrovm, of builds to the others. */
export function quotaExceeded(call: ApiCall, account: string): ApiResponse {
  const { type, message } = call.operation === 'RunMicrovm' ? memoryExceeded() : buildsExceeded(account);
  return errorResponse(type, message);
}

/** What RunMicrovm says when the Region has no room. No source knows the text; this one is our own. */
export function capacityExhausted(): ApiResponse {
  return errorResponse('InsufficientCapacityException', 'There is not enough capacity to run the MicroVM at the moment.');
}

function isTyped({ service, operation }: ApiCall): boolean {
  return service === 'microvms' && !TAG_OPERATIONS.includes(operation);
}

function throttling({ service, operation }: ApiCall): ServiceError {
  if (service === 's3') return new ServiceError('SlowDown', 'Please reduce your request rate.', 503);
  if (service === 'microvms') return new ServiceError('TooManyRequestsException', 'Rate exceeded', 429, { Type: null });
  if (service === 'connectors') return new ServiceError('TooManyRequestsException', 'Rate exceeded', 429, { Type: 'User' });
  if (service === 'lambda') {
    return new ServiceError('TooManyRequestsException', 'Rate Exceeded.', 429, { Reason: 'CallerRateLimitExceeded', Type: 'User' });
  }
  if (service === 'dynamodb' && !TABLE_OPERATIONS.test(operation)) {
    return new ServiceError('ProvisionedThroughputExceededException', 'The level of configured provisioned throughput for the table was exceeded. '
      + 'Consider increasing your provisioning level with the UpdateTable API.');
  }
  return new ServiceError(QUERY_SERVICES.includes(service) ? 'Throttling' : 'ThrottlingException', 'Rate exceeded');
}

function failure({ service }: ApiCall): ServiceError {
  const text = 'We encountered an internal error. Please try again.';
  if (service === 's3') return new ServiceError('InternalError', text, 500);
  if (['lambda', 'microvms', 'connectors'].includes(service)) return new ServiceError('ServiceException', text, 500, { Type: 'Service' });
  if (service === 'dynamodb' || service === 'ssm') return new ServiceError('InternalServerError', text, 500);
  return new ServiceError('InternalFailure', text, 500);
}

function withHint(answer: ApiResponse, retryAfterSeconds: number | undefined): ApiResponse {
  if (retryAfterSeconds === undefined) return answer;
  return { ...answer, headers: { ...answer.headers, 'retry-after': String(retryAfterSeconds) } };
}
