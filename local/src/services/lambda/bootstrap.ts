/**
 * Runs a handler in a process of its own: what the Node runtime is on Lambda. Started with a JSON `BootstrapOptions` as its argument and
 * an IPC channel to the local cloud. Imports nothing but Node: it is started on its own.
 */
import { existsSync } from 'node:fs';
import https from 'node:https';
import { createRequire } from 'node:module';
import { connect } from 'node:net';
import { basename, dirname, resolve } from 'node:path';
import type { Duplex } from 'node:stream';
import { pathToFileURL } from 'node:url';
import { format } from 'node:util';

export interface BootstrapOptions {
  /** CloudFormation's host for answers of custom resources: connections to it go to the gateway, never out. */
  readonly responseHost: string;
  readonly gatewayPort: number;
}

export interface Invocation {
  readonly requestId: string;
  /** JSON. */
  readonly payload: string;
  /** Epoch milliseconds of the cloud's clock. */
  readonly deadline: number;
  /** How far the cloud's clock is ahead of the machine's. */
  readonly clockOffsetMs: number;
  readonly functionArn: string;
}

export interface HandlerError {
  readonly errorType: string;
  readonly errorMessage: string;
  readonly trace: string[];
}

export type BootstrapMessage =
  | { readonly kind: 'ready'; readonly error?: HandlerError }
  | { readonly kind: 'log'; readonly text: string }
  /** Fatal: the process ends next. */
  | { readonly kind: 'done'; readonly result?: string; readonly error?: HandlerError; readonly fatal?: true };

type Handler = (event: unknown, context: object, callback: (error: unknown, result?: unknown) => void) => unknown;

const RealDate = Date;
const LEVELS = ['TRACE', 'DEBUG', 'INFO', 'WARN', 'ERROR', 'FATAL'];
let clockOffsetMs = 0;
let requestId = '';

function send(message: BootstrapMessage, sent: () => void = () => undefined): void {
  process.send?.(message, sent);
}

/** Everything in the handler sees the cloud's time. */
function shiftDate(): void {
  const now = (): number => RealDate.now() + clockOffsetMs;
  globalThis.Date = new Proxy(RealDate, {
    construct: (target, args, newTarget) => Reflect.construct(target, args.length > 0 ? args : [now()], newTarget),
    apply: () => new RealDate(now()).toString(),
    get: (target, property) => (property === 'now' ? now : Reflect.get(target, property)),
  });
}

/** Output travels in order with the results. */
function captureOutput(): void {
  const write = ((chunk: string | Uint8Array, encoding?: unknown, callback?: () => void) => {
    send({ kind: 'log', text: typeof chunk === 'string' ? chunk : Buffer.from(chunk).toString() });
    const done = typeof encoding === 'function' ? (encoding as () => void) : callback;
    if (done) process.nextTick(done);
    return true;
  }) as typeof process.stdout.write;
  process.stdout.write = write;
  process.stderr.write = write;
  if (process.env.AWS_LAMBDA_LOG_FORMAT === 'JSON') formatConsoleAsJson(process.env.AWS_LAMBDA_LOG_LEVEL ?? 'INFO');
}

/** With the log format JSON, Lambda leaves out what is below the function's log level. */
function formatConsoleAsJson(minimum: string): void {
  const methods = { trace: 'TRACE', debug: 'DEBUG', log: 'INFO', info: 'INFO', warn: 'WARN', error: 'ERROR' } as const;
  for (const [method, level] of Object.entries(methods) as [keyof typeof methods, string][]) {
    console[method] = (...values: unknown[]) => {
      if (LEVELS.indexOf(level) < LEVELS.indexOf(minimum)) return;
      const line = { timestamp: new Date().toISOString(), level, requestId, message: format(...values) };
      process.stdout.write(`${JSON.stringify(line)}\n`);
    };
  }
}

/** `https` to CloudFormation's response host becomes a plain connection to the gateway, which knows it by its `Host` header. */
function redirectResponses({ responseHost, gatewayPort }: BootstrapOptions): void {
  class ResponseAgent extends https.Agent {
    createConnection(
      options: https.RequestOptions,
      callback?: (error: Error | null, stream: Duplex) => void,
    ): Duplex | null | undefined {
      return options.host === responseHost ? connect(gatewayPort, '127.0.0.1') : super.createConnection(options, callback);
    }
  }
  https.globalAgent = new ResponseAgent({ keepAlive: true });
}

