import type { Members, Rule } from './constraints';

const NON_BLANK_PATTERN = '[^\\s]+';
const TAG_PATTERN = '[\\p{L}\\p{N}\\s_.:/=+\\-@]*';

/** Constraints that several operations share. */
export const NON_BLANK: Rule = { type: 'string', min: 1, max: 2048, pattern: NON_BLANK_PATTERN };
export const IDENTIFIER: Rule = { type: 'string', required: true, min: 1, max: 256 };
export const CLIENT_TOKEN: Rule = { type: 'string', min: 1, max: 128 };

export const ROLE: Rule = {
  type: 'string',
  min: 20,
  max: 2048,
  pattern: 'arn:aws[a-z\\-]*:iam::[0-9]{12}:role/?[a-zA-Z_0-9+=,.@\\-_/]+',
};

export const CONNECTORS: Rule = { type: 'list', max: 10, items: { type: 'string', min: 1, max: 2048 } };

export const LOGGING: Rule = {
  type: 'union',
  members: {
    disabled: { type: 'structure' },
    cloudWatch: {
      type: 'structure',
      members: {
        logGroup: { type: 'string', min: 1, max: 512, pattern: '[a-zA-Z0-9_\\-/.#]+' },
        logStream: { type: 'string', min: 1, max: 512, pattern: '[^:*]*' },
      },
    },
  },
};

export const ENVIRONMENT: Rule = {
  type: 'map',
  max: 50,
  sensitive: true,
  keys: { type: 'string', min: 1, max: 256, pattern: NON_BLANK_PATTERN },
  items: { type: 'string', min: 0, max: 4096 },
};

export const TAG_KEY: Rule = { type: 'string', min: 1, max: 128, pattern: TAG_PATTERN };

export const TAGS: Rule = {
  type: 'map',
  keys: TAG_KEY,
  items: { type: 'string', min: 0, max: 256, pattern: TAG_PATTERN },
};

/** Query parameters of every list. */
export const PAGING: Members = {
  maxResults: { type: 'integer', min: 1, max: 50 },
  nextToken: { type: 'string' },
};
