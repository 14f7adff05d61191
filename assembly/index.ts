export * from './kernel/gs';
export * from './kernel/warn';
export * from './lib/spinlock';
export * from './mm/kasan';
export * from './mm/slab';