function describeError(error: unknown): HandlerError {
  if (!(error instanceof Error)) return { errorType: typeof error, errorMessage: String(error), trace: [] };
  return { errorType: error.name, errorMessage: error.message, trace: (error.stack ?? '').split('\n') };
}

function runtimeError(errorType: string, errorMessage: string): Error {
  return Object.assign(new Error(errorMessage), { name: `Runtime.${errorType}` });
}

async function loadModule(file: string): Promise<Record<string, unknown>> {
  try {
    if (!file.endsWith('.mjs')) return createRequire(file)(file) as Record<string, unknown>;
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    if (code === 'MODULE_NOT_FOUND') throw runtimeError('ImportModuleError', String(error));
    if (error instanceof SyntaxError) throw runtimeError('UserCodeSyntaxError', String(error));
    if (code !== 'ERR_REQUIRE_ESM' && code !== 'ERR_REQUIRE_ASYNC_MODULE') throw error;
  }
  return await import(pathToFileURL(file).href) as Record<string, unknown>;
}

/** `folder/file.export`, as Lambda reads it: the file's name ends at its first dot. */
async function loadHandler(handler: string, root: string): Promise<Handler> {
  const [, file, path] = /^([^.]+)\.(.+)$/.exec(basename(handler)) ?? [];
  if (!file || !path) throw runtimeError('MalformedHandlerName', `Bad handler "${handler}"`);
  const stem = resolve(root, dirname(handler), file);
  const found = ['', '.js', '.mjs', '.cjs'].map((ending) => stem + ending).find((name) => name !== stem && existsSync(name));
  if (!found) throw runtimeError('ImportModuleError', `Error: Cannot find module '${file}'`);
  const loaded = await loadModule(found);
  const exported = path.split('.').reduce<unknown>((value, name) => (value as Record<string, unknown> | undefined)?.[name], loaded);
  if (typeof exported !== 'function') throw runtimeError('HandlerNotFound', `${handler} is undefined or not exported`);
  return exported as Handler;
}

function contextOf({ functionArn, deadline, requestId: awsRequestId }: Invocation): object {
  const { env } = process;
  return {
    awsRequestId,
    callbackWaitsForEmptyEventLoop: true,
    functionName: env.AWS_LAMBDA_FUNCTION_NAME,
    functionVersion: env.AWS_LAMBDA_FUNCTION_VERSION,
    invokedFunctionArn: functionArn,
    logGroupName: env.AWS_LAMBDA_LOG_GROUP_NAME,
    logStreamName: env.AWS_LAMBDA_LOG_STREAM_NAME,
    memoryLimitInMB: env.AWS_LAMBDA_FUNCTION_MEMORY_SIZE,
    getRemainingTimeInMillis: () => Math.max(0, deadline - Date.now()),
  };
}

async function invoke(handler: Handler, invocation: Invocation): Promise<void> {
  requestId = invocation.requestId;
  clockOffsetMs = invocation.clockOffsetMs;
  try {
    const result = await new Promise((settle, reject) => {
      const callback = (error: unknown, value?: unknown): void => (error ? reject(error) : settle(value));
      const answer = handler(JSON.parse(invocation.payload), contextOf(invocation), callback);
      // A handler with a callback answers when it calls back.
      if (handler.length < 3 || answer instanceof Promise) settle(answer);
    });
    send({ kind: 'done', result: JSON.stringify(result) ?? 'null' });
  } catch (error) {
    console.error('Invoke Error', JSON.stringify(describeError(error)));
    send({ kind: 'done', error: describeError(error) });
  }
}

/** What nobody caught ends the process, as on Lambda; the invocation fails with it. */
function crash(error: unknown): void {
  send({ kind: 'done', error: describeError(error), fatal: true }, () => process.exit(129));
}

async function main(): Promise<void> {
  // The local cloud is gone: end everything that this function started, too.
  process.on('disconnect', () => process.kill(-process.pid, 'SIGKILL'));
  process.on('uncaughtException', crash);
  process.on('unhandledRejection', (error) => crash(runtimeError('UnhandledPromiseRejection', String(error))));
  shiftDate();
  captureOutput();
  redirectResponses(JSON.parse(process.argv[2]) as BootstrapOptions);
  try {
    const root = process.env.LAMBDA_TASK_ROOT ?? process.cwd();
    const handler = await loadHandler(process.env._HANDLER ?? '', root);
    process.on('message', (invocation: Invocation) => void invoke(handler, invocation));
    send({ kind: 'ready' });
  } catch (error) {
    send({ kind: 'ready', error: describeError(error) });
  }
}

void main();
