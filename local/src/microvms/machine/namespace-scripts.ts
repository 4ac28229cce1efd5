import type { GuestRoot, RootPart } from './guest-root';
import { isShellName, quote } from './shell';

/** What a container of the platform may do: no mounts, no tracing, no network set-up. */
const CAPABILITIES = [
  'chown', 'dac_override', 'fowner', 'fsetid', 'kill', 'setgid', 'setuid', 'setpcap', 'net_bind_service', 'net_raw', 'sys_chroot',
  'mknod', 'audit_write', 'setfcap',
];

/**
 * Runs in the machine's own network, still among the host's processes and files. Becomes the process that waits for the guest.
 * Arguments: node, the relay's script, the file with the guest's script. Descriptors: 0 says go, 3 takes the guest's status, 4 is the
 * relay's channel.
 */
export const DOOR_SCRIPT = `
read -r _ || exit 1
up() {
  ip link set lo up || ifconfig lo up ||
    perl -e 'use Socket; socket(S, AF_INET, SOCK_DGRAM, 0) && ioctl(S, 0x8914, pack("a16sx14", "lo", 0x41)) or exit 1' ||
    python3 -c 'import fcntl, socket, struct
fcntl.ioctl(socket.socket(), 0x8914, struct.pack("16sh14x", b"lo", 0x41))'
}
# What this process inherited from its own parents is not the guest's. Only bash closes descriptors above 9.
if [ -n "$BASH_VERSION" ]; then
  for entry in /proc/self/fd/*; do
    case "\${entry##*/}" in 0 | 1 | 2 | 3 | 4) ;; *) eval "exec \${entry##*/}>&-" ;; esac
  done
fi
up 2>/dev/null || { echo 'The loopback device cannot be started: ip, ifconfig, perl and python3 are missing or refused' >&2; exit 1; }
"$1" -e "$2" </dev/null >/dev/null 2>&1 3>&- &
unset NODE_CHANNEL_FD NODE_CHANNEL_SERIALIZATION_MODE
exec unshare --mount --pid --fork --kill-child --ipc --uts -- sh /dev/fd/6 </dev/null 4>&- 5>&2 6<"$3" 2>&3
`;

/** Programs of the host, for the scripts themselves. */
export const SCRIPT_PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

/** Prepares the guest's root and runs its main process; as first process of the guest it takes in orphans. */
export function guestScript(guest: {
  readonly folder: string;
  readonly rootfs: string;
  readonly rootfsEntries: readonly string[];
  readonly root: GuestRoot;
  readonly command: readonly string[];
  readonly workingDirectory: string;
}): string {
  const { parts, tools } = guest.root;
  const grafted = new Set(parts.map((part) => part.path));
  const own = guest.rootfsEntries.filter((name) => !grafted.has(`/${name}`));
  const bounding = ['-all', ...CAPABILITIES.map((name) => `+${name}`)].join(',');
  return `${FUNCTIONS}
prepare ${quote(guest.folder)} ${quote(guest.rootfs)}
${own.map((name) => `own ${quote(name)}`).join('\n')}
mount --bind root root
${parts.map(partLine).join('\n')}
${tools.map((tool) => `tool ${quote(tool)}`).join('\n')}
devices
enter
cd ${quote(guest.workingDirectory)}
set +e
setpriv --bounding-set=${bounding} -- env -i "PATH=$PATH" sh -c ${quote(MAIN)} microvm ${guest.command.map(quote).join(' ')} 5<&0 </dev/null
exit $?
`;
}

function partLine(part: RootPart): string {
  return [part.kind, part.path.slice(1), ...(part.target === undefined ? [] : [part.target])].map(quote).join(' ');
}

/** A script that exports `environment`; read by the guest's shell, so that no process list shows it. */
export function environmentScript(environment: Readonly<Record<string, string>>): string {
  const entries = Object.entries(environment);
  const nameable = entries.filter(([name]) => isShellName(name));
  const others = entries.filter(([name]) => !isShellName(name));
  const exported = nameable.map(([name, value]) => `export ${name}=${quote(value)}`);
  const prefixed = others.length === 0 ? [] : [`set -- env ${others.map((pair) => quote(pair.join('='))).join(' ')} "$@"`];
  return [...exported, ...prefixed].join('\n');
}

/** The last step before the guest's own program. Descriptor 5 holds the environment. */
const MAIN = `
eval "$(cat <&5)"
exec 5<&-
unset PWD OLDPWD SHLVL _
if ! command -v -- "$1" >/dev/null; then echo "missing $1" >&3; exit 127; fi
echo started >&3
exec 3>&- "$@"
`;

const FUNCTIONS = `
exec 2>&5 5>&- 6<&-
set -e
prepare() {
  read -r host _ </proc/self/stat
  echo "first $host $(readlink /proc/self/ns/pid)" >&3
  exec 0<"$1/environment"
  cd "$1"
  mkdir mount
  mount -t tmpfs -o mode=755 microvm mount
  cd mount
  mkdir upper work root
  cp -dR --preserve=mode,timestamps "$2/." upper/
  (cd root && mkdir -p dev proc sys run home root mnt media srv tmp var/tmp var/lib var/cache var/log)
  chmod 700 root/root
  chmod 1777 root/tmp root/var/tmp
  ln -s ../run root/var/run
}
own() {
  if [ -d "upper/$1" ] && [ ! -L "upper/$1" ] && [ -d "root/$1" ]; then cp -dR --preserve=mode,timestamps "upper/$1/." "root/$1/"
  else mv "upper/$1" "root/$1"; fi
}
# A link of the image in the place of a folder of the machine could lead out of the guest's root.
no_link() {
  if [ -L "upper/$1" ]; then rm "upper/$1"; fi
}
overlay() {
  no_link "$1"
  mkdir -p "upper/$1" "work/$1" "root/$1"
  if ! mount -t overlay overlay -o "lowerdir=/$1,upperdir=upper/$1,workdir=work/$1,userxattr" "root/$1" 2>/dev/null; then
    mount -t overlay overlay -o "lowerdir=/$1,upperdir=upper/$1,workdir=work/$1" "root/$1"
  fi
}
folder() {
  no_link "$1"
  mkdir -p "root/$1"
  if [ -d "upper/$1" ]; then cp -dR --preserve=mode,timestamps "upper/$1/." "root/$1/"; fi
}
link() {
  no_link "$1"
  if [ -d "upper/$1" ]; then
    case "$2" in /*) to="upper$2" ;; *) to="upper/$(dirname "$1")/$2" ;; esac
    mkdir -p "$to"
    cp -dR --preserve=mode,timestamps "upper/$1/." "$to/"
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
devices() {
  mount -t proc proc root/proc
  mount -t tmpfs -o mode=755,size=1m microvm root/dev
  mkdir root/dev/pts root/dev/shm
  mount -t devpts -o newinstance,ptmxmode=0666,mode=620 devpts root/dev/pts
  mount -t tmpfs -o mode=1777,size=64m microvm root/dev/shm
  for name in null zero full random urandom tty; do
    : >"root/dev/$name"
    mount --bind "/dev/$name" "root/dev/$name"
  done
  ln -s pts/ptmx root/dev/ptmx
  ln -s /proc/self/fd root/dev/fd
  ln -s fd/0 root/dev/stdin
  ln -s fd/1 root/dev/stdout
  ln -s fd/2 root/dev/stderr
  hostname localhost 2>/dev/null || :
}
enter() {
  cd root
  pivot_root . .
  umount -l .
  cd /
}
`;
