import { spawnSync } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

const BUSYBOX = ['/bin/busybox', '/usr/bin/busybox'].find(existsSync);

/** This machine's podman with a storage of its own, and a base image of this machine's node and busybox: no registry is needed. */
export class Podman {
  readonly #folder = mkdtempSync(join(tmpdir(), 'mv-podman-'));
  /** Passed to every command: without it they would work on this user's own containers. */
  readonly environment = {
    ...process.env,
    CONTAINERS_CONF: join(this.#folder, 'containers.conf'),
    CONTAINERS_STORAGE_CONF: join(this.#folder, 'storage.conf'),
  };

  /** Undefined: it works. */
  start(): string | undefined {
    if (spawnSync('podman', ['--version']).status !== 0) return 'there is no podman';
    if (BUSYBOX === undefined || !isStatic(BUSYBOX)) return 'there is no static busybox';
    writeFileSync(this.environment.CONTAINERS_STORAGE_CONF, `[storage]\ndriver = "overlay"\ngraphroot = "${this.#folder}/graph"\nrunroot = "${this.#folder}/run"\n`);
    let output = '';
    for (const runtime of ['', 'runtime = "runc"\n']) {
      // Without systemd the log and the groups are podman's own.
      const text = `[containers]\ndefault_ulimits = ["nofile=1024:1024", "nproc=1024:1024"]\n[engine]\ncgroup_manager = "cgroupfs"\nevents_logger = "file"\n${runtime}`;
      writeFileSync(this.environment.CONTAINERS_CONF, text);
      output = this.#probe(BUSYBOX);
      if (output === 'works') return undefined;
    }
    return `podman refuses: ${output.slice(-300)}`;
  }

  /** `localhost/base`: node, sh and the folder that the guests of the tests write to. */
  makeBase(): void {
    const context = join(this.#folder, 'base');
    const copies = [process.execPath, ...librariesOf(process.execPath)];
    for (const path of copies) {
      mkdirSync(dirname(join(context, path)), { recursive: true });
      copyFileSync(path, join(context, path));
    }
    mkdirSync(join(context, 'bin'), { recursive: true });
    copyFileSync(BUSYBOX ?? '', join(context, 'bin/sh'));
    writeFileSync(join(context, 'Dockerfile'), `FROM scratch\nCOPY . /\nENV PATH=/bin:${dirname(process.execPath)}\nWORKDIR /workspace\n`);
    const { status, stderr } = this.#spawn('build', '--tag', 'localhost/base', context);
    if (status !== 0) throw new Error(stderr);
  }

  run(...command: readonly string[]): string {
    return this.#spawn(...command).stdout.trim();
  }

  stop(): void {
    const graph = join(this.#folder, 'graph');
    if (existsSync(graph) && this.run('info', '--format', '{{.Store.GraphRoot}}') === graph) this.run('rm', '--force', '--all', '--time', '0');
    rmSync(this.#folder, { recursive: true, force: true });
  }

  #spawn(...command: readonly string[]) {
    return spawnSync('podman', command, { encoding: 'utf8', env: this.environment });
  }

  #probe(busybox: string): string {
    const context = join(this.#folder, 'probe');
    mkdirSync(context, { recursive: true });
    copyFileSync(busybox, join(context, 'sh'));
    writeFileSync(join(context, 'Dockerfile'), 'FROM scratch\nCOPY sh /bin/sh\n');
    const built = this.#spawn('build', '--tag', 'localhost/probe', context);
    if (built.status !== 0) return built.stderr;
    const ran = this.#spawn('run', '--rm', 'localhost/probe', '/bin/sh', '-c', 'echo works');
    return ran.status === 0 ? ran.stdout.trim() : ran.stderr;
  }
}

function isStatic(program: string): boolean {
  return spawnSync('ldd', [program]).status !== 0;
}

function librariesOf(program: string): string[] {
  const { stdout } = spawnSync('ldd', [program], { encoding: 'utf8' });
  return [...stdout.matchAll(/(?:=>\s*|^\s*)(\/\S+)\s+\(0x/gm)].map(([, path]) => path);
}
