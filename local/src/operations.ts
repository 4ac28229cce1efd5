import type { ApiRequest } from './api';
import { queryOperation } from './services/query-protocol';
import { s3Operation, S3_OPERATIONS } from './services/s3/s3-operation';
import { targetOperation } from './services/service-error';

interface RestOperation {
  readonly name: string;
  readonly method: string;
  readonly path: RegExp;
}

const rest = (name: string, method: string, path: string): RestOperation => ({
  name,
  method,
  path: new RegExp(`^${path.replaceAll('{}', '[^/]+')}/?$`),
});

const IMAGES = '/2025-09-09/microvm-images';
const MANAGED = '/2025-09-09/managed-microvm-images';
const MICROVMS = '/2025-09-09/microvms';
const FUNCTION = '/2015-03-31/functions/{}';
const CONNECTORS = '/2026-04-04/network-connectors';

/** The operations of the services that are told apart by method and path. */
const REST_OPERATIONS: readonly RestOperation[] = [
  rest('CreateMicrovmImage', 'POST', IMAGES),
  rest('ListMicrovmImages', 'GET', IMAGES),
  rest('GetMicrovmImage', 'GET', `${IMAGES}/{}`),
  rest('UpdateMicrovmImage', 'PUT', `${IMAGES}/{}`),
  rest('DeleteMicrovmImage', 'DELETE', `${IMAGES}/{}`),
  rest('ListMicrovmImageVersions', 'GET', `${IMAGES}/{}/versions`),
  rest('GetMicrovmImageVersion', 'GET', `${IMAGES}/{}/versions/{}`),
  rest('UpdateMicrovmImageVersion', 'PATCH', `${IMAGES}/{}/versions/{}`),
  rest('DeleteMicrovmImageVersion', 'DELETE', `${IMAGES}/{}/versions/{}`),
  rest('ListMicrovmImageBuilds', 'GET', `${IMAGES}/{}/versions/{}/builds`),
  rest('GetMicrovmImageBuild', 'GET', `${IMAGES}/{}/versions/{}/builds/{}`),
  rest('ListManagedMicrovmImages', 'GET', MANAGED),
  rest('ListManagedMicrovmImageVersions', 'GET', `${MANAGED}/{}/versions`),
  rest('RunMicrovm', 'POST', MICROVMS),
  rest('ListMicrovms', 'GET', MICROVMS),
  rest('GetMicrovm', 'GET', `${MICROVMS}/{}`),
  rest('TerminateMicrovm', 'DELETE', `${MICROVMS}/{}`),
  rest('SuspendMicrovm', 'POST', `${MICROVMS}/{}/suspend`),
  rest('ResumeMicrovm', 'POST', `${MICROVMS}/{}/resume`),
  rest('CreateMicrovmAuthToken', 'POST', `${MICROVMS}/{}/auth-token`),
  rest('CreateMicrovmShellAuthToken', 'POST', `${MICROVMS}/{}/shell-auth-token`),
  rest('ListTags', 'GET', '/2017-03-31/tags/{}'),
  rest('TagResource', 'POST', '/2017-03-31/tags/{}'),
  rest('UntagResource', 'DELETE', '/2017-03-31/tags/{}'),
  rest('CreateNetworkConnector', 'POST', CONNECTORS),
  rest('ListNetworkConnectors', 'GET', CONNECTORS),
  rest('GetNetworkConnector', 'GET', `${CONNECTORS}/{}`),
  rest('UpdateNetworkConnector', 'PUT', `${CONNECTORS}/{}`),
  rest('DeleteNetworkConnector', 'DELETE', `${CONNECTORS}/{}`),
  rest('Invoke', 'POST', `${FUNCTION}/invocations`),
  rest('GetFunction', 'GET', FUNCTION),
  rest('GetFunctionConfiguration', 'GET', `${FUNCTION}/configuration`),
  rest('UpdateFunctionCode', 'PUT', `${FUNCTION}/code`),
  rest('UpdateFunctionConfiguration', 'PUT', `${FUNCTION}/configuration`),
  rest('ListFunctions', 'GET', '/2015-03-31/functions'),
  rest('ListVersionsByFunction', 'GET', `${FUNCTION}/versions`),
  rest('ListAliases', 'GET', `${FUNCTION}/aliases`),
  rest('GetAlias', 'GET', `${FUNCTION}/aliases/{}`),
  rest('GetPolicy', 'GET', `${FUNCTION}/policy`),
  rest('AddPermission', 'POST', `${FUNCTION}/policy`),
  rest('RemovePermission', 'DELETE', `${FUNCTION}/policy/{}`),
  rest('PublishVersion', 'POST', `${FUNCTION}/versions`),
  rest('UpdateAlias', 'PUT', `${FUNCTION}/aliases/{}`),
];

