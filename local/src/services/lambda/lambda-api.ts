import type { ApiRequest, ApiResponse } from '../../api';
import { ServiceError } from '../service-error';
import type { FunctionDefinition } from './function-definition';
import type { LambdaService } from './lambda-service';

const MAX_PAYLOAD_BYTES = 6_291_556;
const MAX_ASYNC_PAYLOAD_BYTES = 1024 * 1024;
const TAIL_BYTES = 4096;

/** The HTTP face of the functions: Invoke, GetFunction, GetFunctionConfiguration. */
export async function answerLambda(functions: LambdaService, request: ApiRequest): Promise<ApiResponse> {
  try {
    const [, encoded, action = ''] = /^\/2015-03-31\/functions\/([^/]+)\/?([a-z]*)$/.exec(request.path) ?? [];
    const route = `${request.method} ${action}`;
    if (encoded) {
      const name = decodeURIComponent(encoded);
      if (route === 'POST invocations') return await invoke(functions, name, request);
      if (route === 'GET ') return json({ Configuration: configuration(functions, name), Code: { RepositoryType: 'S3' } });
      if (route === 'GET configuration') return json(configuration(functions, name));
    }
    throw new ServiceError('NotImplemented', `the local cloud's Lambda has no ${request.method} ${request.path}`, 501);
  } catch (error) {
    const known = error instanceof ServiceError ? error : new ServiceError('ServiceException', String(error), 500);
    const headers = { 'content-type': 'application/json', 'x-amzn-errortype': known.code };
    return { status: known.status, headers, body: JSON.stringify({ Type: 'User', Message: known.message, message: known.message, ...known.members }) };
  }
}

async function invoke(functions: LambdaService, name: string, { headers, body }: ApiRequest): Promise<ApiResponse> {
  const type = headers['x-amz-invocation-type'] ?? 'RequestResponse';
  const limit = type === 'Event' ? MAX_ASYNC_PAYLOAD_BYTES : MAX_PAYLOAD_BYTES;
  if (body.length > limit) {
    throw new ServiceError('RequestTooLargeException', `Request must be smaller than ${limit} bytes for the InvokeFunction operation`, 413);
  }
  const payload = body.toString() || '{}';
  checkJson(payload);
  functions.definition(name);
  if (type === 'DryRun') return { status: 204 };
  if (type === 'Event') {
    void functions.invokeAsync(name, payload);
    return { status: 202 };
  }
  const result = await functions.invoke(name, payload);
  return {
    status: 200,
    headers: {
      'content-type': 'application/json',
      'x-amz-executed-version': '$LATEST',
      ...(result.functionError && { 'x-amz-function-error': result.functionError }),
      ...(headers['x-amz-log-type'] === 'Tail' && { 'x-amz-log-result': tail(result.logs) }),
    },
    body: result.payload,
  };
}

function checkJson(payload: string): void {
  try {
    JSON.parse(payload);
  } catch (error) {
    throw new ServiceError('InvalidRequestContentException', `Could not parse request body into json: ${error instanceof Error ? error.message : ''}`);
  }
}

function tail(logs: readonly string[]): string {
  return Buffer.from(logs.join('\n')).subarray(-TAIL_BYTES).toString('base64');
}

function configuration(functions: LambdaService, name: string): object {
  const definition: FunctionDefinition = functions.definition(name);
  return {
    FunctionName: definition.name,
    FunctionArn: functions.arn(definition.name),
    Runtime: definition.runtime,
    Role: definition.roleArn,
    Handler: definition.handler,
    Description: definition.description,
    Timeout: definition.timeoutSeconds,
    MemorySize: definition.memoryMib,
    LastModified: new Date(definition.lastModified).toISOString(),
    CodeSha256: definition.codeSha256,
    Version: '$LATEST',
    Environment: { Variables: definition.environment },
    PackageType: 'Zip',
    Architectures: ['arm64'],
    State: 'Active',
    LastUpdateStatus: 'Successful',
  };
}

function json(body: object): ApiResponse {
  return { status: 200, headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) };
}
