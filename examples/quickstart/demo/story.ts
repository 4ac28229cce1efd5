/** Tells what happens while it happens, and closes with a table. */
export class Story {
  readonly #rows: { step: string; ms: number; made: string }[] = [];

  /** Runs a step; `tell` prints a line of it. What it returns stands in the closing table. */
  async step(name: string, run: (tell: (line: string) => void) => Promise<string>): Promise<void> {
    console.log(`\n▸ ${name}`);
    const startedAt = performance.now();
    const made = await run((line) => console.log(`  ${line}`));
    const ms = performance.now() - startedAt;
    this.#rows.push({ step: name, ms, made });
    console.log(`  ✓ ${made} (${seconds(ms)})`);
  }

  table(): void {
    const rows = this.#rows.map(({ step, ms, made }) => [step, seconds(ms), made]);
    rows.push(['in all', seconds(this.#rows.reduce((sum, { ms }) => sum + ms, 0)), '']);
    const heads = ['step', 'time', 'what was made'];
    const widths = heads.map((head, column) => Math.max(head.length, ...rows.map((row) => row[column].length)));
    const line = (cells: string[]) => cells.map((cell, column) => cell.padEnd(widths[column])).join('  ').trimEnd();
    console.log(`\n${[line(heads), line(widths.map((width) => '─'.repeat(width))), ...rows.map(line)].join('\n')}`);
  }
}

const seconds = (ms: number) => `${(ms / 1000).toFixed(2)} s`;
