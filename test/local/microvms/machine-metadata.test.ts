import { createServer } from 'node:http';
import type { Socket } from 'node:net';
import { describeEachIsolation, describeNamespaces } from './isolations';
import { endProbes, eventually, startScript } from './machine-probe';
import type { MachineSpec } from '../../../local/src/microvms/machine/machine';

afterEach(endProbes);

const ADDRESS = 'process.env.AWS_EC2_METADATA_SERVICE_ENDPOINT ?? "http://169.254.169.254"';

/** Asks the metadata service again and again, and says what comes. */
const ASKING = `
  const http = require('node:http');
  const ask = () => http.get((${ADDRESS}) + '/latest', { agent: false }, (answer) => {
    answer.on('data', (chunk) => console.log('got ' + chunk)).on('end', () => setTimeout(ask, 20));
  }).on('error', (error) => { console.log('error ' + error.code); setTimeout(ask, 20); });
  ask();`;

const node = (source: string, more: Partial<MachineSpec> = {}): Partial<MachineSpec> => ({ command: ['node', '-e', source], ...more });

/** Keeps connections open and counts them: `open` and `closed`, each with its number. */
const HOLDING = `
  const { hostname, port } = new URL(${ADDRESS});
  let open = 0, closed = 0;
  for (let n = 0; n < 100; n++) {
    const socket = require('node:net').connect(Number(port || 80), hostname);
    socket.on('data', () => console.log('open ' + ++open));
    socket.on('error', () => undefined).on('close', () => console.log('closed ' + ++closed));
  }`;

describeEachIsolation((isolation) => {
  test('a guest reaches the metadata service once it is served, and not before', async () => {
    const server = createServer((request, response) => response.end(`answer to ${request.url}`));
    const { machine, lines } = await startScript(isolation, '', node(ASKING));
    await eventually('the refusal', () => lines.includes('error ECONNRESET'));
    expect(lines.filter((line) => line.startsWith('got'))).toEqual([]);
    await machine.serveMetadata((connection) => void server.emit('connection', connection));
    await eventually('the answer', () => lines.includes('got answer to /latest'));
    await machine.stop();
  });

  test('a guest holds 64 connections at most, and a suspend cuts them', async () => {
    const accepted = new Set<Socket>();
    const { machine, lines } = await startScript(isolation, '', node(`setTimeout(() => { ${HOLDING} }, 200)`));
    await machine.serveMetadata((connection) => {
      accepted.add(connection);
      connection.write('x');
    });
    await eventually('the limit', () => lines.includes('closed 36') && lines.includes('open 64'));
    expect(accepted.size).toBe(64);
    await machine.suspend();
    expect([...accepted].filter(({ destroyed }) => !destroyed)).toEqual([]);
    await machine.resume();
    await eventually('the cut', () => lines.includes('closed 100'));
    await machine.stop();
  });

  test('stop ends the connections', async () => {
    const accepted: Socket[] = [];
    const { machine } = await startScript(isolation, '', node(`setTimeout(() => { ${HOLDING} }, 100)`));
    await machine.serveMetadata((connection) => void accepted.push(connection));
    await eventually('a connection', () => accepted.length > 0);
    await machine.stop();
    expect(accepted.filter(({ destroyed }) => !destroyed)).toEqual([]);
  });
});

describeNamespaces(() => {
  test('fails for a guest that wants the metadata service\'s address for itself, all but a loopback port 80', async () => {
    const taking = (host: string): string => (
      `require('node:net').createServer().on('error', (error) => console.log('${host} ' + error.code)).listen(80, '${host}', () => console.log('${host} up'));`
    );
    const { machine, lines } = await startScript('namespaces', '', node(taking('169.254.169.254') + taking('0.0.0.0') + taking('127.0.0.1')));
    await eventually('the outcomes', () => lines.length === 3);
    expect(lines.sort()).toEqual(['0.0.0.0 EADDRINUSE', '127.0.0.1 up', '169.254.169.254 EADDRINUSE']);
    await machine.stop();
  });

  test('a guest that exposes port 80 has it, and finds the metadata service by its environment', async () => {
    const server = createServer((_, response) => response.end('metadata'));
    const own = 'require("node:net").createServer().listen(80, "0.0.0.0", () => console.log("up"));';
    const { machine, lines } = await startScript('namespaces', '', node(own + ASKING, { ports: [80] }));
    await machine.serveMetadata((connection) => void server.emit('connection', connection));
    await eventually('both', () => lines.includes('up') && lines.includes('got metadata'));
    await machine.stop();
  });
});
