import { CAPABILITY_BOUNDS } from './capabilities';
import type { GuestFiles } from './guest-files';
import { tableWord } from './guest-files';
import type { RootPart } from './guest-root';
import { MAX_OPEN_FILES } from './machine';
import { OWNER_VARIABLE } from './owner';
import { isShellName, quote } from './shell';

/** The address of the instance metadata service. */
export const METADATA_HOST = '169.254.169.254';

/**
 * Runs in the machine's own network, still among the host's processes and files. Becomes the process that waits for the guest.
 * Arguments: node, the relay's script, the file with the guest's script. Descriptors: 0 says go, 3 takes the guest's status, 4 is the
 * relay's channel, 5 says that the relay is in place.
 */
export const DOOR_SCRIPT = `
read -r _ || exit 1
# Loopback and the metadata service's address on it.
network() {
  printf 'link set lo up\\naddr add ${METADATA_HOST}/32 dev lo\\n' | ip -batch - ||
    { ifconfig lo up && ifconfig lo:0 ${METADATA_HOST} netmask 255.255.255.255 up; } ||
    perl -e 'use Socket; socket(S, AF_INET, SOCK_DGRAM, 0) or exit 1;
sub up { ioctl(S, 0x8914, pack("a16sx14", $_[0], 0x41)) }
sub address { ioctl(S, $_[0], pack("a16", "lo:0") . pack_sockaddr_in(0, inet_aton($_[1])) . "\\0" x 8) }
up("lo") && address(0x8916, "${METADATA_HOST}") && address(0x891c, "255.255.255.255") or exit 1' ||
    python3 -c 'import fcntl, socket, struct
s = socket.socket()
def address(request, value): fcntl.ioctl(s, request, struct.pack("16sHH4s16x", b"lo:0", 2, 0, socket.inet_aton(value)))
fcntl.ioctl(s, 0x8914, struct.pack("16sh22x", b"lo", 0x41))
address(0x8916, "${METADATA_HOST}")
address(0x891c, "255.255.255.255")'
}
# What this process inherited from its own parents is not the guest's. Only bash closes descriptors above 9.
if [ -n "$BASH_VERSION" ]; then
  for entry in /proc/self/fd/*; do
    case "\${entry##*/}" in 0 | 1 | 2 | 3 | 4 | 5) ;; *) eval "exec \${entry##*/}>&-" ;; esac
  done
fi
network 2>/dev/null || { echo 'The loopback device cannot be set up: ip, ifconfig, perl and python3 are missing or refused' >&2; exit 1; }
"$1" -e "$2" </dev/null >/dev/null 2>&1 3>&- 5>&- &
unset NODE_CHANNEL_FD NODE_CHANNEL_SERIALIZATION_MODE
exec unshare --mount --pid --fork --kill-child --ipc --uts -- sh /dev/fd/6 </dev/null 4>&- 6<"$3" 7<&5 5>&2 2>&3
`;

/**
 * Prepares the guest's root and runs its main process; as first process of the guest it takes in orphans. Each program that it starts
 * adds to the time that a machine takes.
 */
export function guestScript(guest: {
  readonly folder: string;
  readonly rootfs: string;
  readonly files: GuestFiles;
  /** Bytes of files that the guest may write. */
  readonly diskBytes: number;
  readonly command: readonly string[];
  readonly workingDirectory: string;
}): string {
  const { folder, rootfs, files } = guest;
  const copy = (names: readonly string[], to: string): string => (
    names.length === 0 ? '' : `put ${names.map((name) => quote(`${rootfs}/${name}`)).join(' ')} ${to}/`
  );
  return `${FUNCTIONS}
prepare ${quote(folder)} ${guest.diskBytes}
${copy(files.upper, 'upper')}
${copy(files.own, 'root')}
${files.merged.map(partLine).join('\n')}
mount_all ${quote(folder)}
${files.tools.length === 0 ? '' : `mount_tools ${quote(folder)}`}
${files.tools.map(({ target }) => `check_tool ${quote(target)} ${quote(tableWord(target))}`).join('\n')}
enter
cd ${quote(guest.workingDirectory)}
set +e
ulimit -n ${MAX_OPEN_FILES}
read -r _ <&7 || exit 1
exec 7<&-
setpriv --bounding-set=${CAPABILITY_BOUNDS} -- sh -c ${quote(MAIN)} microvm ${guest.command.map(quote).join(' ')} 5<&0 </dev/null
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
unset PWD OLDPWD SHLVL _ ${OWNER_VARIABLE}
eval "$(cat <&5)"
exec 5<&-
if ! command -v -- "$1" >/dev/null; then echo "missing $1" >&3; exit 127; fi
echo started >&3
exec 3>&- "$@"
`;

const FUNCTIONS = `
exec 2>&5 5>&- 6<&-
set -e
put() {
  cp -dR --preserve=all --no-preserve=ownership,context -- "$@"
}
prepare() {
  read -r host _ </proc/self/stat
  echo "first $host" >&3
  exec 0<"$1/environment"
  cd "$1"
  mount -t tmpfs -o "mode=755,size=$2" microvm mount
  cd mount
  put "$1/skeleton/." .
}
# A link of the image in the place of a folder of the machine could lead out of the guest's root.
no_link() {
  if [ -L "upper/$1" ]; then rm "upper/$1"; fi
}
overlay() {
  no_link "$1"
  mkdir -p "upper/$1"
}
folder() {
  no_link "$1"
  mkdir -p "root/$1"
  if [ -d "upper/$1" ]; then put "upper/$1/." "root/$1/"; fi
}
link() {
  no_link "$1"
  if [ -d "upper/$1" ]; then
    case "$2" in /*) to="upper$2" ;; *) to="upper/$(dirname "$1")/$2" ;; esac
    mkdir -p "$to"
    put "upper/$1/." "$to/"
  fi
  if [ ! -e "root/$1" ] && [ ! -L "root/$1" ]; then ln -s "$2" "root/$1"; fi
}
copy() {
  if [ ! -e "root/$1" ]; then cp --preserve=mode "/$1" "root/$1" 2>/dev/null || :; fi
}
mount_all() {
  if ! mount --all --fstab "$1/mounts" 2>/dev/null; then
    # Kernels before 5.11 know no userxattr. What is mounted already is left as it is.
    sed 's/,userxattr / /' "$1/mounts" >"$1/mounts-plain"
    mount --all --fstab "$1/mounts-plain"
  fi
}
# A tool that cannot be had is not there, and none may be written: without its second step a mount is not read-only.
mount_tools() {
  mount --all --fstab "$1/tools" 2>/dev/null || :
  mounted=$(cat /proc/self/mountinfo)
}
# Arguments: the path of a tool, and the same as the kernel's table of mounts writes it.
check_tool() {
  case "$mounted" in
    *" $2 ro,"*) ;;
    *" $2 "*) umount "$1" ;;
  esac
}
enter() {
  hostname localhost 2>/dev/null || :
  cd root
  pivot_root . .
  umount -l .
  cd /
}
`;
