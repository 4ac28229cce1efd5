import { randomUUID } from 'node:crypto';
import type { Clock } from '../clock';
import type { CloudEvent, ResourceStatus } from '../cloud-event';
import type { Stack, StackResource } from './stack';
import type { StackResourceRecord, StackStatus } from './stack-engine';

/** What CloudFormation gives for the reason where there is nothing to tell. */
export const USER_INITIATED = 'User Initiated';

/** A stack's history keeps its newest events. */
const MAX_EVENTS = 10_000;

/** What an event says of a resource. */
export type ResourceFacts = Pick<StackResource, 'logicalId' | 'type' | 'properties' | 'shownProperties'> & { readonly physicalId?: string };

export interface EventDetails {
  readonly reason?: string;
  /** Since its IN_PROGRESS. */
  readonly durationMs?: number;
}

/** Writes down what happens to a stack and its resources, and tells it as it happens. */
export class StackJournal {
  readonly #began = performance.now();

  constructor(
    private readonly stack: Stack,
    private readonly clock: Clock,
    private readonly emit: (event: CloudEvent) => void,
  ) {}

  stackStatus(status: StackStatus, reason?: string): void {
    const { stack } = this;
    Object.assign(stack, { status, statusReason: reason });
    this.#append({ eventId: randomUUID(), logicalId: stack.name, physicalId: stack.id, resourceType: 'AWS::CloudFormation::Stack', status, reason });
    if (status === 'REVIEW_IN_PROGRESS') return;
    this.emit({
      kind: 'stack',
      stackName: stack.name,
      status,
      ...(reason !== undefined && reason !== USER_INITIATED && { reason }),
      ...(!status.endsWith('IN_PROGRESS') && { durationMs: Math.round(performance.now() - this.#began) }),
    });
  }

  resourceStatus(status: ResourceStatus, facts: ResourceFacts, { reason, durationMs }: EventDetails = {}): void {
    const { stack } = this;
    const { logicalId, type, physicalId, properties, shownProperties } = facts;
    const at = this.clock.now();
    const eventId = `${logicalId}-${status}-${new Date(at).toISOString()}-${randomUUID().slice(0, 8)}`;
    this.#append({
      eventId, logicalId, physicalId: physicalId ?? '', resourceType: type, status, reason, properties: JSON.stringify(shownProperties ?? properties),
    });
    this.#keepState({ logicalId, physicalId: physicalId ?? stack.states.get(logicalId)?.physicalId ?? '', type, status, reason, updatedAt: at });
    this.emit({
      kind: 'resource',
      stackName: stack.name,
      logicalId,
      type,
      status,
      ...(physicalId !== undefined && { physicalId }),
      ...(reason !== undefined && { reason }),
      ...(durationMs !== undefined && { durationMs }),
    });
  }

  /** What happens to a resource that was replaced says nothing of the one that took its place. */
  #keepState(state: StackResourceRecord): void {
    const current = this.stack.resources.get(state.logicalId);
    if (state.status.startsWith('DELETE') && current && current.physicalId !== state.physicalId) return;
    this.stack.states.set(state.logicalId, state);
  }

  #append(event: Omit<Stack['events'][number], 'at'>): void {
    this.stack.events.push({ ...event, at: this.clock.now() });
    if (this.stack.events.length > MAX_EVENTS) this.stack.events.splice(0, this.stack.events.length - MAX_EVENTS);
  }
}
