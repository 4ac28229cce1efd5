import { Agent, request } from 'node:http';
import {
  CopyObjectCommand, CreateBucketCommand, CreateMultipartUploadCommand, DeleteBucketCommand, DeleteObjectCommand,
  DeleteObjectsCommand, GetBucketVersioningCommand, GetObjectCommand, GetObjectTaggingCommand, HeadObjectCommand,
  ListMultipartUploadsCommand, ListObjectVersionsCommand, ListObjectsV2Command, ListPartsCommand,
  PutBucketVersioningCommand, PutObjectCommand, PutObjectTaggingCommand, S3Client, UploadPartCommand,
  paginateListParts,
} from '@aws-sdk/client-s3';
import { RemovalPolicy } from 'aws-cdk-lib';
import { Bucket as CdkBucket } from 'aws-cdk-lib/aws-s3';
import { BucketStore } from '../../../local/src/services/s3/bucket-store';
import { bucketOfHost } from '../../../local/src/services/s3/virtual-host';
import { removeAssemblies, synthesize } from '../deploy/synthesized';
import { IamCloud } from '../iam/iam-cloud';
import type { TestCloud } from '../test-cloud';
import { startTestCloud } from '../test-cloud';

let cloud: TestCloud;
let s3: S3Client;
let count = 0;
let Bucket: string;

beforeAll(async () => {
  cloud = await startTestCloud();
  s3 = new S3Client(cloud.clientConfiguration);
});

afterAll(async () => {
  s3.destroy();
  await cloud.stop();
  removeAssemblies();
});

beforeEach(async () => {
  Bucket = `bucket-${count += 1}`;
  await s3.send(new CreateBucketCommand({ Bucket }));
});

const version = (Status: 'Enabled' | 'Suspended') => s3.send(new PutBucketVersioningCommand({ Bucket, VersioningConfiguration: { Status } }));
const put = async (Body: string, Key = 'key') => (await s3.send(new PutObjectCommand({ Bucket, Key, Body }))).VersionId;
const get = async (VersionId?: string, Key = 'key') => (await s3.send(new GetObjectCommand({ Bucket, Key, VersionId }))).Body?.transformToString();
const remove = (VersionId?: string) => s3.send(new DeleteObjectCommand({ Bucket, Key: 'key', VersionId }));

