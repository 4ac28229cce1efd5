import {
  ConflictException, InsufficientCapacityException, InternalServerException, ResourceNotFoundException,
  ServiceQuotaExceededException,
  ThrottlingException, ValidationException,
} from '@aws-sdk/client-lambda-microvms';
import { CONFIGURATION } from './test-pool';
import { ENDPOINT_HOST } from '../../client/src/protocol/endpoint';
import { parsePoolConfiguration } from '../../lambda/pool/configuration';
import { SdkMicrovms } from '../../lambda/pool/sdk-microvms';
import { toServiceError } from '../../lambda/pool/service-error';
import { CURRENT_VERSION_TAG } from '../../src/contract/image';

const meta = (httpStatusCode: number, attempts = 1) => ({ $metadata: { httpStatusCode, attempts }, message: 'm' });

describe('an error of the service', () => {
  it.each([
    [new ResourceNotFoundException(meta(404)), 'not_found', true],
    [new ConflictException(meta(409)), 'conflict', true],
    [new ServiceQuotaExceededException(meta(402)), 'quota', true],
    [new ThrottlingException(meta(429)), 'throttled', true],
    [new ValidationException(meta(400)), 'refused', true],
    [new ValidationException(meta(400, 2)), 'refused', false],
    [new ServiceQuotaExceededException(meta(402, 3)), 'quota', false],
    [new ValidationException({ ...meta(400), message: 'The MicroVM m has been terminated and its state cannot be changed.' }), 'ended', true],
    [new InternalServerException(meta(500)), 'busy', false],
    [new InsufficientCapacityException(meta(500)), 'busy', false],
    [Object.assign(new Error('hang up'), { name: 'TimeoutError' }), 'busy', false],
    [Object.assign(new Error('denied'), { name: 'AccessDeniedException', $metadata: { httpStatusCode: 403, attempts: 1 } }), 'refused', true],
  ])('is sorted by what can be done about it: %s', (error, kind, certain) => {
    expect(toServiceError('RunMicrovm', error)).toMatchObject({ kind, certain });
  });

  it('keeps the pause that the service asks for', () => {
    expect(toServiceError('x', Object.assign(new ThrottlingException(meta(429)), { retryAfterSeconds: 3 })).retryAfterMs).toBe(3000);
  });

  it('does not repeat the values that the service quotes', () => {
    const message = '1 validation error detected: Value \'{"it\'s":"private"}\' at \'runHookPayload\' failed to satisfy constraint: length';
    const error = toServiceError('RunMicrovm', new ValidationException({ ...meta(400), message }));
    expect(error.message).toBe('RunMicrovm: ValidationException: 1 validation error detected: Value at \'runHookPayload\' failed to satisfy constraint: length');
  });
});

