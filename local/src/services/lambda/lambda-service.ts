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
import { checkFunctionName, readFunctionName } from './function-name';
import { FunctionPool } from './function-pool';
import { FunctionProcess } from './function-process';
import type { PublishOptions, RunnableVersion, SavedVersions } from './function-versions';
import { FunctionVersions, LATEST } from './function-versions';
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

export type NewFunction = Omit<FunctionDefinition, 'version' | 'codeFolder' | 'codeSha256' | 'lastModified'> & { readonly code: Buffer };

type SavedFunction = Omit<LiveFunction, 'pool' | 'versions'> & { readonly versions: SavedVersions };

/** A statement of a function's policy. */
export interface PermissionStatement {
  readonly Resource: string;
}

interface LiveFunction {
  definition: FunctionDefinition;
  pool: FunctionPool;
  asyncConfiguration: AsyncConfiguration;
  /** Statements of the function's policy by id. */
  permissions: Readonly<Record<string, PermissionStatement>>;
  readonly versions: FunctionVersions;
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
    const relocated = (definition: FunctionDefinition): FunctionDefinition => (
      { ...definition, codeFolder: relative(this.options.folder, definition.codeFolder) }
    );
    return [...this.#functions.values()].map(({ definition, pool, versions, ...live }): SavedFunction => {
      const saved = versions.save();
      const definitions = saved.definitions.map(relocated);
      return { ...live, definition: relocated(definition), versions: { ...saved, definitions } };
    });
  }

  /** Removes the code that the state does not name. Retries of asynchronous invocations are gone. */
  async restore(state: unknown): Promise<void> {
    const { folder } = this.options;
    const located = (definition: FunctionDefinition): FunctionDefinition => (
      { ...definition, codeFolder: join(folder, definition.codeFolder) }
    );
    for (const { definition: saved, versions: savedVersions, ...live } of state as SavedFunction[]) {
      const definition = located(saved);
      const versions = this.#newVersions(definition.name);
      versions.restore({ ...savedVersions, definitions: savedVersions.definitions.map(located) });
      this.#functions.set(definition.name, { ...live, definition, versions, pool: this.#newPool(definition) });
    }
    const paths = [...this.#functions.values()].flatMap((live) => codeFolders(live));
    const named = new Set(paths.map((path) => relative(folder, path)));
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
    return [...this.#functions.values()].flatMap((live) => pools(live)).reduce((sum, { size }) => sum + size, 0);
  }

  /** How many invocations of a function are under way. */
  busy(nameOrArn: string): number {
    return busy(this.#function(nameOrArn));
  }

  /** By name or ARN, with or without a version or an alias. */
  definition(nameOrArn: string): FunctionDefinition {
    return this.resolve(nameOrArn).definition;
  }

  /** What answers under a name or ARN, with or without a version or an alias. */
  resolve(nameOrArn: string): RunnableVersion {
    const live = this.#function(nameOrArn);
    const { qualifier = LATEST } = readFunctionName(nameOrArn);
    return live.versions.find(qualifier) ?? live;
  }

  versions(nameOrArn: string): FunctionVersions {
    return this.#function(nameOrArn).versions;
  }

  /** Makes a version of what the function is now. */
  publish(nameOrArn: string, options: PublishOptions = {}): FunctionDefinition {
    const { versions, definition } = this.#function(nameOrArn);
    return versions.publish(definition, options);
  }

  async deleteVersion(nameOrArn: string, version: string): Promise<void> {
    const live = this.#function(nameOrArn);
    const removed = live.versions.remove(version);
    if (!removed) return;
    await this.#end(removed.pool);
    await this.#removeCode(live, removed.definition.codeFolder);
  }

  async create(given: NewFunction): Promise<FunctionDefinition> {
    checkFunctionName(given.name);
    if (this.#functions.has(given.name)) throw new ServiceError('ResourceConflictException', `Function already exist: ${given.name}`, 409);
    await this.#identities.check(given);
    const definition = await this.#unpack(given);
    const asyncConfiguration = { maximumRetryAttempts: RETRY_DELAYS_MS.length };
    const pool = this.#newPool(definition);
    const versions = this.#newVersions(given.name);
    this.#functions.set(given.name, { definition, pool, asyncConfiguration, permissions: {}, versions });
    return definition;
  }

  /** Invocations under way finish with the old code. */
  async update(given: NewFunction): Promise<FunctionDefinition> {
    const live = this.#function(given.name);
    await this.#identities.check(given);
    const { pool: old, definition: before } = live;
    live.definition = await this.#unpack(given);
    live.pool = this.#newPool(live.definition);
    void old.retire().then(() => this.#removeCode(live, before.codeFolder));
    return live.definition;
  }

  async delete(name: string): Promise<void> {
    const live = this.#function(name);
    this.#functions.delete(name);
    await Promise.all(pools(live).map((pool) => this.#end(pool)));
    for (const codeFolder of new Set(codeFolders(live))) await this.options.disposal.remove(codeFolder);
  }

  setAsyncConfiguration(name: string, configuration: AsyncConfiguration): void {
    this.#function(name).asyncConfiguration = configuration;
  }

  /** The policy of the function itself: who else may call it. Undefined: it has none. */
  policy(nameOrArn: string): object | undefined {
    const statements = this.#functions.has(nameOf(nameOrArn)) ? this.statements(nameOrArn) : [];
    return statements.length === 0 ? undefined : { Version: '2012-10-17', Statement: statements };
  }

  statements(nameOrArn: string): PermissionStatement[] {
    return Object.values(this.#function(nameOrArn).permissions);
  }

  hasPermission(nameOrArn: string, id: string): boolean {
    return Object.hasOwn(this.#function(nameOrArn).permissions, id);
  }

  /** Lets others call the function, or only the version or alias that is named. */
  addPermission(nameOrArn: string, id: string, statement: object): void {
    const live = this.#function(nameOrArn);
    this.resolve(nameOrArn);
    const { name, qualifier = LATEST } = readFunctionName(nameOrArn);
    const Resource = qualifier === LATEST ? this.arn(name) : `${this.arn(name)}:${qualifier}`;
    const added = { Sid: id.replaceAll(/[^A-Za-z0-9]/g, ''), Effect: 'Allow', ...statement, Resource };
    live.permissions = { ...live.permissions, [id]: added };
  }

  removePermission(name: string, id: string): void {
    const live = this.#function(name);
    if (!this.hasPermission(name, id)) throw new ServiceError('ResourceNotFoundException', `Statement ${id} is not found in resource policy.`, 404);
    live.permissions = Object.fromEntries(Object.entries(live.permissions).filter(([other]) => other !== id));
  }

  /** Runs the function and waits for its answer. */
  async invoke(nameOrArn: string, payload: string): Promise<InvocationResult> {
    this.#unpacking.check();
    await this.#takeRole(nameOrArn);
    const { definition, pool } = this.resolve(nameOrArn);
    if (!/^nodejs\d+\.x$/.test(definition.runtime)) {
      throw new ServiceError('InvalidRuntimeException', `function ${definition.name} has the runtime ${definition.runtime}; the local cloud runs only nodejs`, 502);
    }
    if (isFull(this.#function(nameOrArn))) {
      throw new ServiceError('TooManyRequestsException', 'Rate Exceeded.', 429, { Reason: 'ReservedFunctionConcurrentInvocationLimitExceeded' });
    }
    return this.#run({ definition, pool }, payload, readFunctionName(nameOrArn).qualifier);
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
    for (const live of this.#functions.values()) for (const pool of pools(live)) void this.#end(pool);
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
    return { ...given, version: LATEST, codeFolder, codeSha256, lastModified: this.options.clock.now() };
  }

  /** Until nobody has changed the function meanwhile. */
  async #takeRole(nameOrArn: string): Promise<void> {
    for (let taken: FunctionDefinition | undefined; taken !== this.definition(nameOrArn);) {
      taken = this.definition(nameOrArn);
      await this.#identities.take(taken);
    }
  }

  async #run({ definition, pool }: RunnableVersion, payload: string, qualifier?: string): Promise<InvocationResult> {
    const functionArn = qualifier === undefined ? this.arn(definition.name) : `${this.arn(definition.name)}:${qualifier}`;
    const { offsetMs: clockOffsetMs } = this.options.clock;
    const invocation = { requestId: randomUUID(), payload, clockOffsetMs, functionArn };
    const { logs, ...outcome } = await pool.invoke(invocation, definition.timeoutSeconds);
    if (outcome.error) return { payload: JSON.stringify(outcome.error), functionError: 'Unhandled', logs };
    return { payload: outcome.result ?? 'null', logs };
  }

  /** Code that a version still runs stays. */
  async #removeCode(live: LiveFunction, codeFolder: string): Promise<void> {
    if (!codeFolders(live).includes(codeFolder)) await this.options.disposal.remove(codeFolder);
  }

  #newVersions(name: string): FunctionVersions {
    return new FunctionVersions(this.arn(name), (definition) => this.#newPool(definition));
  }

  #newPool(definition: FunctionDefinition): FunctionPool {
    return new FunctionPool(this.options.clock, () => this.#startProcess(definition));
  }

  #startProcess(definition: FunctionDefinition): FunctionProcess {
    const { region, clock, folder, logs, responseHost } = this.options;
    const { credentials, staleAt } = this.#identities.credentials(definition);
    this.#bootstrapFile ??= bootstrapFile(folder);
    this.#runtimeModules ??= linkRuntimeModules(folder);
    const logStream = `${new Date(clock.now()).toISOString().slice(0, 10).replaceAll('-', '/')}/[${definition.version}]${randomUUID().replaceAll('-', '')}`;
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
  return readFunctionName(nameOrArn).name;
}

function pools({ pool, versions }: LiveFunction): FunctionPool[] {
  return [pool, ...versions.pools()];
}

function codeFolders({ definition, versions }: LiveFunction): string[] {
  return [definition, ...versions.published()].map(({ codeFolder }) => codeFolder);
}

/** Over all versions, which share the function's reserved concurrency. */
function busy(live: LiveFunction): number {
  return pools(live).reduce((sum, pool) => sum + pool.busy, 0);
}

function isFull(live: LiveFunction): boolean {
  return busy(live) >= (live.definition.reservedConcurrency ?? Infinity);
}
