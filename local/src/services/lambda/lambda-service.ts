import type { IamService } from '../../iam/iam-service';
import type { FileDisposal } from '../../state/file-disposal';
import { ServiceError } from '../service-error';
import { FunctionCode } from './function-code';
import type { AsyncConfiguration, FunctionDefinition } from './function-definition';
import { FunctionIdentities } from './function-identity';
import type { InvocationResult } from './function-invocations';
import { FunctionInvocations, RETRY_DELAYS_MS } from './function-invocations';
import { checkFunctionName, readFunctionName } from './function-name';
import type { FunctionPool } from './function-pool';
import type { FunctionProcessesOptions } from './function-processes';
import { FunctionProcesses } from './function-processes';
import type { PublishOptions, RunnableVersion, SavedVersions } from './function-versions';
import { FunctionVersions, LATEST } from './function-versions';
import { answerLambda } from './lambda-api';
import type { LiveFunction, PermissionStatement } from './live-function';
import { busy, codeFolders, pools } from './live-function';
import type { ApiRequest, ApiResponse, ApiService } from '../../api';
import type { Persistent } from '../../persistent';

export interface LambdaServiceOptions extends FunctionProcessesOptions {
  readonly account: string;
  readonly iam: IamService;
  readonly disposal: FileDisposal;
}

export type NewFunction = Omit<FunctionDefinition, 'version' | 'codeFolder' | 'codeSha256' | 'lastModified'> & { readonly code: Buffer };

type SavedFunction = Omit<LiveFunction, 'pool' | 'versions'> & { readonly versions: SavedVersions };

/** Lambda functions: each runs in processes of its own, with its own environment and its role's credentials. */
export class LambdaService implements ApiService, Persistent {
  readonly #functions = new Map<string, LiveFunction>();
  readonly #stopping = new Set<Promise<void>>();
  readonly #code: FunctionCode;
  readonly #identities: FunctionIdentities;
  readonly #processes: FunctionProcesses;
  readonly #invocations: FunctionInvocations;

  constructor(private readonly options: LambdaServiceOptions) {
    this.#code = new FunctionCode(options.folder, options.disposal);
    this.#identities = new FunctionIdentities(options);
    this.#processes = new FunctionProcesses(options, this.#identities);
    this.#invocations = new FunctionInvocations(options.clock, this.#identities, {
      arn: (name) => this.arn(name),
      find: (nameOrArn) => this.#functions.get(nameOf(nameOrArn)),
      resolve: (nameOrArn) => {
        this.#code.check();
        return this.resolve(nameOrArn);
      },
    });
  }

  save(): unknown {
    const relocated = (definition: FunctionDefinition): FunctionDefinition => this.#code.relocated(definition);
    return [...this.#functions.values()].map(({ definition, pool, versions, ...live }): SavedFunction => {
      const saved = versions.save();
      const definitions = saved.definitions.map(relocated);
      return { ...live, definition: relocated(definition), versions: { ...saved, definitions } };
    });
  }

  /** Removes the code that the state does not name. Retries of asynchronous invocations are gone. */
  async restore(state: unknown): Promise<void> {
    const located = (definition: FunctionDefinition): FunctionDefinition => this.#code.located(definition);
    for (const { definition: saved, versions: savedVersions, ...live } of state as SavedFunction[]) {
      const definition = located(saved);
      const versions = this.#newVersions(definition.name);
      versions.restore({ ...savedVersions, definitions: savedVersions.definitions.map(located) });
      const pool = this.#processes.newPool(definition);
      this.#functions.set(definition.name, { ...live, definition, versions, pool });
    }
    await this.#code.keepOnly([...this.#functions.values()].flatMap((live) => codeFolders(live)));
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
    const pool = this.#processes.newPool(definition);
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
    live.pool = this.#processes.newPool(live.definition);
    void old.retire().then(() => this.#removeCode(live, before.codeFolder));
    return live.definition;
  }

  async delete(name: string): Promise<void> {
    const live = this.#function(name);
    this.#functions.delete(name);
    await Promise.all(pools(live).map((pool) => this.#end(pool)));
    for (const codeFolder of new Set(codeFolders(live))) await this.#code.remove(codeFolder);
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
  invoke(nameOrArn: string, payload: string): Promise<InvocationResult> {
    return this.#invocations.invoke(nameOrArn, payload);
  }

  /** Runs the function for a caller that does not wait for its answer. Resolves after the first attempt; others come by the clock. */
  invokeAsync(nameOrArn: string, payload: string): Promise<void> {
    return this.#invocations.invokeAsync(nameOrArn, payload);
  }

  async stop(): Promise<void> {
    await this.#code.close();
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
    const unpacked = await this.#code.unpack(given.name, code);
    return { ...given, ...unpacked, version: LATEST, lastModified: this.options.clock.now() };
  }

  /** Code that a version still runs stays. */
  async #removeCode(live: LiveFunction, codeFolder: string): Promise<void> {
    if (!codeFolders(live).includes(codeFolder)) await this.#code.remove(codeFolder);
  }

  #newVersions(name: string): FunctionVersions {
    return new FunctionVersions(this.arn(name), (definition) => this.#processes.newPool(definition));
  }
}

function nameOf(nameOrArn: string): string {
  return readFunctionName(nameOrArn).name;
}
