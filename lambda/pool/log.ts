/** Takes one structured line. What goes in must be free of secrets, tokens, payloads and metadata. */
export type Log = (line: Readonly<Record<string, unknown>>) => void;

/** One JSON object a line, without the prefix that the runtime's console adds. */
export const stdoutLog: Log = (line) => {
  process.stdout.write(`${JSON.stringify(line)}\n`);
};
