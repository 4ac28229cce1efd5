import type { ApiRequest } from '../../../local/src/api';
import type { AccessSources } from '../../../local/src/iam/accesses/access-sources';
import { accessesOf } from '../../../local/src/iam/accesses/accesses-of';

const ACCOUNT = '000000000000';
const IMAGE = `arn:aws:lambda:us-east-1:${ACCOUNT}:microvm-image:one`;
const BUILD_ROLE = `arn:aws:iam::${ACCOUNT}:role/Build`;
const connector = (name: string) => `arn:aws:lambda:us-east-1:aws:network-connector:aws-network-connector:${name}`;

const sources: AccessSources = {
  account: ACCOUNT,
  region: 'us-east-1',
  imageOf: (id) => (id === 'microvm-1' ? IMAGE : undefined),
  tagsOf: (arn): Record<string, string> => (arn === IMAGE ? { team: 'blue' } : {}),
  partitionKey: async (table) => (table === 'table' ? 'pk' : undefined),
  hasObject: (_, key) => key !== 'missing',
};

interface Given {
  readonly method?: string;
  readonly path?: string;
  readonly query?: Record<string, string>;
  readonly headers?: Record<string, string>;
  readonly body?: unknown;
}

function of(service: string, operation: string, { method = 'POST', path = '/', query = {}, headers = {}, body }: Given = {}) {
  const text = typeof body === 'string' ? body : JSON.stringify(body ?? '');
  const request: ApiRequest = { method, path, query: new URLSearchParams(query), headers, body: Buffer.from(text), accessKeyId: '' };
  return accessesOf({ service, operation, region: 'us-east-1', request }, sources);
}

const rights = async (accesses: ReturnType<typeof of>) => (await accesses).map(({ action, resource }) => `${action} ${resource}`);

