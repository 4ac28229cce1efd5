import { createServer } from 'node:http';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { CloudWatchLogsClient } from '@aws-sdk/client-cloudwatch-logs';
import { LambdaMicrovmsClient } from '@aws-sdk/client-lambda-microvms';
import { S3Client } from '@aws-sdk/client-s3';
import { SdkArtifacts } from '../../lambda/image-builder/sdk-artifacts';
import { SdkImages } from '../../lambda/image-builder/sdk-images';
import { SdkLogs } from '../../lambda/image-builder/sdk-logs';

interface Answer {
  readonly status?: number;
  readonly headers?: Record<string, string>;
  readonly body?: string;
}

/** The real SDK clients against a server that plays back answers and keeps what was sent. */
let server: Server;
let answers: Answer[];
let sent: { line: string; headers: NodeJS.Dict<string | string[]>; body: string }[];
let options: object;

beforeAll(async () => {
  server = createServer(async (request, response) => {
    let body = '';
    for await (const chunk of request) body += chunk;
    sent.push({ line: `${request.method} ${request.url}`, headers: request.headers, body });
    const { status = 200, headers = {}, body: answer = '' } = answers.shift() ?? {};
    response.writeHead(status, headers).end(answer);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', () => resolve()));
  options = {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    region: 'us-east-1',
    credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
    maxAttempts: 1,
  };
});
afterAll(() => new Promise((resolve) => {
  server.closeAllConnections();
  server.close(resolve);
}));
beforeEach(() => {
  answers = [];
  sent = [];
});

const images = () => new SdkImages(new LambdaMicrovmsClient(options));
const artifacts = () => new SdkArtifacts(new S3Client({ ...options, forcePathStyle: true }));
const logs = () => new SdkLogs(new CloudWatchLogsClient(options));
const json = (value: object): Answer => ({ body: JSON.stringify(value), headers: { 'content-type': 'application/json' } });
const ARN = 'arn:aws:lambda:us-east-1:1:microvm-image:a';

describe('images through the SDK', () => {
  it('are created with name, tags and token', async () => {
    answers = [{ ...json({ imageArn: ARN, imageVersion: '1.0' }), status: 201 }];
    // The members that matter here; the type wants all of them.
    const build = { baseImageArn: 'b', buildRoleArn: 'r', codeArtifact: { uri: 's3://x/y' }, environmentVariables: {} } as any;
    expect(await images().create({ name: 'a', build, tags: { t: 'v' } }, 'token')).toEqual({ imageArn: ARN, imageVersion: '1.0' });
    expect(sent[0].line).toBe('POST /2025-09-09/microvm-images');
    expect(JSON.parse(sent[0].body)).toMatchObject({ name: 'a', tags: { t: 'v' }, clientToken: 'token', environmentVariables: {} });
  });

  it('are read through to the last page, empty pages too', async () => {
    answers = [
      json({ items: [{ microvmId: 'm1', state: 'RUNNING' }], nextToken: 'n1' }), json({ items: [], nextToken: 'n2' }),
      json({ items: [{ microvmId: 'm2', state: 'TERMINATED' }], nextToken: null }),
    ];
    expect(await images().listMicrovms(ARN)).toEqual([{ microvmId: 'm1', state: 'RUNNING' }, { microvmId: 'm2', state: 'TERMINATED' }]);
    expect(sent).toHaveLength(3);
    expect(sent[0].line).toContain('maxResults=50');
  });

  it('have null where the service has nothing to say, at any depth', async () => {
    const hooks = {
      port: 9000,
      microvmImageHooks: { ready: 'ENABLED', readyTimeoutInSeconds: 300, validate: 'DISABLED', validateTimeoutInSeconds: null },
      microvmHooks: null,
    };
    answers = [
      json({
        imageArn: ARN,
        imageVersion: '1.0',
        state: 'PENDING',
        status: null,
        stateReason: null,
        createdAt: 1_800_000_000.5,
        updatedAt: null,
        tags: null,
        baseImageArn: 'b',
        baseImageVersion: '1.0',
        buildRoleArn: 'r',
        description: null,
        codeArtifact: { uri: 's3://x/y' },
        logging: { cloudWatch: { logGroup: 'g', logStream: null } },
        egressNetworkConnectors: null,
        cpuConfigurations: [{ architecture: 'ARM_64' }],
        resources: [{ minimumMemoryInMiB: 2048 }],
        additionalOsCapabilities: null,
        hooks,
        environmentVariables: { a: '' },
        versionStateTimeBucket: 'PENDING#1',
        buildPhaseOverrides: null,
      }),
      json({ imageVersion: '2.0', state: 'FAILED', hooks: null, logging: null, environmentVariables: null }),
      json({ items: [{ buildId: 'x', buildState: 'FAILED', chipset: 'GRAVITON', chipsetGeneration: '4', stateReason: null }] }),
      json({ state: 'CREATED', tags: null }),
    ];
    expect(await images().getVersion(ARN, '1.0')).toEqual({
      imageVersion: '1.0',
      state: 'PENDING',
      createdAt: 1_800_000_000_500,
      build: {
        baseImageArn: 'b',
        baseImageVersion: '1.0',
        buildRoleArn: 'r',
        codeArtifact: { uri: 's3://x/y' },
        logging: { cloudWatch: { logGroup: 'g' } },
        cpuConfigurations: [{ architecture: 'ARM_64' }],
        resources: [{ minimumMemoryInMiB: 2048 }],
        hooks: { port: 9000, microvmImageHooks: { ready: 'ENABLED', readyTimeoutInSeconds: 300, validate: 'DISABLED' } },
        environmentVariables: { a: '' },
      },
    });
    expect(await images().getVersion(ARN, '2.0')).toEqual({ imageVersion: '2.0', state: 'FAILED', build: {} });
    expect(await images().listBuilds(ARN, '1.0')).toEqual([
      { buildId: 'x', state: 'FAILED', chipset: 'GRAVITON', chipsetGeneration: '4', stateReason: undefined },
    ]);
    expect(await images().get(ARN)).toEqual({ state: 'CREATED', tags: {} });
  });

  it('tell of a union with a null member what the other one says', async () => {
    answers = [json({ imageVersion: '1.0', state: 'PENDING', logging: { cloudWatch: { logGroup: 'g' }, disabled: null } }),
      json({ imageVersion: '1.0', state: 'PENDING', logging: { disabled: {}, cloudWatch: null } })];
    expect((await images().getVersion(ARN, '1.0')).build.logging).toEqual({ cloudWatch: { logGroup: 'g' } });
    expect((await images().getVersion(ARN, '1.0')).build.logging).toEqual({ disabled: {} });
  });

  it('are updated as a version was told, so that a rebuild may send it back', async () => {
    answers = [
      json({ imageVersion: '1.0', state: 'SUCCESSFUL', baseImageVersion: '1.0', description: null, hooks: { port: 9000, microvmHooks: { run: 'ENABLED', runTimeoutInSeconds: null } } }),
      json({ imageArn: ARN, imageVersion: '2.0' }),
    ];
    const { build } = await images().getVersion(ARN, '1.0');
    expect(await images().update(ARN, { ...build, baseImageVersion: '2' } as any, 'token')).toEqual({ imageArn: ARN, imageVersion: '2.0' });
    expect(sent[1].line).toMatch(/^PUT \/2025-09-09\/microvm-images\//);
    expect(JSON.parse(sent[1].body)).toEqual({
      baseImageVersion: '2', hooks: { port: 9000, microvmHooks: { run: 'ENABLED' } }, clientToken: 'token',
    });
  });

  it('have versions that are listed to the last page, switched and deleted', async () => {
    answers = [
      json({ items: [{ imageVersion: '1.0', state: 'SUCCESSFUL', status: 'ACTIVE', environmentVariables: null }], nextToken: 'n' }),
      json({ items: [{ imageVersion: '2.0', state: 'FAILED', status: 'INACTIVE' }], nextToken: null }),
      json({}), json({}),
    ];
    expect(await images().listVersions(ARN)).toMatchObject([
      { imageVersion: '1.0', state: 'SUCCESSFUL', status: 'ACTIVE' }, { imageVersion: '2.0', state: 'FAILED', status: 'INACTIVE' },
    ]);
    await images().setStatus(ARN, '1.0', 'INACTIVE');
    await images().deleteVersion(ARN, '2.0');
    expect(sent[2].line).toMatch(/^PATCH .*\/versions\/1\.0$/);
    expect(JSON.parse(sent[2].body)).toEqual({ status: 'INACTIVE' });
    expect(sent[3].line).toMatch(/^DELETE .*\/versions\/2\.0$/);
  });

  it('are tagged and untagged', async () => {
    answers = [{ status: 204 }, { status: 204 }];
    await images().tag(ARN, { a: 'b' });
    await images().untag(ARN, ['c', 'd']);
    expect(sent[0].line).toMatch(/^POST \/2017-03-31\/tags\//);
    expect(JSON.parse(sent[0].body)).toEqual({ Tags: { a: 'b' } });
    expect(sent[1].line).toMatch(/^DELETE \/2017-03-31\/tags\/.*tagKeys=c&tagKeys=d$/);
  });

  it('have builds that tell how far they came', async () => {
    const none = { codeInstallSizeInBytes: null, memorySnapshotSizeInBytes: null, diskSnapshotSizeInBytes: null };
    answers = [
      json({ snapshotBuild: null }),
      json({ snapshotBuild: none }),
      json({ snapshotBuild: { ...none, codeInstallSizeInBytes: 1 } }),
      json({ snapshotBuild: { codeInstallSizeInBytes: 1, memorySnapshotSizeInBytes: 2, diskSnapshotSizeInBytes: 3 } }),
    ];
    const progress = () => images().buildProgress(ARN, '1.0', 'build-1');
    for (const [hasCode, hasSnapshot] of [[false, false], [false, false], [true, false], [true, true]]) {
      expect(await progress()).toEqual({ hasCode, hasSnapshot });
    }
    expect(sent[0].line).toMatch(/^GET .*\/versions\/1\.0\/builds\/build-1$/);
  });

  it('have microVMs of all versions, or of one', async () => {
    answers = [json({ items: [] }), json({ items: [] })];
    await images().listMicrovms(ARN);
    await images().listMicrovms(ARN, '2.0');
    expect(sent[0].line).not.toContain('imageVersion');
    expect(sent[1].line).toContain('imageVersion=2.0');
  });

  it('have base images, listed to the last page, of which one has no status', async () => {
    answers = [json({ items: [{ imageVersion: '1', status: 'AVAILABLE' }], nextToken: 'n' }), json({ items: [{ imageVersion: '0', status: null }] })];
    expect(await images().listManagedVersions('arn:aws:lambda:us-east-1:aws:microvm-image:al2023-1')).toEqual([
      { version: '1', status: 'AVAILABLE' }, { version: '0', status: 'UNKNOWN' },
    ]);
    expect(sent[0].line).toMatch(/^GET \/2025-09-09\/managed-microvm-images\/.*\/versions\?maxResults=50/);
  });

  it('fail in the kinds that the builder acts on', async () => {
    const error = (status: number, type: string, message: string): Answer => ({ ...json({ message }), status, headers: { 'x-amzn-errortype': type } });
    answers = [
      error(404, 'ResourceNotFoundException', 'MicroVMImage not found'),
      error(400, 'ValidationException', 'Cannot delete microvm image with running microvms.'),
      error(409, 'ResourceConflictException', 'The image is being changed'),
    ];
    await expect(images().get(ARN)).rejects.toMatchObject({ kind: 'not_found' });
    await expect(images().delete(ARN)).rejects.toMatchObject({ kind: 'refused', message: expect.stringContaining('Cannot delete microvm image') });
    await expect(images().tag(ARN, { a: 'b' })).rejects.toMatchObject({ kind: 'conflict' });
  });
});

describe('artifacts through the SDK', () => {
  it('are there, not there, or hidden, which is how S3 says that they are not there; any other failure is one', async () => {
    answers = [{ status: 200 }, { status: 404 }, { status: 403 }, { status: 500 }];
    const object = { bucket: 'b', key: 'a/k.zip' };
    expect([await artifacts().find(object), await artifacts().find(object), await artifacts().find(object)]).toEqual(['there', 'missing', 'hidden']);
    await expect(artifacts().find(object)).rejects.toThrow();
  });

  it('are copied from a key that needs encoding, without tags', async () => {
    answers = [{ body: '<CopyObjectResult><ETag>"e"</ETag></CopyObjectResult>' }];
    await artifacts().copy({ bucket: 'assets', key: 'a b/ü+.zip' }, { bucket: 'artifacts', key: 'agent/k.zip' });
    expect(sent[0]).toMatchObject({
      line: expect.stringMatching(/^PUT \/artifacts\/agent\/k\.zip/),
      headers: { 'x-amz-copy-source': 'assets/a%20b/%C3%BC%2B.zip', 'x-amz-tagging-directive': 'REPLACE' },
    });
  });

  it('are copied of a version', async () => {
    answers = [{ body: '<CopyObjectResult><ETag>"e"</ETag></CopyObjectResult>' }];
    await artifacts().copy({ bucket: 'assets', key: 'k.zip', version: 'a&b' }, { bucket: 'artifacts', key: 'agent/k.zip' });
    expect(sent[0].headers['x-amz-copy-source']).toBe('assets/k.zip?versionId=a%26b');
  });

  it('are put', async () => {
    answers = [{ status: 200 }];
    await artifacts().put({ bucket: 'artifacts', key: 'agent/k.zip' }, Buffer.from('PK'));
    expect(sent[0]).toMatchObject({ line: expect.stringMatching(/^PUT \/artifacts\/agent\/k\.zip/), body: expect.stringContaining('PK') });
  });

  it('are deleted below the prefix, page by page', async () => {
    const page = (key: string, more: boolean) => ({
      body: `<ListBucketResult><IsTruncated>${more}</IsTruncated>${more ? '<NextContinuationToken>n</NextContinuationToken>' : ''}`
        + `<Contents><Key>${key}</Key></Contents></ListBucketResult>`,
    });
    answers = [page('agent/1', true), { body: '<DeleteResult/>' }, page('agent/2', false), { body: '<DeleteResult/>' }];
    await artifacts().deleteAll('b', 'agent/');
    expect(sent.map(({ line }) => line.split(' ')[0])).toEqual(['GET', 'POST', 'GET', 'POST']);
    expect(sent[0].line).toContain('prefix=agent%2F');
    expect(sent[1].body).toContain('<Key>agent/1</Key>');
    expect(sent[3].body).toContain('<Key>agent/2</Key>');
  });

  it('of a bucket that is gone are gone', async () => {
    answers = [{ status: 404, body: '<Error><Code>NoSuchBucket</Code><Message>gone</Message></Error>' }];
    await expect(artifacts().deleteAll('b', 'agent/')).resolves.toBeUndefined();
  });

  it('fail by name when one cannot be deleted', async () => {
    answers = [
      { body: '<ListBucketResult><IsTruncated>false</IsTruncated><Contents><Key>agent/1</Key></Contents></ListBucketResult>' },
      { body: '<DeleteResult><Error><Key>agent/1</Key><Code>AccessDenied</Code></Error></DeleteResult>' },
    ];
    await expect(artifacts().deleteAll('b', 'agent/')).rejects.toThrow('agent/1: AccessDenied');
  });
});

describe('build logs through the SDK', () => {
  const line = (logStreamName: string, index: number) => ({ logStreamName, timestamp: index, message: `line ${index}` });

  it('are the last lines of each stream of the prefix, over all pages', async () => {
    answers = [
      json({ events: Array.from({ length: 200 }, (_, index) => line('s', index)), nextToken: 'n' }),
      json({ events: [], nextToken: 'm' }), json({ events: [line('s', 200), line('t', 1), {}] }),
    ];
    const lines = await logs().tail({ logGroupName: 'g', streamPrefix: '2027/01/15[1.0]', since: 5 });
    expect(lines.filter(({ stream }) => stream === 's').map(({ timestamp }) => timestamp)).toEqual(Array.from({ length: 120 }, (_, index) => 81 + index));
    expect(lines.slice(120)).toEqual([{ stream: 't', timestamp: 1, message: 'line 1' }, { stream: '', timestamp: 0, message: '' }]);
    expect(JSON.parse(sent[0].body)).toEqual({ logGroupName: 'g', logStreamNamePrefix: '2027/01/15[1.0]', startTime: 5 });
    expect(JSON.parse(sent[2].body)).toMatchObject({ nextToken: 'm' });
  });

  it('end after twenty pages', async () => {
    answers = Array.from({ length: 30 }, (_, index) => json({ events: [line('s', index)], nextToken: `n${index}` }));
    expect(await logs().tail({ logGroupName: 'g', streamPrefix: 's', since: -1 })).toHaveLength(20);
    expect(JSON.parse(sent[0].body)).toMatchObject({ startTime: 0 });
  });
});