describe('a bucket that keeps versions', () => {
  beforeEach(() => version('Enabled'));

  test('answers the latest, and each earlier one by its id', async () => {
    const [one, two] = [await put('one'), await put('two')];
    expect(one).not.toBe(two);
    expect([await get(), await get(one), await get(two)]).toEqual(['two', 'one', 'two']);
    expect((await s3.send(new HeadObjectCommand({ Bucket, Key: 'key' }))).VersionId).toBe(two);
    expect((await s3.send(new GetBucketVersioningCommand({ Bucket }))).Status).toBe('Enabled');
  });

  test('hides a deleted object behind a marker, and shows it again once the marker is deleted', async () => {
    const one = await put('one');
    const { DeleteMarker, VersionId } = await remove();
    expect(DeleteMarker).toBe(true);
    await expect(get()).rejects.toMatchObject({ name: 'NoSuchKey' });
    await expect(get(VersionId)).rejects.toMatchObject({ name: 'MethodNotAllowed' });
    expect((await s3.send(new ListObjectsV2Command({ Bucket }))).KeyCount).toBe(0);
    expect(await get(one)).toBe('one');
    expect(await remove(VersionId)).toMatchObject({ DeleteMarker: true, VersionId });
    expect(await get()).toBe('one');
  });

  test('deletes one version for good, and makes the one before it the latest', async () => {
    const [one, two] = [await put('one'), await put('two')];
    await remove(two);
    expect(await get()).toBe('one');
    await expect(get(two)).rejects.toMatchObject({ name: 'NoSuchVersion' });
    await remove(one);
    expect((await s3.send(new ListObjectVersionsCommand({ Bucket }))).Versions).toBeUndefined();
  });

  test('lists all versions and markers, the newest first, in pages', async () => {
    const ids = [await put('one', 'a'), await put('two', 'a'), await put('three', 'b')];
    const { VersionId: marker } = await s3.send(new DeleteObjectCommand({ Bucket, Key: 'b' }));
    const found: unknown[] = [];
    for (let page: { KeyMarker?: string; VersionIdMarker?: string } | undefined = {}; page;) {
      const answer: Awaited<ReturnType<typeof list>> = await list(page);
      for (const item of answer.Versions ?? []) found.push([item.Key, item.VersionId, item.IsLatest]);
      for (const item of answer.DeleteMarkers ?? []) found.push([item.Key, item.VersionId, item.IsLatest, 'marker']);
      const { NextKeyMarker: KeyMarker, NextVersionIdMarker: VersionIdMarker } = answer;
      page = answer.IsTruncated ? { KeyMarker, VersionIdMarker } : undefined;
    }
    expect(found).toEqual([['a', ids[1], true], ['a', ids[0], false], ['b', marker, true, 'marker'], ['b', ids[2], false]]);
  });
  const list = (markers: object) => s3.send(new ListObjectVersionsCommand({ Bucket, MaxKeys: 1, ...markers }));

  test('is not empty before its last version is gone', async () => {
    const one = await put('one');
    const { VersionId } = await remove();
    await expect(s3.send(new DeleteBucketCommand({ Bucket }))).rejects.toMatchObject({ name: 'BucketNotEmpty' });
    const Objects = [{ Key: 'key', VersionId: one }, { Key: 'key', VersionId }];
    const { Deleted } = await s3.send(new DeleteObjectsCommand({ Bucket, Delete: { Objects } }));
    expect(Deleted).toMatchObject([{ Key: 'key', VersionId: one }, { VersionId, DeleteMarker: true }]);
    await s3.send(new DeleteBucketCommand({ Bucket }));
  });

  test('copies and tags one version', async () => {
    const one = await put('one');
    await put('two');
    await s3.send(new CopyObjectCommand({ Bucket, Key: 'copy', CopySource: `${Bucket}/key?versionId=${one}` }));
    expect(await get(undefined, 'copy')).toBe('one');
    await s3.send(new PutObjectTaggingCommand({ Bucket, Key: 'key', VersionId: one, Tagging: { TagSet: [{ Key: 'a', Value: 'b' }] } }));
    const tags = async (VersionId?: string) => (await s3.send(new GetObjectTaggingCommand({ Bucket, Key: 'key', VersionId }))).TagSet;
    expect([await tags(one), await tags()]).toEqual([[{ Key: 'a', Value: 'b' }], []]);
  });

  test('writes over the version null while it pauses', async () => {
    const one = await put('one');
    await version('Suspended');
    expect([await put('two'), await put('three')]).toEqual(['null', 'null']);
    expect([await get(one), await get('null')]).toEqual(['one', 'three']);
    expect((await s3.send(new ListObjectVersionsCommand({ Bucket }))).Versions).toHaveLength(2);
  });

  test('is there after a restart with all its versions', async () => {
    const one = await put('one');
    await put('two');
    const saved = JSON.parse(JSON.stringify(cloud.services.buckets.save()));
    const restarted = new BucketStore(`${cloud.folder}/s3`, cloud.clock);
    await restarted.restore(saved);
    expect(String((await restarted.get(Bucket, 'key', one)).content)).toBe('one');
    expect(restarted.save()).toEqual(saved);
  });
});

test('keeps what was there before versions as the version null', async () => {
  expect(await put('before')).toBeUndefined();
  await version('Enabled');
  await put('after');
  expect([await get(), await get('null')]).toEqual(['after', 'before']);
});

test('keeps versions in a bucket whose template asks for it, and pauses when it does not any more', async () => {
  const deploy = (versioned: boolean) => cloud.deployer.deploy(synthesize((stack) => {
    new CdkBucket(stack, 'Bucket', { bucketName: 'templated', versioned, removalPolicy: RemovalPolicy.DESTROY });
  }));
  await deploy(true);
  expect(cloud.services.buckets.bucket('templated').versioning).toBe('Enabled');
  await deploy(false);
  expect(cloud.services.buckets.bucket('templated').versioning).toBe('Suspended');
});