const TARGET_OPERATIONS = [
  'BatchGetItem', 'BatchWriteItem', 'DeleteItem', 'GetItem', 'PutItem', 'Query', 'Scan', 'TransactGetItems', 'TransactWriteItems',
  'UpdateItem', 'CreateTable', 'UpdateTable', 'DeleteTable', 'DescribeTable', 'ListTables', 'UpdateTimeToLive', 'DescribeTimeToLive',
  'StartExecution', 'DescribeExecution', 'UpdateStateMachine', 'CreateLogGroup', 'DeleteLogGroup', 'DescribeLogGroups', 'PutRetentionPolicy',
  'DeleteRetentionPolicy', 'CreateLogStream', 'DeleteLogStream', 'DescribeLogStreams', 'PutLogEvents', 'GetLogEvents', 'FilterLogEvents', 'GetParameter',
  'GetParameters', 'GetParametersByPath', 'PutParameter', 'DeleteParameter', 'DeleteParameters', 'DescribeParameters',
  'DescribeRepositories', 'DescribeImages', 'GetAuthorizationToken',
];

/** Services that take a form. */
const QUERY_SERVICES = new Set(['cloudformation', 'sts']);

const QUERY_OPERATIONS = [
  'CreateStack', 'UpdateStack', 'DeleteStack', 'DescribeStacks', 'ListStacks', 'DescribeStackEvents', 'DescribeStackResources',
  'DescribeStackResource', 'ListStackResources', 'GetTemplate', 'GetTemplateSummary', 'ValidateTemplate', 'CreateChangeSet',
  'DescribeChangeSet', 'ListChangeSets', 'ExecuteChangeSet', 'DeleteChangeSet', 'ListExports', 'ListImports',
  'UpdateTerminationProtection', 'GetCallerIdentity', 'AssumeRole',
];

const KNOWN = new Set([
  ...REST_OPERATIONS.map(({ name }) => name), ...TARGET_OPERATIONS, ...QUERY_OPERATIONS, ...S3_OPERATIONS,
]);

export function isOperation(name: string): boolean {
  return KNOWN.has(name);
}

/** Services that are told apart by method and path. */
const REST_SERVICES = new Set(['lambda', 'microvms', 'connectors']);

/** AWS's name of what a request asks for; empty if the service has no such operation. `service` is that of an `ApiCall`. */
export function operationOf(service: string, request: ApiRequest): string {
  if (service === 's3') return storageOperation(request);
  if (QUERY_SERVICES.has(service)) return queryOperation(request);
  if (!REST_SERVICES.has(service)) return targetOperation(request);
  return REST_OPERATIONS.find(({ method, path }) => method === request.method && path.test(request.path))?.name ?? '';
}

/** What cannot be decoded is no key of any object. */
function storageOperation(request: ApiRequest): string {
  try {
    return s3Operation(request) ?? '';
  } catch {
    return '';
  }
}

/** Functions, MicroVMs and network connectors share a host name and a signing name; only the path tells them apart. */
export function lambdaServiceOf(path: string): 'lambda' | 'microvms' | 'connectors' {
  const [, tagged] = /^\/2017-03-31\/tags\/[^/]*(?::|%3A)(microvm-image|network-connector)(?::|%3A)/i.exec(path) ?? [];
  if (path.startsWith('/2026-04-04/') || tagged === 'network-connector') return 'connectors';
  return path.startsWith('/2025-09-09/') || tagged !== undefined ? 'microvms' : 'lambda';
}
