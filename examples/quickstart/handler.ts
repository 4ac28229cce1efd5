import { SandboxClient } from 'microvm-sandbox';

export interface RunCodeEvent {
  readonly language: string;
  readonly code: string;
}

export interface RunCodeResult {
  readonly sandboxId: string;
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

const LANGUAGES = new Map([
  ['python', { program: 'python3', file: 'main.py' }],
  ['node', { program: 'node', file: 'main.js' }],
  ['bash', { program: 'bash', file: 'main.sh' }],
]);

const client = new SandboxClient();

/** Runs code that nobody has read in a sandbox of its own, which is gone when the answer is sent. */
export async function handler({ language, code }: RunCodeEvent): Promise<RunCodeResult> {
  const how = LANGUAGES.get(language);
  if (how === undefined) throw new Error(`language: '${language}' is not one of ${[...LANGUAGES.keys()].join(', ')}`);
  if (typeof code !== 'string') throw new Error('code: must be a string');

  await using sandbox = await client.create({ timeoutMs: 120_000 });
  await sandbox.files.write(how.file, code);
  const { exitCode, stdout, stderr } = await sandbox.commands.run([how.program, how.file], { timeoutMs: 60_000 });
  return { sandboxId: sandbox.sandboxId, exitCode, stdout, stderr };
}
