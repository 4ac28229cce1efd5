/** Waits for what another process brings about. Waiting in vain is a failure that tells what was there instead. */
export async function until(what: string, holds: () => boolean, instead: () => string): Promise<void> {
  for (const end = Date.now() + 15_000; !holds();) {
    if (Date.now() > end) throw new Error(`not within 15 s: ${what}; there was:\n${instead()}`);
    await new Promise(setImmediate);
  }
}
