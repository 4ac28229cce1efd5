import { randomUUID } from 'node:crypto';
import type { ApiRequest, ApiResponse, ApiService } from '../../api';
import type { Clock } from '../../clock';
import type { Persistent } from '../../persistent';
import { answerJson, ServiceError } from '../service-error';
import type { RunTask } from './execution';
import { execute } from './execution';
import type { StateMachineDefinition } from './state-machine';
import { parseDefinition, StateError } from './state-machine';

const LONGEST_WAIT_MS = 100;
const MAX_FINISHED_EXECUTIONS = 1000;

export type MachineIdentity = Readonly<Record<'arn' | 'roleArn', string>>;

export interface StepFunctionsOptions {
  readonly account: string;
  readonly region: string;
  readonly clock: Clock;
  /** Runs a task as the state machine's role. */
  readonly runTask: (...task: [...Parameters<RunTask>, machine: MachineIdentity]) => Promise<unknown>;
  /**
   * Waits between retries are cut into pieces no longer than this, with an attempt after each, so that a poll every five seconds does
   * not cost five seconds here. The time until a state machine gives up stays the same. Default: 100 ms.
   */
  readonly longestWaitMs?: number;
}

interface StateMachine {
  definition: StateMachineDefinition;
  roleArn: string;
}

interface Execution {
  readonly stateMachineArn: string;
  readonly name: string;
  readonly input: string;
  readonly startDate: number;
  readonly abort: AbortController;
  status: 'RUNNING' | 'SUCCEEDED' | 'FAILED' | 'ABORTED';
  stopDate?: number;
  output?: string;
  error?: string;
  cause?: string;
}

interface StepFunctionsInput {
  readonly stateMachineArn?: string;
  readonly executionArn?: string;
  readonly name?: string;
  readonly input?: string;
}

/** Step Functions, as far as CDK's waiter for custom resources uses them. */
export class StepFunctionsService implements ApiService, Persistent {
  readonly #machines = new Map<string, StateMachine>();
  readonly #executions = new Map<string, Execution>();

  constructor(private readonly options: StepFunctionsOptions) {}

  handle(request: ApiRequest): Promise<ApiResponse> {
    return answerJson<StepFunctionsInput>(request, 'Step Functions', {
      StartExecution: (input) => this.#startExecution(input),
      DescribeExecution: (input) => this.#describeExecution(input),
    });
  }

  save(): unknown {
    const executions = [...this.#executions].map(([arn, { abort, ...execution }]) => [arn, execution]);
    return { machines: [...this.#machines], executions };
  }

  /** What ran when the cloud went has failed. */
  restore(state: unknown): void {
    const { machines, executions } = state as { machines: [string, StateMachine][]; executions: [string, Omit<Execution, 'abort'>][] };
    for (const [arn, machine] of machines) this.#machines.set(arn, machine);
    const lost = { status: 'FAILED', error: 'States.Runtime', cause: 'the local cloud ended while this ran', stopDate: this.options.clock.now() } as const;
    for (const [arn, execution] of executions) {
      const ended = execution.status === 'RUNNING' ? { ...execution, ...lost } : execution;
      this.#executions.set(arn, { ...ended, abort: new AbortController() });
    }
  }

  /** Answers the ARN. */
  create(name: string, definition: string, roleArn: string): string {
    const arn = `arn:aws:states:${this.options.region}:${this.options.account}:stateMachine:${name}`;
    if (this.#machines.has(arn)) throw new ServiceError('StateMachineAlreadyExists', `State Machine Already Exists: '${arn}'`);
    this.#machines.set(arn, { definition: parseDefinition(definition), roleArn });
    return arn;
  }

  update(arn: string, definition: string, roleArn: string): void {
    Object.assign(this.#machine(arn), { definition: parseDefinition(definition), roleArn });
  }

  /** Stops what runs. */
  delete(arn: string): void {
    this.#machine(arn);
    this.#machines.delete(arn);
    for (const execution of this.#executions.values()) if (execution.stateMachineArn === arn) execution.abort.abort();
  }

  stateMachines(): string[] {
    return [...this.#machines.keys()];
  }

  stop(): void {
    for (const { abort } of this.#executions.values()) abort.abort();
  }

  #machine(arn = ''): StateMachine {
    const machine = this.#machines.get(arn);
    if (!machine) throw new ServiceError('StateMachineDoesNotExist', `State Machine Does Not Exist: '${arn}'`);
    return machine;
  }

  #startExecution({ stateMachineArn = '', name = randomUUID(), input = '{}' }: StepFunctionsInput): object {
    const machine = this.#machine(stateMachineArn);
    const executionArn = `${stateMachineArn.replace(':stateMachine:', ':execution:')}:${name}`;
    const existing = this.#executions.get(executionArn);
    if (existing && (existing.status !== 'RUNNING' || existing.input !== input)) {
      throw new ServiceError('ExecutionAlreadyExists', `Execution Already Exists: '${executionArn}'`);
    }
    if (existing) return { executionArn, startDate: existing.startDate / 1000 };
    const startDate = this.options.clock.now();
    const execution: Execution = { stateMachineArn, name, input, startDate, abort: new AbortController(), status: 'RUNNING' };
    this.#forgetOldest();
    this.#executions.set(executionArn, execution);
    void this.#run(execution, machine);
    return { executionArn, startDate: startDate / 1000 };
  }

  async #run(execution: Execution, { definition, roleArn }: StateMachine): Promise<void> {
    const { clock, runTask, longestWaitMs = LONGEST_WAIT_MS } = this.options;
    const { signal: stopped } = execution.abort;
    const caller = { arn: execution.stateMachineArn, roleArn };
    const runAsRole: RunTask = (functionArn, input) => runTask(functionArn, input, caller);
    try {
      const surroundings = { clock, runTask: runAsRole, longestWaitMs, stopped };
      const output = await execute(definition, JSON.parse(execution.input), surroundings);
      Object.assign(execution, { status: 'SUCCEEDED', output: JSON.stringify(output) });
    } catch (error) {
      const { error: name, message } = error instanceof StateError ? error : new StateError('States.Runtime', String(error));
      Object.assign(execution, { status: stopped.aborted ? 'ABORTED' : 'FAILED', error: name, cause: message });
    }
    execution.stopDate = clock.now();
  }

  #describeExecution({ executionArn = '' }: StepFunctionsInput): object {
    const execution = this.#executions.get(executionArn);
    if (!execution) throw new ServiceError('ExecutionDoesNotExist', `Execution Does Not Exist: '${executionArn}'`);
    const { abort, startDate, stopDate, ...rest } = execution;
    return { executionArn, ...rest, startDate: startDate / 1000, ...(stopDate && { stopDate: stopDate / 1000 }) };
  }

  #forgetOldest(): void {
    if (this.#executions.size < MAX_FINISHED_EXECUTIONS) return;
    const finished = [...this.#executions].find(([, { status }]) => status !== 'RUNNING');
    if (finished) this.#executions.delete(finished[0]);
  }
}
