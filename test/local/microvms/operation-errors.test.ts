import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as sdk from '@aws-sdk/client-lambda-microvms';
import { EVERY_OPERATION } from './every-operation';
import { ACCOUNT, BASE_IMAGE, REGION, ROLE } from './microvm-cloud';
import { IamCloud } from '../iam/iam-cloud';
import { startTestCloud, type TestCloud } from '../test-cloud';

const IMAGE = `arn:aws:lambda:${REGION}:${ACCOUNT}:microvm-image:one`;
const MICROVM = 'microvm-00000000-0000-0000-0000-000000000000';
const TAG_OPERATIONS = ['ListTags', 'TagResource', 'UntagResource'];

const image = { imageIdentifier: IMAGE };
const version = { ...image, imageVersion: '1.0' };
const microvm = { microvmIdentifier: MICROVM };
const build = { baseImageArn: BASE_IMAGE, buildRoleArn: ROLE, codeArtifact: { uri: 's3://a/b' } };

/** Each operation, as the SDK sends it. */
const COMMANDS: Readonly<Record<string, object>> = {
  CreateMicrovmImage: new sdk.CreateMicrovmImageCommand({ name: 'one', ...build }),
  GetMicrovmImage: new sdk.GetMicrovmImageCommand(image),
  ListMicrovmImages: new sdk.ListMicrovmImagesCommand({}),
  UpdateMicrovmImage: new sdk.UpdateMicrovmImageCommand({ ...image, ...build }),
  DeleteMicrovmImage: new sdk.DeleteMicrovmImageCommand(image),
  ListMicrovmImageVersions: new sdk.ListMicrovmImageVersionsCommand(image),
  GetMicrovmImageVersion: new sdk.GetMicrovmImageVersionCommand(version),
  UpdateMicrovmImageVersion: new sdk.UpdateMicrovmImageVersionCommand({ ...version, status: 'ACTIVE' }),
  DeleteMicrovmImageVersion: new sdk.DeleteMicrovmImageVersionCommand(version),
  ListMicrovmImageBuilds: new sdk.ListMicrovmImageBuildsCommand(version),
  GetMicrovmImageBuild: new sdk.GetMicrovmImageBuildCommand({ ...version, buildId: 'b' }),
  ListManagedMicrovmImages: new sdk.ListManagedMicrovmImagesCommand({}),
  ListManagedMicrovmImageVersions: new sdk.ListManagedMicrovmImageVersionsCommand({ imageIdentifier: BASE_IMAGE }),
  RunMicrovm: new sdk.RunMicrovmCommand(image),
  GetMicrovm: new sdk.GetMicrovmCommand(microvm),
  ListMicrovms: new sdk.ListMicrovmsCommand({}),
  SuspendMicrovm: new sdk.SuspendMicrovmCommand(microvm),
  ResumeMicrovm: new sdk.ResumeMicrovmCommand(microvm),
  TerminateMicrovm: new sdk.TerminateMicrovmCommand(microvm),
  CreateMicrovmAuthToken: new sdk.CreateMicrovmAuthTokenCommand({
    ...microvm, expirationInMinutes: 1, allowedPorts: [{ port: 1 }],
  }),
  CreateMicrovmShellAuthToken: new sdk.CreateMicrovmShellAuthTokenCommand({ ...microvm, expirationInMinutes: 1 }),
  ListTags: new sdk.ListTagsCommand({ Resource: IMAGE }),
  TagResource: new sdk.TagResourceCommand({ Resource: IMAGE, Tags: { a: 'b' } }),
  UntagResource: new sdk.UntagResourceCommand({ Resource: IMAGE, TagKeys: ['a'] }),
};

const operations = EVERY_OPERATION.map(({ operation }) => operation);

test('every operation that the SDK has is here, and in the documentation', () => {
  const known = Object.keys(sdk).flatMap((name) => /^(\w+)Command$/.exec(name)?.[1] ?? []);
  expect([...operations].sort()).toEqual(known.sort());
  expect(Object.keys(COMMANDS).sort()).toEqual(known);
  const documentation = readFileSync(join(__dirname, '../../../docs/local-cloud/microvms.md'), 'utf8');
  const rows = documentation.split('\n').filter((line) => line.startsWith('| ')).map((line) => line.split(' | ')[0].slice(2));
  expect(rows.flatMap((row) => row.split(', '))).toEqual(expect.arrayContaining(operations));
});

interface Failure {
  readonly name: string;
  readonly message: string;
  readonly $metadata: { readonly httpStatusCode: number };
}

