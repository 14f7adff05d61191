// Bundles a TypeScript file and runs it: node scripts/run.mjs FILE.ts [ARG...]
import { pathToFileURL } from 'node:url';
import { bundle } from './lib.mjs';

const [entry, ...rest] = process.argv.slice(2);
process.argv.splice(1, process.argv.length, entry, ...rest);
await import(pathToFileURL(await bundle(entry)).href);