describe('the SDK adapter', () => {
  function adapter(answer: object) {
    const sent: any[] = [];
    const send: any = async (command: any) => {
      sent.push([command.constructor.name, command.input]);
      return answer;
    };
    return { microvms: new SdkMicrovms({ send }), sent };
  }

  it('runs with the given token', async () => {
    const { microvms, sent } = adapter({ microvmId: 'm', state: 'PENDING', endpoint: 'e', stateReason: null });
    const request = { imageIdentifier: 'arn', ingressNetworkConnectors: [] } as any;
    expect(await microvms.run(request, 'token')).toEqual({ microvmId: 'm', state: 'PENDING', endpoint: 'e', stateReason: undefined });
    expect(sent).toEqual([['RunMicrovmCommand', { ...request, clientToken: 'token' }]]);
  });

  it('takes a microVM without ingress also without an endpoint, and no other', async () => {
    const { microvms } = adapter({ microvmId: 'm', state: 'PENDING', endpoint: null });
    const run = (name: string) => microvms.run({
      imageIdentifier: CONFIGURATION.imageArn,
      ingressNetworkConnectors: [`arn:aws:lambda:us-east-1:aws:network-connector:aws-network-connector:${name}`],
    } as any, 'token');
    const { endpoint } = await run('NO_INGRESS');
    // The client takes nothing but host names of microVMs of its Region.
    expect(ENDPOINT_HOST.exec(endpoint)?.[1]).toBe('us-east-1');
    await expect(run('HTTP_INGRESS')).rejects.toMatchObject({ kind: 'busy' });
  });

  it.each([
    [{ tags: { [CURRENT_VERSION_TAG]: '3.0' }, latestActiveImageVersion: '4.0' }, '3.0'],
    [{ tags: { [CURRENT_VERSION_TAG]: '3.0; rm' }, latestActiveImageVersion: '4.0' }, '4.0'],
    [{ tags: {}, latestActiveImageVersion: '4.0' }, '4.0'],
    [{ tags: null, latestActiveImageVersion: '4.0' }, '4.0'],
    [{ tags: null, latestActiveImageVersion: null }, undefined],
  ])('reads the current version of an image from its tag, else takes the latest that is active: %j', async (image, version) => {
    const { microvms, sent } = adapter(image);
    expect(await microvms.currentVersion('arn')).toBe(version);
    expect(sent).toEqual([['GetMicrovmImageCommand', { imageIdentifier: 'arn' }]]);
  });

  it('names ports one by one, and finds the token whatever the case of its header', async () => {
    const { microvms, sent } = adapter({ authToken: { 'X-aws-proxy-auth': 'jwe' } });
    expect(await microvms.createToken('m', [8080, 3000], 60)).toBe('jwe');
    expect(sent).toEqual([['CreateMicrovmAuthTokenCommand', {
      microvmIdentifier: 'm', expirationInMinutes: 60, allowedPorts: [{ port: 8080 }, { port: 3000 }],
    }]]);
  });

  it.each(['suspend', 'resume', 'terminate', 'get'] as const)('passes the id to %s', async (operation) => {
    const { microvms, sent } = adapter({ microvmId: 'm', state: 'RUNNING', endpoint: 'e' });
    await microvms[operation]('m');
    expect(sent).toEqual([[`${operation[0].toUpperCase()}${operation.slice(1)}MicrovmCommand`, { microvmIdentifier: 'm' }]]);
  });

  it('fails as busy on an answer that it cannot read', async () => {
    await expect(adapter({}).microvms.get('m')).rejects.toMatchObject({ kind: 'busy' });
    await expect(adapter({ authToken: {} }).microvms.createToken('m', [1], 60)).rejects.toMatchObject({ kind: 'busy' });
  });
});

describe('the pool\'s configuration', () => {
  const parse = (change: object) => parsePoolConfiguration({
    POOL_CONFIGURATION: JSON.stringify({ ...CONFIGURATION, ...change }),
  });

  it('is what the construct renders', () => {
    expect(parse({})).toEqual(CONFIGURATION);
    expect(parse({ imageVersion: null }).imageVersion).toBeNull();
    expect(parse({ maxSandboxes: 1, idle: null, defaultLeaseMs: 28_800_000, daemonPort: null }).maxSandboxes).toBe(1);
  });

  it('may be that of a later construct, whose code is on its way', () => {
    const later = { idle: { afterSeconds: 60, then: 'suspend', gently: true }, colour: 'blue' };
    expect(parse(later)).toEqual({ ...CONFIGURATION, idle: { afterSeconds: 60, then: 'suspend' } });
  });

  it('may be that of an earlier construct, whose environment is still there', () => {
    expect(parse({ poolName: undefined })).toEqual({ ...CONFIGURATION, poolName: CONFIGURATION.tableName });
  });

  it.each(Object.keys(CONFIGURATION).filter((member) => member !== 'poolName'))('fails without %s, which every construct rendered', (member) => {
    expect(() => parse({ [member]: undefined })).toThrow(member);
  });

  it.each([
    [{ maxSandboxes: 0 }, 'maxSandboxes'],
    [{ defaultLeaseMs: 59_999 }, 'defaultLeaseMs'],
    [{ defaultLeaseMs: 28_800_001 }, 'defaultLeaseMs'],
    [{ idle: { afterSeconds: 59, then: 'suspend' } }, 'idle.afterSeconds'],
    [{ idle: { afterSeconds: 60, then: 'dance' } }, 'idle.then'],
    [{ egressConnectorArns: [] }, 'egressConnectorArns'],
    [{ egressConnectorArns: ['arn:a', 'arn:b'] }, 'egressConnectorArns'],
    [{ ingressConnectorArns: [] }, 'ingressConnectorArns'],
    [{ imageArn: 'agent' }, 'imageArn'],
    [{ imageVersion: '' }, 'imageVersion'],
    [{ poolName: '' }, 'poolName'],
    [{ daemonPort: 0 }, 'daemonPort'],
  ])('fails naming the member that is wrong: %j', (change, member) => {
    expect(() => parse(change)).toThrow(member);
  });

  it('fails if it is missing or no JSON', () => {
    expect(() => parsePoolConfiguration({})).toThrow('POOL_CONFIGURATION is not set');
    expect(() => parsePoolConfiguration({ POOL_CONFIGURATION: '{' })).toThrow('POOL_CONFIGURATION is malformed');
  });
});