describe('MicroVMs', () => {
  const tagged = { 'aws:ResourceTag/team': 'blue' };

  test('RunMicrovm: the unversioned image, the role, and the connectors, the default ones, too', async () => {
    const run = (body: object) => of('microvms', 'RunMicrovm', { body: { imageIdentifier: IMAGE, ...body } });
    expect(await run({ executionRoleArn: BUILD_ROLE })).toEqual([
      { action: 'lambda:RunMicrovm', resource: IMAGE, context: tagged },
      { action: 'iam:PassRole', resource: BUILD_ROLE, context: {} },
      { action: 'lambda:PassNetworkConnector', resource: connector('HTTP_INGRESS') },
      { action: 'lambda:PassNetworkConnector', resource: connector('INTERNET_EGRESS') },
    ]);
    expect(await rights(run({ imageIdentifier: `${IMAGE}:1.0`, egressNetworkConnectors: [], ingressNetworkConnectors: [connector('NO_INGRESS')] }))).toEqual([
      `lambda:RunMicrovm ${IMAGE}`, `lambda:PassNetworkConnector ${connector('NO_INGRESS')}`, `lambda:PassNetworkConnector ${connector('INTERNET_EGRESS')}`,
    ]);
  });

  test('CreateMicrovmImage: everything, the role as passed to Lambda, the connector, and the tags', async () => {
    const body = { name: 'one', buildRoleArn: BUILD_ROLE, tags: { team: 'blue' } };
    const tags = { 'aws:TagKeys': ['team'], 'aws:RequestTag/team': 'blue' };
    expect(await of('microvms', 'CreateMicrovmImage', { body })).toEqual([
      { action: 'lambda:CreateMicrovmImage', resource: '*', context: tags },
      { action: 'iam:PassRole', resource: BUILD_ROLE, context: { 'iam:PassedToService': 'lambda.amazonaws.com' } },
      { action: 'lambda:PassNetworkConnector', resource: connector('INTERNET_EGRESS') },
      { action: 'lambda:TagResource', resource: IMAGE, context: tags },
    ]);
    expect(await rights(of('microvms', 'CreateMicrovmImage', { body: { ...body, tags: {} } }))).not.toContain(`lambda:TagResource ${IMAGE}`);
  });

  test('UpdateMicrovmImage: the image, the role, the connector', async () => {
    const path = `/2025-09-09/microvm-images/${encodeURIComponent(IMAGE)}`;
    expect(await rights(of('microvms', 'UpdateMicrovmImage', { method: 'PUT', path, body: { buildRoleArn: BUILD_ROLE } }))).toEqual([
      `lambda:UpdateMicrovmImage ${IMAGE}`, `iam:PassRole ${BUILD_ROLE}`, `lambda:PassNetworkConnector ${connector('INTERNET_EGRESS')}`,
    ]);
  });

  test.each(['GetMicrovm', 'SuspendMicrovm', 'ResumeMicrovm', 'TerminateMicrovm'])('%s: the image and the microVM', async (operation) => {
    const microvm = `arn:aws:lambda:us-east-1:${ACCOUNT}:microvm:`;
    expect(await rights(of('microvms', operation, { path: '/2025-09-09/microvms/microvm-1' }))).toEqual([`lambda:${operation} ${IMAGE}`, `lambda:${operation} ${microvm}microvm-1`]);
    expect(await rights(of('microvms', operation, { path: '/2025-09-09/microvms/microvm-2' }))).toEqual([`lambda:${operation} ${microvm}microvm-2`]);
  });

  test.each([
    ['CreateMicrovmAuthToken', '/2025-09-09/microvms/microvm-1/auth-token', IMAGE],
    ['CreateMicrovmShellAuthToken', '/2025-09-09/microvms/microvm-1/shell-auth-token', IMAGE],
    ['ListMicrovms', '/2025-09-09/microvms', '*'],
    ['ListMicrovmImages', '/2025-09-09/microvm-images', '*'],
    ['ListManagedMicrovmImages', '/2025-09-09/managed-microvm-images', '*'],
    ['ListManagedMicrovmImageVersions', '/2025-09-09/managed-microvm-images/arn%3Aaws%3Alambda/versions', 'arn:aws:lambda'],
    ['GetMicrovmImage', `/2025-09-09/microvm-images/${IMAGE}`, IMAGE],
    ['UpdateMicrovmImageVersion', `/2025-09-09/microvm-images/${encodeURIComponent(IMAGE)}/versions/1.0`, IMAGE],
    ['ListMicrovmImageVersions', `/2025-09-09/microvm-images/${encodeURIComponent(IMAGE)}/versions`, IMAGE],
    ['ListMicrovmImageBuilds', `/2025-09-09/microvm-images/${encodeURIComponent(IMAGE)}/versions/1.0/builds`, IMAGE],
    ['GetMicrovmImageBuild', `/2025-09-09/microvm-images/${encodeURIComponent(IMAGE)}/versions/1.0/builds/b`, IMAGE],
    ['DeleteMicrovmImageVersion', `/2025-09-09/microvm-images/${encodeURIComponent(IMAGE)}/versions/1.0`, IMAGE],
    ['ListTags', `/2017-03-31/tags/${encodeURIComponent(IMAGE)}`, IMAGE],
  ])('%s', async (operation, path, resource) => {
    expect(await rights(of('microvms', operation, { path }))).toEqual([`lambda:${operation} ${resource}`]);
  });

  test('TagResource and UntagResource: the tags given, and those that the image has', async () => {
    const path = `/2017-03-31/tags/${encodeURIComponent(IMAGE)}`;
    expect(await of('microvms', 'TagResource', { path, body: { Tags: { a: 'b' } } })).toEqual([
      { action: 'lambda:TagResource', resource: IMAGE, context: { ...tagged, 'aws:TagKeys': ['a'], 'aws:RequestTag/a': 'b' } },
    ]);
    expect(await of('microvms', 'UntagResource', { path, query: { tagKeys: 'a' } })).toMatchObject([{ context: { ...tagged, 'aws:TagKeys': ['a'] } }]);
  });
});

