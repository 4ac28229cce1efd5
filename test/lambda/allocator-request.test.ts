import { AllocatorError } from '../../lambda/allocator/allocator-error';
import { fromCursor, toCursor } from '../../lambda/allocator/list-cursor';
import { randomIds } from '../../lambda/allocator/random-ids';
import { parseRequest } from '../../lambda/allocator/request';

const ID = `sbx-${'0'.repeat(26)}`;
const text = (length: number) => 'x'.repeat(length);
const pairs = (count: number) => Object.fromEntries(Array.from({ length: count }, (_, i) => [`k${i}`, 'v']));

function refusal(request: unknown): { code: string; message: string } {
  try {
    parseRequest(request);
  } catch (error) {
    if (error instanceof AllocatorError) return error.toBody();
    throw error;
  }
  throw new Error('was accepted');
}

describe('a request', () => {
  it.each([
    { operation: 'create' },
    { operation: 'create', timeoutMs: 60_000 },
    { operation: 'create', timeoutMs: 28_800_000 },
    { operation: 'create', metadata: pairs(20) },
    { operation: 'create', metadata: { [text(128)]: text(1024), k: '' } },
    { operation: 'create', key: 'k', idempotencyKey: text(256) },
    { operation: 'create', key: text(256) },
    { operation: 'connect', sandboxId: ID },
    { operation: 'list' },
    { operation: 'list', limit: 1, states: ['terminated'], metadata: {} },
    { operation: 'list', limit: 100, cursor: toCursor(ID) },
    { operation: 'extend', sandboxId: ID, timeoutMs: 60_000 },
    { operation: 'token', sandboxId: ID, ports: [1, 65_535] },
    { operation: 'token', sandboxId: ID, ports: [1, 2, 3, 4, 5, 6, 7, 8, 9, 10] },
  ])('passes within its bounds: %#', (request) => {
    expect(parseRequest({ version: 1, ...request })).toEqual({ version: 1, ...request });
  });

  it.each([
    [{ operation: 'create', timeoutMs: 59_999 }, 'timeoutMs: got 59999; allowed: a whole number of milliseconds from 60000 to 28800000.'],
    [{ operation: 'create', timeoutMs: 28_800_001 }, 'timeoutMs: got 28800001; allowed: a whole number of milliseconds from 60000 to 28800000.'],
    [{ operation: 'create', timeoutMs: 60_000.5 }, 'timeoutMs: got 60000.5; '],
    [{ operation: 'create', timeoutMs: '60000' }, 'timeoutMs: got "60000"; '],
    [{ operation: 'create', metadata: pairs(21) }, 'metadata: allowed: at most 20 pairs'],
    [{ operation: 'create', metadata: { [text(129)]: 'v' } }, 'metadata: allowed: at most 20 pairs'],
    [{ operation: 'create', metadata: { '': 'v' } }, 'metadata: allowed: at most 20 pairs'],
    [{ operation: 'create', metadata: { k: text(1025) } }, 'metadata: allowed: at most 20 pairs'],
    [{ operation: 'create', metadata: { k: 1 } }, 'metadata: allowed: at most 20 pairs'],
    [{ operation: 'create', metadata: [] }, 'metadata: allowed: at most 20 pairs'],
    [{ operation: 'create', key: '' }, 'key: got ""; allowed: a text of 1 to 256 characters.'],
    [{ operation: 'create', key: text(257) }, `key: got "${text(79)}…; allowed: a text of 1 to 256 characters.`],
    [{ operation: 'create', idempotencyKey: text(257) }, 'idempotencyKey: got '],
    [{ operation: 'create', timeout: 1 }, 'timeout: unknown member; this operation takes timeoutMs, metadata, key, idempotencyKey.'],
    [{ operation: 'connect' }, 'sandboxId: got nothing; allowed: the id that create answered'],
    [{ operation: 'connect', sandboxId: 'a b' }, 'sandboxId: got "a b"; '],
    [{ operation: 'connect', sandboxId: text(65) }, 'sandboxId: got '],
    [{ operation: 'list', limit: 0 }, 'limit: got 0; allowed: a whole number from 1 to 100.'],
    [{ operation: 'list', limit: 101 }, 'limit: got 101; '],
    [{ operation: 'list', states: [] }, 'states: got []; allowed: a list of starting, running, paused, terminating, terminated.'],
    [{ operation: 'list', states: ['dead'] }, 'states.0: got "dead"; allowed: a list of starting'],
    [{ operation: 'list', cursor: 'x' }, 'cursor: got "x"; '],
    [{ operation: 'extend', sandboxId: ID }, 'timeoutMs: got nothing; '],
    [{ operation: 'token', sandboxId: ID, ports: [] }, 'ports: got []; allowed: 1 to 10 whole numbers from 1 to 65535.'],
    [{ operation: 'token', sandboxId: ID, ports: [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11] }, 'ports: got '],
    [{ operation: 'token', sandboxId: ID, ports: [0] }, 'ports.0: got 0; '],
    [{ operation: 'token', sandboxId: ID, ports: [65_536] }, 'ports.0: got 65536; '],
    [{ operation: 'dance' }, 'operation: unknown; allowed: create, connect, list, extend, pause, resume, kill, token.'],
    [{}, 'operation: unknown; '],
  ])('fails out of its bounds, naming field, value and what is allowed: %#', (request, message) => {
    const error = refusal({ version: 1, ...request });
    expect(error.code).toBe('invalid_argument');
    expect(error.message.slice(0, message.length)).toBe(message);
  });

  it.each([null, undefined, 5, 'create', []])('fails if it is no object: %j', (request) => {
    expect(refusal(request).code).toBe('invalid_argument');
  });

  it.each([undefined, 0, 2, '1'])('fails with protocol_version for version %j', (version) => {
    expect(refusal({ version, operation: 'create', unheard: true }).code).toBe('protocol_version');
  });

  it('fails without repeating metadata', () => {
    expect(refusal({ version: 1, operation: 'create', metadata: { note: ['private'] } }).message).not.toContain('private');
  });
});

it('a cursor that was tampered with is none', () => {
  expect(fromCursor(toCursor(ID))).toBe(ID);
  expect(fromCursor(toCursor(`xyz-${'0'.repeat(26)}`))).toBeUndefined();
});

it('fresh ids sort by time, secrets have 256 bits, and nothing repeats', () => {
  const [early, late] = [randomIds.sandboxId(1_800_000_000_000), randomIds.sandboxId(1_800_000_000_001)];
  expect(early < late).toBe(true);
  expect(early).toHaveLength(30);
  expect(Buffer.from(randomIds.daemonSecret(), 'base64url')).toHaveLength(32);
  for (const fresh of [() => randomIds.sandboxId(1), randomIds.clientToken, randomIds.daemonSecret]) {
    expect(new Set(Array.from({ length: 100 }, fresh)).size).toBe(100);
  }
});
