import { runCommandLine } from './command-line';

/** What a shell says of a process that SIGINT ended. */
const INTERRUPTED = 130;

const stopping = new AbortController();
for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  process.on(name, () => {
    // Who asks twice does not wait: what is left ends by itself, or with the next start.
    if (stopping.signal.aborted) process.exit(INTERRUPTED);
    stopping.abort();
  });
}
// Whoever reads our output may leave before us.
for (const stream of [process.stdout, process.stderr]) stream.on('error', () => undefined);

const terminal = {
  print: (line: string) => void process.stdout.write(`${line}\n`),
  tell: (line: string) => void process.stderr.write(`${line}\n`),
};

void runCommandLine(process.argv.slice(2), terminal, stopping.signal).then((code) => {
  process.exit(code);
});
