import type { Sandbox } from 'microvm-sandbox';

/** What the model may ask for. A real model gets these as tool definitions. */
export type ToolCall =
  | { readonly tool: 'run_code'; readonly code: string }
  | { readonly tool: 'write_file'; readonly path: string; readonly content: string }
  | { readonly tool: 'read_file'; readonly path: string };

/** Models pay by the token, and a program can print a lot. */
const MOST_CHARACTERS = 4000;

/** Does what the model asks for, in the sandbox. Whatever goes wrong there is an answer for the model, not an error of ours. */
export async function callTool(sandbox: Sandbox, call: ToolCall): Promise<string> {
  switch (call.tool) {
    case 'run_code': {
      await sandbox.files.write('snippet.js', call.code);
      const { exitCode, stdout, stderr } = await sandbox.commands.run(['node', 'snippet.js'], { timeoutMs: 30_000 });
      return cut(exitCode === 0 ? stdout : `exit code ${exitCode}\n${stdout}${stderr}`);
    }
    case 'write_file': {
      const { path, size } = await sandbox.files.write(call.path, call.content);
      return `wrote ${size} bytes to ${path}`;
    }
    case 'read_file':
      return cut(await sandbox.files.read(call.path));
  }
}

function cut(text: string): string {
  return text.length <= MOST_CHARACTERS ? text : `${text.slice(0, MOST_CHARACTERS)}\n… ${text.length - MOST_CHARACTERS} more characters`;
}
