import { mkdtemp, rm } from 'node:fs/promises';
import type { Server } from 'node:http';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { type ProgramResult, runProgram } from './run-program';

const CDK = join(dirname(require.resolve('aws-cdk/package.json')), 'bin', 'cdk');

/** The CDK CLI as users have it, in child processes, pointed at a local cloud by nothing but its environment. */
export class CdkCli {
  static async start(environment: Readonly<Record<string, string>>): Promise<CdkCli> {
    const home = await mkdtemp(join(tmpdir(), 'cdk-home-'));
    const cli = new CdkCli(home, environment, createServer());
    await cli.#watchOutside();
    return cli;
  }

  /** What the CLI asked of anybody else. */
  readonly outside: string[] = [];
  readonly #over = new AbortController();

  private constructor(
    readonly home: string,
    private readonly environment: Readonly<Record<string, string>>,
    private readonly proxy: Server,
  ) {}

  /** Runs a command on an assembly that is synthesized already. */
  on(assembly: string, ...args: readonly string[]): Promise<ProgramResult> {
    return this.run(...args, '--app', assembly);
  }

  run(...args: readonly string[]): Promise<ProgramResult> {
    return runProgram([CDK, ...args, '--no-notices', '--no-color'], { cwd: this.home, env: this.#environment(), signal: this.#over.signal });
  }

  /** Ends every command that is still running. */
  async stop(): Promise<void> {
    this.#over.abort();
    this.proxy.closeAllConnections();
    await new Promise((resolve) => this.proxy.close(resolve));
    await rm(this.home, { recursive: true, force: true });
  }

  /** Everything that is not on this machine goes by the proxy, and ends there. */
  async #watchOutside(): Promise<void> {
    this.proxy.on('connect', (request, socket) => {
      this.outside.push(request.url ?? '');
      socket.destroy();
    });
    this.proxy.on('request', (request, response) => {
      this.outside.push(request.url ?? '');
      response.writeHead(502).end();
    });
    await new Promise<void>((resolve) => this.proxy.listen(0, '127.0.0.1', resolve));
  }

  /** Nothing of the machine's own AWS configuration. */
  #environment(): Record<string, string> {
    const proxy = `http://127.0.0.1:${(this.proxy.address() as AddressInfo).port}`;
    return {
      ...this.environment,
      PATH: process.env.PATH ?? '',
      HOME: this.home,
      CI: 'true',
      NODE_NO_WARNINGS: '1',
      CDK_DISABLE_CLI_TELEMETRY: 'true',
      CDK_DISABLE_VERSION_CHECK: 'true',
      AWS_EC2_METADATA_DISABLED: 'true',
      HTTP_PROXY: proxy,
      HTTPS_PROXY: proxy,
      NO_PROXY: '127.0.0.1,localhost',
    };
  }
}
