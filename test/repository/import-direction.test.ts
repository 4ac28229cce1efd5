import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';

const REFUSED = [
  ['src/contract/pool.ts', "export * from '../idle-policy';"],
  ['src/index.ts', "export * from '../client/src/errors';"],
  ['client/src/protocol/errors.ts', "export * from '../errors';"],
  ['lambda/keeper/keep.ts', "export * from '../../src/idle-policy';"],
  ['lambda/keeper/keep.ts', "export * from '../../client/src/errors';"],
  ['lambda/keeper/keep.ts', "export * from 'aws-cdk-lib';"],
  ['runtime-image/daemon/router.ts', "export * from '../../local/src/clock';"],
  ['local/src/gateway.ts', "export * from '../../src/contract/pool';"],
  ['lambda/keeper/keep.ts', "export * from 'microvm-sandbox';"],
  ['lambda/keeper/keep.ts', "export * from 'microvm-sandbox-local';"],
  ['runtime-image/daemon/router.ts', "export * from 'microvm-sandbox';"],
  ['src/index.ts', "export * from 'microvm-sandbox';"],
  ['client/src/index.ts', "export * from 'microvm-sandbox-local';"],
];
const ALLOWED = [
  ['lambda/keeper/keep.ts', "export * from '../../src/contract/pool';"],
  ['lambda/keeper/keep.ts', "export * from '../../client/src/protocol/errors';"],
  ['runtime-image/daemon/router.ts', "export * from '../../src/contract/runtime';"],
  ['local/src/gateway.ts', "export * from 'microvm-sandbox';"],
];

/** Lints each code as if it stood in its file. Without the rules that need types: reading those takes a minute. */
const LINT = `
  const { LegacyESLint } = require('eslint/use-at-your-own-risk');
  const typed = ['no-floating-promises', 'return-await', 'await-thenable'].map((name) => ['@typescript-eslint/' + name, 'off']);
  const eslint = new LegacyESLint({ overrideConfig: { parserOptions: { project: null, projectService: false }, rules: Object.fromEntries(typed) } });
  (async () => {
    const answers = [];
    for (const [filePath, code] of JSON.parse(process.argv[1])) {
      const [{ messages }] = await eslint.lintText(code + '\\n', { filePath });
      answers.push(messages.map(({ ruleId }) => ruleId));
    }
    process.stdout.write(JSON.stringify(answers));
  })();`;

let rules: string[][];
beforeAll(async () => {
  const cases = JSON.stringify([...REFUSED, ...ALLOWED]);
  const { stdout } = await promisify(execFile)(process.execPath, ['-e', LINT, cases], { cwd: join(__dirname, '..', '..'), timeout: 110_000 });
  rules = JSON.parse(stdout);
}, 120_000);

test.each(REFUSED.map(([file, code], index) => ({ file, code, index })))('$file may not say $code', ({ index }) => {
  expect(rules[index].filter((rule) => /^(import\/no-restricted-paths|no-restricted-imports)$/.test(rule))).toHaveLength(1);
});

test.each(ALLOWED.map(([file, code], index) => ({ file, code, index })))('$file may say $code', ({ index }) => {
  expect(rules[REFUSED.length + index]).toEqual([]);
});
