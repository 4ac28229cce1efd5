import type { GetObjectCommandOutput, ListObjectsV2CommandOutput } from '@aws-sdk/client-s3';
import {
  CopyObjectCommand, CreateBucketCommand, DeleteBucketCommand, DeleteObjectCommand, DeleteObjectsCommand,
  GetObjectCommand, HeadBucketCommand, HeadObjectCommand, ListObjectsV2Command, PutObjectCommand, S3Client,
  paginateListObjectsV2,
} from '@aws-sdk/client-s3';
import { decodeAwsChunked } from '../../../local/src/services/s3/aws-chunked';
import type { TestCloud } from '../test-cloud';
import { startTestCloud } from '../test-cloud';

let cloud: TestCloud;
let s3: S3Client;

beforeAll(async () => {
  cloud = await startTestCloud();
  s3 = new S3Client(cloud.clientConfiguration);
  await s3.send(new CreateBucketCommand({ Bucket: 'things' }));
});

afterAll(async () => {
  s3.destroy();
  await cloud.stop();
});

async function bytes({ Body }: GetObjectCommandOutput): Promise<Buffer> {
  return Buffer.from(await Body?.transformToByteArray() ?? []);
}

function keysOf({ Contents = [] }: ListObjectsV2CommandOutput): (string | undefined)[] {
  return Contents.map(({ Key }) => Key);
}

test('gives back the bytes, type and metadata of an object', async () => {
  const Body = Buffer.from([0, 1, 2, 255, 10, 13]);
  const { ETag } = await s3.send(new PutObjectCommand({ Bucket: 'things', Key: 'a/ä b+c.bin', Body, ContentType: 'x/y', Metadata: { one: '1' } }));
  const got = await s3.send(new GetObjectCommand({ Bucket: 'things', Key: 'a/ä b+c.bin' }));
  expect(await bytes(got)).toEqual(Body);
  expect(got).toMatchObject({ ContentType: 'x/y', Metadata: { one: '1' }, ETag, ContentLength: 6 });
  expect(await s3.send(new HeadObjectCommand({ Bucket: 'things', Key: 'a/ä b+c.bin' }))).toMatchObject({ ContentLength: 6, ETag });
});

test('decodes a signed upload in chunks with a trailing checksum', () => {
  const body = '4;chunk-signature=ab\r\nwxyz\r\n2\r\n!!\r\n0\r\nx-amz-checksum-crc32:AAAAAA==\r\n\r\n';
  expect(decodeAwsChunked(Buffer.from(body)).toString()).toBe('wxyz!!');
  expect(() => decodeAwsChunked(Buffer.from('ff\r\nshort'))).toThrow('not in aws-chunked form');
});

test('keeps a large upload of the SDK, whatever form it is sent in', async () => {
  const Body = Buffer.alloc(300_000, 'chunk');
  await s3.send(new PutObjectCommand({ Bucket: 'things', Key: 'large', Body, ChecksumAlgorithm: 'CRC32' }));
  const got = await s3.send(new GetObjectCommand({ Bucket: 'things', Key: 'large' }));
  expect((await bytes(got)).equals(Body)).toBe(true);
});

test('lists in pages, by prefix, and folders by a delimiter', async () => {
  await s3.send(new CreateBucketCommand({ Bucket: 'listing' }));
  for (const Key of ['b', 'a/2', 'a/1', 'a/x/3', '1e5', '<&>']) await s3.send(new PutObjectCommand({ Bucket: 'listing', Key, Body: Key }));
  const keys: (string | undefined)[] = [];
  for await (const page of paginateListObjectsV2({ client: s3, pageSize: 2 }, { Bucket: 'listing' })) {
    expect(page.KeyCount).toBe(2);
    keys.push(...keysOf(page));
  }
  expect(keys).toEqual(['1e5', '<&>', 'a/1', 'a/2', 'a/x/3', 'b']);
  const folders = await s3.send(new ListObjectsV2Command({ Bucket: 'listing', Prefix: 'a/', Delimiter: '/' }));
  expect(keysOf(folders)).toEqual(['a/1', 'a/2']);
  expect(folders.CommonPrefixes).toEqual([{ Prefix: 'a/x/' }]);
});

