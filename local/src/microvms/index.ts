/*
 * The rooms of this folder. `wire` reads requests and words answers. `images` and `fleet` know what there is: image versions, microVMs.
 * `build` makes an image version of an artifact, `guest` is a version at work: on a `machine` of processes, or in a `container`.
 * `endpoint` lets the outside in. The files beside them make one service of it all.
 */
export { MicrovmService, type MicrovmSummary } from './service';
export type { BaseImages, BaseImageStatus, BaseImageVersion } from './images/base-images';
export type { MicrovmState } from './fleet/microvm-record';
export type { Isolation } from './machine/machine';
export { detectIsolation } from './machine/detect-isolation';
export type { MemoryCounting, MicrovmQuotas, RatedOperation } from './quotas';
export { type MicrovmServiceOptions, readBehaviour, type ServiceBehaviour } from './service-options';
