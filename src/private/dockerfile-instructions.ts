export interface DockerfileInstructions {
  /** First line of each: no comments, no continued lines, no text of heredocs. */
  readonly instructions: readonly string[];
  /** How the file ends if more lines would belong to its last instruction. */
  readonly openEnd?: string;
}

interface Heredoc {
  readonly name: string;
  /** Tabs ahead of its end do not count. */
  readonly tabsGo: boolean;
}

/** Splits a Dockerfile as BuildKit does. */
export function readInstructions(dockerfile: string): DockerfileInstructions {
  const lines = dockerfile.split(/\r?\n/);
  const escape = escapeOf(lines);
  const instructions: string[] = [];
  let heredocs: Heredoc[] = [];
  let text = '';
  let goesOn = false;
  for (const raw of lines) {
    if (heredocs.length > 0) {
      if ((heredocs[0].tabsGo ? raw.replace(/^\t+/, '') : raw) === heredocs[0].name) heredocs.shift();
      continue;
    }
    const line = raw.trim();
    // Neither ends an instruction that goes on.
    if (line === '' || line.startsWith('#')) continue;
    if (!goesOn) instructions.push(line);
    text = goesOn ? `${text} ${line}` : line;
    goesOn = line.endsWith(escape) && !line.endsWith(escape + escape);
    if (goesOn) text = text.slice(0, -1);
    else heredocs = heredocsOf(text, escape);
  }
  if (goesOn) return { instructions, openEnd: `in '${escape}', with which the instruction goes on` };
  return { instructions, ...(heredocs.length > 0 && { openEnd: `within the heredoc ${heredocs[0].name}` }) };
}

/** Directives are the comments at the very top that look like `# name=value`. */
function escapeOf(lines: readonly string[]): string {
  for (const line of lines) {
    const [, name, value] = /^#\s*([A-Za-z]\w*)\s*=\s*(.+)$/.exec(line.trim()) ?? [];
    if (name === undefined) break;
    if (name.toLowerCase() === 'escape') return value;
  }
  return '\\';
}

/** A heredoc is a word of its own; within quotes it is none. */
function heredocsOf(instruction: string, escape: string): Heredoc[] {
  if (!/^(?:RUN|COPY|ADD)\s/i.test(instruction)) return [];
  const e = escape === '`' ? '`' : '\\\\';
  const words = instruction.match(new RegExp(`(?:${e}[^]|'[^']*'|"(?:${e}[^]|[^"${e}])*"|[^\\s'"${e}]|['"${e}])+`, 'g')) ?? [];
  return words.flatMap((word) => {
    const [, dash, name] = /^\d*<<(-?)([^<\s]+)$/.exec(word) ?? [];
    return name === undefined ? [] : [{ name: name.replace(/['"]/g, ''), tabsGo: dash === '-' }];
  });
}
