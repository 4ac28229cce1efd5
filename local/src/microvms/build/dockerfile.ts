import { ContainerBuildError, parseError } from './build-error';
import { type Heredoc, type LogicalLine, readDockerfileLines, splitWords } from './dockerfile-lines';
import { type Keyword, isKeyword, KNOWN_FLAGS, NEEDED_WORDS } from './instructions';

export interface Step {
  readonly keyword: Keyword;
  /** All that follows the keyword and its flags, on one line. */
  readonly text: string;
  /** Every value of a flag that may be given several times. */
  readonly flags: ReadonlyMap<string, readonly string[]>;
  /** `KEY=value` pairs of ARG and ENV; quotes are kept, an ARG without default has none. */
  readonly pairs: readonly (readonly [string, string | undefined])[];
  readonly heredocs: readonly Heredoc[];
  /** The heredocs as they stand, for a shell. */
  readonly heredocText: string;
  readonly line: number;
  /** The instruction on one line, cut if it is long. */
  readonly title: string;
}

export interface Stage {
  readonly name: string | undefined;
  readonly from: Step;
  /** The image or stage that it is based on, with its variables. */
  readonly base: string;
  readonly steps: readonly Step[];
}

export interface Dockerfile {
  readonly escape: string;
  /** ARGs ahead of the first FROM. */
  readonly globals: readonly Step[];
  readonly stages: readonly Stage[];
}

const LONGEST_TITLE = 80;
/** Each sees the variables of all before it. */
const MAX_INSTRUCTIONS = 5000;

/** Reads a Dockerfile, or fails with the line that BuildKit would refuse. */
export function parseDockerfile(content: string): Dockerfile {
  const { escape, lines } = readDockerfileLines(content);
  if (lines.length > MAX_INSTRUCTIONS) {
    throw new ContainerBuildError(`the Dockerfile has ${lines.length} instructions; at most ${MAX_INSTRUCTIONS} are allowed`);
  }
  const globals: Step[] = [];
  const stages: { name: string | undefined; from: Step; base: string; steps: Step[] }[] = [];
  for (const line of lines) {
    const step = readStep(line, escape);
    const stage = stages.at(-1);
    if (step.keyword === 'FROM') stages.push({ ...readFrom(step), from: step, steps: [] });
    else if (stage) stage.steps.push(step);
    else if (step.keyword === 'ARG') globals.push(step);
    else throw parseError(step.line, 'no build stage in current context');
  }
  if (lines.length === 0) throw new ContainerBuildError('file with no instructions');
  if (stages.length === 0) throw new ContainerBuildError('dockerfile contains no stages to build: it has no FROM');
  return { escape, globals, stages };
}

/** The strings of the JSON form, or undefined for the other form. */
export function jsonForm(text: string): string[] | undefined {
  if (!text.trimStart().startsWith('[')) return undefined;
  try {
    const parsed: unknown = JSON.parse(text);
    return Array.isArray(parsed) && parsed.every((word) => typeof word === 'string') ? parsed : undefined;
  } catch {
    return undefined;
  }
}

/** As a person finds it in the Dockerfile. */
export function nameOf({ title, line }: Step): string {
  return `${title} (line ${line})`;
}

function readStep({ line, text, heredocs, heredocText }: LogicalLine, escape: string): Step {
  const [, word, tail] = /^(\S+)\s*([^]*)$/.exec(text) ?? ['', text, ''];
  const keyword = word.toUpperCase();
  if (!isKeyword(keyword)) throw parseError(line, `unknown instruction: ${word}`);
  const { flags, rest } = readFlags(keyword, tail, line);
  const shown = `${keyword} ${tail.replace(/\s+/g, ' ')}`.trimEnd();
  const step = { keyword, text: rest, flags, heredocs, heredocText, line };
  checkWords(keyword, rest, line);
  return {
    ...step,
    pairs: ['ARG', 'ENV', 'LABEL'].includes(keyword) ? readPairs(keyword, rest, line, escape) : [],
    title: shown.length > LONGEST_TITLE ? `${shown.slice(0, LONGEST_TITLE - 3)}...` : shown,
  };
}

function readFlags(keyword: Keyword, tail: string, line: number): Pick<Step, 'flags'> & { readonly rest: string } {
  const flags = new Map<string, string[]>();
  let rest = tail;
  for (;;) {
    const [whole, name, value = ''] = /^--([A-Za-z][\w-]*)(?:=("[^"]*"|\S*))?(?:\s+|$)/.exec(rest) ?? [];
    if (!whole || !name) break;
    if (!KNOWN_FLAGS[keyword]?.includes(name)) throw parseError(line, `unknown flag: --${name}`);
    const values = flags.get(name) ?? [];
    values.push(value.replace(/^"(.*)"$/, '$1'));
    flags.set(name, values);
    rest = rest.slice(whole.length);
  }
  return { flags, rest };
}

function checkWords(keyword: Keyword, text: string, line: number): void {
  if (text === '') throw parseError(line, `${keyword} requires ${NEEDED_WORDS[keyword] ?? 'at least one argument'}`);
  if (keyword === 'SHELL' && !jsonForm(text)?.length) throw parseError(line, 'SHELL requires the arguments to be in JSON form');
  if (keyword !== 'COPY' && keyword !== 'ADD') return;
  if ((jsonForm(text) ?? text.split(/\s+/)).length < 2) {
    throw parseError(line, `${keyword} requires at least two arguments, but only one was provided. Destination could not be determined`);
  }
}

function readPairs(keyword: Keyword, text: string, line: number, escape: string): [string, string | undefined][] {
  const words = splitWords(text, escape);
  if (keyword === 'ENV' && !words[0].includes('=')) {
    // `ENV NAME some text`: the old form takes all that follows as one value.
    const [, name, value] = /^(\S+)\s+([^]+)$/.exec(text) ?? [];
    if (!name) throw parseError(line, 'ENV must have two arguments');
    return [[name, value]];
  }
  return words.map((word) => {
    const [, name, value] = /^([^=]*)=([^]*)$/.exec(word) ?? ['', word];
    if (name === '') throw parseError(line, `${keyword} names can not be blank`);
    if (value === undefined && keyword !== 'ARG') {
      throw parseError(line, `Syntax error - can't find = in "${word}". Must be of the form: name=value`);
    }
    return [name, value];
  });
}

function readFrom(step: Step): { name: string | undefined; base: string } {
  const words = step.text.split(/\s+/);
  const named = words.length === 3 && words[1].toUpperCase() === 'AS';
  if (words.length !== 1 && !named) throw parseError(step.line, 'FROM requires either one or three arguments');
  const name = words[2]?.toLowerCase();
  if (name !== undefined && !/^[a-z][a-z0-9-_.]*$/.test(name)) {
    throw parseError(step.line, `invalid name for build stage: "${name}", name can't start with a number or contain symbols`);
  }
  return { name, base: words[0] };
}
