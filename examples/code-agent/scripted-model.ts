import type { ToolCall } from './tools';

/** What a model answers: a tool to call, or the end of its turn. */
export type Reply = ToolCall | { readonly answer: string };

export interface Model {
  /** @param results Of the tool calls of this turn so far, the last one last. */
  reply(task: string, results: readonly string[]): Promise<Reply>;
}

type Step = ToolCall | ((results: readonly string[]) => Reply);

const SALES = 'month,units\nJan,120\nFeb,95\nMar,180\n';

const SCRIPT: Readonly<Record<string, readonly Step[]>> = {
  'Which month sold best?': [
    { tool: 'write_file', path: 'sales.csv', content: SALES },
    {
      tool: 'run_code',
      code: `
        const { readFileSync, writeFileSync } = require('node:fs');
        const [, ...rows] = readFileSync('sales.csv', 'utf8').trim().split('\\n');
        const sales = rows.map((row) => row.split(',')).map(([month, units]) => ({ month, units: Number(units) }));
        writeFileSync('sales.json', JSON.stringify(sales));
        console.log(sales.length + ' months');
      `,
    },
    {
      tool: 'run_code',
      code: `
        const sales = JSON.parse(require('node:fs').readFileSync('sales.json', 'utf8'));
        console.log(sales.reduce((best, month) => (month.units > best.units ? month : best)).month);
      `,
    },
    (results) => ({ answer: `${results.at(-1)?.trim()} sold best.` }),
  ],
  'And how many units in all?': [
    { tool: 'read_file', path: 'sales.csv' },
    {
      tool: 'run_code',
      code: `
        const sales = JSON.parse(require('node:fs').readFileSync('sales.json', 'utf8'));
        console.log(sales.reduce((sum, { units }) => sum + units, 0));
      `,
    },
    (results) => ({ answer: `${results.at(-1)?.trim()} units in all.` }),
  ],
};

/** Stands in for a language model: it knows two tasks and the tool calls for them by heart. What the tools answer is real. */
export class ScriptedModel implements Model {
  async reply(task: string, results: readonly string[]): Promise<Reply> {
    const step = SCRIPT[task]?.[results.length];
    if (step === undefined) return { answer: `I was not scripted for '${task}'.` };
    return typeof step === 'function' ? step(results) : step;
  }
}
