import { randomUUID } from 'node:crypto';
import type { RunSettings } from './run-input';
import { type ImageRecord, memoryOf, type VersionRecord } from '../images/image-record';
import { endpointHost, type Place } from '../wire/arns';
import { invalid, type ServiceError } from '../wire/errors';

export type MicrovmState = 'PENDING' | 'RUNNING' | 'SUSPENDING' | 'SUSPENDED' | 'TERMINATING' | 'TERMINATED';

/** The service's own failure, as it tells of it. */
export const INTERNAL_ERROR = 'Internal service error.';

/** The answer to whoever wants something of a microVM that is over. */
export function terminatedError(id: string): ServiceError {
  return invalid(`The MicroVM ${id} has been terminated and its state cannot be changed.`);
}

/** What the API tells of a microVM. Times are epoch milliseconds. */
export interface MicrovmRecord {
  readonly id: string;
  readonly endpointId: string;
  /** Counts the microVMs of the account, in the order of their start. */
  readonly serial: number;
  readonly imageId: string;
  readonly imageArn: string;
  readonly imageVersion: string;
  /** Of the baseline. */
  readonly memoryMib: number;
  readonly startedAt: number;
  readonly settings: Omit<RunSettings, 'runHookPayload'>;
  state: MicrovmState;
  stateReason: string | null;
  terminatedAt: number | null;
}

export function newMicrovmRecord(
  { image, version }: { readonly image: ImageRecord; readonly version: VersionRecord },
  { runHookPayload: _, ...settings }: RunSettings,
  { serial, startedAt }: { readonly serial: number; readonly startedAt: number },
): MicrovmRecord {
  return {
    id: `microvm-${randomUUID()}`,
    endpointId: randomUUID(),
    serial,
    imageId: image.id,
    imageArn: image.imageArn,
    imageVersion: version.imageVersion,
    memoryMib: memoryOf(version),
    startedAt,
    settings,
    state: 'PENDING',
    stateReason: null,
    terminatedAt: null,
  };
}

export function endpointOf(place: Place, { endpointId }: MicrovmRecord): string {
  return endpointHost(place, endpointId);
}

export function microvmSummary({ id, imageArn, imageVersion, startedAt, state }: MicrovmRecord): object {
  return { imageArn, imageVersion, microvmId: id, startedAt: startedAt / 1000, state };
}

/** Answers hold every member, unset ones as null. */
export function microvmView(place: Place, record: MicrovmRecord): object {
  const { settings, stateReason, terminatedAt } = record;
  return {
    ...microvmSummary(record),
    egressNetworkConnectors: settings.egressNetworkConnectors,
    endpoint: endpointOf(place, record),
    executionRoleArn: settings.executionRoleArn,
    idlePolicy: settings.idlePolicy,
    ingressNetworkConnectors: settings.ingressNetworkConnectors,
    maximumDurationInSeconds: settings.maximumDurationInSeconds,
    stateReason,
    terminatedAt: terminatedAt === null ? null : terminatedAt / 1000,
    terminationReasonCode: null,
  };
}
