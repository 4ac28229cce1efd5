/** Any text as one word of a shell line. */
export function quote(text: string): string {
  return `'${text.replaceAll('\'', '\'\\\'\'')}'`;
}

/** True for what a shell takes as the name of a variable. */
export function isShellName(name: string): boolean {
  return /^[A-Za-z_][A-Za-z0-9_]*$/.test(name);
}
