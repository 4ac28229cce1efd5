import { createHash } from 'node:crypto';
import type { StackEngine, StackEventRecord, StackRecord } from '../../deploy/stack-engine';
import type { QueryInput, QueryOperation } from '../query-protocol';
import { pageOf } from './pages';
import { StackLookup } from './stack-lookup';

/** An event with the operation that it is part of. */
interface HistoryEvent extends StackEventRecord {
  readonly operationId: string;
  readonly operationType: string;
}

/** How an operation begins, by the status that the stack takes on. A rollback is an operation of its own. */
const BEGINNINGS: Readonly<Record<string, string>> = {
  REVIEW_IN_PROGRESS: 'CREATE_CHANGESET',
  CREATE_IN_PROGRESS: 'CREATE_STACK',
  UPDATE_IN_PROGRESS: 'UPDATE_STACK',
  DELETE_IN_PROGRESS: 'DELETE_STACK',
  ROLLBACK_IN_PROGRESS: 'ROLLBACK',
  UPDATE_ROLLBACK_IN_PROGRESS: 'ROLLBACK',
};

/** What happened to a stack, the newest first. */
export class StackHistory {
  readonly #stacks: StackLookup;

  readonly operations: Readonly<Record<string, QueryOperation>> = {
    DescribeStackEvents: (input) => this.#describeStackEvents(input),
    DescribeEvents: (input) => this.#describeEvents(input),
    ListHookResults: () => ({ HookResults: [] }),
  };

  constructor(engine: StackEngine) {
    this.#stacks = new StackLookup(engine);
  }

  #describeStackEvents(input: QueryInput): object {
    const stack = this.#stacks.inBrackets(input.required('StackName'));
    const { items, nextToken } = pageOf(historyOf(stack), input.string('NextToken'), { keyOf: ({ eventId }) => eventId });
    const StackEvents = items.map((event) => ({ StackName: stack.name, ...describedEvent(stack, event) }));
    return { StackEvents, NextToken: nextToken };
  }

  /** A change set has no events of its own here: why it failed is its status reason. */
  #describeEvents(input: QueryInput): object {
    const stack = this.#stacks.inBrackets(input.required('StackName'));
    const operationId = input.string('OperationId');
    const onlyFailed = input.boolean('Filters.FailedEvents') ?? false;
    const wanted = input.has('ChangeSetName') ? [] : historyOf(stack).filter((event) => {
      return (operationId === undefined || event.operationId === operationId) && !(onlyFailed && !event.status.endsWith('_FAILED'));
    });
    const { items, nextToken } = pageOf(wanted, input.string('NextToken'), { keyOf: ({ eventId }) => eventId });
    const OperationEvents = items.map((event) => {
      const { operationType: OperationType } = event;
      return { ...describedEvent(stack, event), OperationType, EventType: eventType(stack, event) };
    });
    return { OperationEvents, NextToken: nextToken };
  }
}

function historyOf({ id, events }: StackRecord): HistoryEvent[] {
  let operationId = '';
  let latest = 0;
  let operationType = 'CREATE_STACK';
  const history = events.map((event): HistoryEvent => {
    const begins = event.physicalId === id ? BEGINNINGS[event.status] : undefined;
    if (begins) operationType = begins;
    if (begins || !operationId) operationId = uuidOf(`${id} ${event.eventId}`);
    // Clients sort by time; events of the same millisecond would lose their order.
    latest = Math.max(event.at, latest + 1);
    return { ...event, at: latest, operationId, operationType };
  });
  return history.reverse();
}

function describedEvent({ id }: StackRecord, event: HistoryEvent): object {
  return {
    StackId: id,
    EventId: event.eventId,
    OperationId: event.operationId,
    LogicalResourceId: event.logicalId,
    PhysicalResourceId: event.physicalId,
    ResourceType: event.resourceType,
    Timestamp: new Date(event.at),
    ResourceStatus: event.status,
    ResourceStatusReason: event.reason,
    ResourceProperties: event.properties,
  };
}

function eventType({ id }: StackRecord, { status, physicalId }: HistoryEvent): string {
  if (physicalId === id) return 'STACK_EVENT';
  return status.endsWith('_FAILED') ? 'PROVISIONING_ERROR' : 'PROGRESS_EVENT';
}

/** The same for the same text. */
function uuidOf(text: string): string {
  const hex = createHash('sha256').update(text).digest('hex');
  return [[0, 8], [8, 12], [12, 16], [16, 20], [20, 32]].map(([from, to]) => hex.slice(from, to)).join('-');
}
