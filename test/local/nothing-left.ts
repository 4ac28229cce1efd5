import type { Inventory } from '../../local/src/inventory';

/** What `cloud.inventory()` says when nothing is left. */
export const NOTHING_LEFT: Inventory = {
  stacks: [],
  buckets: {},
  tables: [],
  functions: [],
  stateMachines: [],
  roles: [],
  managedPolicies: [],
  logGroups: [],
  rules: [],
  images: [],
  microvms: [],
  functionProcesses: 0,
};