describe('network connectors', () => {
  const CONNECTOR = `arn:aws:lambda:us-east-1:${ACCOUNT}:network-connector:nc-1`;
  const operator = { action: 'iam:PassRole', resource: BUILD_ROLE, context: { 'iam:PassedToService': 'lambda.amazonaws.com' } };

  test('CreateNetworkConnector: any connector, with the subnets and groups, the role and the tags', async () => {
    const egress = { SubnetIds: ['subnet-1'], SecurityGroupIds: ['sg-1'] };
    const body = { OperatorRole: BUILD_ROLE, Configuration: { VpcEgressConfiguration: egress }, Tags: { team: 'blue' } };
    const resource = CONNECTOR.replace('nc-1', '*');
    const tags = { 'aws:TagKeys': ['team'], 'aws:RequestTag/team': 'blue' };
    const context = { 'lambda:SubnetIds': ['subnet-1'], 'lambda:SecurityGroupIds': ['sg-1'], ...tags };
    expect(await of('connectors', 'CreateNetworkConnector', { body })).toEqual([
      { action: 'lambda:CreateNetworkConnector', resource, context }, operator, { action: 'lambda:TagResource', resource, context: tags },
    ]);
  });

  test.each([
    ['ListNetworkConnectors', '', '*'],
    ['GetNetworkConnector', '/nc-1', CONNECTOR],
    ['UpdateNetworkConnector', `/${encodeURIComponent(CONNECTOR)}`, CONNECTOR],
    ['DeleteNetworkConnector', `/${encodeURIComponent(CONNECTOR)}`, CONNECTOR],
  ])('%s', async (operation, path, resource) => {
    expect(await rights(of('connectors', operation, { path: `/2026-04-04/network-connectors${path}` }))).toEqual([`lambda:${operation} ${resource}`]);
  });

  test('an update that passes a role, and tags', async () => {
    const path = '/2026-04-04/network-connectors/nc-1';
    expect((await of('connectors', 'UpdateNetworkConnector', { path, body: { OperatorRole: BUILD_ROLE } }))[1]).toEqual(operator);
    const tags = `/2017-03-31/tags/${encodeURIComponent(CONNECTOR)}`;
    expect(await of('connectors', 'TagResource', { path: tags, body: { Tags: { a: 'b' } } })).toEqual([
      { action: 'lambda:TagResource', resource: CONNECTOR, context: { 'aws:TagKeys': ['a'], 'aws:RequestTag/a': 'b' } },
    ]);
    expect(await of('connectors', 'UntagResource', { path: tags, query: { tagKeys: 'a' } })).toMatchObject([{ context: { 'aws:TagKeys': ['a'] } }]);
  });
});

