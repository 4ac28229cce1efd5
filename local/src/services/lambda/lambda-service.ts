import { createHash, randomUUID } from 'node:crypto';
import { readdir, rm } from 'node:fs/promises';
import { join, relative } from 'node:path';
import type { IamService } from '../../iam/iam-service';
import type { FileDisposal } from '../../state/file-disposal';
import { OngoingWork } from '../ongoing-work';
import { ServiceError } from '../service-error';
import type { BootstrapOptions } from './bootstrap';
import { bootstrapFile } from './bootstrap-file';
import type { AsyncConfiguration, FunctionDefinition } from './function-definition';
import { functionEnvironment } from './function-environment';
import { FunctionIdentities } from './function-identity';
import { FunctionPool } from './function-pool';
import { FunctionProcess } from './function-process';
import { answerLambda } from './lambda-api';
import { linkRuntimeModules } from './runtime-modules';
import { unzip } from './unzip';
import type { ApiRequest, ApiResponse, ApiService, LogSink } from '../../api';
import type { LocalClock } from '../../clock';
import type { Persistent } from '../../persistent';

/** Waits before the second and third attempt of an asynchronous invocation. */
const RETRY_DELAYS_MS = [60_000, 120_000];

export interface LambdaServiceOptions {
  readonly account: string;
  readonly region: string;
  readonly clock: LocalClock;
  readonly iam: IamService;
  readonly logs: LogSink;
  readonly folder: string;
  readonly disposal: FileDisposal;
  /** Where custom resources answer. */
  readonly responseHost: string;
  /** The gateway's port, known once it listens. */
  readonly gatewayPort: () => number;
  /** What every function gets on top of its own variables. */
  readonly cloudEnvironment: () => Readonly<Record<string, string>>;
}

export interface InvocationResult {
  /** JSON. */
  readonly payload: string;
  readonly functionError?: 'Unhandled';
  /** The lines that this invocation wrote. */
  readonly logs: string[];
}

export type NewFunction = Omit<FunctionDefinition, 'codeFolder' | 'codeSha256' | 'lastModified'> & { readonly code: Buffer };

type SavedFunction = Omit<LiveFunction, 'pool'>;

interface LiveFunction {
  definition: FunctionDefinition;
  pool: FunctionPool;
  asyncConfiguration: AsyncConfiguration;
  /** Statements of the function's policy by id. */
  permissions: Readonly<Record<string, object>>;
}

/** Lambda functions: each runs in processes of its own, with its own environment and its role's credentials. */
export class LambdaService implements ApiService, Persistent {
  readonly #functions = new Map<string, LiveFunction>();
  readonly #stopping = new Set<Promise<void>>();
  readonly #unpacking = new OngoingWork();
  readonly #identities: FunctionIdentities;
  #bootstrapFile?: string;
  #runtimeModules?: string;

  constructor(private readonly options: LambdaServiceOptions) {
    this.#identities = new FunctionIdentities(options);
  }

