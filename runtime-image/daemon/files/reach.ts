import { mkdir, realpath } from 'node:fs/promises';
import { posix } from 'node:path';
import { WORKSPACE } from '../../../client/src/protocol/daemon';
import { DaemonError, invalid } from '../errors';

const MAX_PATH_BYTES = 4096;

/** A folder within reach: its name in the sandbox, where it lies, and where it really lies. */
interface Root {
  readonly guest: string;
  readonly host: string;
  readonly real: string;
}

/** Which paths the API may touch, and where they lie if another folder stands for `/`. */
export class Reach {
  static async open(home: string, localRoot?: string): Promise<Reach> {
    const roots: Root[] = [];
    for (const guest of new Set([WORKSPACE, '/tmp', home])) {
      const host = localRoot ? posix.join(localRoot, guest) : guest;
      await mkdir(host, { recursive: true });
      roots.push({ guest, host, real: await realpath(host) });
    }
    return new Reach(roots);
  }

  readonly #roots: readonly Root[];

  private constructor(roots: readonly Root[]) {
    this.#roots = roots;
  }

  /** The absolute path in the sandbox that a caller means; relative ones start at the workspace. */
  resolve(path: string, field = 'path'): string {
    if (path === '') throw invalid(`${field}: empty; name a file or directory`);
    if (path.includes('\0')) throw invalid(`${field}: holds a NUL character`);
    if (Buffer.byteLength(path) > MAX_PATH_BYTES) throw invalid(`${field}: longer than ${MAX_PATH_BYTES} bytes`);
    const absolute = posix.resolve(WORKSPACE, path);
    // Where another folder stands for `/`, commands see that folder and print its paths.
    const root = this.#roots.find(({ host }) => isWithin(host, absolute));
    return root ? posix.join(root.guest, posix.relative(root.host, absolute)) : absolute;
  }

  /** Where a path of the sandbox lies on this machine. */
  toHost(guest: string): string {
    const root = this.#roots.find((candidate) => isWithin(candidate.guest, guest));
    return root ? posix.join(root.host, posix.relative(root.guest, guest)) : guest;
  }

  /** Whether a path without symbolic links is within reach. */
  contains(real: string): boolean {
    return this.#roots.some((root) => isWithin(root.real, real));
  }

  isRoot(real: string): boolean {
    return this.#roots.some((root) => root.real === real);
  }

  outside(guest: string): DaemonError {
    const roots = this.#roots.map((root) => root.guest).join(', ');
    return new DaemonError('path_outside_reach', `${guest}: outside of what the file API reaches, which is ${roots}; use a command`);
  }
}

export function isWithin(directory: string, path: string): boolean {
  return path === directory || path.startsWith(directory.endsWith('/') ? directory : `${directory}/`);
}