describe('DynamoDB', () => {
  const TABLE = `arn:aws:dynamodb:us-east-1:${ACCOUNT}:table/table`;
  const Key = { pk: { S: 'tenant' }, sk: { S: 'x' } };
  const leading = { 'dynamodb:LeadingKeys': ['tenant'] };

  test('an item: the table, by name or ARN, and the leading key', async () => {
    for (const TableName of ['table', TABLE]) {
      expect(await of('dynamodb', 'GetItem', { body: { TableName, Key } })).toEqual([{ action: 'dynamodb:GetItem', resource: TABLE, context: leading }]);
    }
    expect(await of('dynamodb', 'PutItem', { body: { TableName: 'table', Item: Key } })).toMatchObject([{ context: leading }]);
  });

  test('a query: the table with the key it asks for, or the index', async () => {
    const query = { KeyConditionExpression: '#k = :k AND begins_with(sk, :s)', ExpressionAttributeNames: { '#k': 'pk' }, ExpressionAttributeValues: { ':k': { S: 'tenant' } } };
    expect(await of('dynamodb', 'Query', { body: { TableName: 'table', ...query } })).toEqual([{ action: 'dynamodb:Query', resource: TABLE, context: leading }]);
    expect(await of('dynamodb', 'Query', { body: { TableName: 'table', IndexName: 'by', ...query } })).toEqual([
      { action: 'dynamodb:Query', resource: `${TABLE}/index/by`, context: {} },
    ]);
  });

  test('a transaction: each action of its own, and the check as ConditionCheckItem', async () => {
    const input = { TableName: 'table', Key };
    const TransactItems = [{ Put: { TableName: 'table', Item: Key } }, { Update: input }, { Delete: input }, { ConditionCheck: input }, { Update: input }];
    const accesses = await of('dynamodb', 'TransactWriteItems', { body: { TransactItems } });
    expect(accesses.map(({ action }) => action)).toEqual(['dynamodb:PutItem', 'dynamodb:UpdateItem', 'dynamodb:DeleteItem', 'dynamodb:ConditionCheckItem']);
    expect(accesses[0].context).toEqual({ ...leading, 'dynamodb:EnclosingOperation': 'TransactWriteItems' });
  });

  test('a batch: each table, with the keys of all its items', async () => {
    const other = { pk: { S: 'other' } };
    expect(await of('dynamodb', 'BatchWriteItem', { body: { RequestItems: { table: [{ PutRequest: { Item: Key } }, { DeleteRequest: { Key: other } }] } } }))
      .toEqual([{ action: 'dynamodb:BatchWriteItem', resource: TABLE, context: { 'dynamodb:LeadingKeys': ['tenant', 'other'] } }]);
    expect(await of('dynamodb', 'BatchGetItem', { body: { RequestItems: { [TABLE]: { Keys: [Key] } } } }))
      .toEqual([{ action: 'dynamodb:BatchGetItem', resource: TABLE, context: leading }]);
  });
});

describe('S3', () => {
  test.each([
    ['ListBuckets', {}, ['s3:ListAllMyBuckets *']],
    ['HeadBucket', { path: '/bucket' }, ['s3:ListBucket arn:aws:s3:::bucket']],
    ['PutObject', { path: '/bucket/a/b%20c' }, ['s3:PutObject arn:aws:s3:::bucket/a/b c']],
    ['PutObject', { path: '/bucket/a', headers: { 'if-match': 'x', 'x-amz-tagging': 'a=b' } }, ['s3:PutObject arn:aws:s3:::bucket/a', 's3:GetObject arn:aws:s3:::bucket/a', 's3:PutObjectTagging arn:aws:s3:::bucket/a']],
    ['HeadObject', { path: '/bucket/a' }, ['s3:GetObject arn:aws:s3:::bucket/a']],
    ['GetObject', { path: '/bucket/missing' }, ['s3:GetObject arn:aws:s3:::bucket/missing', 's3:ListBucket arn:aws:s3:::bucket']],
    ['CopyObject', { path: '/to/a', headers: { 'x-amz-copy-source': 'from/b%20c?versionId=1', 'x-amz-tagging-directive': 'REPLACE' } }, ['s3:GetObjectVersion arn:aws:s3:::from/b c', 's3:PutObject arn:aws:s3:::to/a']],
    ['CopyObject', { path: '/to/a', headers: { 'x-amz-copy-source': '/from/b' } }, ['s3:GetObject arn:aws:s3:::from/b', 's3:GetObjectTagging arn:aws:s3:::from/b', 's3:PutObject arn:aws:s3:::to/a']],
    ['DeleteObjects', { path: '/bucket', body: '<Delete><Object><Key>a</Key></Object><Object><Key>b</Key></Object></Delete>' }, ['s3:DeleteObject arn:aws:s3:::bucket/a', 's3:DeleteObject arn:aws:s3:::bucket/b']],
  ])('%s %j', async (operation, given, expected) => {
    expect(await rights(of('s3', operation, given))).toEqual(expected);
  });

  test('ListObjectsV2: the bucket, with what the list is narrowed to', async () => {
    expect(await of('s3', 'ListObjectsV2', { path: '/bucket', query: { 'prefix': 'a/', 'max-keys': '5' } })).toEqual([
      { action: 's3:ListBucket', resource: 'arn:aws:s3:::bucket', context: { 's3:prefix': 'a/', 's3:max-keys': '5' } },
    ]);
  });
});

