import type { Isolation, StartMachine } from './machine';
import { startNamespaceMachine } from './namespace-machine';
import { startPlainMachine } from './plain-machine';

/** `hidden` are folders that no guest may see. */
export function machineStarter(isolation: Isolation, hidden: readonly string[]): StartMachine {
  return isolation === 'namespaces' ? (spec) => startNamespaceMachine(spec, hidden) : startPlainMachine;
}
