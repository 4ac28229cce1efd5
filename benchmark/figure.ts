/** What was measured, beside what it has to be. */
export interface Figure {
  readonly name: string;
  readonly value: number;
  readonly unit: string;
  readonly target: { readonly atMost: number } | { readonly atLeast: number };
  /** What the figure was made of. */
  readonly detail?: string;
}

export interface Benchmark {
  readonly name: string;
  run(): Promise<Figure[]>;
}

export function passes({ value, target }: Figure): boolean {
  return 'atMost' in target ? value <= target.atMost : value >= target.atLeast;
}

export function percentile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.ceil(share * sorted.length) - 1)] ?? Number.NaN;
}

export function table(figures: readonly Figure[]): string {
  const rows = figures.map((figure) => [
    passes(figure) ? 'ok' : 'MISS',
    figure.name,
    `${round(figure.value)} ${figure.unit}`,
    'atMost' in figure.target ? `<= ${figure.target.atMost}` : `>= ${figure.target.atLeast}`,
    figure.detail ?? '',
  ]);
  const all = [['', 'figure', 'measured', 'target', 'made of'], ...rows];
  const widths = [0, 1, 2, 3].map((column) => Math.max(...all.map((row) => row[column].length)));
  return all.map((row) => row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join('  ').trimEnd()).join('\n');
}

export function round(value: number): number {
  return Math.abs(value) >= 100 ? Math.round(value) : Number(value.toPrecision(3));
}
