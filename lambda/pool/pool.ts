import type { Clock } from './clock';
import type { MicrovmClient } from './microvms';
import type { SandboxTable } from './sandbox-table';
import type { PoolConfiguration } from '../../src/contract/pool';

/** What allocator and keeper work with. */
export interface Pool {
  readonly configuration: PoolConfiguration;
  readonly table: SandboxTable;
  readonly microvms: MicrovmClient;
  readonly clock: Clock;
}
