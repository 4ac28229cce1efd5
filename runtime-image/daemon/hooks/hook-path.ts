/** What the platform calls; see the hooks' contract in its developer guide. */
export const HOOKS = ['ready', 'validate', 'run', 'resume', 'suspend', 'terminate'] as const;
export type Hook = (typeof HOOKS)[number];

const PREFIX = '/aws/lambda-microvms/runtime/v1/';

export function findHook(method: string | undefined, url: string | undefined): Hook | undefined {
  const [path] = (url ?? '').split('?', 1);
  return HOOKS.find((hook) => method === 'POST' && path === PREFIX + hook);
}