describe('a bucket\'s own host', () => {
  /** As a client of AWS sends it, to this cloud's port. */
  const sendTo = (path: string, host: string) => new Promise<string>((resolve, reject) => {
    request({ host: '127.0.0.1', port: cloud.port, path, headers: { host } }, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('end', () => resolve(`${response.statusCode} ${Buffer.concat(chunks)}`));
    }).on('error', reject).end();
  });

  test('serves its objects', async () => {
    await put('body', 'folder/key');
    const hosts = [`${Bucket}.s3.us-east-1.amazonaws.com`, `${Bucket}.s3.amazonaws.com`, `${Bucket}.localhost:${cloud.port}`];
    expect(await Promise.all(hosts.map((host) => sendTo('/folder/key', host)))).toEqual(hosts.map(() => '200 body'));
    expect(await sendTo('/', hosts[0])).toContain('<Key>folder/key</Key>');
  });

  test('is part of what the SDK signs, and fails with the signature of another key', async () => {
    const iamCloud = await IamCloud.start();
    const { user } = iamCloud.services.iam;
    const lookup = (_: string, __: object, found: (error: null, addresses: object[]) => void) => found(null, [{ address: '127.0.0.1', family: 4 }]);
    const client = (credentials: typeof user) => new S3Client({
      region: 'us-east-1',
      credentials,
      endpoint: `http://s3.us-east-1.amazonaws.com:${iamCloud.port}`,
      requestHandler: { httpAgent: new Agent({ lookup } as object) },
      maxAttempts: 1,
    });
    const own = client(user);
    await own.send(new CreateBucketCommand({ Bucket: 'hosted' }));
    await own.send(new PutObjectCommand({ Bucket: 'hosted', Key: 'a b/c', Body: 'signed' }));
    const read = new GetObjectCommand({ Bucket: 'hosted', Key: 'a b/c' });
    expect(await (await own.send(read)).Body?.transformToString()).toBe('signed');
    const other = client({ ...user, secretAccessKey: 'wrong' });
    await expect(other.send(read)).rejects.toMatchObject({ name: 'SignatureDoesNotMatch' });
    own.destroy();
    other.destroy();
    await iamCloud.stop();
  });

  test('is not any other name', async () => {
    expect(await sendTo('/', `${Bucket}.example.com`)).toMatch(/^421 /);
    for (const name of ['s3.amazonaws.com', 'localhost', 'a.s3.amazonaws.com.example.com', 'x.execute-api.us-east-1.amazonaws.com']) {
      expect(bucketOfHost(name)).toBeUndefined();
    }
    expect(bucketOfHost('a.b.s3.eu-west-1.amazonaws.com')).toBe('a.b');
  });
});

describe('multipart uploads', () => {
  test('are listed in pages, by key', async () => {
    for (const Key of ['b', 'a', 'a']) await s3.send(new CreateMultipartUploadCommand({ Bucket, Key }));
    const first = await s3.send(new ListMultipartUploadsCommand({ Bucket, MaxUploads: 1 }));
    const { NextKeyMarker: KeyMarker, NextUploadIdMarker: UploadIdMarker } = first;
    const rest = await s3.send(new ListMultipartUploadsCommand({ Bucket, KeyMarker, UploadIdMarker }));
    expect([first, rest].map(({ Uploads, IsTruncated }) => [Uploads?.map(({ Key }) => Key), IsTruncated])).toEqual([[['a'], true], [['a', 'b'], false]]);
    expect((await s3.send(new ListMultipartUploadsCommand({ Bucket, Prefix: 'b' }))).Uploads).toHaveLength(1);
  });

  test('have their parts listed in pages', async () => {
    const { UploadId } = await s3.send(new CreateMultipartUploadCommand({ Bucket, Key: 'parts' }));
    for (const PartNumber of [3, 1, 2]) await s3.send(new UploadPartCommand({ Bucket, Key: 'parts', UploadId, PartNumber, Body: 'x' }));
    const pages: unknown[] = [];
    for await (const { Parts } of paginateListParts({ client: s3, pageSize: 2 }, { Bucket, Key: 'parts', UploadId })) {
      pages.push(Parts?.map(({ PartNumber }) => PartNumber));
    }
    expect(pages).toEqual([[1, 2], [3]]);
    await expect(s3.send(new ListPartsCommand({ Bucket, Key: 'parts', UploadId, PartNumberMarker: 'x' }))).rejects.toMatchObject({ name: 'InvalidArgument' });
  });
});
