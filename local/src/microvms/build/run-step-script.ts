import { CAPABILITY_BOUNDS } from '../machine/capabilities';
import type { GuestRoot, RootPart } from '../machine/guest-root';
import { quote } from '../machine/shell';

export interface RunStepScript {
  /** Empty; for mounts. */
  readonly work: string;
  readonly rootfs: string;
  readonly root: GuestRoot;
  readonly command: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
  readonly workingDirectory: string;
}

/** Folders that every root has; what a step finds empty and leaves empty is no part of the image. */
export const MOUNT_POINTS = ['dev', 'proc', 'sys', 'run', 'tmp', 'root', 'home', 'var/tmp', 'var/lib', 'var/cache', 'var/log', 'var'];

/**
 * Runs one RUN in namespaces of its own. Unlike a guest, whose root is thrown away with it, the step writes straight into the image's
 * files: they are the upper layer over this machine's folders.
 */
export function runStepScript({ work, rootfs, root, command, environment, workingDirectory }: RunStepScript): string {
  const variables = Object.entries(environment).map((pair) => quote(pair.join('=')));
  return `${FUNCTIONS}
prepare ${quote(work)} ${quote(rootfs)}
${root.parts.map(partLine).join('\n')}
${root.tools.map((tool) => `tool ${quote(tool)}`).join('\n')}
enter
cd ${quote(workingDirectory)}
echo ready >&2
exec setpriv --bounding-set=${CAPABILITY_BOUNDS} -- env -i ${variables.join(' ')} ${command.map(quote).join(' ')} 3<&- 2>&5 4>&- 5>&-
`;
}

function partLine({ kind, path, target }: RootPart): string {
  return [kind, path.slice(1), ...(target === undefined ? [] : [target])].map(quote).join(' ');
}

/** Descriptor 4 takes what goes wrong on the way to the step, and `ready` when it begins. */
const FUNCTIONS = `
exec 5>&2 2>&4
set -e
prepare() {
  cd "$1"
  mkdir root work
  # Upper and work folder have to be of one mount, so not through the bind; and options take no path with a comma or colon.
  ln -s "$2" upper
  mount --bind "$2" root
  (cd root && mkdir -p ${MOUNT_POINTS.join(' ')} && chmod 1777 tmp var/tmp)
}
# A link of the image in the place of a folder of the machine could lead out of the step's root.
no_link() {
  if [ -L "root/$1" ]; then rm "root/$1"; fi
}
overlay() {
  no_link "$1"
  mkdir -p "work/$1" "root/$1"
  if ! mount -t overlay overlay -o "lowerdir=/$1,upperdir=upper/$1,workdir=work/$1,userxattr" "root/$1" 2>/dev/null; then
    mount -t overlay overlay -o "lowerdir=/$1,upperdir=upper/$1,workdir=work/$1" "root/$1"
  fi
}
folder() {
  no_link "$1"
  mkdir -p "root/$1"
}
# What the image has in a folder that is a link on this machine goes to where the link leads.
link() {
  if [ -d "root/$1" ] && [ ! -L "root/$1" ]; then
    case "$2" in /*) to="root$2" ;; *) to="root/$(dirname "$1")/$2" ;; esac
    mkdir -p "$to"
    cp -dR --preserve=all --no-preserve=ownership,context "root/$1/." "$to/"
    rm -r "root/$1"
  fi
  if [ ! -e "root/$1" ] && [ ! -L "root/$1" ]; then ln -s "$2" "root/$1"; fi
}
copy() {
  if [ ! -e "root/$1" ]; then cp --preserve=mode "/$1" "root/$1" 2>/dev/null || :; fi
}
tool() {
  mkdir -p "root$1"
  mount --bind "$1" "root$1" || return 0
  mount -o remount,bind,ro,nosuid,nodev "root$1" || umount "root$1"
}
enter() {
  mount -t proc proc root/proc
  mount -t tmpfs -o mode=755,size=1m microvm root/dev
  mkdir root/dev/shm
  mount -t tmpfs -o mode=1777,size=64m microvm root/dev/shm
  mount -t tmpfs -o mode=755 microvm root/run
  for name in null zero full random urandom; do
    : >"root/dev/$name"
    mount --bind "/dev/$name" "root/dev/$name"
  done
  ln -s /proc/self/fd root/dev/fd
  ln -s fd/0 root/dev/stdin
  ln -s fd/1 root/dev/stdout
  ln -s fd/2 root/dev/stderr
  hostname buildkitsandbox 2>/dev/null || :
  cd root
  pivot_root . .
  umount -l .
  cd /
}
`;
