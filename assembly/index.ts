export * from './kernel/gs';
