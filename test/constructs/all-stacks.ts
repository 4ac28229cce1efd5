import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { App, type Stack } from 'aws-cdk-lib';
import { KitchenSinkStack } from './kitchen-sink';
import './synthesized';

const EXAMPLES = join(__dirname, '..', '..', 'examples');

/** The stack of every example, and the kitchen sink, in one app. */
export async function allStacks(): Promise<{ readonly app: App; readonly stacks: Stack[] }> {
  // The functions of examples are bundled from compiled packages, which these tests do without.
  const app = new App({ context: { 'aws:cdk:bundling-stacks': [] } });
  const stacks: Stack[] = [new KitchenSinkStack(app, 'KitchenSink')];
  for (const example of readdirSync(EXAMPLES).filter((name) => existsSync(join(EXAMPLES, name, 'stack.ts')))) {
    const classes = Object.values(await import(join(EXAMPLES, example, 'stack')) as Record<string, new (scope: App, id: string) => Stack>);
    stacks.push(...classes.map((Class) => new Class(app, Class.name.replace(/Stack$/, ''))));
  }
  return { app, stacks };
}
