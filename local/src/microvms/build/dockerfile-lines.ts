import { ContainerBuildError, parseError } from './build-error';

export interface Heredoc {
  readonly name: string;
  readonly content: string;
  /** Variables are put in, as its name stands without quotes. */
  readonly expands: boolean;
}

/** An instruction with its continuations put together. */
export interface LogicalLine {
  /** From 1. */
  readonly line: number;
  readonly text: string;
  readonly heredocs: readonly Heredoc[];
  /** The lines of the heredocs as they stand, with their ends. */
  readonly heredocText: string;
}

const MAX_CHARACTERS = 1024 ** 2;
const HEREDOC_KEYWORDS = /^(?:RUN|COPY|ADD)\s/i;

/** Splits a Dockerfile into instructions as BuildKit does: directives, comments, continuations, heredocs. */
export function readDockerfileLines(
  content: string,
): { readonly escape: string; readonly lines: readonly LogicalLine[] } {
  if (content.length > MAX_CHARACTERS) throw new ContainerBuildError(`the Dockerfile is longer than ${MAX_CHARACTERS} characters`);
  const physical = content.replace(/^\uFEFF/, '').split(/\r?\n/);
  const escape = readEscape(physical);
  return { escape, lines: new Reader(physical, escape).read() };
}

/** Words of a shell line; quotes and escapes stay as they are. */
export function splitWords(text: string, escape = '\\'): string[] {
  const e = escape === '`' ? '`' : '\\\\';
  return text.match(new RegExp(`(?:${e}[^]|'[^']*'|"(?:${e}[^]|[^"${e}])*"|[^\\s'"${e}]|['"${e}])+`, 'g')) ?? [];
}

class Reader {
  #at = 0;

  constructor(private readonly physical: readonly string[], private readonly escape: string) {}

  read(): LogicalLine[] {
    const lines: LogicalLine[] = [];
    while (this.#at < this.physical.length) {
      const line = this.#at + 1;
      const first = this.physical[this.#at++].trimStart();
      if (first === '' || first.startsWith('#')) continue;
      const text = this.#continued(first);
      lines.push({ line, text, ...this.#heredocs(line, text) });
    }
    return lines;
  }

  #continued(first: string): string {
    let { text, goesOn } = this.#cut(first);
    while (goesOn && this.#at < this.physical.length) {
      const next = this.physical[this.#at++];
      // Comments and empty lines do not end an instruction.
      if (/^\s*(?:#|$)/.test(next)) continue;
      const part = this.#cut(next);
      text += part.text;
      goesOn = part.goesOn;
    }
    return text.trim();
  }

  #cut(text: string): { text: string; goesOn: boolean } {
    const trimmed = withoutBlanks(text);
    // An escaped escape character at the end is only itself.
    if (!trimmed.endsWith(this.escape) || trimmed.endsWith(this.escape + this.escape)) return { text, goesOn: false };
    return { text: trimmed.slice(0, -1), goesOn: true };
  }

  #heredocs(line: number, text: string): Pick<LogicalLine, 'heredocs' | 'heredocText'> {
    const from = this.#at;
    const words = HEREDOC_KEYWORDS.test(text) ? splitWords(text, this.escape) : [];
    const heredocs = words.flatMap((word) => {
      const [, dash, quoted] = /^\d*<<(-?)([^<\s]+)$/.exec(word) ?? [];
      return quoted ? [this.#heredoc(line, dash === '-', quoted)] : [];
    });
    return { heredocs, heredocText: this.physical.slice(from, this.#at).map((each) => `${each}\n`).join('') };
  }

  #heredoc(line: number, tabsGo: boolean, quoted: string): Heredoc {
    const name = quoted.replace(/['"]/g, '');
    const content: string[] = [];
    while (this.#at < this.physical.length) {
      const raw = this.physical[this.#at++];
      const text = tabsGo ? raw.replace(/^\t+/, '') : raw;
      if (text === name) return { name, content: content.map((each) => `${each}\n`).join(''), expands: name === quoted };
      content.push(text);
    }
    throw parseError(line, `unterminated heredoc ${name}`);
  }
}

/** Without spaces and tabs at the end. A regular expression would begin anew at each blank of a long run. */
function withoutBlanks(text: string): string {
  let end = text.length;
  while (text[end - 1] === ' ' || text[end - 1] === '\t') end -= 1;
  return text.slice(0, end);
}

/** Directives are the comments at the very top that look like `# name=value`. */
function readEscape(physical: readonly string[]): string {
  for (const [index, text] of physical.entries()) {
    const [, name, value] = /^#\s*([A-Za-z][A-Za-z0-9]*)\s*=\s*(.+)$/.exec(text.trimEnd()) ?? [];
    if (!name) break;
    if (name.toLowerCase() !== 'escape') continue;
    if (value !== '\\' && value !== '`') throw parseError(index + 1, `invalid escape token '${value}' does not match \` or \\`);
    return value;
  }
  return '\\';
}
