export * from './kernel/bpf/core';
export * from './kernel/bpf/frames';
export * from './kernel/bpf/mem';
export * from './kernel/gs';
export * from './kernel/warn';
export * from './lib/spinlock';
export * from './mm/kasan';
export * from './mm/slab';
