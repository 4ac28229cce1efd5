import type { ApiRequest, ApiResponse } from '../../api';
import { ServiceError } from '../service-error';
import { readFunctionName } from './function-name';
import type { LambdaService } from './lambda-service';
import { aliasView, configuration, listAliases, listFunctions, listVersions, policyView } from './lambda-views';
import { MAX_ASYNC_PAYLOAD_BYTES, MAX_PAYLOAD_BYTES } from './payload-limits';
import type { Permission } from './permission-statement';
import { permissionStatement } from './permission-statement';

const TAIL_BYTES = 4096;

const PATH = /^\/2015-03-31\/functions(?:\/([^/]+)(?:\/([a-z]+)(?:\/([^/]+))?)?)?\/?$/;

/** The HTTP face of the functions. They are made, changed and published by their stacks only. */
export async function answerLambda(functions: LambdaService, request: ApiRequest): Promise<ApiResponse> {
  try {
    const [path, encoded, action, target] = PATH.exec(request.path) ?? [];
    if (path !== undefined && encoded === undefined && request.method === 'GET') return json(listFunctions(functions, request));
    const name = [request.method, action, target && '{}'].filter(Boolean).join(' ');
    if (encoded !== undefined && Object.hasOwn(FUNCTION_ROUTES, name)) {
      const called = calledFunction(encoded, request);
      return await FUNCTION_ROUTES[name]({ functions, ...called, target: decoded(target ?? ''), request });
    }
    throw new ServiceError('NotImplemented', `the local cloud's Lambda has no ${request.method} ${request.path.slice(0, 256)}`, 501);
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

interface FunctionCall extends CalledFunction {
  readonly functions: LambdaService;
  /** The alias or statement that the path names. */
  readonly target: string;
  readonly request: ApiRequest;
}

type FunctionRoute = (call: FunctionCall) => ApiResponse | Promise<ApiResponse>;

/** By the method and what stands behind the function's name; `{}` is the name of an alias or of a statement. */
export const FUNCTION_ROUTES: Readonly<Record<string, FunctionRoute>> = {
  'POST invocations': (call) => invoke(call.functions, qualified(call), call.request),
  'GET': (call) => json({ Configuration: described(call), Code: { RepositoryType: 'S3' } }),
  'GET configuration': (call) => json(described(call)),
  'GET versions': ({ functions, name, request }) => json(listVersions(functions, name, request)),
  'GET aliases': ({ functions, name, request }) => json(listAliases(functions, name, request)),
  'GET aliases {}': ({ functions, name, target }) => json(aliasView(functions, name, functions.versions(name).alias(target))),
  'GET policy': ({ functions, name, qualifier }) => json(policyView(functions, name, qualifier)),
  'POST policy': (call) => json(addPermission(call.functions, qualified(call), call.request), 201),
  'DELETE policy {}': ({ functions, name, target }) => (functions.removePermission(name, target), { status: 204 }),
};

function qualified({ name, qualifier }: CalledFunction): string {
  return qualifier === undefined ? name : `${name}:${qualifier}`;
}

function described(call: FunctionCall): object {
  return configuration(call.functions, call.functions.definition(qualified(call)), call.qualifier);
}

/** The qualifier stands behind the name or in the query, or in both. */
function calledFunction(encoded: string, { query }: ApiRequest): CalledFunction {
  const { name, qualifier } = readFunctionName(decoded(encoded));
  const asked = query.get('Qualifier') ?? undefined;
  if (asked !== undefined && !/^[a-zA-Z0-9$_-]{1,128}$/.test(asked)) {
    throw new ServiceError('ValidationException', `1 validation error detected: Value '${asked.slice(0, 140)}' at 'qualifier' failed to satisfy constraint: `
      + 'Member must satisfy regular expression pattern: [a-zA-Z0-9$_-]+, with 1 to 128 characters');
  }
  if (qualifier !== undefined && asked !== undefined && qualifier !== asked) {
    throw new ServiceError('InvalidParameterValueException', 'The derived qualifier from the function name does not match the specified qualifier.');
  }
  return { name, qualifier: qualifier ?? asked };
}

function decoded(segment: string): string {
  try {
    return decodeURIComponent(segment);
  } catch {
    throw new ServiceError('ValidationException', `the path has "${segment.slice(0, 140)}", which is not percent-encoded UTF-8`);
  }
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
