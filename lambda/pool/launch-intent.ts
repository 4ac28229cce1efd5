import { createHash } from 'node:crypto';
import type { Microvm, MicrovmClient, RunRequest } from './microvms';
import type { LaunchIntent, SandboxRecord } from './sandbox-record';
import { ServiceError } from './service-error';
import { MAX_LEASE_MS } from '../../client/src/protocol/allocator';
import type { RunPayload } from '../../client/src/protocol/daemon';
import type { PoolConfiguration } from '../../src/contract/pool';

export const MAX_LIFETIME_SECONDS = MAX_LEASE_MS / 1000;

export const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');

/** What the pool would start for this sandbox now. */
export function newLaunchIntent(
  configuration: PoolConfiguration,
  sandbox: { readonly sandboxId: string; readonly generation: number; readonly imageVersion: string },
  random: { readonly clientToken: string; readonly secret: string },
): LaunchIntent {
  const payload: RunPayload = {
    sandboxId: sandbox.sandboxId,
    generation: sandbox.generation,
    secretSha256: sha256(random.secret),
  };
  const request = JSON.stringify(runRequest(configuration, sandbox.imageVersion, payload));
  return { ...random, request, fingerprint: sha256(request) };
}

/** The request that an intent holds. */
export function requestOf({ request }: LaunchIntent): RunRequest {
  return JSON.parse(request) as RunRequest;
}

/**
 * Sends the request of a record's intent: for the first time, or again. The client token makes it one microVM however often it is
 * sent, so a replay is also how to learn what an attempt without an answer started.
 */
export async function runIntent(microvms: Pick<MicrovmClient, 'run'>, record: SandboxRecord): Promise<Microvm> {
  const { launch } = record;
  if (!launch || sha256(launch.request) !== launch.fingerprint) {
    // A token is never used for a request that may not be the one it was made for.
    throw new ServiceError({
      kind: 'refused',
      operation: 'RunMicrovm',
      message: `the intent of ${record.sandboxId} is not the one that was written`,
      certain: false,
    });
  }
  return microvms.run(requestOf(launch), launch.clientToken);
}

function runRequest(configuration: PoolConfiguration, imageVersion: string, payload: RunPayload): RunRequest {
  return {
    imageIdentifier: configuration.imageArn,
    // Always exact, so that a replay asks for the same.
    imageVersion,
    ingressNetworkConnectors: configuration.ingressConnectorArns,
    egressNetworkConnectors: configuration.egressConnectorArns,
    maximumDurationInSeconds: MAX_LIFETIME_SECONDS,
    ...idlePolicy(configuration.idle),
    ...output(configuration),
    // The service refuses a payload for an image without a run hook.
    ...(configuration.daemonPort !== null && { runHookPayload: JSON.stringify(payload) }),
  };
}

function idlePolicy(idle: PoolConfiguration['idle']): Pick<RunRequest, 'idlePolicy'> {
  if (!idle) return {};
  const suspends = idle.then === 'suspend';
  return {
    idlePolicy: {
      maxIdleDurationSeconds: idle.afterSeconds,
      // Zero makes the platform terminate instead of suspend.
      suspendedDurationSeconds: suspends ? MAX_LIFETIME_SECONDS : 0,
      autoResumeEnabled: suspends,
    },
  };
}

/** Without a role the platform cannot write a log, and refuses to be asked to. */
function output({ executionRoleArn, logGroupName }: PoolConfiguration): Pick<RunRequest, 'logging' | 'executionRoleArn'> {
  if (executionRoleArn === null) return { logging: { disabled: {} } };
  return {
    executionRoleArn,
    logging: logGroupName === null ? { disabled: {} } : { cloudWatch: { logGroup: logGroupName } },
  };
}
