import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join, resolve } from 'node:path';
import { runCommandLine } from '../../../local/src/cli/command-line';
import { START_OPTIONS, startSettings } from '../../../local/src/cli/start-options';
import { USAGE } from '../../../local/src/cli/usage';
import { startLocalCloud } from '../../../local/src/start-local-cloud';

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
  [[], 'give a command: start, ps or logs'],
  [['deploy'], 'there is no command "deploy"; there are start, ps and logs'],
  [['start', '--verbose'], 'start has no option --verbose; it has --help, --app, --watch'],
  [['ps', '-f'], 'ps has no option -f; it has --help, --port, --endpoint, --json'],
  [['start', '--port'], '\'--port <value>\' argument missing'],
  [['start', '--json=yes'], '\'--json\' does not take an argument'],
  [['start', 'cdk.out'], '"cdk.out" is one argument too many; start takes options only: --help, --app'],
  [['logs', 'a', 'b'], '"b" is one argument too many; logs takes the id of one microVM'],
  [['start', '--watch'], '--watch needs --app'],
  [['start', '--app', '/nowhere'], 'there is no manifest.json in it; run `cdk synth` first'],
  [['start', '--app', ''], '--app: name the folder that `cdk synth` wrote'],
  [['start', '--state', ' '], '--state  : it is no folder; name one, or leave --state out'],
  [['start', '--account', '12'], '--account 12: it is not twelve digits, as in 111122223333'],
  [['start', '--region', 'here'], '--region here: it is not a Region\'s name, as in us-east-1'],
  [['start', '--memory-quota', '1.5'], '--memory-quota 1.5: give a whole number of MiB above 0, as in 4096'],
  [['start', '--memory-quota', '0'], '--memory-quota 0'],
  [['start', '--port', '66000'], '--port 66000: a port is a whole number from 0 to 65535'],
  [['start', '--port', '1e3'], '--port 1e3'],
  [['start', '--isolation', 'full'], '--isolation full: it is none of auto, namespaces, processes'],
  [['start', '--engine', 'moby'], '--engine moby: it is none of none, auto, docker'],
  [['start', '--time-scale=-1'], '--time-scale -1: give a number from 0'],
  [['start', '--time-scale', 'x'], '--time-scale x: give a number from 0'],
  [['ps', '--port', '1', '--endpoint', 'http://127.0.0.1:1'], 'give --port or --endpoint, not both'],
  [['ps', '--port', '0'], '--port 0: name the port of a local cloud, from 1 to 65535'],
  [['ps', '--endpoint', ''], '--endpoint "" is not the address of a local cloud'],
  [['ps', '--endpoint', 'https://lambda.us-east-1.amazonaws.com'], '--endpoint "https://lambda.us-east-1.amazonaws.com" is not the address of a local cloud, which is like http://127.0.0.1:4566'],
])('fails with exit code 2 and the fix: %s', async (args, message) => {
  const { code, output, error } = await run(...args);
  expect(error).toContain(message);
  expect({ code, output }).toEqual({ code: 2, output: '' });
});

test('hands every option of start on', () => {
  const flags = {
    'port': '4566',
    'state': 'kept',
    'region': 'eu-west-1',
    'account': '111122223333',
    'isolation': 'processes',
    'engine': 'podman',
    'time-scale': '0.5',
    'run-steps': true,
    'bandwidth': true,
    'quotas': true,
    'watch': true,
    'json': true,
    'app': 'cdk.out',
  };
  const cloud = {
    port: 4566,
    state: 'kept',
    region: 'eu-west-1',
    account: '111122223333',
    isolation: 'processes',
    engine: 'podman',
    timeScale: 0.5,
    runSteps: true,
    bandwidth: true,
    quotas: true,
  };
  expect(startSettings(flags)).toEqual({ app: resolve('cdk.out'), watch: true, json: true, cloud });
  expect(startSettings({ 'memory-quota': '512' }).cloud.quotas).toEqual({ defaults: false, memoryMib: 512 });
  expect(startSettings({ 'memory-quota': '512', 'quotas': true }).cloud.quotas).toEqual({ defaults: true, memoryMib: 512 });
  expect(Object.values(startSettings({}).cloud).filter((value) => value !== undefined)).toEqual([]);
});

test('names every option of start in its help and its page, and every option of the cloud in the README', async () => {
  const read = (path: string): string => readFileSync(join(__dirname, '../../..', path), 'utf8');
  const flags = Object.keys(START_OPTIONS).map((name) => `--${name}`);
  const page = read('docs/local-cloud/command-line.md');
  expect(flags.filter((flag) => !USAGE.includes(`  ${flag} `) || !page.includes(`\`${flag}`))).toEqual([]);
  const { message } = await startLocalCloud({ none: 1 } as object).catch((error: Error) => error) as Error;
  const options = message.replace(/^.*there are /, '').split(', ');
  const table = read('local/README.md');
  expect([options.length > 10, options.filter((name) => !table.includes(`| \`${name}\``) && !table.includes(`, \`${name}\``))]).toEqual([true, []]);
});

test('fails with exit code 1 if the port cannot be had', async () => {
  const server = createServer();
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  const { port } = server.address() as AddressInfo;
  const { code, error } = await run('start', '--isolation', 'processes', '--port', String(port));
  server.close();
  expect({ code, error }).toEqual({ code: 1, error: expect.stringContaining(`port ${port} is in use`) });
});

test('fails to list microVMs where no local cloud answers', async () => {
  expect(await run('ps', '--port', '9')).toMatchObject({ code: 1, error: expect.stringContaining('no local cloud answers at http://127.0.0.1:9') });
});

test('fails to list microVMs of what is no local cloud, and follows it nowhere', async () => {
  const asked: string[] = [];
  const server = createServer(({ url = '' }, response) => {
    asked.push(url.split('?')[0]);
    if (asked.length === 1) response.end('{}');
    else response.writeHead(307, { location: '/elsewhere' }).end();
  });
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  const { port } = server.address() as AddressInfo;
  const first = await run('ps', '--port', String(port));
  const second = await run('ps', '--port', String(port));
  server.closeAllConnections();
  server.close();
  expect(first).toMatchObject({ code: 1, error: expect.stringContaining(`what answers at http://127.0.0.1:${port} is no local cloud; name the --port of one`) });
  expect(second).toMatchObject({ code: 1, error: expect.stringContaining('no local cloud answers') });
  expect(asked).toEqual(['/2025-09-09/microvms', '/2025-09-09/microvms']);
});
