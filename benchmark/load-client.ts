import type { ClientRequest, IncomingMessage } from 'node:http';
import { Agent, request } from 'node:http';

/** What a client of the guest in `proxy.ts` measures. */
export interface Load {
  /** Milliseconds of each small request. */
  readonly latencies: readonly number[];
  /** MiB per second. */
  readonly download: number;
  readonly upload: number;
}

const REQUESTS = 400;
const WARM_UP = 100;

/**
 * Run as a program of its own, so that it costs the proxy nothing. Arguments: port on 127.0.0.1, headers as JSON, bytes to move. Prints
 * a `Load`.
 */
async function main(): Promise<void> {
  const [port, headers, size] = process.argv.slice(2);
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  const open = (path: string, method: string): ClientRequest => (
    request({ host: '127.0.0.1', port: Number(port), path, method, agent, headers: JSON.parse(headers) as Record<string, string> })
  );
  const latencies: number[] = [];
  for (let turn = 0; turn < WARM_UP + REQUESTS; turn++) {
    const from = performance.now();
    const sent = open('/', 'GET');
    sent.end();
    await finished(sent);
    if (turn >= WARM_UP) latencies.push(performance.now() - from);
  }
  const bytes = Number(size);
  const download = await rate(bytes, () => {
    const sent = open(`/download?bytes=${bytes}`, 'GET');
    sent.end();
    return finished(sent);
  });
  const upload = await rate(bytes, () => {
    const sent = open('/upload', 'POST');
    void write(sent, bytes);
    return finished(sent);
  });
  agent.destroy();
  console.log(JSON.stringify({ latencies, download, upload } satisfies Load));
}

async function rate(bytes: number, move: () => Promise<number>): Promise<number> {
  const from = performance.now();
  const answered = await move();
  if (answered !== bytes) throw new Error(`${answered} of ${bytes} bytes arrived`);
  return bytes / 1024 ** 2 / ((performance.now() - from) / 1000);
}

async function write(sent: ClientRequest, bytes: number): Promise<void> {
  const chunk = Buffer.alloc(64 * 1024);
  for (let left = bytes; left > 0; left -= chunk.length) {
    if (!sent.write(chunk.subarray(0, left))) await new Promise((resolve) => sent.once('drain', resolve));
  }
  sent.end();
}

/** Bytes of the answer; for an upload what the guest says it got. */
function finished(sent: ClientRequest): Promise<number> {
  return new Promise((resolve, reject) => {
    sent.once('error', reject);
    sent.once('response', (answer: IncomingMessage) => {
      if (answer.statusCode !== 200) return reject(new Error(`status ${answer.statusCode}`));
      let bytes = 0;
      answer.on('data', (chunk: Buffer) => {
        bytes += chunk.length;
      });
      answer.once('error', reject).once('end', () => resolve(Number(answer.headers['x-received'] ?? bytes)));
    });
  });
}

void main();
