import { inspect } from 'node:util';
import { LambdaClient } from '@aws-sdk/client-lambda';
import { TestClock } from './test-clock';
import { HOST, POOL, refusal, REGION, SANDBOX_ID, SECRET } from './test-pool';
import { SandboxClient } from '../../client/src/client';
import * as errors from '../../client/src/errors';
import { findPool } from '../../client/src/pool-address';
import type { ErrorCode } from '../../client/src/protocol';

type Output = { FunctionError?: string; Payload?: string };

function clientThat(behave: (call: number) => Output | Promise<Output>, clock = new TestClock()) {
  let calls = 0;
  const lambda = {
    async send() {
      const output = await behave(++calls);
      return { $metadata: { requestId: 'r-1' }, ...output, Payload: output.Payload === undefined ? undefined : Buffer.from(output.Payload) as never };
    },
  };
  return { client: new SandboxClient({ pool: POOL, lambda }, clock), calls: () => calls };
}

function thrown(name: string, httpStatusCode?: number): never {
  throw Object.assign(new Error(`${name} says`), { name, $metadata: { requestId: 'r-2', httpStatusCode } });
}

const KILLED = { Payload: JSON.stringify({ ok: true, result: { killed: true } }) };

test.each(['TooManyRequestsException', 'ThrottlingException', 'ServiceException', 'TimeoutError', 'ECONNRESET'])('%s is tried again', async (name) => {
  const { client, calls } = clientThat((call) => call < 3 ? thrown(name) : KILLED);
  expect(await client.kill(SANDBOX_ID)).toBe(true);
  expect(calls()).toBe(3);
});

test.each<[string, unknown, string]>([
  ['AccessDeniedException', errors.PermissionDeniedError, 'pool.grantUse'],
  ['CredentialsProviderError', errors.AuthenticationError, 'credentials'],
  ['ExpiredTokenException', errors.AuthenticationError, 'credentials'],
  ['ResourceNotFoundException', errors.InvalidArgumentError, POOL],
])('fails at once on %s', async (name, type, text) => {
  const { client, calls } = clientThat(() => thrown(name, 403));
  const error = await client.kill(SANDBOX_ID).catch((reason: unknown) => reason);
  expect(error).toBeInstanceOf(type);
  expect(String(error)).toContain(text);
  expect(error).toMatchObject({ requestId: 'r-2' });
  expect(calls()).toBe(1);
});

test('fails with scope request and the last reason when the time is over', async () => {
  const clock = new TestClock();
  const { client } = clientThat(() => thrown('ThrottlingException'), clock);
  const startedAt = clock.now();
  const error = await client.kill(SANDBOX_ID, { requestTimeoutMs: 10_000 }).catch((reason: unknown) => reason);
  expect(error).toMatchObject({ name: 'TimeoutError', scope: 'request', retryable: true, cause: expect.any(errors.RateLimitError) });
  expect(clock.now() - startedAt).toBeLessThanOrEqual(10_000);
});

test('fails with the allocator\'s own error if it asks for more patience than there is', async () => {
  const { client, calls } = clientThat(() => ({ Payload: JSON.stringify({ ok: false, error: refusal('rate_limited', true, 60_000).body }) }));
  await expect(client.kill(SANDBOX_ID, { requestTimeoutMs: 5000 })).rejects.toMatchObject({ name: 'RateLimitError', retryAfterMs: 60_000 });
  expect(calls()).toBe(1);
});

const CODES: Record<ErrorCode, string> = {
  invalid_argument: 'InvalidArgumentError',
  unauthenticated: 'AuthenticationError',
  permission_denied: 'PermissionDeniedError',
  unsupported: 'UnsupportedError',
  protocol_version: 'ProtocolVersionError',
  sandbox_not_found: 'SandboxNotFoundError',
  sandbox_terminated: 'SandboxTerminatedError',
  idempotency_conflict: 'InvalidArgumentError',
  pool_exhausted: 'PoolExhaustedError',
  quota_exceeded: 'QuotaExceededError',
  rate_limited: 'RateLimitError',
  service_busy: 'ServiceBusyError',
  not_ready: 'ServiceBusyError',
  stale_generation: 'ServiceBusyError',
  command_not_found: 'CommandNotFoundError',
  command_conflict: 'InvalidArgumentError',
  file_not_found: 'FileNotFoundError',
  file_exists: 'FileExistsError',
  not_a_directory: 'InvalidArgumentError',
  is_a_directory: 'InvalidArgumentError',
  directory_not_empty: 'InvalidArgumentError',
  path_outside_reach: 'PermissionDeniedError',
  not_enough_space: 'NotEnoughSpaceError',
  too_large: 'InvalidArgumentError',
  internal: 'SandboxError',
};

