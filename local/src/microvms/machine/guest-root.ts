import { existsSync, lstatSync, readdirSync, readFileSync, readlinkSync, realpathSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, join, sep } from 'node:path';

/** What of this machine a guest sees, writable for itself alone. All else, home folders above all, is not there. */
const SYSTEM_FOLDERS = ['/bin', '/sbin', '/lib', '/lib32', '/lib64', '/libx32', '/usr', '/etc', '/opt', '/nix'];

/** Folders of version managers: a tool on the PATH needs more of them than its `bin`. */
const TOOL_MANAGERS = ['.pyenv', '.asdf', '.rbenv', '.volta', '.nvm', '.sdkman', '.local/share/fnm', '.local/share/mise'];

/**
 * How a part of the guest's root comes about: `overlay` the folder writable on top of the machine's own, `folder` an empty one,
 * `link` a symlink to `target`, `copy` a copy of a file.
 */
export interface RootPart {
  readonly kind: 'overlay' | 'folder' | 'link' | 'copy';
  readonly path: string;
  readonly target?: string;
}

export interface GuestRoot {
  readonly parts: readonly RootPart[];
  /** Bound read-only from outside of the system folders. */
  readonly tools: readonly string[];
  /** Folders of programs in `tools`, for the guest's PATH. */
  readonly toolPath: readonly string[];
}

/** `hidden` are folders that a guest must not see, wherever they lie. */
export function planGuestRoot(hidden: readonly string[]): GuestRoot {
  const holes = [homedir(), process.cwd(), ...hidden].flatMap((path) => (existsSync(path) ? [realpathSync(path)] : []))
    .filter((path) => !SYSTEM_FOLDERS.some((folder) => isWithin(folder, path)));
  // The kernel refuses to stack on a folder that has mounts below it, so such a folder is put together from its entries.
  const obstacles = [...mountPoints(), ...holes];
  const parts = SYSTEM_FOLDERS.filter(existsSync).flatMap((path) => graft(path, obstacles, holes));
  return { parts, ...findTools() };
}

/** True if `path` is `folder` or lies below it. */
export function isWithin(path: string, folder: string): boolean {
  return path === folder || path.startsWith(folder.endsWith(sep) ? folder : folder + sep);
}

function graft(path: string, obstacles: readonly string[], holes: readonly string[]): RootPart[] {
  const stat = lstatSync(path, { throwIfNoEntry: false });
  if (!stat) return [];
  if (holes.includes(path)) return [];
  if (stat.isSymbolicLink()) return [{ kind: 'link', path, target: readlinkSync(path) }];
  if (stat.isFile()) return [{ kind: 'copy', path }];
  if (!stat.isDirectory()) return [];
  if (!obstacles.some((obstacle) => obstacle !== path && isWithin(obstacle, path))) return [{ kind: 'overlay', path }];
  const entries = readdirSync(path).flatMap((name) => graft(join(path, name), obstacles, holes));
  return [{ kind: 'folder', path }, ...entries];
}

function mountPoints(): string[] {
  return readFileSync('/proc/self/mountinfo', 'utf8').split('\n').filter(Boolean)
    .map((line) => line.split(' ')[4].replace(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8))));
}

function findTools(): Pick<GuestRoot, 'tools' | 'toolPath'> {
  const tools = new Set<string>();
  const toolPath = new Set<string>();
  const entries = [dirname(process.execPath), ...(process.env.PATH ?? '').split(':')];
  for (const entry of entries) {
    // Programs of a project are the project's own business.
    if (!entry.startsWith('/') || entry.includes('node_modules') || !existsSync(entry)) continue;
    const folder = realpathSync(entry);
    if (folder === '/' || SYSTEM_FOLDERS.some((system) => isWithin(folder, system))) continue;
    toolPath.add(folder);
    for (const tool of toolFolders(folder)) tools.add(tool);
  }
  const outermost = [...tools].filter((tool) => ![...tools].some((other) => other !== tool && isWithin(tool, other)));
  return { tools: outermost, toolPath: [...toolPath] };
}

function toolFolders(folder: string): string[] {
  const home = realpathSync(homedir());
  const manager = TOOL_MANAGERS.map((name) => join(home, name)).find((path) => isWithin(folder, path));
  if (manager) return [manager];
  const library = join(dirname(folder), 'lib');
  return existsSync(library) && dirname(folder) !== home ? [folder, library] : [folder];
}
