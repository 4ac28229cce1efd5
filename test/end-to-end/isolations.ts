import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import type { Isolation } from 'microvm-sandbox-local';

const PROBE = `require(${JSON.stringify(join(__dirname, '..', '..', 'local', 'lib', 'microvms'))})
  .detectIsolation().then(({ isolation }) => process.stdout.write(isolation))`;

/** Both kinds of isolation where this machine has both, the one it has elsewhere. */
export function isolations(): Isolation[] {
  const detected = execFileSync(process.execPath, ['-e', PROBE], { encoding: 'utf8', timeout: 30_000 });
  if (detected === 'namespaces') return ['namespaces', 'processes'];
  console.warn('This machine refuses namespaces: the end-to-end tests run with plain processes only.');
  return ['processes'];
}
