/** Colours do no harm; every other control character but the tab could move the cursor, set the clipboard or hide what was said before. */
// eslint-disable-next-line no-control-regex -- these are what it is about
const CONTROL = /(\u001b\[[\d;]{0,32}m)|[\u0000-\u0008\u000a-\u001f\u007f-\u009f]/g;

/** Text of guests and of others as one line for a terminal, which it cannot steer. */
export function printable(text: string): string {
  return text.replace(/\r$/, '').replace(CONTROL, (control: string, colour: string | undefined) => (
    colour ?? `\\x${control.charCodeAt(0).toString(16).padStart(2, '0')}`
  ));
}
