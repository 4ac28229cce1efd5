import {
  chmodSync, copyFileSync, existsSync, lstatSync, mkdirSync, readdirSync, rmSync, statSync, symlinkSync, writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import type { GuestRoot, RootPart } from './guest-root';

/** Folders that every guest has. */
const FOLDERS = [
  'dev/pts', 'dev/shm', 'proc', 'sys', 'run', 'home', 'root', 'mnt', 'media', 'srv', 'tmp', 'var/tmp', 'var/lib', 'var/cache', 'var/log',
];
const LINKS = [
  ['var/run', '../run'], ['dev/ptmx', 'pts/ptmx'], ['dev/fd', '/proc/self/fd'], ['dev/stdin', 'fd/0'], ['dev/stdout', 'fd/1'],
  ['dev/stderr', 'fd/2'],
];
const DEVICES = ['null', 'zero', 'full', 'random', 'urandom', 'tty'];

/** The platform mounts these itself: what an image puts there is never seen. */
const MOUNTED = ['dev', 'proc', 'sys'];

export interface GuestFiles {
  /** What to mount and where, as mount(8) reads it. */
  readonly mounts: readonly string[];
  /** Likewise; the machine does without what cannot be had. */
  readonly tools: readonly { readonly line: string; readonly target: string }[];
  /** Entries at the top of the image's files that go to the guest's root as they are. */
  readonly own: readonly string[];
  /** Entries of the image's files that lie on top of the machine's own folders. */
  readonly upper: readonly string[];
  /** Parts that the script has to put in place, as the image has files at their path. */
  readonly merged: readonly RootPart[];
}

/**
 * Writes the guest's root, as far as it is the same for every image, to `<folder>/skeleton`: one copy of it costs less than a program
 * for each of its entries. `root` is the guest's root, `upper` and `work` belong to the overlays.
 */
export function writeGuestFiles(folder: string, rootfs: string, plan: GuestRoot): GuestFiles {
  const skeleton = join(folder, 'skeleton');
  mkdirSync(join(folder, 'mount'), { recursive: true });
  for (const name of ['upper', 'work', ...FOLDERS.map((path) => `root/${path}`)]) mkdirSync(join(skeleton, name), { recursive: true });
  const links = LINKS.filter(([path]) => !isThere(join(rootfs, path)) || MOUNTED.includes(path.split('/')[0]));
  for (const [path, target] of links) symlinkSync(target, join(skeleton, 'root', path));
  for (const name of DEVICES) writeFileSync(join(skeleton, 'root/dev', name), '');
  chmodSync(join(skeleton, 'root/root'), 0o700);
  for (const name of ['tmp', 'var/tmp']) chmodSync(join(skeleton, 'root', name), 0o1777);

  const merged = plan.parts.filter((part) => !writePart(skeleton, rootfs, part));
  for (const tool of plan.tools) mkdirSync(join(skeleton, 'root', tool), { recursive: true });
  const grafted = new Set(plan.parts.map(({ path }) => path));
  const placeOf = (name: string): string => (grafted.has(`/${name}`) ? 'upper' : 'root');
  const entries = readdirSync(rootfs)
    .filter((name) => !MOUNTED.includes(name) && fits(join(rootfs, name), join(skeleton, placeOf(name), name)));
  const target = join(folder, 'mount/root');
  return {
    mounts: mountLines(target, plan.parts.filter(({ kind }) => kind === 'overlay').map(({ path }) => path)),
    tools: plan.tools.map((tool) => toolMount(tool, join(target, tool))),
    own: entries.filter((name) => placeOf(name) === 'root'),
    upper: entries.filter((name) => placeOf(name) === 'upper'),
    merged,
  };
}

/** As the kernel and mount(8) write a path in their tables. */
export function tableWord(path: string): string {
  return path.replace(/[ \t\n\\#]/g, (letter) => `\\${letter.charCodeAt(0).toString(8).padStart(3, '0')}`);
}

/** False if the script has to do it, next to the image's own files. */
function writePart(skeleton: string, rootfs: string, { kind, path, target = '' }: RootPart): boolean {
  const place = join(skeleton, 'root', path);
  if (kind === 'overlay') {
    const linked = lstatSync(join(rootfs, path), { throwIfNoEntry: false })?.isSymbolicLink() ?? false;
    for (const name of ['root', 'work', ...(linked ? [] : ['upper'])]) mkdirSync(join(skeleton, name, path), { recursive: true });
    return !linked;
  }
  if (isThere(join(rootfs, path))) return false;
  mkdirSync(kind === 'folder' ? place : dirname(place), { recursive: true });
  if (kind === 'link') symlinkSync(target, place);
  if (kind === 'copy') copyReadable(path, place);
  return true;
}

/** What this user may not read is not for the guest either. */
function copyReadable(from: string, to: string): void {
  try {
    copyFileSync(from, to);
  } catch {
    rmSync(to, { force: true });
  }
}

function isThere(path: string): boolean {
  return lstatSync(path, { throwIfNoEntry: false }) !== undefined;
}

/** Nothing but a folder goes where the guest has a folder. */
function fits(from: string, to: string): boolean {
  return !existsSync(to) || !statSync(to).isDirectory() || lstatSync(from).isDirectory();
}

function mountLines(root: string, overlays: readonly string[]): string[] {
  return [
    mountLine(root, root, 'none', 'bind'),
    // Relative to the folder that the script stands in: a colon or a comma in the path of the machine's folder would not pass.
    ...overlays.map((path) => (
      mountLine('overlay', root + path, 'overlay', `lowerdir=${path},upperdir=upper${path},workdir=work${path},userxattr`)
    )),
    mountLine('proc', `${root}/proc`, 'proc', 'defaults'),
    mountLine('devpts', `${root}/dev/pts`, 'devpts', 'newinstance,ptmxmode=0666,mode=620'),
    mountLine('microvm', `${root}/dev/shm`, 'tmpfs', 'mode=1777,size=64m'),
    ...DEVICES.map((name) => mountLine(`/dev/${name}`, `${root}/dev/${name}`, 'none', 'bind')),
  ];
}

function toolMount(tool: string, target: string): GuestFiles['tools'][number] {
  return { target, line: mountLine(tool, target, 'none', 'bind,ro,nosuid,nodev') };
}

function mountLine(source: string, target: string, type: string, options: string): string {
  return `${tableWord(source)} ${tableWord(target)} ${type} ${tableWord(options)} 0 0`;
}
