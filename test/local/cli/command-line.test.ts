import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { runCommandLine } from '../../../local/src/cli/command-line';

async function run(...args: string[]) {
  const lines: string[] = [];
  const errors: string[] = [];
  const terminal = { print: (line: string) => void lines.push(line), tell: (line: string) => void errors.push(line) };
  const code = await runCommandLine(args, terminal, AbortSignal.abort());
  return { code, output: lines.join('\n'), error: errors.join('\n') };
}

test.each([[['--help']], [['-h']], [['start', '--help']], [['logs', '-h']]])('shows how it is used: %s', async (args) => {
  const { code, output } = await run(...args);
  expect(code).toBe(0);
  expect(output).toContain('microvm-sandbox-local start [options]');
});

test('shows its version', async () => {
  expect(await run('--version')).toMatchObject({ code: 0, output: expect.stringMatching(/^\d+\.\d+\.\d+/) });
});

test.each([
  [[], 'give a command'],
  [['deploy'], 'there is no command "deploy"; there are start, ps and logs'],
  [['start', '--verbose'], '\'--verbose\''],
  [['start', 'cdk.out'], '"cdk.out" is one argument too many'],
  [['logs', 'a', 'b'], '"b" is one argument too many'],
  [['start', '--watch'], '--watch needs --app'],
  [['start', '--app', '/nowhere'], 'there is no manifest.json in it; run `cdk synth` first'],
  [['start', '--port', '66000'], '--port 66000: a port is a whole number from 0 to 65535'],
  [['start', '--port', '1e3'], '--port 1e3'],
  [['start', '--isolation', 'full'], '--isolation full: it is none of auto, namespaces, processes'],
  [['start', '--engine', 'moby'], '--engine moby: it is none of none, auto, docker'],
  [['start', '--time-scale=-1'], '--time-scale -1: give a number from 0'],
  [['start', '--time-scale', 'x'], '--time-scale x: give a number from 0'],
  [['ps', '--port', '1', '--endpoint', 'http://127.0.0.1:1'], 'give --port or --endpoint, not both'],
  [['ps', '--endpoint', 'https://lambda.us-east-1.amazonaws.com'], 'is not the address of a local cloud'],
])('fails with exit code 2 and the fix: %s', async (args, message) => {
  const { code, output, error } = await run(...args);
  expect(error).toContain(message);
  expect({ code, output }).toEqual({ code: 2, output: '' });
});

test('fails with exit code 1 if the account, the Region or the port cannot be had', async () => {
  expect(await run('start', '--account', '12')).toMatchObject({ code: 1, error: expect.stringContaining('account "12"') });
  expect(await run('start', '--region', 'here')).toMatchObject({ code: 1, error: expect.stringContaining('region "here"') });
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const { code, error } = await run('start', '--isolation', 'processes', '--port', String(port));
  server.close();
  expect({ code, error }).toEqual({ code: 1, error: expect.stringContaining(`port ${port} is in use`) });
});

test('fails to list microVMs where no local cloud answers', async () => {
  expect(await run('ps', '--port', '9')).toMatchObject({ code: 1, error: expect.stringContaining('no local cloud answers at http://127.0.0.1:9') });
});
