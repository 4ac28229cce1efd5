import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { App } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import type { Sandbox } from 'microvm-sandbox';
import { resourcesOf } from './synthesized';
import { ScriptedModel } from '../../examples/code-agent/scripted-model';
import { CodeAgentStack } from '../../examples/code-agent/stack';
import { callTool } from '../../examples/code-agent/tools';
import { QuickstartStack } from '../../examples/quickstart/stack';
import { WebAppStack } from '../../examples/web-app/stack';

/** The example's function is bundled from compiled packages, which this test does without. */
const appWithoutBundling = () => new App({ context: { 'aws:cdk:bundling-stacks': [] } });

test('quickstart connects a function to a pool of the sandbox runtime', () => {
  const stack = new QuickstartStack(appWithoutBundling(), 'Quickstart');
  const connected = resourcesOf(stack, 'AWS::Lambda::Function')
    .filter(({ Properties }) => JSON.stringify(Properties.Environment ?? {}).includes('SANDBOX_POOL'));

  expect(connected).toHaveLength(1);
  expect(resourcesOf(stack, 'Custom::MicrovmSandboxImage')[0].Properties.Hooks).toBeDefined();
  expect(Object.keys(Template.fromStack(stack).findOutputs('*'))).toEqual(['RunCodeName', 'SandboxPool']);
});

test.each([
  ['web-app', () => new WebAppStack(appWithoutBundling(), 'WebApp')],
  ['code-agent', () => new CodeAgentStack(appWithoutBundling(), 'CodeAgent')],
])('%s is an image and a pool, and says how to reach it', (_name, create) => {
  const stack = create();

  expect(resourcesOf(stack, 'Custom::MicrovmSandboxImage')).toHaveLength(1);
  expect(resourcesOf(stack, 'AWS::DynamoDB::Table')).toHaveLength(1);
  expect(Object.keys(Template.fromStack(stack).findOutputs('*'))).toEqual(['SandboxPool']);
});

test('web-app has none of our runtime', () => {
  const stack = new WebAppStack(appWithoutBundling(), 'WebApp');
  expect(resourcesOf(stack, 'Custom::MicrovmSandboxImage')[0].Properties.Hooks).toBeUndefined();
});

describe('the tools of the code agent', () => {
  const workspace = mkdtempSync(join(tmpdir(), 'constructs-test-'));
  afterAll(() => rmSync(workspace, { recursive: true }));

  /** As much of a sandbox as the tools use, in a folder of this machine. */
  const sandbox = {
    files: {
      write: async (path: string, content: string) => {
        mkdirSync(dirname(join(workspace, path)), { recursive: true });
        writeFileSync(join(workspace, path), content);
        return { path: join('/workspace', path), size: content.length };
      },
      read: async (path: string) => readFileSync(join(workspace, path), 'utf8'),
    },
    commands: {
      run: ([program, ...args]: string[]) => new Promise((resolve) => {
        execFile(program, args, { cwd: workspace, timeout: 20_000 }, (error, stdout, stderr) => {
          resolve({ exitCode: error?.code ?? 0, stdout, stderr });
        });
      }),
    },
  } as unknown as Sandbox;

  async function solve(task: string): Promise<string> {
    const model = new ScriptedModel();
    const results: string[] = [];
    for (;;) {
      const reply = await model.reply(task, results);
      if ('answer' in reply) return reply.answer;
      results.push(await callTool(sandbox, reply));
    }
  }

  test('solve the scripted tasks, the second from the files of the first', async () => {
    expect(await solve('Which month sold best?')).toBe('Mar sold best.');
    expect(await solve('And how many units in all?')).toBe('395 units in all.');
  });

  test('tell the model how code failed', async () => {
    expect(await callTool(sandbox, { tool: 'run_code', code: 'console.error("no"); process.exit(3)' })).toBe('exit code 3\nno\n');
  });

  test('cut what is too long for a model', async () => {
    expect(await callTool(sandbox, { tool: 'run_code', code: 'console.log("x".repeat(5000))' })).toMatch(/^x{4000}\n… 1001 more characters$/);
  });
});
