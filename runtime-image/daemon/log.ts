/** Writes one line about the daemon itself: ids, numbers and codes, never a payload, a command, a path or a secret. */
export type Log = (event: string, fields?: Readonly<Record<string, string | number | boolean | undefined>>) => void;

export const logToStdout: Log = (event, fields = {}) => {
  process.stdout.write(`${JSON.stringify({ time: new Date().toISOString(), event, ...fields })}\n`);
};

/** Where an error came from. Its message is left out, because it may quote what a caller sent. */
export function describeFault(error: unknown): { error: string; code?: string; at?: string } {
  if (!(error instanceof Error)) return { error: typeof error };
  const frames = (error.stack ?? '').split('\n').filter((line) => /^\s+at \S.*:\d+:\d+\)?$/.test(line));
  return {
    error: error.name,
    code: (error as NodeJS.ErrnoException).code,
    at: frames.slice(0, 4).map((line) => line.trim().slice(3)).join(' < '),
  };
}
