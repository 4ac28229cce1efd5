import { CONFIGURATION, poolOfEachTest } from './test-pool';
import { parseAllocatorAnswer } from '../../client/src/allocator-answer';

const test = poolOfEachTest({
  daemonPort: null,
  hookPort: null,
  ingressConnectorArns: ['arn:aws:lambda:us-east-1:aws:network-connector:aws-network-connector:NO_INGRESS'],
  idle: null,
});

describe('a sandbox without an endpoint', () => {
  it('is created and connected to without a token, in words that the client takes', async () => {
    const created = await test.ask({ operation: 'create' });
    expect(created.result.connection).toEqual({
      endpoint: 'microvm-1.example', token: 'none', tokenExpiresAt: created.result.sandbox.hardExpiresAt, ports: [],
    });
    expect(parseAllocatorAnswer('create', Buffer.from(JSON.stringify(created)))).toMatchObject({ ok: true });
    const connected = await test.get({ operation: 'connect', sandboxId: created.result.sandbox.sandboxId });
    expect(connected.connection.ports).toEqual([]);
    expect(test.microvms.tokens).toEqual([]);
  });

  it('gets no token for any port', async () => {
    const { sandbox } = await test.get({ operation: 'create' });
    expect(await test.ask({ operation: 'token', sandboxId: sandbox.sandboxId, ports: [3000] })).toEqual({
      ok: false,
      error: {
        code: 'unsupported',
        retryable: false,
        message: `Sandbox ${sandbox.sandboxId} has no endpoint: its pool was made with endpointAccess: false.`,
      },
    });
  });

  it('is paused, resumed and killed like any other', async () => {
    const { sandbox: { sandboxId } } = await test.get({ operation: 'create' });
    await test.get({ operation: 'pause', sandboxId });
    expect((await test.get({ operation: 'connect', sandboxId })).launch.kind).toBe('resumed');
    expect(await test.get({ operation: 'kill', sandboxId })).toEqual({ killed: true });
  });

  it('fails to be created with the microVM\'s own reason where it dies while it starts', async () => {
    test.microvms.startsAs = 'PENDING';
    test.microvms.afterRun = async ({ microvmId }) => {
      Object.assign(test.microvms.microvms.get(microvmId) ?? {}, { state: 'TERMINATED', stateReason: 'Container Stopped with Exit Code: 1' });
    };
    const { error } = await test.ask({ operation: 'create' });
    expect(error).toMatchObject({ code: 'sandbox_terminated', message: expect.stringContaining('Exit Code: 1') });
  });

  it('keeps what it was started with where the pool changes', async () => {
    const { sandbox: { sandboxId } } = await test.get({ operation: 'create' });
    test.configuration = CONFIGURATION;
    expect((await test.get({ operation: 'connect', sandboxId })).connection.ports).toEqual([]);
    expect((await test.get({ operation: 'create' })).connection.ports).toEqual([8080]);
  });
});