test('copies an object with its metadata', async () => {
  await s3.send(new PutObjectCommand({ Bucket: 'things', Key: 'from here', Body: 'same', Metadata: { kept: 'yes' } }));
  await s3.send(new CopyObjectCommand({ Bucket: 'things', Key: 'to', CopySource: 'things/from%20here' }));
  const got = await s3.send(new GetObjectCommand({ Bucket: 'things', Key: 'to' }));
  expect((await bytes(got)).toString()).toBe('same');
  expect(got.Metadata).toEqual({ kept: 'yes' });
});

test('deletes objects one by one and many at once, the missing ones too', async () => {
  await s3.send(new CreateBucketCommand({ Bucket: 'going' }));
  for (const Key of ['1', '2', '&3']) await s3.send(new PutObjectCommand({ Bucket: 'going', Key, Body: Key }));
  await expect(s3.send(new DeleteBucketCommand({ Bucket: 'going' }))).rejects.toMatchObject({ name: 'BucketNotEmpty' });
  await s3.send(new DeleteObjectCommand({ Bucket: 'going', Key: '1' }));
  await s3.send(new DeleteObjectCommand({ Bucket: 'going', Key: '1' }));
  const { Deleted } = await s3.send(new DeleteObjectsCommand({ Bucket: 'going', Delete: { Objects: [{ Key: '2' }, { Key: '&3' }, { Key: 'x' }] } }));
  expect(Deleted?.map(({ Key }) => Key)).toEqual(['2', '&3', 'x']);
  await s3.send(new DeleteBucketCommand({ Bucket: 'going' }));
  await expect(s3.send(new HeadBucketCommand({ Bucket: 'going' }))).rejects.toMatchObject({ $metadata: { httpStatusCode: 404 } });
});

test('fails with S3\'s own errors for what is not there', async () => {
  await expect(s3.send(new GetObjectCommand({ Bucket: 'things', Key: 'none' }))).rejects.toMatchObject({ name: 'NoSuchKey' });
  await expect(s3.send(new GetObjectCommand({ Bucket: 'nowhere', Key: 'none' }))).rejects.toMatchObject({ name: 'NoSuchBucket' });
  await expect(s3.send(new HeadObjectCommand({ Bucket: 'things', Key: 'none' }))).rejects.toMatchObject({ name: 'NotFound' });
});

test('fails a conditional write over an object that is there', async () => {
  const put = () => s3.send(new PutObjectCommand({ Bucket: 'things', Key: 'once', Body: 'x', IfNoneMatch: '*' }));
  await put();
  await expect(put()).rejects.toMatchObject({ name: 'PreconditionFailed' });
});

test('serves a plain request without a signature, as a presigned URL makes it', async () => {
  const url = `${cloud.endpoint}/things/plain?X-Amz-Credential=AKIA%2F20260101%2Fus-east-1%2Fs3%2Faws4_request`;
  expect((await fetch(url, { method: 'PUT', body: 'hello' })).status).toBe(200);
  expect(await (await fetch(`${cloud.endpoint}/things/plain`)).text()).toBe('hello');
});

test('fails for XML with a document type, whose entities make much of little, and for XML that is too long', async () => {
  const send = (body: string) => fetch(`${cloud.endpoint}/things?delete`, { method: 'POST', body });
  const entities = '<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa">]>';
  for (const body of [`${entities}<Delete><Object><Key>&a;</Key></Object></Delete>`, `<Delete>${' '.repeat(4 * 1024 ** 2)}<Object><Key>a</Key></Object></Delete>`]) {
    const answer = await send(body);
    expect([answer.status, await answer.text()]).toEqual([400, expect.stringContaining('MalformedXML')]);
  }
  expect((await send('<Delete><Object><Key>a</Key></Object></Delete>')).status).toBe(200);
});
