import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  CreateTableCommand, DeleteItemCommand, DynamoDBClient, GetItemCommand, PutItemCommand, type TransactWriteItem,
  TransactWriteItemsCommand, UpdateItemCommand,
} from '@aws-sdk/client-dynamodb';
import { InvokeCommand, LambdaClient, ListTagsCommand as ListFunctionTagsCommand } from '@aws-sdk/client-lambda';
import {
  CreateMicrovmImageCommand, LambdaMicrovmsClient, ListMicrovmsCommand, ListTagsCommand, RunMicrovmCommand,
  UpdateMicrovmImageCommand,
} from '@aws-sdk/client-lambda-microvms';
import { CreateBucketCommand, GetObjectCommand, HeadObjectCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { startTestCloud, type TestCloud } from './test-cloud';
import { Faults } from '../../local/src/faults/faults';

const IMAGE = 'arn:aws:lambda:us-east-1:000000000000:microvm-image:one';
const FUNCTION = 'arn:aws:lambda:us-east-1:000000000000:function:none';

let cloud: TestCloud;
let microvms: LambdaMicrovmsClient;
let dynamodb: DynamoDBClient;
let s3: S3Client;
let lambda: LambdaClient;

beforeAll(async () => {
  cloud = await startTestCloud();
  const configuration = cloud.clientConfiguration;
  microvms = new LambdaMicrovmsClient(configuration);
  dynamodb = new DynamoDBClient(configuration);
  s3 = new S3Client({ ...configuration, forcePathStyle: true });
  lambda = new LambdaClient(configuration);
  for (const TableName of ['items', 'others']) {
    await dynamodb.send(new CreateTableCommand({
      TableName,
      BillingMode: 'PAY_PER_REQUEST',
      AttributeDefinitions: [{ AttributeName: 'id', AttributeType: 'S' }],
      KeySchema: [{ AttributeName: 'id', KeyType: 'HASH' }],
    }));
  }
  for (const Bucket of ['bucket', 'other']) await s3.send(new CreateBucketCommand({ Bucket }));
});
beforeEach(() => void (cloud.microvms.requests.length = 0));
afterEach(() => cloud.faults.clear());
afterAll(async () => {
  for (const client of [microvms, dynamodb, s3, lambda]) client.destroy();
  await cloud.stop();
});

const list = () => microvms.send(new ListMicrovmsCommand({}));
const put = (id: string, more: object = {}) => dynamodb.send(new PutItemCommand({ TableName: 'items', Item: { id: { S: id } }, ...more }));
const has = async (id: string) => (await dynamodb.send(new GetItemCommand({ TableName: 'items', Key: { id: { S: id } } }))).Item !== undefined;
const status = (code: number) => ({ $metadata: expect.objectContaining({ httpStatusCode: code }) });

describe('throttle', () => {
  test('refuses the next calls before they take effect, and no others', async () => {
    cloud.faults.throttle({ operation: 'ListMicrovms', times: 2 });
    await microvms.send(new ListTagsCommand({ Resource: IMAGE }));
    for (let call = 0; call < 2; call += 1) {
      await expect(list()).rejects.toMatchObject({ name: 'ThrottlingException', message: 'Rate exceeded', ...status(429) });
    }
    expect(cloud.microvms.requests).toHaveLength(1);
    await list();
    expect(cloud.microvms.requests).toHaveLength(2);
  });

  test('names when to come back, if it is to', async () => {
    cloud.faults.throttle({ operation: 'ListMicrovms', retryAfterSeconds: 7 });
    await expect(list()).rejects.toMatchObject({ retryAfterSeconds: 7 });
    cloud.faults.throttle({ operation: 'ListMicrovms' });
    await expect(list()).rejects.not.toHaveProperty('retryAfterSeconds', expect.any(Number));
  });

  test('the SDK retries by itself, and waits as long as it is told', async () => {
    const patient = new LambdaMicrovmsClient({ ...cloud.clientConfiguration, maxAttempts: 3 });
    cloud.faults.throttle({ operation: 'ListMicrovms' });
    cloud.faults.throttle({ operation: 'ListMicrovms', retryAfterSeconds: 1 });
    const begin = Date.now();
    const { $metadata } = await patient.send(new ListMicrovmsCommand({}));
    patient.destroy();
    expect($metadata.attempts).toBe(3);
    expect(Date.now() - begin).toBeGreaterThanOrEqual(990);
  });

  test.each([
    ['tags of images', 'ListTags', () => microvms.send(new ListTagsCommand({ Resource: IMAGE })), 'TooManyRequestsException', 429],
    ['tags of functions', 'ListTags', () => lambda.send(new ListFunctionTagsCommand({ Resource: FUNCTION })), 'TooManyRequestsException', 429],
    ['functions', 'Invoke', () => lambda.send(new InvokeCommand({ FunctionName: 'none' })), 'TooManyRequestsException', 429],
    ['items', 'PutItem', () => put('throttled'), 'ProvisionedThroughputExceededException', 400],
    ['objects', 'GetObject', () => s3.send(new GetObjectCommand({ Bucket: 'bucket', Key: 'none' })), 'SlowDown', 503],
  ])('has the error of the service for %s', async (_, operation, call, name, code) => {
    cloud.faults.throttle({ operation });
    await expect(call()).rejects.toMatchObject({ name, ...status(code) });
    expect(await has('throttled')).toBe(false);
  });
});

describe('fail', () => {
  test.each([
    ['microVMs', 'ListMicrovms', list, 'InternalServerException'],
    ['tags of images', 'ListTags', () => microvms.send(new ListTagsCommand({ Resource: IMAGE })), 'ServiceException'],
    ['functions', 'Invoke', () => lambda.send(new InvokeCommand({ FunctionName: 'none' })), 'ServiceException'],
    ['items', 'PutItem', () => put('failed'), 'InternalServerError'],
    ['objects', 'GetObject', () => s3.send(new GetObjectCommand({ Bucket: 'bucket', Key: 'none' })), 'InternalError'],
  ])('answers 500 in the service\'s words for %s, without effect', async (_, operation, call, name) => {
    cloud.faults.fail({ operation });
    await expect(call()).rejects.toMatchObject({ name, ...status(500) });
    expect(cloud.microvms.requests).toEqual([]);
    expect(await has('failed')).toBe(false);
  });

  test('may name when to come back', async () => {
    cloud.faults.fail({ operation: 'ListMicrovms', retryAfterSeconds: 3 });
    await expect(list()).rejects.toMatchObject({ retryAfterSeconds: 3 });
  });
});

test('exceedQuota refuses for memory or for builds, and the SDK does not try again', async () => {
  const eager = new LambdaMicrovmsClient({ ...cloud.clientConfiguration, maxAttempts: 3 });
  cloud.faults.exceedQuota({ operation: 'RunMicrovm' });
  cloud.faults.exceedQuota({ operation: 'CreateMicrovmImage' });
  cloud.faults.exceedQuota({ operation: 'UpdateMicrovmImage' });
  await expect(eager.send(new RunMicrovmCommand({ imageIdentifier: IMAGE }))).rejects.toMatchObject({
    name: 'ServiceQuotaExceededException',
    message: 'The base maximum allocated memory limit has been reached for this account.',
    $metadata: expect.objectContaining({ httpStatusCode: 402, attempts: 1 }),
  });
  const image = { name: 'one', baseImageArn: IMAGE, buildRoleArn: IMAGE, codeArtifact: { uri: 's3://a/b' } };
  const builds = { message: 'Account 000000000000 has reached the maximum number of concurrent builds allowed.', ...status(402) };
  await expect(eager.send(new CreateMicrovmImageCommand(image))).rejects.toMatchObject(builds);
  const update = new UpdateMicrovmImageCommand({ ...image, imageIdentifier: IMAGE });
  await expect(eager.send(update)).rejects.toMatchObject(builds);
  expect(cloud.microvms.requests).toEqual([]);
  await eager.send(new RunMicrovmCommand({ imageIdentifier: IMAGE }));
  eager.destroy();
});

test('exhaustCapacity refuses RunMicrovm alone, with 500, and the SDK tries again', async () => {
  const eager = new LambdaMicrovmsClient({ ...cloud.clientConfiguration, maxAttempts: 3 });
  const run = () => new RunMicrovmCommand({ imageIdentifier: IMAGE });
  cloud.faults.exhaustCapacity();
  await list();
  const refused = { name: 'InsufficientCapacityException', message: expect.any(String), ...status(500) };
  await expect(microvms.send(run())).rejects.toMatchObject(refused);
  expect(cloud.microvms.requests).toHaveLength(1);
  cloud.faults.exhaustCapacity({ times: 2 });
  expect((await eager.send(run())).$metadata.attempts).toBe(3);
  eager.destroy();
});

test('loseAnswer lets the call take effect and never answers it', async () => {
  const requestHandler = { requestTimeout: 200, throwOnRequestTimeout: true };
  const impatient = new DynamoDBClient({ ...cloud.clientConfiguration, requestHandler });
  cloud.faults.loseAnswer({ operation: 'PutItem', rate: 1 });
  const lost = impatient.send(new PutItemCommand({ TableName: 'items', Item: { id: { S: 'lost' } } }));
  await expect(lost).rejects.toMatchObject({ name: 'TimeoutError' });
  impatient.destroy();
  cloud.faults.clear();
  await put('answered');
  expect(await has('lost')).toBe(true);
});

test('a call that is refused uses up no lost answer', async () => {
  cloud.faults.loseAnswer({ operation: 'ListMicrovms' });
  cloud.faults.throttle({ operation: 'ListMicrovms' });
  await expect(list()).rejects.toMatchObject({ name: 'ThrottlingException' });
  await expect(microvms.send(new ListMicrovmsCommand({}), { abortSignal: AbortSignal.timeout(200) })).rejects.toThrow();
});

describe('delay', () => {
  /** Resolves once a call is held back. */
  const holding = (): Promise<void> => new Promise((resolve) => {
    const { clock } = cloud;
    const sleep = clock.sleep.bind(clock);
    const spy = jest.spyOn(clock, 'sleep').mockImplementation((ms) => {
      spy.mockRestore();
      resolve();
      return sleep(ms);
    });
  });

  test('holds the call back for as long as the cloud\'s clock says', async () => {
    cloud.faults.delay({ operation: 'ListMicrovms', ms: 3_600_000 });
    const begun = holding();
    const held = list();
    await begun;
    expect(cloud.microvms.requests).toEqual([]);
    await cloud.clock.advance({ minutes: 59 });
    expect(cloud.microvms.requests).toEqual([]);
    await cloud.clock.advance({ minutes: 2 });
    await held;
    await list();
  });

  test('comes before a refusal that was switched on later', async () => {
    cloud.faults.delay({ operation: 'ListMicrovms', ms: 3_600_000, times: 2 });
    cloud.faults.throttle({ operation: 'ListMicrovms' });
    const begun = holding();
    const refused = expect(list()).rejects.toMatchObject({ name: 'ThrottlingException' });
    await begun;
    await cloud.clock.advance({ hours: 2 });
    await refused;
  });

  test('a refusal that is cleared meanwhile does not follow it', async () => {
    cloud.faults.delay({ operation: 'ListMicrovms', ms: 3_600_000 });
    cloud.faults.throttle({ operation: 'ListMicrovms' });
    const begun = holding();
    const held = list();
    await begun;
    cloud.faults.clear();
    await cloud.clock.advance({ hours: 2 });
    await held;
  });
});

describe('conflictWrites', () => {
  const ConditionExpression = 'attribute_not_exists(id)';
  const items = (...ids: string[]) => ({
    TransactItems: ids.map((id, index) => ({
      Put: { TableName: index ? 'others' : 'items', Item: { id: { S: id } }, ...(index ? {} : { ConditionExpression }) },
    })),
  });

  test('fails a write under a condition, which writes nothing', async () => {
    cloud.faults.conflictWrites({ times: 2 });
    await put('unconditional');
    await expect(put('new', { ConditionExpression })).rejects.toMatchObject({
      name: 'ConditionalCheckFailedException', message: 'The conditional request failed', ...status(400),
    });
    expect(await has('new')).toBe(false);
    const update = new UpdateItemCommand({
      TableName: 'items', Key: { id: { S: 'new' } }, ConditionExpression, UpdateExpression: 'SET a = :a', ExpressionAttributeValues: { ':a': { S: 'x' } },
    });
    await expect(dynamodb.send(update)).rejects.toMatchObject({ name: 'ConditionalCheckFailedException' });
    await put('new', { ConditionExpression });
    expect(await has('new')).toBe(true);
  });

  test('gives the item to a caller that asked for it', async () => {
    await put('known', { Item: { id: { S: 'known' }, owner: { S: 'somebody' } } });
    cloud.faults.conflictWrites({ times: 2 });
    const asking = { ReturnValuesOnConditionCheckFailure: 'ALL_OLD', ConditionExpression: 'attribute_exists(id)' };
    await expect(put('known', asking)).rejects.toMatchObject({ Item: { id: { S: 'known' }, owner: { S: 'somebody' } } });
    const { Item } = await put('unknown', asking).catch((error: { Item?: unknown }) => error) as { Item?: unknown };
    expect(Item).toBeUndefined();
  });

  test('cancels a transaction, with a reason for each of its actions', async () => {
    cloud.faults.conflictWrites();
    await expect(dynamodb.send(new TransactWriteItemsCommand(items('a', 'b')))).rejects.toMatchObject({
      name: 'TransactionCanceledException',
      message: 'Transaction cancelled, please refer cancellation reasons for specific reasons [ConditionalCheckFailed, None]',
      CancellationReasons: [{ Code: 'ConditionalCheckFailed', Message: 'The conditional request failed' }, { Code: 'None' }],
    });
    expect(await has('a')).toBe(false);
    await dynamodb.send(new TransactWriteItemsCommand(items('a', 'b')));
    expect(await has('a')).toBe(true);
  });

  test('fails a deletion under a condition, which deletes nothing', async () => {
    await put('deletable');
    cloud.faults.conflictWrites({ operation: 'DeleteItem' });
    const remove = new DeleteItemCommand({ TableName: 'items', Key: { id: { S: 'deletable' } }, ConditionExpression: 'attribute_exists(id)' });
    await expect(dynamodb.send(remove)).rejects.toMatchObject({ name: 'ConditionalCheckFailedException' });
    expect(await has('deletable')).toBe(true);
    await dynamodb.send(remove);
    expect(await has('deletable')).toBe(false);
  });

  const target = { TableName: 'items', Key: { id: { S: 'target' } }, ConditionExpression: 'attribute_not_exists(taken_by)' };
  const ACTIONS: TransactWriteItem[] = [
    { Update: { ...target, UpdateExpression: 'SET a = :a', ExpressionAttributeValues: { ':a': { S: 'x' } } } },
    { Delete: target },
    { ConditionCheck: target },
  ];
  test.each(ACTIONS)('cancels a transaction for the condition in %j', async (action) => {
    cloud.faults.conflictWrites();
    await expect(dynamodb.send(new TransactWriteItemsCommand({ TransactItems: [action] }))).rejects.toMatchObject({
      name: 'TransactionCanceledException', CancellationReasons: [{ Code: 'ConditionalCheckFailed' }],
    });
    await dynamodb.send(new TransactWriteItemsCommand({ TransactItems: [action] }));
  });

  test('can be meant for one table or one operation', async () => {
    cloud.faults.conflictWrites({ table: 'others' });
    cloud.faults.conflictWrites({ operation: 'UpdateItem' });
    await put('elsewhere', { ConditionExpression });
    await expect(dynamodb.send(new PutItemCommand({ TableName: 'others', Item: { id: { S: 'x' } }, ConditionExpression })))
      .rejects.toMatchObject({ name: 'ConditionalCheckFailedException' });
  });
});

test('slowDownStorage answers 503 to requests of a bucket, without effect', async () => {
  cloud.faults.slowDownStorage({ bucket: 'bucket', times: 2, retryAfterSeconds: 1 });
  const object = { Bucket: 'bucket', Key: 'slow/object' };
  await s3.send(new PutObjectCommand({ ...object, Bucket: 'other', Body: 'x' }));
  await expect(s3.send(new PutObjectCommand({ ...object, Body: 'x' }))).rejects.toMatchObject({
    name: 'SlowDown', message: 'Please reduce your request rate.', ...status(503),
  });
  await expect(s3.send(new HeadObjectCommand(object))).rejects.toMatchObject(status(503));
  await expect(s3.send(new HeadObjectCommand(object))).rejects.toMatchObject({ name: 'NotFound' });
  cloud.faults.slowDownStorage({ operation: 'GetObject' });
  await s3.send(new PutObjectCommand({ ...object, Body: 'x' }));
  await expect(s3.send(new GetObjectCommand(object))).rejects.toMatchObject({ name: 'SlowDown' });
});

describe('how often', () => {
  /** Which of `count` calls were refused. */
  const outcomes = async (count: number): Promise<boolean[]> => {
    const refused: boolean[] = [];
    for (let call = 0; call < count; call += 1) refused.push(await list().then(() => false, () => true));
    return refused;
  };

  test('a rate strikes about as often as it says, in the order of its seed, until it is cleared', async () => {
    const runs: boolean[][] = [];
    for (const seed of [1, 1, 2]) {
      cloud.faults.clear();
      cloud.faults.seed(seed);
      cloud.faults.throttle({ operation: 'ListMicrovms', rate: 0.3 });
      runs.push(await outcomes(40));
    }
    expect(runs[0]).toEqual(runs[1]);
    expect(runs[0]).not.toEqual(runs[2]);
    const struck = runs[0].filter(Boolean).length;
    expect(struck).toBeGreaterThan(4);
    expect(struck).toBeLessThan(24);
    cloud.faults.clear();
    expect(await outcomes(20)).not.toContain(true);
  });

  test('a random source of one\'s own decides about rates', async () => {
    const numbers = [0.1, 0.5, 0.49, 0.9];
    const faults = new Faults({
      clock: cloud.clock, account: '000000000000', killMicrovm: async () => undefined, callDynamoDb: async () => ({}), random: () => numbers.shift() ?? 1,
    });
    faults.loseAnswer({ operation: 'ListMicrovms', rate: 0.5 });
    const call = {
      service: 'microvms',
      operation: 'ListMicrovms',
      region: 'us-east-1',
      request: {
        method: 'GET', path: '/', query: new URLSearchParams(), headers: {}, body: Buffer.alloc(0), accessKeyId: '',
      },
    };
    const answers = [];
    for (let turn = 0; turn < 4; turn += 1) answers.push(await faults.release(call, { status: 200 }));
    expect(answers.map((answer) => answer === undefined)).toEqual([true, false, true, false]);
  });

  test('calls that come at once are counted one by one', async () => {
    cloud.faults.throttle({ operation: 'ListMicrovms', times: 5 });
    const refused = await Promise.all(Array.from({ length: 12 }, () => list().then(() => false, () => true)));
    expect(refused.filter(Boolean)).toHaveLength(5);
  });
});

test('each fault is in the documentation', () => {
  const others = ['constructor', 'seed', 'clear', 'admit', 'release', 'exitCode', 'buildFailure', 'hangs', 'refusesEndpoint'];
  const names = Object.getOwnPropertyNames(Faults.prototype).filter((name) => !others.includes(name));
  const documentation = readFileSync(join(__dirname, '../../docs/local-cloud/faults.md'), 'utf8');
  const rows = [...documentation.matchAll(/^\| `(\w+)` \|/gm)].map(([, name]) => name);
  expect(rows).toEqual(names);
});

test('fails for options that make no sense, and names them', () => {
  const { faults } = cloud;
  const ListMicrovms = { operation: 'ListMicrovms' };
  const cases: [() => unknown, string][] = [
    [() => faults.throttle({ operation: 'Nothing' }), 'throttle: operation "Nothing" is none that the local cloud knows'],
    [() => faults.throttle({ ...ListMicrovms, times: 1.5 }), 'throttle: times must be a whole number from 1, got 1.5'],
    [() => faults.throttle({ ...ListMicrovms, rate: 0 }), 'throttle: rate must be above 0 and at most 1, got 0'],
    [() => faults.throttle({ ...ListMicrovms, rate: NaN }), 'throttle: rate must be above 0 and at most 1, got NaN'],
    [() => faults.throttle({ ...ListMicrovms, rate: 0.5, times: 2 }), 'throttle: give times or rate, not both'],
    [() => faults.throttle({ ...ListMicrovms, retryAfterSeconds: -1 }), 'throttle: retryAfterSeconds must be a whole number from 0, got -1'],
    [() => faults.fail({ operation: '' }), 'fail: operation "" is none'],
    [() => faults.exhaustCapacity({ rate: 2 }), 'exhaustCapacity: rate must be above 0 and at most 1, got 2'],
    [() => faults.exceedQuota({ operation: 'GetMicrovm' }), 'exceedQuota: operation "GetMicrovm" is none of RunMicrovm, CreateMicrovmImage'],
    [() => faults.delay({ ...ListMicrovms, ms: 0 }), 'delay: ms must be a number above 0, got 0'],
    [() => faults.conflictWrites({ operation: 'GetItem' }), 'conflictWrites: operation "GetItem" is none of PutItem'],
    [() => faults.slowDownStorage({ operation: 'PutItem' }), 'slowDownStorage: operation "PutItem" is none of'],
    [() => faults.killMicrovm({ exitCode: 256 }), 'killMicrovm: exitCode must be at most 255, got 256'],
    [() => faults.killMicrovm({ microvmId: 'microvm-1', times: 2 }), 'killMicrovm: times and rate are for microVMs that start'],
    [() => faults.failBuild({ reason: '' }), 'failBuild: reason must not be empty'],
    [() => faults.failBuild({ reason: 'x', chipsetGeneration: '5' }), 'failBuild: chipsetGeneration "5" is none of 3, 4'],
    [() => faults.hangHook({ hook: 'start' as 'run' }), 'hangHook: hook "start" is none of ready'],
    [() => faults.refuseEndpoint({ seconds: Infinity }), 'refuseEndpoint: seconds must be a number above 0, got Infinity'],
    [() => faults.seed(-1), 'seed: seed must be a whole number from 0, got -1'],
  ];
  for (const [call, message] of cases) expect(call).toThrow(message);
});