  save(): unknown {
    const { folder } = this.options;
    return [...this.#functions.values()].map(({ definition, pool, ...live }): SavedFunction => (
      { ...live, definition: { ...definition, codeFolder: relative(folder, definition.codeFolder) } }
    ));
  }

  /** Removes the code that the state does not name. Retries of asynchronous invocations are gone. */
  async restore(state: unknown): Promise<void> {
    const { folder } = this.options;
    for (const { definition: saved, ...live } of state as SavedFunction[]) {
      const definition = { ...saved, codeFolder: join(folder, saved.codeFolder) };
      this.#functions.set(definition.name, { ...live, definition, pool: this.#newPool(definition) });
    }
    const definitions = [...this.#functions.values()].map(({ definition }) => definition);
    const named = new Set(definitions.map(({ codeFolder }) => relative(folder, codeFolder)));
    const missing: string[] = [...named];
    for (const name of await readdir(folder).catch(() => [])) {
      for (const code of await readdir(join(folder, name)).catch(() => [])) {
        const path = join(name, code);
        if (named.has(path)) missing.splice(missing.indexOf(path), 1);
        else await rm(join(folder, path), { recursive: true, force: true });
      }
    }
    if (missing.length > 0) throw new Error(`the code of ${missing.length} functions is missing in ${folder}, such as ${missing[0]}`);
  }

  handle(request: ApiRequest): Promise<ApiResponse> {
    return answerLambda(this, request);
  }

  arn(name: string): string {
    return `arn:aws:lambda:${this.options.region}:${this.options.account}:function:${name}`;
  }

  functions(): string[] {
    return [...this.#functions.keys()];
  }

  /** How many processes live. */
  processes(): number {
    return [...this.#functions.values()].reduce((sum, { pool }) => sum + pool.size, 0);
  }

  /** How many invocations of a function are under way. */
  busy(nameOrArn: string): number {
    return this.#function(nameOrArn).pool.busy;
  }

  /** By name or ARN, with or without a version. */
  definition(nameOrArn: string): FunctionDefinition {
    return this.#function(nameOrArn).definition;
  }

  async create(given: NewFunction): Promise<FunctionDefinition> {
    if (this.#functions.has(given.name)) throw new ServiceError('ResourceConflictException', `Function already exist: ${given.name}`, 409);
    await this.#identities.check(given);
    const definition = await this.#unpack(given);
    const asyncConfiguration = { maximumRetryAttempts: RETRY_DELAYS_MS.length };
    const pool = this.#newPool(definition);
    this.#functions.set(given.name, { definition, pool, asyncConfiguration, permissions: {} });
    return definition;
  }

  /** Invocations under way finish with the old code. */
  async update(given: NewFunction): Promise<FunctionDefinition> {
    const live = this.#function(given.name);
    await this.#identities.check(given);
    const { pool: old, definition: before } = live;
    live.definition = await this.#unpack(given);
    live.pool = this.#newPool(live.definition);
    void old.retire().then(() => this.options.disposal.remove(before.codeFolder));
    return live.definition;
  }

  async delete(name: string): Promise<void> {
    const { pool, definition } = this.#function(name);
    this.#functions.delete(name);
    await this.#end(pool);
    await this.options.disposal.remove(definition.codeFolder);
  }

  setAsyncConfiguration(name: string, configuration: AsyncConfiguration): void {
    this.#function(name).asyncConfiguration = configuration;
  }

  /** The policy of the function itself: who else may call it. Undefined: it has none. */
  policy(nameOrArn: string): object | undefined {
    const statements = Object.values(this.#functions.get(nameOf(nameOrArn))?.permissions ?? {});
    return statements.length === 0 ? undefined : { Version: '2012-10-17', Statement: statements };
  }

  addPermission(name: string, id: string, statement: object): void {
    const live = this.#function(name);
    const Resource = this.arn(live.definition.name);
    live.permissions = { ...live.permissions, [id]: { Sid: id.replaceAll(/[^A-Za-z0-9]/g, ''), Effect: 'Allow', ...statement, Resource } };
  }

  removePermission(name: string, id: string): void {
    const live = this.#function(name);
    live.permissions = Object.fromEntries(Object.entries(live.permissions).filter(([other]) => other !== id));
  }

  /** Runs the function and waits for its answer. */
  async invoke(nameOrArn: string, payload: string): Promise<InvocationResult> {
    this.#unpacking.check();
    await this.#takeRole(nameOrArn);
    const { definition, pool } = this.#function(nameOrArn);
    if (!/^nodejs\d+\.x$/.test(definition.runtime)) {
      throw new ServiceError('InvalidRuntimeException', `function ${definition.name} has the runtime ${definition.runtime}; the local cloud runs only nodejs`, 502);
    }
    if (definition.reservedConcurrency !== undefined && pool.busy >= definition.reservedConcurrency) {
      throw new ServiceError('TooManyRequestsException', 'Rate Exceeded.', 429, { Reason: 'ReservedFunctionConcurrentInvocationLimitExceeded' });
    }
    return this.#run(definition, pool, payload);
  }

  /**
   * Runs the function for a caller that does not wait for its answer, and tries again as Lambda does: after one minute and after two
   * more, by the cloud's clock. Resolves after the first attempt.
   */
  async invokeAsync(nameOrArn: string, payload: string, attempt = 0): Promise<void> {
    const live = this.#functions.get(nameOf(nameOrArn));
    if (!live) return;
    const failed = await this.invoke(nameOrArn, payload)
      .then(({ functionError }) => functionError !== undefined, () => true);
    if (!failed || attempt >= live.asyncConfiguration.maximumRetryAttempts) return;
    this.options.clock.after(RETRY_DELAYS_MS[attempt], () => this.invokeAsync(nameOrArn, payload, attempt + 1));
  }

  async stop(): Promise<void> {
    await this.#unpacking.close();
    for (const { pool } of this.#functions.values()) void this.#end(pool);
    this.#functions.clear();
    await Promise.all(this.#stopping);
  }

  async #end(pool: FunctionPool): Promise<void> {
    const stopped = pool.stop();
    this.#stopping.add(stopped);
    await stopped;
    this.#stopping.delete(stopped);
  }

  #function(nameOrArn: string): LiveFunction {
    const name = nameOf(nameOrArn);
    const live = this.#functions.get(name);
    if (!live) throw new ServiceError('ResourceNotFoundException', `Function not found: ${this.arn(name)}`, 404);
    return live;
  }

  async #unpack({ code, ...given }: NewFunction): Promise<FunctionDefinition> {
    const codeSha256 = createHash('sha256').update(code).digest('base64');
    const codeFolder = join(this.options.folder, given.name, randomUUID());
    await this.#unpacking.run(() => unzip(code, codeFolder));
    return { ...given, codeFolder, codeSha256, lastModified: this.options.clock.now() };
  }

  /** Until nobody has changed the function meanwhile. */
  async #takeRole(nameOrArn: string): Promise<void> {
    for (let taken: FunctionDefinition | undefined; taken !== this.definition(nameOrArn);) {
      taken = this.definition(nameOrArn);
      await this.#identities.take(taken);
    }
  }

  async #run(definition: FunctionDefinition, pool: FunctionPool, payload: string): Promise<InvocationResult> {
    const { offsetMs: clockOffsetMs } = this.options.clock;
    const invocation = { requestId: randomUUID(), payload, clockOffsetMs, functionArn: this.arn(definition.name) };
    const { logs, ...outcome } = await pool.invoke(invocation, definition.timeoutSeconds);
    if (outcome.error) return { payload: JSON.stringify(outcome.error), functionError: 'Unhandled', logs };
    return { payload: outcome.result ?? 'null', logs };
  }

  #newPool(definition: FunctionDefinition): FunctionPool {
    return new FunctionPool(this.options.clock, () => this.#startProcess(definition));
  }

  #startProcess(definition: FunctionDefinition): FunctionProcess {
    const { region, clock, folder, logs, responseHost } = this.options;
    const { credentials, staleAt } = this.#identities.credentials(definition);
    this.#bootstrapFile ??= bootstrapFile(folder);
    this.#runtimeModules ??= linkRuntimeModules(folder);
    const logStream = `${new Date(clock.now()).toISOString().slice(0, 10).replaceAll('-', '/')}/[$LATEST]${randomUUID().replaceAll('-', '')}`;
    const bootstrapOptions: BootstrapOptions = { responseHost, gatewayPort: this.options.gatewayPort() };
    return new FunctionProcess({
      clock,
      bootstrapFile: this.#bootstrapFile,
      bootstrapOptions: JSON.stringify(bootstrapOptions),
      folder: definition.codeFolder,
      environment: {
        ...functionEnvironment({ definition, region, logStream, credentials }),
        NODE_PATH: this.#runtimeModules,
        ...this.options.cloudEnvironment(),
      },
      onLog: (line) => {
        if (this.#identities.mayLog(definition)) logs.write(definition.logGroup, logStream, line);
      },
      staleAt,
    });
  }
}

function nameOf(nameOrArn: string): string {
  return /:function:([^:]+)/.exec(nameOrArn)?.[1] ?? nameOrArn.split(':')[0];
}
