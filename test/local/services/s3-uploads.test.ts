import { createHash } from 'node:crypto';
import { request } from 'node:http';
import {
  AbortMultipartUploadCommand, CompleteMultipartUploadCommand, CreateBucketCommand, CreateMultipartUploadCommand,
  DeleteBucketLifecycleCommand, DeleteObjectTaggingCommand, GetBucketEncryptionCommand,
  GetBucketLifecycleConfigurationCommand,
  GetObjectCommand, GetObjectTaggingCommand, HeadObjectCommand, ListMultipartUploadsCommand,
  ListObjectsCommand, ListPartsCommand, PutBucketLifecycleConfigurationCommand,
  PutObjectCommand,
  PutObjectTaggingCommand, S3Client, UploadPartCommand, UploadPartCopyCommand,
} from '@aws-sdk/client-s3';
import { byteRange } from '../../../local/src/services/s3/byte-range';
import { checkedChecksums } from '../../../local/src/services/s3/checksums';
import type { TestCloud } from '../test-cloud';
import { startTestCloud } from '../test-cloud';

const Bucket = 'things';
let cloud: TestCloud;
let s3: S3Client;

beforeAll(async () => {
  cloud = await startTestCloud();
  s3 = new S3Client(cloud.clientConfiguration);
  await s3.send(new CreateBucketCommand({ Bucket }));
});

afterAll(async () => {
  s3.destroy();
  await cloud.stop();
});

const read = async (Key: string, Range?: string) => {
  const { Body, ContentRange, $metadata } = await s3.send(new GetObjectCommand({ Bucket, Key, Range }));
  return { text: await Body?.transformToString(), ContentRange, status: $metadata.httpStatusCode };
};

test('puts an object together from parts, uploaded and copied', async () => {
  const Key = 'parts';
  const first = Buffer.alloc(5 * 1024 ** 2, 'a');
  await s3.send(new PutObjectCommand({ Bucket, Key: 'source', Body: '0123456789' }));
  const { UploadId } = await s3.send(new CreateMultipartUploadCommand({ Bucket, Key, ContentType: 'x/y' }));
  const one = await s3.send(new UploadPartCommand({ Bucket, Key, UploadId, PartNumber: 1, Body: first }));
  const { CopyPartResult: two } = await s3.send(new UploadPartCopyCommand({
    Bucket, Key, UploadId, PartNumber: 2, CopySource: `${Bucket}/source`, CopySourceRange: 'bytes=2-4',
  }));
  const { Parts } = await s3.send(new ListPartsCommand({ Bucket, Key, UploadId }));
  expect(Parts?.map(({ PartNumber, Size }) => [PartNumber, Size])).toEqual([[1, first.length], [2, 3]]);
  expect((await s3.send(new ListMultipartUploadsCommand({ Bucket }))).Uploads).toMatchObject([{ Key, UploadId }]);
  const complete = (Parts_: { PartNumber: number; ETag?: string }[]) => (
    s3.send(new CompleteMultipartUploadCommand({ Bucket, Key, UploadId, MultipartUpload: { Parts: Parts_ } }))
  );
  const [a, b] = [{ PartNumber: 1, ETag: one.ETag }, { PartNumber: 2, ETag: two?.ETag }];
  await expect(complete([b, a])).rejects.toMatchObject({ name: 'InvalidPartOrder' });
  await expect(complete([a, { ...b, ETag: '"00"' }])).rejects.toMatchObject({ name: 'InvalidPart' });
  const md5 = (content: Buffer) => createHash('md5').update(content).digest();
  const etag = `"${md5(Buffer.concat([md5(first), md5(Buffer.from('234'))])).toString('hex')}-2"`;
  expect((await complete([a, b])).ETag).toBe(etag);
  expect(await s3.send(new HeadObjectCommand({ Bucket, Key }))).toMatchObject({ ETag: etag, ContentLength: first.length + 3, ContentType: 'x/y' });
  expect((await read(Key, 'bytes=-4')).text).toBe('a234');
  await expect(complete([a, b])).rejects.toMatchObject({ name: 'NoSuchUpload' });
});