test.each(Object.entries(CODES) as [ErrorCode, string][])('the code %s is a %s', async (code, name) => {
  const { client } = clientThat(() => ({ Payload: JSON.stringify({ ok: false, error: refusal(code).body }) }));
  const error = await client.connect(SANDBOX_ID).catch((reason: unknown) => reason);
  expect(error).toMatchObject({ name, code, message: `refused: ${code}`, retryable: false, sandboxId: SANDBOX_ID, requestId: 'r-1' });
});

const SANDBOX = {
  sandboxId: SANDBOX_ID, state: 'running', generation: 1, metadata: {}, createdAt: 1, expiresAt: 2, hardExpiresAt: 3,
};
const CONNECTION = { endpoint: HOST, token: 'platform-token-1', tokenExpiresAt: 4, ports: [8080], daemon: { port: 8080, secret: SECRET } };
const LAUNCH = { kind: 'cold', timings: {} };

test.each<[string, string]>([
  ['nothing', ''], ['no JSON', `{"ok":true,"result":"${SECRET}`], ['a list', '[]'], ['no verdict', '{}'],
  ['an ok without result', '{"ok":true}'], ['an error without code', '{"ok":false,"error":{}}'],
  ...([
    ['no sandbox', { connection: CONNECTION, launch: LAUNCH }],
    ['an unknown state', { sandbox: { ...SANDBOX, state: 'zombie' }, connection: CONNECTION, launch: LAUNCH }],
    ['a generation of 0', { sandbox: { ...SANDBOX, generation: 0 }, connection: CONNECTION, launch: LAUNCH }],
    ['metadata that is no text', { sandbox: { ...SANDBOX, metadata: { a: 1 } }, connection: CONNECTION, launch: LAUNCH }],
    ['a token that breaks a header', { sandbox: SANDBOX, connection: { ...CONNECTION, token: `${SECRET}\r\nx: y` }, launch: LAUNCH }],
    ['a secret that breaks a header', { sandbox: SANDBOX, connection: { ...CONNECTION, daemon: { port: 1, secret: `${SECRET}\n` } }, launch: LAUNCH }],
    ['an endpoint that is a URL', { sandbox: SANDBOX, connection: { ...CONNECTION, endpoint: `https://${HOST}` }, launch: LAUNCH }],
    ['a port that is none', { sandbox: SANDBOX, connection: { ...CONNECTION, ports: [0] }, launch: LAUNCH }],
    ['an unknown launch', { sandbox: SANDBOX, connection: CONNECTION, launch: { kind: 'magic', timings: {} } }],
  ] as [string, unknown][]).map(([name, result]): [string, string] => [name, JSON.stringify({ ok: true, result })]),
])('fails on an answer with %s, without showing it', async (_, payload) => {
  const { client } = clientThat(() => ({ Payload: payload }));
  const error = await client.connect(SANDBOX_ID).catch((reason: unknown) => reason);
  expect(error).toMatchObject({ name: 'SandboxError', code: 'internal' });
  expect((error as Error).message).toMatch(/^malformed answer/);
  expect(inspect(error)).not.toContain(SECRET);
});

test('an error is recognised by another copy of this package', () => {
  let copy: typeof errors | undefined;
  jest.isolateModules(() => { copy = jest.requireActual<typeof errors>('../../client/src/errors'); });
  if (!copy) throw new Error('no copy');
  const error = new copy.FileNotFoundError('a');
  expect(error).not.toBeInstanceOf(errors.FileNotFoundError);
  expect(errors.FileNotFoundError.isInstance(error)).toBe(true);
  expect(errors.SandboxError.isInstance(error)).toBe(true);
  expect(errors.FileExistsError.isInstance(error)).toBe(false);
  for (const value of [null, undefined, 'x', new Error('x'), {}]) expect(errors.SandboxError.isInstance(value)).toBe(false);
});

describe('the pool', () => {
  test('is found in the options, then in the environment', () => {
    expect(findPool({}, { SANDBOX_POOL: POOL })).toEqual({ functionName: POOL, region: REGION });
    expect(findPool({ pool: `${POOL}:live` }, { SANDBOX_POOL: 'x' })).toEqual({ functionName: `${POOL}:live`, region: REGION });
    expect(findPool({ pool: 'by-name', region: 'us-east-1' }, {})).toEqual({ functionName: 'by-name', region: 'us-east-1' });
    expect(findPool({ pool: 'by-name' }, { AWS_REGION: 'us-west-2' })).toEqual({ functionName: 'by-name', region: 'us-west-2' });
  });

  test.each<[string, { pool?: string; region?: string }]>([
    ['pool.connect(fn)', {}], ['pass the ARN', { pool: 'by-name' }], ['neither the ARN nor the name', { pool: 'arn:aws:s3:::bucket' }],
  ])('fails with how to name it: %s', (message, options) => {
    expect(() => findPool(options, {})).toThrow(message);
  });
});

test('the SDK\'s own client fits', () => {
  const lambda = new LambdaClient({ region: REGION });
  expect(() => new SandboxClient({ pool: POOL, lambda })).not.toThrow();
  lambda.destroy();
});
