import { createServer } from 'node:http';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { LambdaMicrovmsClient } from '@aws-sdk/client-lambda-microvms';
import { S3Client } from '@aws-sdk/client-s3';
import { SdkArtifacts } from '../../lambda/image-builder/sdk-artifacts';
import { SdkImages } from '../../lambda/image-builder/sdk-images';

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
const json = (value: object): Answer => ({ body: JSON.stringify(value), headers: { 'content-type': 'application/json' } });
const ARN = 'arn:aws:lambda:us-east-1:1:microvm-image:a';

describe('images through the SDK', () => {
  it('are created with name, tags and token', async () => {
    answers = [{ ...json({ imageArn: ARN, imageVersion: '1.0' }), status: 201 }];
    // The members that matter here; the type wants all of them.
    const build = { environmentVariables: {}, cpuConfigurations: [{ architecture: 'ARM_64' }] } as any;
    expect(await images().create('a', { baseImageArn: 'b', buildRoleArn: 'r', codeArtifact: { uri: 's3://x/y' }, ...build }, { t: 'v' }, 'token'))
      .toEqual({ imageArn: ARN, imageVersion: '1.0' });
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

  it('have null where the service has nothing to say', async () => {
    answers = [
      json({ imageVersion: '1.0', state: 'PENDING', status: null, stateReason: null }),
      json({ items: [{ buildState: 'FAILED', chipset: 'GRAVITON', chipsetGeneration: '4', stateReason: null }] }),
      json({ state: 'CREATED', tags: null }),
    ];
    expect(await images().getVersion(ARN, '1.0')).toMatchObject({ state: 'PENDING', stateReason: undefined });
    expect(await images().listBuilds(ARN, '1.0')).toEqual([{ state: 'FAILED', chipset: 'GRAVITON', chipsetGeneration: '4', stateReason: undefined }]);
    expect(await images().get(ARN)).toEqual({ state: 'CREATED', tags: {} });
  });

  it('fail in the kinds that the builder acts on', async () => {
    const error = (status: number, type: string, message: string): Answer => ({ ...json({ message }), status, headers: { 'x-amzn-errortype': type } });
    answers = [
      error(404, 'ResourceNotFoundException', 'MicroVMImage not found'),
      error(400, 'ValidationException', 'Cannot delete microvm image with running microvms.'),
    ];
    await expect(images().get(ARN)).rejects.toMatchObject({ kind: 'not_found' });
    await expect(images().delete(ARN)).rejects.toMatchObject({ kind: 'refused', message: expect.stringContaining('Cannot delete microvm image') });
  });
});

describe('artifacts through the SDK', () => {
  it('are there, not there, or hidden, which is how S3 says that they are not there; any other failure is one', async () => {
    answers = [{ status: 200 }, { status: 404 }, { status: 403 }, { status: 500 }];
    const object = { bucket: 'b', key: 'a/k.zip' };
    expect(await artifacts().exists(object)).toBe(true);
    expect(await artifacts().exists(object)).toBe(false);
    expect(await artifacts().exists(object)).toBe(false);
    await expect(artifacts().exists(object)).rejects.toThrow();
  });

  it('are copied from a key that needs encoding, without tags', async () => {
    answers = [{ body: '<CopyObjectResult><ETag>"e"</ETag></CopyObjectResult>' }];
    await artifacts().copy({ bucket: 'assets', key: 'a b/ü+.zip' }, { bucket: 'artifacts', key: 'agent/k.zip' });
    expect(sent[0]).toMatchObject({
      line: expect.stringMatching(/^PUT \/artifacts\/agent\/k\.zip/),
      headers: { 'x-amz-copy-source': 'assets/a%20b/%C3%BC%2B.zip', 'x-amz-tagging-directive': 'REPLACE' },
    });
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
