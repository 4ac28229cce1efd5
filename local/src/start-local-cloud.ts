import { checkOptions } from './check-options';
import { chooseIsolation, ISOLATION_VARIABLE } from './isolation';
import { LocalCloud } from './local-cloud';
import type { LocalCloudOptions } from './local-cloud-options';
import type { ServiceBehaviour } from './microvms';
import { detectIsolation, readBehaviour } from './microvms';
import { chooseEngine } from './microvms/container/container-engine';
import { removeLeftovers } from './microvms/container/leftovers';
import { endLeftovers } from './microvms/machine/owner';
import { CloudFolder } from './state/cloud-folder';

/** Starts a cloud on loopback: AWS's services as far as this project's apps use them, and the MicroVMs. End it with `stop()`. */
export async function startLocalCloud(options: LocalCloudOptions = {}): Promise<LocalCloud> {
  const { port, region, account, state, authorize, bandwidth, spares, runSteps, onEvent = () => undefined } = options;
  checkOptions(options);
  await endLeftovers();
  const { timeScale, quotas, memoryCounting, suspendedExpiry } = options;
  const microvms: ServiceBehaviour = { timeScale, quotas, memoryCounting, suspendedExpiry };
  // A wrong value is told before anything is there that would have to end.
  readBehaviour(microvms, region ?? '');
  const engine = await chooseEngine(options.engine ?? 'none');
  const { isolation, reason } = await chooseIsolation(options.isolation ?? 'auto', process.env[ISOLATION_VARIABLE], detectIsolation);
  // With an engine microVMs are containers.
  if (reason && !engine) onEvent({ kind: 'warning', message: `microVMs run as plain processes, not kept apart from this machine: ${reason}` });
  if (engine) await removeLeftovers(engine);
  const folder = await CloudFolder.open({ state, region, account });
  const chosen = { isolation, engine, runSteps, onEvent, authorize, bandwidth, spares, microvms };
  const cloud = new LocalCloud({ folder, ...chosen });
  try {
    await cloud.start(port);
    return cloud;
  } catch (error) {
    await cloud.stop();
    throw error;
  }
}
