import type { ApiRequest, ApiResponse } from '../../api';
import { ServiceError } from '../service-error';
import { readFunctionName } from './function-name';
import type { LambdaService } from './lambda-service';
import { aliasView, configuration, listAliases, listFunctions, listVersions, policyView } from './lambda-views';
import type { Permission } from './permission-statement';
import { permissionStatement } from './permission-statement';

const MAX_PAYLOAD_BYTES = 6_291_556;
const MAX_ASYNC_PAYLOAD_BYTES = 1024 * 1024;
const TAIL_BYTES = 4096;

/** The HTTP face of the functions. They are made, changed and published by their stacks only. */
export async function answerLambda(functions: LambdaService, request: ApiRequest): Promise<ApiResponse> {
  try {
    const path = /^\/2015-03-31\/functions(?:\/([^/]+)(?:\/([a-z]+)(?:\/([^/]+))?)?)?\/?$/.exec(request.path);
    if (path) {
      const [, encoded, action, target] = path;
      if (encoded === undefined && request.method === 'GET') return json(listFunctions(functions, request));
      const called = calledFunction(encoded ?? '', request);
      const answer = await route(functions, called, { action: `${request.method} ${action ?? ''}`, target: target && decodeURIComponent(target), request });
      if (answer) return answer;
    }
    throw new ServiceError('NotImplemented', `the local cloud's Lambda has no ${request.method} ${request.path}`, 501);
  } catch (error) {
    const known = error instanceof ServiceError ? error : new ServiceError('ServiceException', String(error), 500);
    const headers = { 'content-type': 'application/json', 'x-amzn-errortype': known.code };
    return { status: known.status, headers, body: JSON.stringify({ Type: 'User', Message: known.message, message: known.message, ...known.members }) };
  }
}

interface CalledFunction {
  readonly name: string;
  readonly qualifier?: string;
}

interface Route {
  /** As in `POST invocations`. */
  readonly action: string;
  /** The alias or statement that the path names. */
  readonly target?: string;
  readonly request: ApiRequest;
}

/** Undefined: there is no such operation. */
async function route(
  functions: LambdaService, { name, qualifier }: CalledFunction, { action, target, request }: Route,
): Promise<ApiResponse | undefined> {
  const qualified = qualifier === undefined ? name : `${name}:${qualifier}`;
  const described = (): object => configuration(functions, functions.definition(qualified), qualifier);
  if (target !== undefined) {
    if (action === 'GET aliases') return json(aliasView(functions, name, functions.versions(name).alias(target)));
    if (action !== 'DELETE policy') return undefined;
    functions.removePermission(name, target);
    return { status: 204 };
  }
  switch (action) {
    case 'POST invocations': return invoke(functions, qualified, request);
    case 'GET ': return json({ Configuration: described(), Code: { RepositoryType: 'S3' } });
    case 'GET configuration': return json(described());
    case 'GET versions': return json(listVersions(functions, name, request));
    case 'GET aliases': return json(listAliases(functions, name, request));
    case 'GET policy': return json(policyView(functions, name, qualifier));
    case 'POST policy': return json(addPermission(functions, qualified, request), 201);
    default: return undefined;
  }
}

/** The qualifier stands behind the name or in the query, or in both. */
function calledFunction(encoded: string, { query }: ApiRequest): CalledFunction {
  const { name, qualifier } = readFunctionName(decodeURIComponent(encoded));
  const asked = query.get('Qualifier') ?? undefined;
  if (qualifier !== undefined && asked !== undefined && qualifier !== asked) {
    throw new ServiceError('InvalidParameterValueException', 'The derived qualifier from the function name does not match the specified qualifier.');
  }
  return { name, qualifier: qualifier ?? asked };
}

function addPermission(functions: LambdaService, name: string, { body }: ApiRequest): object {
  checkJson(body.toString());
  const given = JSON.parse(body.toString()) as Partial<Permission> & { StatementId?: string };
  const { StatementId, Principal, Action, SourceArn, SourceAccount } = given;
  if (!StatementId || !Principal || !Action) {
    throw new ServiceError('InvalidParameterValueException', 'StatementId, Principal and Action must be given');
  }
  if (functions.hasPermission(name, StatementId)) {
    throw new ServiceError('ResourceConflictException', `The statement id (${StatementId}) provided already exists. Please provide a new statement id, or remove the existing statement.`, 409);
  }
  const statement = permissionStatement({ Principal, Action, SourceArn, SourceAccount });
  functions.addPermission(name, StatementId, statement);
  return { Statement: JSON.stringify(statement) };
}

async function invoke(functions: LambdaService, name: string, { headers, body }: ApiRequest): Promise<ApiResponse> {
  const type = headers['x-amz-invocation-type'] ?? 'RequestResponse';
  const limit = type === 'Event' ? MAX_ASYNC_PAYLOAD_BYTES : MAX_PAYLOAD_BYTES;
  if (body.length > limit) {
    throw new ServiceError('RequestTooLargeException', `Request must be smaller than ${limit} bytes for the InvokeFunction operation`, 413);
  }
  const payload = body.toString() || '{}';
  checkJson(payload);
  const { version } = functions.definition(name);
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
      'x-amz-executed-version': version,
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

function json(body: object, status = 200): ApiResponse {
  return { status, headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) };
}
