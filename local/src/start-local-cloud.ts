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
  checkPlace(options);
  await endLeftovers();
  const { timeScale, quotas, memoryCounting, suspendedExpiry } = options;
  const microvms: ServiceBehaviour = { timeScale, quotas, memoryCounting, suspendedExpiry };
  readBehaviour(microvms, region ?? '');
  const { isolation, reason } = await chooseIsolation(options.isolation ?? 'auto', process.env[ISOLATION_VARIABLE], detectIsolation);
  if (reason) onEvent({ kind: 'warning', message: `microVMs run as plain processes, not kept apart from this machine: ${reason}` });
  const engine = await chooseEngine(options.engine ?? 'none');
  if (engine) await removeLeftovers(engine);
  const folder = await CloudFolder.open({ state, region, account });
  const chosen = { isolation, engine, runSteps, onEvent, authorize, bandwidth, spares, microvms };
  const cloud = new LocalCloud({ ...folder.place, folder, ...chosen });
  try {
    await cloud.start(port);
    return cloud;
  } catch (error) {
    await cloud.stop();
    throw error;
  }
}

function checkPlace({ port, account, region }: LocalCloudOptions): void {
  if (port !== undefined && !(Number.isInteger(port) && port >= 0 && port <= 65535)) {
    throw new RangeError(`startLocalCloud: port ${port} is not a whole number from 0 to 65535`);
  }
  if (account !== undefined && !/^\d{12}$/.test(account)) {
    throw new RangeError(`startLocalCloud: account "${account}" is not twelve digits`);
  }
  if (region !== undefined && !/^[a-z]{2}(?:-[a-z]+)+-\d$/.test(region)) {
    throw new RangeError(`startLocalCloud: region "${region}" is not a Region's name, as in us-east-1`);
  }
}
