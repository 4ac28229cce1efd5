import { execFile } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';

export const ROOT = join(__dirname, '..', '..');
const MODULES = join(ROOT, 'node_modules');

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
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly peerDependencies?: Readonly<Record<string, string>>;
}

/** An empty project, with packages in it that were packed from folders of the checkout. */
export class InstalledProject {
  static async create(folders: readonly string[]): Promise<InstalledProject> {
    const directory = mkdtempSync(join(tmpdir(), 'installed-'));
    const args = ['pack', ...folders, '--json', '--ignore-scripts', '--pack-destination', directory];
    const { stdout } = await run('npm', args, { cwd: ROOT, timeout: 60_000 });
    const answer = JSON.parse(stdout) as Packed[] | Record<string, Packed>;
    const project = new InstalledProject(directory, Object.values(answer));
    for (const packed of project.packages) await project.install(packed);
    // The user's own, which the CDK looks for when it bundles a function.
    project.write({ 'package.json': '{ "name": "empty", "private": true }\n', 'package-lock.json': '{}\n' });
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

  /** Packages of the checkout, in place of the registry's. */
  link(...names: string[]): void {
    for (const name of names) {
      mkdirSync(dirname(this.path('node_modules', name)), { recursive: true });
      symlinkSync(join(MODULES, name), this.path('node_modules', name));
    }
  }

  remove(): void {
    rmSync(this.directory, { recursive: true, force: true });
  }

  private async install({ name, filename }: Packed): Promise<void> {
    const target = this.path('node_modules', name);
    mkdirSync(target, { recursive: true });
    await run('tar', ['-xzf', this.path(filename), '-C', target, '--strip-components', '1']);
    // Only what the package asks for: one that it forgot is missing, as it would be for a user.
    const { dependencies, peerDependencies } = JSON.parse(readFileSync(join(target, 'package.json'), 'utf8')) as Manifest;
    const ours = this.packages.map((packed) => packed.name);
    const others = Object.keys({ ...dependencies, ...peerDependencies }).filter((asked) => !ours.includes(asked));
    this.link(...others.filter((asked) => !existsSync(this.path('node_modules', asked))));
  }
}