/** What a call is refused with. */
function failureOf(client: sdk.LambdaMicrovmsClient, operation: string): Promise<Failure> {
  return client.send(COMMANDS[operation] as sdk.ListTagsCommand).then(() => {
    throw new Error(`${operation} was answered`);
  }, (error: Failure) => error);
}

describe('a fault of the service', () => {
  let cloud: TestCloud;
  let client: sdk.LambdaMicrovmsClient;
  beforeAll(async () => {
    cloud = await startTestCloud();
    client = new sdk.LambdaMicrovmsClient(cloud.clientConfiguration);
  });
  beforeEach(() => void (cloud.microvms.requests.length = 0));
  afterEach(() => cloud.faults.clear());
  afterAll(async () => {
    client.destroy();
    await cloud.stop();
  });

  /** The next answer to the operation, as it stands on the wire. */
  async function wire(operation: string) {
    const { method, path } = EVERY_OPERATION.find((request) => request.operation === operation) ?? { method: '', path: '' };
    const answer = await fetch(cloud.endpoint + path.replace('{image}', IMAGE).replace('{microvm}', MICROVM), {
      method, headers: { authorization: `AWS4-HMAC-SHA256 Credential=a/20260101/${REGION}/lambda/aws4_request` },
    });
    const { status, headers } = answer;
    return { status, type: headers.get('x-amzn-errortype'), content: headers.get('content-type'), body: await answer.json() as unknown };
  }

  test.each(operations)('throttles %s: 429 with the members of its error', async (operation) => {
    cloud.faults.throttle({ operation, times: 2 });
    const tag = TAG_OPERATIONS.includes(operation);
    const type = tag ? 'TooManyRequestsException' : 'ThrottlingException';
    expect(await failureOf(client, operation)).toMatchObject({ name: type, $metadata: { httpStatusCode: 429 } });
    const body = { message: 'Rate exceeded', ...(tag ? { Type: null } : { serviceCode: null, quotaCode: null }) };
    expect(await wire(operation)).toEqual({ status: 429, type, content: 'application/json', body });
    expect(cloud.microvms.requests).toEqual([]);
  });

  test.each(operations)('breaks %s: 500 with the error of the service', async (operation) => {
    cloud.faults.fail({ operation, times: 2 });
    const tag = TAG_OPERATIONS.includes(operation);
    const type = tag ? 'ServiceException' : 'InternalServerException';
    expect(await failureOf(client, operation)).toMatchObject({ name: type, $metadata: { httpStatusCode: 500 } });
    const body = tag ? { message: expect.any(String), Type: 'Service' } : { message: null };
    expect(await wire(operation)).toEqual({ status: 500, type, content: 'application/json', body });
    expect(cloud.microvms.requests).toEqual([]);
  });

  test('loses the answer of each operation once, after it took effect', async () => {
    for (const operation of operations) cloud.faults.loseAnswer({ operation });
    const leaving = operations.map(() => new AbortController());
    const sendAll = (signals: readonly AbortController[] = []) => operations.map((operation, index) => (
      client.send(COMMANDS[operation] as sdk.ListTagsCommand, { abortSignal: signals[index]?.signal }).then(() => 'answered', () => 'lost')
    ));
    const lost = sendAll(leaving);
    while (cloud.microvms.requests.length < operations.length) await new Promise((resolve) => setTimeout(resolve, 5));
    expect(new Set(await Promise.all(sendAll()))).toEqual(new Set(['answered']));
    for (const controller of leaving) controller.abort();
    expect(new Set(await Promise.all(lost))).toEqual(new Set(['lost']));
  });
});

describe('a role without rights', () => {
  const asked: string[] = [];
  let cloud: IamCloud;
  let client: sdk.LambdaMicrovmsClient;
  beforeAll(async () => {
    cloud = await IamCloud.start(async ({ action }) => {
      asked.push(action);
      return { allowed: action === 'sts:AssumeRole' };
    });
    client = new sdk.LambdaMicrovmsClient({ ...cloud.configuration, credentials: await cloud.roleWith('Without') });
  });
  afterAll(async () => {
    client.destroy();
    await cloud.stop();
  });

  test.each(operations)('fails to call %s, with 403, for want of the action of that name', async (operation) => {
    asked.length = 0;
    expect(await failureOf(client, operation)).toMatchObject({
      name: 'AccessDeniedException',
      message: expect.stringContaining(`is not authorized to perform: lambda:${operation} on resource: `),
      $metadata: { httpStatusCode: 403 },
    });
    expect(asked).toEqual([`lambda:${operation}`]);
    expect(cloud.microvms.requests).toEqual([]);
  });
});
