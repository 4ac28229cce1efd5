export * from './idle-policy';
export * from './image-hooks';
export * from './image-source';
export * from './memory-size';
export * from './sandbox-image';
export * from './sandbox-network';
export * from './sandbox-pool';
