export { MicrovmService, type MicrovmServiceOptions, type MicrovmSummary } from './service';
export type { MicrovmState } from './microvm';
export type { Isolation } from './machine/machine';
export { detectIsolation } from './machine/detect-isolation';
export type { MemoryCounting, MicrovmQuotas, RatedOperation } from './quotas';
export { readBehaviour, type ServiceBehaviour } from './service-options';
