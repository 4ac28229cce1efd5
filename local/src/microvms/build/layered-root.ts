import { lstatSync, readlinkSync } from 'node:fs';
import { dirname, join } from 'node:path';

const MAX_LINKS = 40;

/** A root of several layers, as a guest sees it: what an upper layer has hides what a lower one has. */
export class LayeredRoot {
  /** `layers`: from top to bottom, each with what of it the guest sees. */
  constructor(private readonly layers: readonly { readonly folder: string; sees(path: string): boolean }[]) {}

  /** Where the entry lies that `path` leads to, links followed within this root. Undefined: there is none. */
  find(path: string): string | undefined {
    let guest = '/';
    let links = 0;
    for (let pending = path.split('/').filter(Boolean); pending.length > 0;) {
      const [part, ...rest] = pending;
      pending = rest;
      if (part === '.') continue;
      if (part === '..') {
        guest = dirname(guest);
        continue;
      }
      const candidate = join(guest, part);
      const real = this.#lookUp(candidate);
      if (real === undefined) return undefined;
      const stat = lstatSync(real);
      if (!stat.isSymbolicLink()) {
        guest = candidate;
        continue;
      }
      if (++links > MAX_LINKS) return undefined;
      const target = readlinkSync(real);
      if (target.startsWith('/')) guest = '/';
      pending = [...target.split('/').filter(Boolean), ...pending];
    }
    return this.#lookUp(guest);
  }

  #lookUp(path: string): string | undefined {
    for (const { folder, sees } of this.layers) {
      if (!sees(path)) continue;
      const real = join(folder, path);
      const stat = lstatSync(real, { throwIfNoEntry: false });
      // A layer that deletes something has a character device in its place.
      if (stat?.isCharacterDevice() && folder !== '/') return undefined;
      if (stat) return real;
    }
    return undefined;
  }
}
