import { randomUUID } from 'node:crypto';
import type { BootstrapOptions } from './bootstrap';
import { bootstrapFile } from './bootstrap-file';
import type { FunctionDefinition } from './function-definition';
import { functionEnvironment } from './function-environment';
import type { FunctionIdentities } from './function-identity';
import { FunctionPool } from './function-pool';
import { FunctionProcess } from './function-process';
import { linkRuntimeModules } from './runtime-modules';
import type { LogSink } from '../../api';
import type { LocalClock } from '../../clock';

export interface FunctionProcessesOptions {
  readonly region: string;
  readonly clock: LocalClock;
  readonly logs: LogSink;
  /** What processes load besides a function's code goes here. */
  readonly folder: string;
  /** Where custom resources answer. */
  readonly responseHost: string;
  /** The gateway's port, known once it listens. */
  readonly gatewayPort: () => number;
  /** What every function gets on top of its own variables. */
  readonly cloudEnvironment: () => Readonly<Record<string, string>>;
}

/** Starts the processes of functions, each with its function's environment, log stream and credentials. */
export class FunctionProcesses {
  #bootstrapFile?: string;
  #runtimeModules?: string;

  constructor(private readonly options: FunctionProcessesOptions, private readonly identities: FunctionIdentities) {}

  newPool(definition: FunctionDefinition): FunctionPool {
    return new FunctionPool(() => this.#start(definition));
  }

  #start(definition: FunctionDefinition): FunctionProcess {
    const { region, clock, folder, logs, responseHost } = this.options;
    const { credentials, staleAt } = this.identities.credentials(definition);
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
        if (this.identities.mayLog(definition)) logs.write(definition.logGroup, logStream, line);
      },
      staleAt,
    });
  }
}
