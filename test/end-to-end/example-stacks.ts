/** Every example and its stack. */
export const EXAMPLE_STACKS = {
  'quickstart': 'Quickstart',
  'web-app': 'WebApp',
  'code-agent': 'CodeAgent',
} as const;
