/** The CMD or ENTRYPOINT that the last stage of a Dockerfile has, as it is written. */
export function commandOf(dockerfile: string): string | undefined {
  let command: string | undefined;
  for (const instruction of instructionsOf(dockerfile)) {
    if (/^FROM\s/i.test(instruction)) command = undefined;
    if (/^(CMD|ENTRYPOINT)\s/i.test(instruction)) command = instruction;
  }
  return command;
}

/** First line of each instruction: no comments, no continued lines, no text of heredocs. */
function instructionsOf(dockerfile: string): string[] {
  const escape = /^#\s*escape\s*=\s*`/im.test(dockerfile) ? '`' : '\\';
  const instructions: string[] = [];
  const heredocs: string[] = [];
  let continued = false;
  for (const raw of dockerfile.split(/\r?\n/)) {
    const line = raw.trim();
    if (heredocs.length > 0) {
      if (line === heredocs[0]) heredocs.shift();
      continue;
    }
    if (line === '' || line.startsWith('#')) continue;
    if (!continued) instructions.push(line);
    heredocs.push(...[...line.matchAll(/<<-?\s*["']?([A-Za-z_]\w*)["']?/g)].map(([, name]) => name));
    continued = line.endsWith(escape);
  }
  return instructions;
}
