import type { ApiRequest } from '../../../local/src/api';
import { managedImageRoutes, imageRoutes, microvmRoutes, tagRoutes } from '../../../local/src/microvms/operations';
import { isOperation, operationOf } from '../../../local/src/operations';
import { FUNCTION_ROUTES } from '../../../local/src/services/lambda/lambda-api';
import { S3_OPERATIONS, s3Operation } from '../../../local/src/services/s3/s3-operation';
import { ACCOUNT, IamCloud } from '../iam/iam-cloud';
import { sendSigned, type Unsigned } from '../iam/signed-request';

let cloud: IamCloud;
let role: Awaited<ReturnType<IamCloud['roleWith']>>;

beforeAll(async () => {
  // Whatever is asked about is allowed: what is refused here was refused without a question.
  cloud = await IamCloud.start(() => ({ allowed: true }));
  cloud.services.buckets.createBucket('bucket');
  role = await cloud.roleWith('Anybody');
});
afterAll(() => cloud.stop());

interface Given {
  readonly method?: string;
  readonly path?: string;
  readonly query?: string;
  readonly headers?: Record<string, string>;
  readonly body?: string;
}

function requestOf({ method = 'POST', path = '/', query = '', headers = {}, body = '' }: Given): ApiRequest {
  return { method, path, query: new URLSearchParams(query), headers, body: Buffer.from(body), accessKeyId: '' };
}

describe('each route that is answered has a name, by which it is authorised', () => {
  const nothing = {} as never;
  const microvms = [
    ...imageRoutes(nothing, nothing), ...managedImageRoutes(nothing),
    ...tagRoutes(nothing), ...microvmRoutes(nothing, nothing),
  ];

  test('all 24 of the MicroVMs', () => {
    const requests = microvms.map(({ method, path }) => requestOf({ method, path: path.replace(/\{\w+\}/g, 'x') }));
    const named = requests.map((request) => operationOf('microvms', request));
    expect(named).toEqual(microvms.map(({ operation }) => operation));
    expect(new Set(named).size).toBe(24);
  });

  test.each(['GET /2015-03-31/functions', ...Object.keys(FUNCTION_ROUTES)])('of Lambda: %s', (route) => {
    const [method, action, target] = route.split(' ');
    const path = action?.startsWith('/') ? action : ['/2015-03-31/functions/f', action, target && 'x'].filter(Boolean).join('/');
    expect(operationOf('lambda', requestOf({ method, path }))).toMatch(/^[A-Z]\w+$/);
  });

  const METHODS = ['GET', 'HEAD', 'PUT', 'POST', 'DELETE', 'PATCH', 'OPTIONS', 'get', ''];
  const SUBRESOURCES = ['', 'tagging', 'policy', 'location', 'versions', 'delete', 'uploads', 'uploadId=1', 'encryption', 'versioning', 'lifecycle', 'publicAccessBlock', 'ownershipControls', 'cors', 'acl', 'list-type=2'];

  test('of S3: what the gateway names is what the service does', () => {
    const seen = new Set<string>();
    for (const method of METHODS) {
      for (const path of ['/', '/bucket', '/bucket/', '/bucket/key']) {
        for (const query of SUBRESOURCES) {
          for (const headers of [{}, { 'x-amz-copy-source': '/bucket/key' }] as Record<string, string>[]) {
            const request = requestOf({ method, path, query, headers });
            expect(operationOf('s3', request)).toBe(s3Operation(request) ?? '');
            seen.add(operationOf('s3', request));
          }
        }
      }
    }
    expect([...seen].filter(Boolean).sort()).toEqual([...S3_OPERATIONS].sort());
  });

  test.each(['dynamodb', 'logs', 'ssm', 'states', 'ecr', 'sts', 'cloudcontrolapi'])('fails in %s for a call without a name', async (service) => {
    for (const target of [undefined, '', 'Service.', 'Service.__proto__']) {
      const headers: Record<string, string> = target === undefined ? {} : { 'x-amz-target': target };
      const answer = await cloud.services.byName[service].handle(requestOf({ headers, body: service === 'sts' ? '' : '{}' }));
      expect(answer.status).toBeGreaterThanOrEqual(400);
    }
  });

  test('faults know them all', () => {
    expect(microvms.filter(({ operation }) => !isOperation(operation))).toEqual([]);
    expect(['DescribeRepositories', 'DescribeImages', 'GetAuthorizationToken'].filter((name) => !isOperation(name))).toEqual([]);
  });
});

describe('fails for a role where the call has no name, in the words of the service', () => {
  const session = `arn:aws:sts::${ACCOUNT}:assumed-role/Anybody/session`;

  test.each<[string, Unsigned, number, string]>([
    ['S3', { service: 's3', method: 'GET', path: '/bucket', query: { acl: '' } }, 403, '<Code>AccessDenied</Code>'],
    ['S3, a path that cannot be decoded', { service: 's3', method: 'GET', path: '/bucket/%ff' }, 403, '<Code>AccessDenied</Code>'],
    ['CloudFormation', { service: 'cloudformation', headers: { 'content-type': 'application/x-www-form-urlencoded' }, body: 'Version=2010-05-15' }, 403, '<Code>AccessDenied</Code>'],
    ['STS', { service: 'sts', body: 'Version=2011-06-15' }, 403, '<Code>AccessDenied</Code>'],
    ['Lambda', { service: 'lambda', method: 'GET', path: '/2015-03-31/event-source-mappings' }, 403, '"message":"User:'],
    ['MicroVMs', { service: 'lambda', method: 'PATCH', path: '/2025-09-09/microvms' }, 403, '"message":"User:'],
    ['DynamoDB', { service: 'dynamodb', body: '{}' }, 400, '"__type":"AccessDeniedException"'],
    ['Logs', { service: 'logs', body: '{}', headers: { 'x-amz-target': 'Logs_20140328.' } }, 400, '"__type":"AccessDeniedException"'],
  ])('%s', async (_, request, status, text) => {
    const before = cloud.microvms.requests.length;
    const answer = await sendSigned(cloud, role, request);
    expect(answer.status).toBe(status);
    expect(answer.body).toContain(text);
    expect(answer.body).toContain(`User: ${session} is not authorized to perform: `);
    expect(cloud.microvms.requests).toHaveLength(before);
  });

  test('without a word of the signature', async () => {
    const query = { 'acl': '', 'X-Amz-Security-Token': 'secret' };
    const { body } = await sendSigned(cloud, role, { service: 's3', method: 'GET', path: '/bucket', query });
    expect(body).toContain('GET /bucket?acl because');
    expect(body).not.toContain('Security');
  });

  test('and the account\'s user is told by the service itself', async () => {
    const acl: Unsigned = { service: 's3', method: 'GET', path: '/bucket', query: { acl: '' } };
    expect(await sendSigned(cloud, cloud.iam.user, acl)).toMatchObject({ status: 501, body: expect.stringContaining('NotImplemented') });
    const unreadable: Unsigned = { service: 's3', method: 'GET', path: '/bucket/%ff' };
    expect(await sendSigned(cloud, cloud.iam.user, unreadable)).toMatchObject({ status: 400, body: expect.stringContaining('InvalidURI') });
  });
});

test('fails for a service whose name every object has', async () => {
  const answer = await sendSigned(cloud, cloud.iam.user, { service: 'constructor', body: '{}' });
  expect(answer).toMatchObject({ status: 501, body: expect.stringContaining('has no service') });
});
