import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';

export const ROOT = join(__dirname, '..', '..');

const run = promisify(execFile);

/** A package as `npm pack` makes it. */
export interface Packed {
  readonly name: string;
  readonly filename: string;
  /** Bytes to download, and bytes on disk. */
  readonly size: number;
  readonly unpackedSize: number;
  readonly files: readonly { readonly path: string }[];
}

interface Manifest {
  readonly name: string;
  readonly version: string;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly peerDependencies?: Readonly<Record<string, string>>;
  readonly bin?: Readonly<Record<string, string>>;
}

interface Locked {
  /** A folder of the checkout. */
  readonly link?: true;
}

/** A project that was empty before our packages were packed and installed by npm. */
export class InstalledProject {
  /**
   * With the packages of these folders of the checkout, what they ask for, and nothing but the other packages that are named. The
   * versions are those of the checkout's lock: what it has was downloaded already.
   */
  static async create(folders: readonly string[], others: readonly string[] = []): Promise<InstalledProject> {
    const directory = mkdtempSync(join(tmpdir(), 'installed-'));
    const args = ['pack', ...folders, '--json', '--ignore-scripts', '--pack-destination', directory];
    const { stdout } = await run('npm', args, { cwd: ROOT, timeout: 60_000 });
    const answer = JSON.parse(stdout) as Packed[] | Record<string, Packed>;
    const project = new InstalledProject(directory, Object.values(answer));
    await project.install(folders.map(manifestOf), others);
    return project;
  }

  private constructor(readonly directory: string, readonly packages: readonly Packed[]) {}

  path(...parts: string[]): string {
    return join(this.directory, ...parts);
  }

  write(files: Readonly<Record<string, string>>): void {
    for (const [path, content] of Object.entries(files)) {
      mkdirSync(dirname(this.path(path)), { recursive: true });
      writeFileSync(this.path(path), content);
    }
  }

  /** Output of a program run by Node in the project. */
  async node(args: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<string> {
    const options = { cwd: this.directory, env: { ...process.env, ...env }, timeout: 60_000 };
    const { stdout } = await run(process.execPath, args, options);
    return stdout;
  }

  remove(): void {
    rmSync(this.directory, { recursive: true, force: true });
  }

  private async install(manifests: readonly Manifest[], others: readonly string[]): Promise<void> {
    const ours = Object.fromEntries(this.packages.map(({ name, filename }) => [name, `file:${filename}`]));
    const dependencies = { ...ours, ...Object.fromEntries(others.map((name) => [name, '*'])) };
    const manifest = { name: 'empty', version: '0.0.0', private: true, dependencies };
    const packages = {
      '': manifest,
      ...lockedByCheckout(),
      ...Object.fromEntries(manifests.map(({ name, ...asked }) => [`node_modules/${name}`, { ...asked, resolved: ours[name] }])),
    };
    const json = (value: object) => JSON.stringify(value, undefined, 2);
    this.write({ 'package.json': json(manifest), 'package-lock.json': json({ name: 'empty', lockfileVersion: 3, requires: true, packages }) });
    // Of the lock npm takes what somebody asks for, and it fails where that is not there.
    await run('npm', ['ci', '--prefer-offline', '--ignore-scripts', '--no-audit', '--no-fund'], { cwd: this.directory, timeout: 110_000 });
  }
}

/** What npm reads of a package before it installs it. */
function manifestOf(folder: string): Manifest {
  const { name, version, dependencies, peerDependencies, bin } = JSON.parse(readFileSync(join(ROOT, folder, 'package.json'), 'utf8')) as Manifest;
  return { name, version, dependencies, peerDependencies, bin };
}

function lockedByCheckout(): Record<string, Locked> {
  const { packages } = JSON.parse(readFileSync(join(ROOT, 'package-lock.json'), 'utf8')) as { packages: Record<string, Locked> };
  return Object.fromEntries(Object.entries(packages).filter(([path, { link }]) => path.startsWith('node_modules/') && !link));
}