test('fails for parts that are too small, and forgets an upload that is aborted', async () => {
  const Key = 'small';
  const { UploadId } = await s3.send(new CreateMultipartUploadCommand({ Bucket, Key }));
  const Parts: { PartNumber: number; ETag?: string }[] = [];
  for (const PartNumber of [1, 2]) {
    const { ETag } = await s3.send(new UploadPartCommand({ Bucket, Key, UploadId, PartNumber, Body: 'x' }));
    Parts.push({ PartNumber, ETag });
  }
  const complete = () => (
    s3.send(new CompleteMultipartUploadCommand({ Bucket, Key, UploadId, MultipartUpload: { Parts } }))
  );
  await expect(complete()).rejects.toMatchObject({ name: 'EntityTooSmall' });
  await expect(s3.send(new UploadPartCommand({ Bucket, Key, UploadId, PartNumber: 10_001, Body: 'x' }))).rejects.toMatchObject({ name: 'InvalidArgument' });
  await s3.send(new AbortMultipartUploadCommand({ Bucket, Key, UploadId }));
  await expect(complete()).rejects.toMatchObject({ name: 'NoSuchUpload' });
});

test('serves ranges', async () => {
  await s3.send(new PutObjectCommand({ Bucket, Key: 'range', Body: '0123456789' }));
  expect(await read('range', 'bytes=2-4')).toEqual({ text: '234', ContentRange: 'bytes 2-4/10', status: 206 });
  expect(await read('range', 'bytes=8-99')).toEqual({ text: '89', ContentRange: 'bytes 8-9/10', status: 206 });
  expect((await s3.send(new HeadObjectCommand({ Bucket, Key: 'range', Range: 'bytes=7-' }))).ContentLength).toBe(3);
  await expect(read('range', 'bytes=10-')).rejects.toMatchObject({ name: 'InvalidRange' });
  expect([byteRange('bytes=4-2', 10), byteRange('bytes=0-1,3-4', 10), byteRange('lines=1-2', 10)]).toEqual([undefined, undefined, undefined]);
});

test.each([
  ['CRC32', 'NSRBwg=='], ['CRC32C', 'Nks/tw=='], ['SHA1', 'qZk+NkcGgWq6PiVxeFDCbJzQ2J0='], ['SHA256', 'ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0='],
] as const)('checks %s, and answers it', async (ChecksumAlgorithm, value) => {
  const name = `Checksum${ChecksumAlgorithm}` as const;
  const put = (more: object) => s3.send(new PutObjectCommand({ Bucket, Key: 'sum', Body: 'abc', ...more }));
  if (ChecksumAlgorithm !== 'CRC32C') expect(await put({ ChecksumAlgorithm })).toMatchObject({ [name]: value });
  expect(await put({ [name]: value })).toMatchObject({ [name]: value });
  expect(await s3.send(new GetObjectCommand({ Bucket, Key: 'sum', ChecksumMode: 'ENABLED' }))).toMatchObject({ [name]: value });
  await expect(put({ [name]: 'AAAA' })).rejects.toMatchObject({ name: 'BadDigest' });
  expect((await read('sum')).text).toBe('abc');
});

test('fails for a checksum behind the body that does not fit, and for a wrong MD5', async () => {
  const body = '3\r\nabc\r\n0\r\nx-amz-checksum-crc32:AAAAAA==\r\n\r\n';
  const headers = { 'content-encoding': 'aws-chunked', 'x-amz-content-sha256': 'STREAMING-UNSIGNED-PAYLOAD-TRAILER' };
  const answer = await fetch(`${cloud.endpoint}/${Bucket}/trailer`, { method: 'PUT', headers, body });
  expect([answer.status, await answer.text()]).toEqual([400, expect.stringContaining('<Code>BadDigest</Code>')]);
  expect(() => checkedChecksums(Buffer.from('abc'), { 'content-md5': 'AAAA' })).toThrow('The Content-MD5 you specified');
});

