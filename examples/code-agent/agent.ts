import { setTimeout } from 'node:timers/promises';
import { type Sandbox, SandboxClient } from 'microvm-sandbox';
import { type Model, ScriptedModel } from './scripted-model';
import { callTool } from './tools';

/** Longer than the pool lets a sandbox idle, so that the platform suspends it. */
const USER_THINKS_MS = 90_000;

const MOST_TOOL_CALLS = 20;

export interface Conversation {
  readonly client: SandboxClient;
  readonly model: Model;
  readonly print: (line: string) => void;
  /** The user reads the answer and thinks of the next question. */
  readonly userThinks: () => Promise<void>;
}

/** Two questions, one sandbox: what the first one left there, the second one finds. Answers both answers. */
export async function converse({ client, model, print, userThinks }: Conversation): Promise<string[]> {
  await using sandbox = await client.create({ metadata: { example: 'code-agent' } });
  print(`sandbox ${sandbox.sandboxId} (${sandbox.launch.kind})`);

  const first = await answer(sandbox, model, 'Which month sold best?', print);
  print('(the user thinks, and the platform suspends the sandbox)');
  await userThinks();
  // Nothing to do: the first call wakes the sandbox, with its files.
  const second = await answer(sandbox, model, 'And how many units in all?', print);
  return [first, second];
}

/** The tool loop: ask the model, do what it asks for, tell it what came of it, until it answers. */
async function answer(sandbox: Sandbox, model: Model, task: string, print: (line: string) => void): Promise<string> {
  print(`user: ${task}`);
  const results: string[] = [];
  while (results.length < MOST_TOOL_CALLS) {
    const reply = await model.reply(task, results);
    if ('answer' in reply) {
      print(`model: ${reply.answer}`);
      return reply.answer;
    }
    const result = await callTool(sandbox, reply).catch((error: Error) => `failed: ${error.message}`);
    print(`${reply.tool}: ${result.trim().split('\n', 1)[0]}`);
    results.push(result);
  }
  throw new Error(`no answer to '${task}' after ${MOST_TOOL_CALLS} tool calls`);
}

async function main(): Promise<void> {
  await using client = new SandboxClient();
  const userThinks = () => setTimeout(USER_THINKS_MS);
  await converse({ client, model: new ScriptedModel(), print: console.log, userThinks });
}

if (require.main === module) {
  main().catch((error: unknown) => {
    console.error(error);
    process.exitCode = 1;
  });
}
