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

  /** Begins a step: `#4 [2/3] COPY a b`. */
  begin(title: string): void {
    this.#vertex += 1;
    if (this.#vertex > 1) this.lines.push('');
    this.say(title);
  }

  /** A line of the step that is under way. */
  say(text: string): void {
    this.lines.push(`#${this.#vertex} ${text}`);
  }

  /** Output of the step that is under way. */
  output(line: string, startedAt: number, now: number): void {
    this.say(`${((now - startedAt) / 1000).toFixed(3)} ${line}`);
  }

  /** A line that belongs to no step. */
  note(text: string): void {
    this.lines.push(text);
  }

  /** How BuildKit ends a failed build: the step, the place in the Dockerfile, the error. */
  fail(detail: string, place?: StepPlace): void {
    if (place) {
      const { line, source } = place;
      this.say(`ERROR: ${detail}`);
      this.lines.push('------', ` > ${place.title}:`, '------', `Dockerfile:${line}`, '--------------------');
      for (let number = Math.max(1, line - 2); number <= Math.min(source.length, line + 2); number++) {
        this.lines.push(`${String(number).padStart(4)} | ${number === line ? '>>> ' : '    '}${source[number - 1]}`);
      }
      this.lines.push('--------------------');
    }
    this.lines.push(`ERROR: failed to solve: ${detail}`);
  }
}
