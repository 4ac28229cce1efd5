import { dirname } from 'node:path';
import { LayeredRoot } from './layered-root';
import { isWithin, planGuestRoot } from '../machine/guest-root';
import type { Isolation } from '../machine/machine';

/** Folders that every guest has, whatever this machine's are. */
const OWN_FOLDERS = ['/dev', '/proc', '/sys', '/tmp', '/root', '/home', '/run', '/var', '/mnt', '/media', '/srv'];

export interface GuestView {
  readonly root: LayeredRoot;
  /** Folders of this machine's programs, at the end of the guest's PATH. */
  readonly toolPath: readonly string[];
}

/** What a guest of an image will see: the image's files over those of this machine. `hidden`: folders that no guest sees. */
export function guestView(rootfs: string, isolation: Isolation, hidden: readonly string[]): GuestView {
  const image = { folder: rootfs, sees: () => true };
  if (isolation === 'processes') {
    const path = (process.env.PATH ?? '').split(':').filter((folder) => folder.startsWith('/') && !folder.includes('node_modules'));
    return {
      root: new LayeredRoot([image, { folder: '/', sees: () => true }]),
      toolPath: [...path, dirname(process.execPath), '/usr/bin', '/bin'],
    };
  }
  const { parts, tools, toolPath } = planGuestRoot(hidden);
  const whole = [...OWN_FOLDERS, ...tools, ...parts.filter(({ kind }) => kind === 'overlay').map(({ path }) => path)];
  const exact = new Set(parts.map(({ path }) => path));
  // The folders above a tool are there for its sake.
  const isPart = (path: string): boolean => whole.some((folder) => isWithin(path, folder) || isWithin(folder, path));
  const sees = (path: string): boolean => exact.has(path) || isPart(path);
  return { root: new LayeredRoot([image, { folder: '/', sees }]), toolPath };
}
