export * from './allocator';
export * from './daemon';
export * from './endpoint';
export * from './errors';
export * from './local';
