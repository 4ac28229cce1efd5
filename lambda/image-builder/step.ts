/** Something that time may bring. */
export interface Wait {
  /** A sentence without its full stop. */
  readonly waitsFor: string;
  /** What to do if it does not come. */
  readonly advice?: string;
  /** Counted from the start of the deployment; the deadline of all waits if there is none. */
  readonly atMostMs?: number;
}

/** What one look at an image leads to. */
export type Step = Wait | { readonly data: Readonly<Record<string, string>> };

export function isWait(step: Step): step is Wait {
  return 'waitsFor' in step;
}
