import { existsSync } from 'node:fs';

const PLACES = ['/usr/sbin/ip', '/sbin/ip', '/usr/bin/ip', '/bin/ip'];

/** The program that sets up addresses. Undefined: this machine has none. */
export function ipProgram(): string | undefined {
  return PLACES.find(existsSync);
}
