import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

/** Runs a program of this machine; if it fails, the error carries what it printed. */
export async function runCommand(program: string, args: string[], cwd: string): Promise<void> {
  await promisify(execFile)(program, args, { cwd, env: { ...process.env, CDK_DISABLE_CLI_TELEMETRY: 'true' } });
}