test('keeps tags of objects and configurations of buckets as they came', async () => {
  await s3.send(new PutObjectCommand({ Bucket, Key: 'tagged', Body: 'x', Tagging: 'a=1&b=2' }));
  const tags = async () => (await s3.send(new GetObjectTaggingCommand({ Bucket, Key: 'tagged' }))).TagSet;
  expect(await tags()).toEqual([{ Key: 'a', Value: '1' }, { Key: 'b', Value: '2' }]);
  await s3.send(new PutObjectTaggingCommand({ Bucket, Key: 'tagged', Tagging: { TagSet: [{ Key: 'c', Value: '3' }] } }));
  expect(await tags()).toEqual([{ Key: 'c', Value: '3' }]);
  await s3.send(new DeleteObjectTaggingCommand({ Bucket, Key: 'tagged' }));
  expect(await tags()).toEqual([]);

  const { ServerSideEncryptionConfiguration } = await s3.send(new GetBucketEncryptionCommand({ Bucket }));
  expect(ServerSideEncryptionConfiguration?.Rules?.[0].ApplyServerSideEncryptionByDefault).toEqual({ SSEAlgorithm: 'AES256' });
  const lifecycle = () => s3.send(new GetBucketLifecycleConfigurationCommand({ Bucket }));
  await expect(lifecycle()).rejects.toMatchObject({ name: 'NoSuchLifecycleConfiguration' });
  const Rules = [{ ID: 'old', Status: 'Enabled' as const, Filter: { Prefix: 'a/' }, Expiration: { Days: 3 } }];
  await s3.send(new PutBucketLifecycleConfigurationCommand({ Bucket, LifecycleConfiguration: { Rules } }));
  expect((await lifecycle()).Rules).toEqual(Rules);
  await s3.send(new DeleteBucketLifecycleCommand({ Bucket }));
  await expect(lifecycle()).rejects.toMatchObject({ name: 'NoSuchLifecycleConfiguration' });
});

test('lists as older clients ask for it', async () => {
  await s3.send(new CreateBucketCommand({ Bucket: 'older' }));
  for (const Key of ['a', 'b', 'c']) await s3.send(new PutObjectCommand({ Bucket: 'older', Key, Body: Key }));
  const page = await s3.send(new ListObjectsCommand({ Bucket: 'older', MaxKeys: 2 }));
  expect([page.Contents?.map(({ Key }) => Key), page.IsTruncated]).toEqual([['a', 'b'], true]);
  const rest = await s3.send(new ListObjectsCommand({ Bucket: 'older', Marker: page.NextMarker }));
  expect([rest.Contents?.map(({ Key }) => Key), rest.IsTruncated]).toEqual([['c'], false]);
});

test('answers what is asked under a condition', async () => {
  const { ETag = '' } = await s3.send(new PutObjectCommand({ Bucket, Key: 'same', Body: 'x' }));
  const get = (more: object) => s3.send(new GetObjectCommand({ Bucket, Key: 'same', ...more }));
  await expect(get({ IfNoneMatch: ETag })).rejects.toMatchObject({ $metadata: { httpStatusCode: 304 } });
  await expect(get({ IfMatch: '"other"' })).rejects.toMatchObject({ $metadata: { httpStatusCode: 412 } });
  await expect(get({ VersionId: 'other' })).rejects.toMatchObject({ name: 'NoSuchVersion' });
  expect(await (await get({ IfMatch: ETag, VersionId: 'null' })).Body?.transformToString()).toBe('x');
});

test('fails for a body that is too large with an answer', async () => {
  const { hostname, port } = new URL(cloud.endpoint);
  const status = await new Promise((resolve, reject) => {
    const upload = request({ hostname, port, method: 'PUT', path: `/${Bucket}/huge`, headers: { 'content-length': 2 ** 31 } }, (response) => {
      resolve(response.statusCode);
      response.resume();
      upload.destroy();
    });
    upload.on('error', reject);
    upload.write('some');
  });
  expect(status).toBe(413);
});
