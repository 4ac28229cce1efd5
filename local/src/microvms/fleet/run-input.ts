import type { ConnectorDirectory } from '../../api';
import type { Logging } from '../images/image-input';
import { assertConnectors, connectorArn, type Place } from '../wire/arns';
import { check, type Members } from '../wire/constraints';
import { invalid } from '../wire/errors';
import { CLIENT_TOKEN, CONNECTORS, IDENTIFIER, LOGGING, NON_BLANK, ROLE } from '../wire/member-rules';

export interface IdlePolicy {
  readonly maxIdleDurationSeconds: number;
  readonly suspendedDurationSeconds: number;
  readonly autoResumeEnabled: boolean;
}

export interface RunInput {
  readonly imageIdentifier?: string;
  readonly imageVersion?: string | null;
  readonly executionRoleArn?: string | null;
  readonly ingressNetworkConnectors?: readonly string[] | null;
  readonly egressNetworkConnectors?: readonly string[] | null;
  readonly idlePolicy?: IdlePolicy | null;
  readonly logging?: Logging | null;
  readonly runHookPayload?: string | null;
  readonly maximumDurationInSeconds?: number | null;
  readonly clientToken?: string;
}

/** Settings of a microVM, defaults filled in. */
export interface RunSettings {
  readonly executionRoleArn: string | null;
  readonly ingressNetworkConnectors: readonly string[];
  readonly egressNetworkConnectors: readonly string[];
  readonly idlePolicy: IdlePolicy | null;
  readonly logging: Logging | null;
  readonly runHookPayload: string | null;
  readonly maximumDurationInSeconds: number;
}

const MAXIMUM_DURATION_SECONDS = 28_800;

const RUN: Members = {
  imageIdentifier: IDENTIFIER,
  imageVersion: NON_BLANK,
  executionRoleArn: ROLE,
  ingressNetworkConnectors: CONNECTORS,
  egressNetworkConnectors: CONNECTORS,
  idlePolicy: {
    type: 'structure',
    members: {
      maxIdleDurationSeconds: { type: 'integer', required: true, min: 60 },
      suspendedDurationSeconds: { type: 'integer', required: true, min: 0 },
      autoResumeEnabled: { type: 'boolean', required: true },
    },
  },
  logging: LOGGING,
  runHookPayload: { type: 'string', max: 4096, sensitive: true },
  maximumDurationInSeconds: { type: 'integer', min: 1, max: MAXIMUM_DURATION_SECONDS },
  clientToken: CLIENT_TOKEN,
};

/** Checks a RunMicrovm request as far as it can be checked without its image. */
export function readRunInput(place: Place, input: RunInput, connectors?: ConnectorDirectory): RunSettings {
  check(input as Record<string, unknown>, RUN);
  const ingress = input.ingressNetworkConnectors ?? [];
  const egress = input.egressNetworkConnectors ?? [];
  assertConnectors(place, [...ingress, ...egress], connectors);
  if (egress.length > 1) throw invalid('Only one egress network connector can be provided');
  if (input.logging?.cloudWatch && !input.executionRoleArn) {
    throw invalid('Logging cannot be enabled without providing executionRoleArn');
  }
  return {
    executionRoleArn: input.executionRoleArn ?? null,
    ingressNetworkConnectors: ingress.length > 0 ? ingress : [connectorArn(place, 'HTTP_INGRESS')],
    // An empty list is no isolation: the service takes it for a left-out one.
    egressNetworkConnectors: egress.length > 0 ? egress : [connectorArn(place, 'INTERNET_EGRESS')],
    idlePolicy: input.idlePolicy ?? null,
    logging: input.logging ?? null,
    runHookPayload: input.runHookPayload ?? null,
    maximumDurationInSeconds: input.maximumDurationInSeconds ?? MAXIMUM_DURATION_SECONDS,
  };
}
