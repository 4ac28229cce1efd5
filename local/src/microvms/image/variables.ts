/** Unquotes a Dockerfile word and puts variables in, as Docker does: not in single quotes, and `\` escapes. */
export function expand(word: string, variables: Readonly<Record<string, string>>, escape = '\\'): string {
  let out = '';
  let quoted: '\'' | '"' | undefined;
  for (let at = 0; at < word.length; at++) {
    const char = word[at];
    if (quoted === '\'') {
      if (char === '\'') quoted = undefined;
      else out += char;
    } else if (char === '\'' && quoted === undefined) {
      quoted = '\'';
    } else if (char === '"') {
      quoted = quoted ? undefined : '"';
    } else if (char === escape && at + 1 < word.length) {
      const next = word[++at];
      out += quoted && !['"', '$', escape].includes(next) ? char + next : next;
    } else if (char === '$') {
      const { value, length } = variable(word.slice(at), variables);
      out += value;
      at += length - 1;
    } else {
      out += char;
    }
  }
  return out;
}

function variable(text: string, variables: Readonly<Record<string, string>>): { value: string; length: number } {
  const plain = /^\$([A-Za-z_]\w*)/.exec(text);
  if (plain) return { value: variables[plain[1]] ?? '', length: plain[0].length };
  const braced = /^\$\{([A-Za-z_]\w*)(?:(:?[-+])([^}]*))?\}/.exec(text);
  if (!braced) return { value: '$', length: 1 };
  const [whole, name, operator, other = ''] = braced;
  const value = variables[name];
  const there = operator?.startsWith(':') ? Boolean(value) : value !== undefined;
  if (operator?.endsWith('-')) return { value: there ? value : expand(other, variables), length: whole.length };
  if (operator?.endsWith('+')) return { value: there ? expand(other, variables) : '', length: whole.length };
  return { value: value ?? '', length: whole.length };
}
