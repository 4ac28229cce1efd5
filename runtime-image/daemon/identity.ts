import { readFileSync } from 'node:fs';
import { homedir, userInfo } from 'node:os';

/** The image's unprivileged user; see the Dockerfile. */
const SANDBOX_USER = 'sandbox';

/** Who a command runs as. Without `switchTo` it runs as the daemon's own user. */
export interface Identity {
  readonly name: string;
  readonly home: string;
  readonly switchTo?: { readonly uid: number; readonly gid: number };
}

export interface Identities {
  /** Also owns the files that the API writes. */
  readonly sandbox: Identity;
  /** Absent if the daemon is not root. */
  readonly root?: Identity;
}

/** What the identities depend on. */
export interface System {
  readonly uid: number | undefined;
  /** Contents of /etc/passwd. */
  readonly passwd: string;
  /** Contents of /proc/self/uid_map. */
  readonly uidMap: string;
}

/**
 * Without the image's user, or in a user namespace that does not map it, commands run as the daemon itself.
 * `home` is then the home of that user, unless given.
 */
export function findIdentities(home?: string, system: System = thisSystem()): Identities {
  const own: Identity = { name: ownName(), home: home ?? homedir() };
  if (system.uid !== 0) return { sandbox: own };
  const root: Identity = { name: 'root', home: '/root' };
  const user = home === undefined ? parseUser(system.passwd, SANDBOX_USER) : undefined;
  if (!user || !isMapped(system.uidMap, user.switchTo.uid)) return { sandbox: own, root };
  return { sandbox: user, root };
}

function thisSystem(): System {
  return { uid: process.getuid?.(), passwd: readText('/etc/passwd'), uidMap: readText('/proc/self/uid_map') };
}

function parseUser(passwd: string, name: string): Required<Identity> | undefined {
  for (const line of passwd.split('\n')) {
    const [user, , uid, gid, , home] = line.split(':');
    if (user === name && home) return { name, home, switchTo: { uid: Number(uid), gid: Number(gid) } };
  }
  return undefined;
}

/** Each line of a uid map: first id inside, first id outside, count. */
function isMapped(uidMap: string, uid: number): boolean {
  return uidMap.split('\n').some((line) => {
    const [inside, , count] = line.trim().split(/\s+/).map(Number);
    return uid >= inside && uid < inside + count;
  });
}

function ownName(): string {
  try {
    return userInfo().username;
  } catch {
    // A uid without a line in /etc/passwd.
    return String(process.getuid?.() ?? 'unknown');
  }
}

function readText(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}
