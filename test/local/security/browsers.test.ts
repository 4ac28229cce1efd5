import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { Sha256 } from '@aws-crypto/sha256-js';
import { GetObjectCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { SignatureV4 } from '@smithy/signature-v4';
import { IamCloud, REGION } from '../iam/iam-cloud';

let cloud: IamCloud;

/** The TCP ports that this process listens on. */
function listening(): number[] {
  const links = readdirSync('/proc/self/fd').flatMap((fd) => {
    try {
      return [readlinkSync(`/proc/self/fd/${fd}`)];
    } catch {
      return [];
    }
  });
  const own = new Set(links.map((link) => /^socket:\[(\d+)\]$/.exec(link)?.[1]).filter(Boolean));
  const rows = readFileSync('/proc/self/net/tcp', 'utf8').split('\n').slice(1).map((row) => row.trim().split(/\s+/));
  return rows.filter(([, , , state, , , , , , inode]) => state === '0A' && own.has(inode)).map(([, local]) => parseInt(local.split(':')[1], 16));
}

beforeAll(async () => {
  cloud = await IamCloud.start();
  cloud.services.buckets.createBucket('bucket');
  await cloud.services.buckets.put('bucket', 'there', Buffer.from('content'));
});
afterAll(() => cloud.stop());

const DELETE_ALL = { method: 'POST', body: '<Delete><Object><Key>there</Key></Object></Delete>' };
const isThere = () => cloud.services.buckets.bucket('bucket').objects.has('there');

/** What any web page can make: the key pair is known to everybody, and a signature in the query needs no header. */
async function presigned(
  service: string, given: { method?: string; path?: string; query?: Record<string, string>; body?: string },
): Promise<string> {
  const credentials = { accessKeyId: 'test', secretAccessKey: 'test' };
  const signer = new SignatureV4({ service, region: REGION, sha256: Sha256, uriEscapePath: service !== 's3', credentials });
  const request = {
    protocol: 'http:',
    hostname: '127.0.0.1',
    method: 'GET',
    path: '/',
    query: {},
    ...given,
    headers: { host: `127.0.0.1:${cloud.port}`, ...(service === 's3' && { 'X-Amz-Content-Sha256': 'UNSIGNED-PAYLOAD' }) },
  };
  const { path, query = {} } = await signer.presign(request, { expiresIn: 60 });
  return `${path}?${Object.entries(query).map(([name, value]) => `${encodeURIComponent(name)}=${encodeURIComponent(String(value))}`).join('&')}`;
}

describe('fails for a web page of another origin', () => {
  test.each(['https://attacker.example', 'null', 'http://127.0.0.1:1', 'http://localhost:3000', 'http://127.0.0.1.attacker.example'])('%s', async (origin) => {
    expect(await cloud.send('/bucket?delete', { ...DELETE_ALL, headers: { origin } })).toMatchObject({ status: 403, body: expect.stringContaining('web page') });
    expect(isThere()).toBe(true);
  });

  test('which signs with the key pair that everybody knows', async () => {
    const runMicrovm = { method: 'POST', path: '/2025-09-09/microvms', body: '{}' };
    const path = await presigned('lambda', runMicrovm);
    const headers = { 'origin': 'https://attacker.example', 'content-type': 'text/plain' };
    expect(await cloud.send(path, { method: 'POST', body: '{}', headers })).toMatchObject({ status: 403 });
    expect(cloud.microvms.requests).toEqual([]);
    expect(await cloud.send(path, { method: 'POST', body: '{}' })).toMatchObject({ status: 200 });
  });

  test.each(['cross-site', 'same-site'])('whose GET acts, and says %s instead of an origin', async (site) => {
    const query = { Action: 'GetCallerIdentity', Version: '2011-06-15' };
    const path = await presigned('sts', { query });
    const headers = { 'sec-fetch-site': site, 'sec-fetch-mode': 'no-cors' };
    expect(await cloud.send(path, { headers })).toMatchObject({ status: 403, body: expect.stringContaining('web page') });
    expect(await cloud.send('/2025-09-09/microvms', { headers })).toMatchObject({ status: 403, body: expect.stringContaining('web page') });
    expect(await cloud.send(path)).toMatchObject({ status: 200 });
  });

  test('that hides what it signs behind a second question mark', async () => {
    const query = { '?': '?', 'Action': 'GetCallerIdentity', 'Version': '2011-06-15' };
    const path = (await presigned('sts', { query })).replace('?%3F=%3F&', '??=?&');
    expect(path).toMatch(/^\/\?\?=\?&/);
    expect(await cloud.send(path)).toMatchObject({ status: 200 });
    expect(await cloud.send(path, { headers: { 'sec-fetch-site': 'cross-site' } })).toMatchObject({ status: 403, body: expect.stringContaining('web page') });
  });

  test('at every port that the cloud listens on', async () => {
    const before = listening();
    await cloud.services.dynamodb.call('ListTables', {});
    const ports = listening().filter((port) => !before.includes(port));
    expect(ports.length).toBeGreaterThan(0);
    for (const port of ports) {
      const headers = {
        'origin': 'https://attacker.example',
        'content-type': 'application/x-amz-json-1.0',
        'x-amz-target': 'DynamoDB_20120810.ListTables',
        'x-amz-date': '19700101T000000Z',
        'authorization': 'AWS4-HMAC-SHA256 Credential=a/19700101/a/dynamodb/aws4_request, SignedHeaders=host, Signature=0',
      };
      await expect(fetch(`http://127.0.0.1:${port}/`, { method: 'POST', headers, body: '{}' })).rejects.toThrow();
      const asked = { 'origin': 'https://attacker.example', 'access-control-request-method': 'POST', 'access-control-request-headers': 'x-microvm-sandbox-secret' };
      await expect(fetch(`http://127.0.0.1:${port}/`, { method: 'OPTIONS', headers: asked })).rejects.toThrow();
    }
    expect(await cloud.services.dynamodb.call('ListTables', {})).toEqual({ TableNames: [] });
  });

  test('before its body is read', async () => {
    const headers = { 'origin': 'https://attacker.example', 'content-length': '1000000' };
    const answer = await new Promise((resolve, reject) => {
      void cloud.send('/bucket/big', { method: 'POST', headers, body: 'only a part of it' }).then(resolve, reject);
    });
    expect(answer).toMatchObject({ status: 403, headers: { connection: 'close' } });
  });
});

test('a link to an object may be followed, and a client that is no browser may say its origin', async () => {
  const path = await presigned('s3', { path: '/bucket/there' });
  const navigation = { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'navigate', 'sec-fetch-dest': 'document' };
  expect(await cloud.send(path, { headers: navigation })).toMatchObject({ status: 200, body: 'content' });
  expect(await cloud.send('/bucket/own', { method: 'PUT', body: 'x', headers: { origin: cloud.endpoint } })).toMatchObject({ status: 200 });
});

test('a configuration of a bucket that is a web page is of no origin either', async () => {
  const page = '<html xmlns="http://www.w3.org/1999/xhtml"><script>fetch("/")</script></html>';
  expect(await cloud.send('/bucket?cors', { method: 'PUT', body: page })).toMatchObject({ status: 200 });
  const { headers, body } = await cloud.send('/bucket?cors');
  expect(body).toBe(page);
  expect(headers['content-security-policy']).toMatch(/^sandbox(?!.*allow-same-origin)/);
});

test('an object that is a web page is of no origin, so that its scripts do not speak for the cloud', async () => {
  const s3 = new S3Client({ ...cloud.configuration, forcePathStyle: true });
  await s3.send(new PutObjectCommand({ Bucket: 'bucket', Key: 'page', Body: '<script>fetch("/")</script>', ContentType: 'text/html' }));
  expect((await s3.send(new GetObjectCommand({ Bucket: 'bucket', Key: 'page' }))).ContentType).toBe('text/html');
  s3.destroy();
  const { headers } = await cloud.send('/bucket/page');
  expect(headers).toMatchObject({ 'content-security-policy': expect.stringMatching(/^sandbox(?!.*allow-same-origin)/), 'x-content-type-options': 'nosniff' });
  expect((await cloud.send('/bucket/page', { headers: { range: 'bytes=0-3' } })).headers['content-security-policy']).toMatch(/^sandbox/);
});