describe('the others', () => {
  const stateMachineArn = `arn:aws:states:us-east-1:${ACCOUNT}:stateMachine:one`;
  test.each([
    ['lambda', 'Invoke', { path: '/2015-03-31/functions/one/invocations' }, `lambda:InvokeFunction arn:aws:lambda:us-east-1:${ACCOUNT}:function:one`],
    ['lambda', 'Invoke', { path: `/2015-03-31/functions/arn%3Aaws%3Alambda%3Aus-east-1%3A${ACCOUNT}%3Afunction%3Aone%3Alive/invocations` }, `lambda:InvokeFunction arn:aws:lambda:us-east-1:${ACCOUNT}:function:one:live`],
    ['lambda', 'GetFunction', { path: '/2015-03-31/functions/one', query: { Qualifier: '1' } }, `lambda:GetFunction arn:aws:lambda:us-east-1:${ACCOUNT}:function:one:1`],
    ['logs', 'PutLogEvents', { body: { logGroupName: '/a/b', logStreamName: 'c' } }, `logs:PutLogEvents arn:aws:logs:us-east-1:${ACCOUNT}:log-group:/a/b:log-stream:c`],
    ['logs', 'FilterLogEvents', { body: { logGroupName: '/a/b', logStreamNamePrefix: '2026' } }, `logs:FilterLogEvents arn:aws:logs:us-east-1:${ACCOUNT}:log-group:/a/b:log-stream:`],
    ['logs', 'DescribeLogStreams', { body: { logGroupIdentifier: `arn:aws:logs:us-east-1:${ACCOUNT}:log-group:/a/b` } }, `logs:DescribeLogStreams arn:aws:logs:us-east-1:${ACCOUNT}:log-group:/a/b:log-stream:`],
    ['states', 'StartExecution', { body: { stateMachineArn } }, `states:StartExecution ${stateMachineArn}`],
    ['ssm', 'GetParameter', { body: { Name: '/cdk/version' } }, `ssm:GetParameter arn:aws:ssm:us-east-1:${ACCOUNT}:parameter/cdk/version`],
    ['ecr', 'DescribeRepositories', { body: {} }, 'ecr:DescribeRepositories *'],
    ['cloudformation', 'ListStacks', { body: 'Action=ListStacks' }, 'cloudformation:ListStacks *'],
    ['cloudformation', 'DeleteStack', { body: 'Action=DeleteStack&StackName=one' }, `cloudformation:DeleteStack arn:aws:cloudformation:us-east-1:${ACCOUNT}:stack/one/*`],
    ['unheard', 'DoIt', {}, 'unheard:DoIt *'],
  ] as const)('%s %s %j', async (service, operation, given, expected) => {
    expect(await rights(of(service, operation, given))).toEqual([expected]);
  });

  test('a stack with a role: the right to pass it', async () => {
    const body = `Action=CreateStack&StackName=one&RoleARN=${encodeURIComponent(BUILD_ROLE)}`;
    expect((await of('cloudformation', 'CreateStack', { body }))[1]).toEqual({
      action: 'iam:PassRole', resource: BUILD_ROLE, context: { 'iam:PassedToService': 'cloudformation.amazonaws.com' },
    });
  });

  test('STS: nothing for who one is, and AssumeRole asks for itself', async () => {
    expect(await of('sts', 'GetCallerIdentity')).toEqual([]);
    expect(await of('sts', 'AssumeRole')).toEqual([]);
  });

  test('a body that is no JSON needs what it would need without one', async () => {
    expect(await rights(of('dynamodb', 'GetItem', { body: '{' }))).toEqual([`dynamodb:GetItem arn:aws:dynamodb:us-east-1:${ACCOUNT}:table/`]);
  });
});
