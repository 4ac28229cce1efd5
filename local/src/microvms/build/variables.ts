import { StepError } from './build-error';
import { starSource } from './star-pattern';

export type Variables = Readonly<Record<string, string>>;

/** Linux hands no longer word to a program. Also what grows with every step, as by `ENV A=$A$A`, ends here. */
const MAX_WORD = 128 * 1024;
/** A value that a pattern is looked for in: it is looked for from each of its characters. */
const MAX_SEARCHED = 4096;
const MAX_NESTING = 50;

interface Options {
  readonly escape?: string;
  /** Quotes are text like any other, as in a heredoc. */
  readonly keepQuotes?: boolean;
}

/** Unquotes a Dockerfile word and puts variables in, as Docker does: not in single quotes, and `\` escapes. */
export function expand(word: string, variables: Variables, { escape = '\\', keepQuotes = false }: Options = {}): string {
  let out = '';
  let quoted: '\'' | '"' | undefined;
  for (let at = 0; at < word.length; at++) {
    const char = word[at];
    if (quoted === '\'') {
      if (char === '\'') quoted = undefined;
      else out += char;
    } else if (char === '\'' && quoted === undefined && !keepQuotes) {
      quoted = '\'';
    } else if (char === '"' && !keepQuotes) {
      quoted = quoted ? undefined : '"';
    } else if (char === escape && at + 1 < word.length) {
      const next = word[++at];
      const stays = keepQuotes ? !['$', escape].includes(next) : quoted && !['"', '$', escape].includes(next);
      out += stays ? char + next : next;
    } else if (char === '$') {
      const { value, length } = variable(word.slice(at), variables, { escape, keepQuotes });
      out += value;
      at += length - 1;
    } else {
      out += char;
    }
    if (out.length > MAX_WORD) throw new StepError(`a word is longer than ${MAX_WORD} characters with its variables put in`);
  }
  return out;
}

function variable(text: string, variables: Variables, options: Options): { value: string; length: number } {
  const plain = /^\$([A-Za-z_]\w*)/.exec(text);
  if (plain) return { value: valueOf(variables, plain[1]) ?? '', length: plain[0].length };
  if (text[1] !== '{') return { value: '$', length: 1 };
  const length = closingBrace(text) + 1;
  const inner = text.slice(2, length - 1);
  const [, name, operator = '', operand = ''] = /^([A-Za-z_]\w*)(:[-+?]|[-+?]|##?|%%?|\/\/?)?([^]*)$/.exec(inner) ?? [];
  if (!name || (!operator && operand)) throw new StepError(`unsupported modifier in substitution \${${inner}}`);
  return { value: substitute({ name, operator, operand }, variables, options), length };
}

function closingBrace(text: string): number {
  for (let at = 2, depth = 1; at < text.length; at++) {
    if (text[at] === '\\') at += 1;
    else if (text[at] === '{' && ++depth > MAX_NESTING) throw new StepError(`substitutions stand in each other more than ${MAX_NESTING} deep`);
    else if (text[at] === '}' && --depth === 0) return at;
  }
  throw new StepError('syntax error: missing \'}\'');
}

function substitute(
  { name, operator, operand }: { readonly name: string; readonly operator: string; readonly operand: string },
  variables: Variables,
  options: Options,
): string {
  const value = valueOf(variables, name);
  const other = (): string => expand(operand, variables, options);
  const there = operator.startsWith(':') ? Boolean(value) : value !== undefined;
  switch (operator.at(-1)) {
    case '-': return there ? value ?? '' : other();
    case '+': return there ? other() : '';
    case '?':
      if (!there) throw new StepError(`${name}: ${other() || 'is not allowed to be unset'}`);
      return value ?? '';
    case '#': return trimmed(value ?? '', other(), { atEnd: false, longest: operator === '##' });
    case '%': return trimmed(value ?? '', other(), { atEnd: true, longest: operator === '%%' });
    case '/': return replaced(value ?? '', operand, operator === '//', (text) => expand(text, variables, options));
    default: return value ?? '';
  }
}

function trimmed(
  value: string, pattern: string, { atEnd, longest }: { readonly atEnd: boolean; readonly longest: boolean },
): string {
  checkSearched(value);
  const lengths = Array.from({ length: value.length + 1 }, (_, length) => (longest ? value.length - length : length));
  const expression = globExpression(pattern);
  for (const length of lengths) {
    const part = atEnd ? value.slice(value.length - length) : value.slice(0, length);
    if (expression.test(part)) return atEnd ? value.slice(0, value.length - length) : value.slice(length);
  }
  return value;
}

function replaced(value: string, operand: string, everywhere: boolean, expanded: (text: string) => string): string {
  const [, pattern, replacement] = /^((?:\\[^]|[^\\/])*)\/([^]*)$/.exec(operand) ?? [];
  if (pattern === undefined) throw new StepError(`missing '/' in substitution ${operand}`);
  checkSearched(value);
  const expression = new RegExp(globSource(expanded(pattern)), everywhere ? 'g' : '');
  return value.replace(expression, () => expanded(replacement));
}

function checkSearched(value: string): void {
  if (value.length > MAX_SEARCHED) {
    throw new StepError(`a substitution looks for a pattern in ${value.length} characters; at most ${MAX_SEARCHED} are allowed`);
  }
}

function globExpression(pattern: string): RegExp {
  return new RegExp(`^${globSource(pattern)}$`);
}

function globSource(pattern: string): string {
  const pieces = pattern.split(/\*+/).map((piece) => piece.replace(/[\\^$.|+(){}[\]?]/g, (part) => (part === '?' ? '[^]' : `\\${part}`)));
  return starSource(pieces, '[^]');
}

function valueOf(variables: Variables, name: string): string | undefined {
  return Object.hasOwn(variables, name) ? variables[name] : undefined;
}
