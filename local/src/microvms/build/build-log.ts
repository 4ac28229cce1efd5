import { MAX_EVENT_BYTES } from '../../line-splitter';

/** BuildKit cuts the output of a step here. */
const MAX_STEP_CHARACTERS = 2 * 1024 ** 2;
/** Of all steps together: the log is in memory until it goes up. */
const MAX_CHARACTERS = 32 * 1024 ** 2;

/** What an empty line takes. */
const LINE_OVERHEAD = 32;

export interface StepPlace {
  readonly title: string;
  readonly line: number;
  /** The lines of the Dockerfile. */
  readonly source: readonly string[];
}

/** What BuildKit would have printed. The service uploads it in one go when the build of the container is over. */
export class BuildLog {
  readonly lines: string[] = [];
  #vertex = 0;
  /** What the output of the step, and that of all steps, may still take. */
  #stepRoom = MAX_STEP_CHARACTERS;
  #room = MAX_CHARACTERS;
  #isClipped = false;

  /** Begins a step: `#4 [2/3] COPY a b`. */
  begin(title: string): void {
    this.#vertex += 1;
    this.#stepRoom = MAX_STEP_CHARACTERS;
    this.#isClipped = false;
    if (this.#vertex > 1) this.#add('');
    this.say(title);
  }

  /** A line of the step that is under way. */
  say(text: string): void {
    this.#add(`#${this.#vertex} ${text}`);
  }

  /** Output of the step that is under way. */
  output(line: string, startedAt: number, now: number): void {
    if (this.#isClipped) return;
    const size = line.length + LINE_OVERHEAD;
    this.#isClipped = size > Math.min(this.#stepRoom, this.#room);
    const shown = this.#isClipped ? '[output clipped, log limit 2MiB reached]' : line;
    this.say(`${((now - startedAt) / 1000).toFixed(3)} ${shown}`);
    this.#stepRoom -= size;
    this.#room -= this.#isClipped ? 0 : size;
  }

  /** A line that an engine printed, which cuts its steps itself or does not. */
  printed(line: string): void {
    if (this.#room < 0) return;
    this.#room -= line.length + LINE_OVERHEAD;
    this.#add(this.#room < 0 ? '[output clipped, log limit 32MiB reached]' : line);
  }

  /** A line that belongs to no step. */
  note(text: string): void {
    this.#add(text);
  }

  /** How BuildKit ends a failed build: the step, the place in the Dockerfile, the error. */
  fail(detail: string, place?: StepPlace): void {
    if (place) {
      const { line, source } = place;
      this.say(`ERROR: ${detail}`);
      this.#add('------', ` > ${place.title}:`, '------', `Dockerfile:${line}`, '--------------------');
      for (let number = Math.max(1, line - 2); number <= Math.min(source.length, line + 2); number++) {
        this.#add(`${String(number).padStart(4)} | ${number === line ? '>>> ' : '    '}${source[number - 1]}`);
      }
      this.#add('--------------------');
    }
    this.#add(`ERROR: failed to solve: ${detail}`);
  }

  #add(...lines: string[]): void {
    for (const line of lines) this.lines.push(line.slice(0, MAX_EVENT_BYTES));
  }
}
