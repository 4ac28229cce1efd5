import { type ChildProcess, spawn } from 'node:child_process';

/**
 * Arguments: process group, marker in the environment of processes that left the group (may be empty), folder.
 * The end of its input without a line means that the local cloud is gone.
 */
const SCRIPT = `
if read -r _; then exit 0; fi
kill -KILL "-$1" 2>/dev/null
marked() {
  if [ -d /proc/self ]; then
    for entry in /proc/[0-9]*; do
      if tr '\\0' '\\n' <"$entry/environ" 2>/dev/null | grep -qxF "$1"; then echo "\${entry#/proc/}"; fi
    done 2>/dev/null
  else
    ps -axEww -o pid=,command= | grep -F "$1" | grep -v "grep -F" | awk '{ print $1 }'
  fi
}
pass=0
while [ -n "$2" ] && [ "$pass" -lt 20 ]; do
  left=$(marked "$2")
  if [ -z "$left" ]; then break; fi
  kill -KILL $left 2>/dev/null
  pass=$((pass + 1))
done
rm -rf -- "$3"
`;

/** A process outside of the machine that ends it when this process dies without having stopped it. */
export class Watcher {
  readonly #process: ChildProcess;
  readonly #ended: Promise<void>;

  constructor(watched: { readonly groupId: number; readonly marker?: string; readonly folder: string }) {
    const { groupId, marker = '', folder } = watched;
    this.#process = spawn('sh', ['-c', SCRIPT, 'microvm-watcher', String(groupId), marker, folder], {
      // Its own group: Ctrl-C in the terminal must not end the watcher before the machine.
      detached: true,
      stdio: ['pipe', 'ignore', 'ignore'],
      env: { PATH: process.env.PATH },
    });
    this.#ended = new Promise((resolve) => {
      this.#process.once('exit', () => resolve());
      this.#process.once('error', () => resolve());
    });
    this.#process.stdin?.on('error', () => undefined);
    this.#process.unref();
  }

  /** The machine is gone; there is nothing left to watch. */
  async release(): Promise<void> {
    this.#process.ref();
    this.#process.stdin?.end('\n');
    await this.#ended;
  }
}
