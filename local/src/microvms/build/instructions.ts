const KEYWORDS = [
  'FROM', 'ARG', 'ENV', 'COPY', 'ADD', 'RUN', 'WORKDIR', 'USER', 'EXPOSE', 'CMD', 'ENTRYPOINT', 'SHELL', 'LABEL', 'MAINTAINER', 'VOLUME',
  'STOPSIGNAL', 'HEALTHCHECK', 'ONBUILD',
] as const;

export type Keyword = (typeof KEYWORDS)[number];

export function isKeyword(word: string): word is Keyword {
  return (KEYWORDS as readonly string[]).includes(word);
}

/** Flags that BuildKit knows; any other one is refused. */
export const KNOWN_FLAGS: Partial<Record<Keyword, readonly string[]>> = {
  FROM: ['platform'],
  COPY: ['from', 'chown', 'chmod', 'link', 'parents', 'exclude'],
  ADD: ['chown', 'chmod', 'link', 'keep-git-dir', 'checksum', 'exclude', 'unpack'],
  RUN: ['mount', 'network', 'security', 'device'],
  HEALTHCHECK: ['interval', 'timeout', 'start-period', 'start-interval', 'retries'],
};

/** What an instruction without anything after it lacks, in BuildKit's words, where these are not the usual ones. */
export const NEEDED_WORDS: Partial<Record<Keyword, string>> = {
  FROM: 'either one or three arguments',
  WORKDIR: 'exactly one argument',
  USER: 'exactly one argument',
  STOPSIGNAL: 'exactly one argument',
  MAINTAINER: 'exactly one argument',
};
