import { SandboxError } from './errors';
import type { AllocatorOperation, AllocatorResults, Connection, ErrorBody, SandboxInfo } from './protocol';
import { parseJson, readErrorBody, type Shape } from './shape';

const STATES = ['starting', 'running', 'paused', 'terminating', 'terminated'] as const;
const KINDS = ['ready', 'resumed', 'cold', 'existing'] as const;
const HOST = /^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$/;
/** What may stand in a header. */
const VISIBLE = /^[\x21-\x7e]+$/;

type Parsed<O extends AllocatorOperation> = { ok: true; result: AllocatorResults[O] } | { ok: false; error: ErrorBody };

/** Reads an allocator's answer; throws if it is not one. */
export function parseAllocatorAnswer<O extends AllocatorOperation>(operation: O, payload?: Uint8Array): Parsed<O> {
  if (!payload) throw new SandboxError('malformed answer: the allocator sent nothing');
  const answer = parseJson(Buffer.from(payload).toString('utf8'), 'answer');
  if (answer.get('ok').flag()) return { ok: true, result: READERS[operation](answer.get('result')) };
  return { ok: false, error: readErrorBody(answer.get('error')) };
}

const READERS: { readonly [O in AllocatorOperation]: (result: Shape) => AllocatorResults[O] } = {
  create: readConnected,
  connect: readConnected,
  list: (result) => ({ sandboxes: result.get('sandboxes').list().map(readInfo), cursor: optionalText(result.get('cursor'), 16_384) }),
  extend: (result) => ({ sandbox: readInfo(result.get('sandbox')) }),
  pause: (result) => ({ sandbox: readInfo(result.get('sandbox')) }),
  resume: (result) => ({ sandbox: readInfo(result.get('sandbox')) }),
  kill: (result) => ({ killed: result.get('killed').flag() }),
  token: (result) => ({ connection: readConnection(result.get('connection')) }),
};

function readConnected(result: Shape): AllocatorResults['create'] {
  const launch = result.get('launch');
  return {
    sandbox: readInfo(result.get('sandbox')),
    connection: readConnection(result.get('connection')),
    launch: { kind: launch.get('kind').oneOf(KINDS), timings: launch.get('timings').record((field) => field.milliseconds()) },
  };
}

function readInfo(info: Shape): SandboxInfo {
  return {
    sandboxId: info.get('sandboxId').text(128, /^[A-Za-z0-9_-]+$/),
    state: info.get('state').oneOf(STATES),
    generation: info.get('generation').integer(1, Number.MAX_SAFE_INTEGER),
    metadata: info.get('metadata').record((field) => field.text(4096)),
    key: optionalText(info.get('key'), 1024),
    createdAt: info.get('createdAt').milliseconds(),
    expiresAt: info.get('expiresAt').milliseconds(),
    hardExpiresAt: info.get('hardExpiresAt').milliseconds(),
    reason: optionalText(info.get('reason'), 4096),
  };
}

function readConnection(connection: Shape): Connection {
  const daemon = connection.get('daemon');
  return {
    endpoint: connection.get('endpoint').text(253, HOST),
    token: connection.get('token').text(16_384, VISIBLE),
    tokenExpiresAt: connection.get('tokenExpiresAt').milliseconds(),
    ports: connection.get('ports').list().map((port) => port.integer(1, 65_535)),
    daemon: daemon.absent
      ? undefined
      : { port: daemon.get('port').integer(1, 65_535), secret: daemon.get('secret').text(1024, VISIBLE) },
  };
}

function optionalText(field: Shape, most: number): string | undefined {
  return field.absent ? undefined : field.text(most);
}
