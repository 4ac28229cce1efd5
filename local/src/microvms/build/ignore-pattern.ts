import { posix } from 'node:path';
import { StepError } from './build-error';

const MAX_CHARACTERS = 1024;

/** A part of a pattern, at its place among the others. Where it leads to is counted from there. */
interface Part {
  /** Parts that may be next without a character of the path. */
  readonly skips: readonly number[];
  /** Parts that may be next after this character. */
  after(character: string): readonly number[];
}

type Takes = (character: string) => boolean;

/** 1 for each part that may be next; the last one stands for the end. */
type Places = Uint8Array;

const NOWHERE: readonly number[] = [];
const HERE: readonly number[] = [0];
const NEXT: readonly number[] = [1];
const EITHER: readonly number[] = [0, 1];

const one = (takes: Takes): Part => ({ skips: NOWHERE, after: (character) => (takes(character) ? NEXT : NOWHERE) });
const many = (takes: Takes): Part => ({ skips: NEXT, after: (character) => (takes(character) ? HERE : NOWHERE) });
const literal = (text: string): Part => one((character) => character === text);

const inName: Takes = (character) => character !== '/';
const ANYTHING = many(() => true);
/** `**` ahead of more: nothing, or whatever ends with a slash. */
const FOLDERS: readonly Part[] = [
  { skips: [1, 2], after: () => NOWHERE },
  { skips: NOWHERE, after: (character) => (character === '/' ? EITHER : HERE) },
];

/** `**` with the slash behind it, a class, an escaped character, or any other character. */
const TOKEN = /\*\*\/?|\[\^?(?:\\.|[^\]\\])+\]|\\.|./gsu;
const RANGE = /(\\.|[^\\])(?:-(\\.|[^\\]))?/gsu;

/**
 * A line of a `.dockerignore`, as Docker reads it. All ways to match are followed at once, so that no pattern takes longer than its
 * length times that of the path.
 */
export class IgnorePattern {
  /** Undefined: the line is empty. */
  static of(line: string): IgnorePattern | undefined {
    const text = line.trim();
    return text === '' ? undefined : new IgnorePattern(text);
  }

  /** What it matches is not ignored. */
  readonly isException: boolean;
  readonly #parts: readonly Part[];

  private constructor(text: string) {
    if (text.length > MAX_CHARACTERS) {
      throw new StepError(`the pattern ${text.slice(0, 64)}... has ${text.length} characters; at most ${MAX_CHARACTERS} are allowed`);
    }
    this.isException = text.startsWith('!');
    const given = this.isException ? text.slice(1).trim() : text;
    if (given === '') throw new StepError('illegal exclusion pattern: "!"');
    const clean = posix.normalize(given).replace(/(?<=.)\/$/, '');
    this.#parts = partsOf(clean.length > 1 ? clean.replace(/^\//, '') : clean);
  }

  /** Whether it matches the path or a folder above it. */
  matches(path: string): boolean {
    const end = this.#parts.length;
    let places: Places = new Uint8Array(end + 1);
    places[0] = 1;
    this.#skip(places);
    for (const character of path) {
      if (character === '/' && places[end]) return true;
      places = this.#after(character, places);
      if (!places.includes(1)) return false;
    }
    return places[end] === 1;
  }

  #after(character: string, places: Places): Places {
    const reached = new Uint8Array(places.length);
    this.#parts.forEach((part, place) => {
      if (places[place]) for (const step of part.after(character)) reached[place + step] = 1;
    });
    this.#skip(reached);
    return reached;
  }

  /** Adds the places that are reached without a character. These lie behind, so one pass finds them all. */
  #skip(places: Places): void {
    this.#parts.forEach((part, place) => {
      if (places[place]) for (const step of part.skips) places[place + step] = 1;
    });
  }
}

function partsOf(pattern: string): Part[] {
  // Two stars right ahead of plain text take the beginning of a name, too.
  const [, ending] = /^\*\*([^/*?[\]\\][^*?[\]\\]*)$/.exec(pattern) ?? [];
  if (ending !== undefined) return [ANYTHING, ...[...ending].map(literal)];
  const tokens = pattern.match(TOKEN) ?? [];
  return tokens.flatMap((token, index) => partsOfToken(token, index === tokens.length - 1, pattern));
}

function partsOfToken(token: string, isLast: boolean, pattern: string): readonly Part[] {
  if (token.startsWith('**')) return isLast ? [ANYTHING] : FOLDERS;
  if (token === '*') return [many(inName)];
  if (token === '?') return [one(inName)];
  if (token === '[' || token === '\\') throw new StepError(`syntax error in pattern ${pattern}`);
  if (token.length > 1 && token.startsWith('[')) return [one(classOf(token))];
  return [literal(unescaped(token))];
}

/** As in `[a-z_]`, or `[^a-z_]` for all others. */
function classOf(token: string): Takes {
  const isOthers = token[1] === '^';
  const inside = token.slice(isOthers ? 2 : 1, -1);
  const ranges = [...inside.matchAll(RANGE)].map(([, from, to = from]) => [unescaped(from), unescaped(to)]);
  return (character) => ranges.some(([from, to]) => character >= from && character <= to) !== isOthers;
}

function unescaped(text: string): string {
  return text.startsWith('\\') ? text.slice(1) : text;
}
