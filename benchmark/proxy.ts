import { execFile } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { type Benchmark, type Figure, percentile, round } from './figure';
import type { Load } from './load-client';
import { type Reached, Stand } from './stand';

const PASSES = 8;
const BYTES = 256 * 1024 ** 2;
const MARK = 'benchmark-proxy-guest';
const CLIENT = join(__dirname, 'load-client.ts');

const GUEST = `
const http = require('node:http');
const chunk = Buffer.alloc(64 * 1024);
http.createServer((request, response) => {
  const url = new URL(request.url, 'http://localhost');
  if (url.pathname === '/upload') {
    let bytes = 0;
    request.on('data', (part) => { bytes += part.length; }).on('end', () => response.writeHead(200, { 'x-received': bytes }).end());
  } else if (url.pathname === '/download') {
    let left = Number(url.searchParams.get('bytes'));
    const more = () => {
      while (left > 0) {
        const part = chunk.subarray(0, left);
        left -= part.length;
        if (!response.write(part)) return void response.once('drain', more);
      }
      response.end();
    };
    more();
  } else response.end('ok');
}).listen(Number(process.env.MICROVM_LOCAL_PORT_8080 ?? 8080), '0.0.0.0');
`;
const DOCKERFILE = `FROM scratch\nCOPY guest.js /opt/guest.js\nEXPOSE 8080\nCMD ["node", "/opt/guest.js", "${MARK}"]\n`;

/** The same requests to the same port of the same guest, through its endpoint and without it, in turns. */
export const proxy: Benchmark = {
  name: 'proxy',
  async run() {
    await using stand = await Stand.start({ spares: 0 });
    const image = await stand.createImage('proxied', { 'Dockerfile': DOCKERFILE, 'guest.js': GUEST });
    const reached = await stand.run(image);
    await stand.untilAnswers(reached, '/');
    const direct: Load[] = [];
    const proxied: Load[] = [];
    for (let pass = 0; pass < PASSES; pass++) {
      direct.push(await loadDirectly(stand));
      proxied.push(await load([], stand.port, reached.headers));
    }
    return figures(direct, proxied, stand.cloud.isolation);
  },
};

function figures(direct: readonly Load[], proxied: readonly Load[], isolation: string): Figure[] {
  const p50 = (loads: readonly Load[]): number => percentile(loads.flatMap(({ latencies }) => latencies), 0.5);
  const median = (loads: readonly Load[], way: 'download' | 'upload'): number => percentile(loads.map((one) => one[way]), 0.5);
  const share = (way: 'download' | 'upload'): Figure => ({
    name: `${way} through the proxy, of direct`,
    value: 100 * median(proxied, way) / median(direct, way),
    unit: '%',
    target: { atLeast: 70 },
    detail: `${round(median(proxied, way))} of ${round(median(direct, way))} MiB/s`,
  });
  return [
    {
      name: 'proxy: added to a request, p50',
      value: p50(proxied) - p50(direct),
      unit: 'ms',
      target: { atMost: 1 },
      detail: `${round(p50(proxied))} instead of ${round(p50(direct))} ms, ${isolation}`,
    },
    share('download'),
    share('upload'),
  ];
}

/** A client in the guest's own network, where there is one. */
function loadDirectly(stand: Stand): Promise<Load> {
  const pid = readdirSync('/proc').filter((name) => /^\d+$/.test(name)).find((name) => {
    const command = read(`/proc/${name}/cmdline`);
    return command.startsWith('node\0') && command.includes(MARK);
  });
  if (!pid) throw new Error('the guest of the benchmark is not there');
  if (stand.cloud.isolation === 'namespaces') {
    return load(['nsenter', '--user', '--preserve-credentials', '--net', '--target', pid, '--'], 8080, {});
  }
  const port = /MICROVM_LOCAL_PORT_8080=(\d+)/.exec(read(`/proc/${pid}/environ`))?.[1];
  return load([], Number(port), {});
}

async function load(prefix: readonly string[], port: number, headers: Reached['headers']): Promise<Load> {
  const [program, ...words] = [...prefix, process.execPath, '--import', 'tsx', CLIENT, String(port), JSON.stringify(headers), String(BYTES)];
  const { stdout } = await promisify(execFile)(program, words, { maxBuffer: 1024 ** 2 });
  return JSON.parse(stdout) as Load;
}

/** A process may end while it is looked at. */
function read(path: string): string {
  try {
    return readFileSync(path, 'latin1');
  } catch {
    return '';
  }
}
