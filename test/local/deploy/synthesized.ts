import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { App, Stack } from 'aws-cdk-lib';
import { Code, Function as LambdaFunction, Runtime } from 'aws-cdk-lib/aws-lambda';
import type { Construct } from 'constructs';

/** Synthesizes an app with one stack, and answers the folder of its assembly. */
export function synthesize(build: (stack: Stack) => void, stackName = 'Test'): string {
  return synthesizeApp((app) => build(new Stack(app, stackName)));
}

const folders: string[] = [];

export function synthesizeApp(build: (app: App) => void): string {
  const outdir = mkdtempSync(join(tmpdir(), 'assembly-'));
  folders.push(outdir);
  const app = new App({ outdir, analyticsReporting: false });
  build(app);
  return app.synth().directory;
}

export function removeAssemblies(): void {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true });
}

export function inlineFunction(scope: Construct, id: string, code: string, props: object = {}): LambdaFunction {
  return new LambdaFunction(scope, id, { runtime: Runtime.NODEJS_22_X, handler: 'index.handler', code: Code.fromInline(code), ...props });
}
