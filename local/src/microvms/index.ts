export { MicrovmService, type MicrovmServiceOptions, type MicrovmSummary } from './service';
export type { MicrovmState } from './microvm';
export type { Isolation } from './machine/machine';
export { detectIsolation } from './machine/detect-isolation';
