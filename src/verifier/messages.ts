/**
 * Every message the verifier can give, by name. The words are the kernel's (6.18), since tools and people search for them.
 * The tables are apart by the file that uses them; `msg` is all of them.
 */
import { calls } from './messages/calls.ts';
import { core } from './messages/core.ts';
import { memory } from './messages/memory.ts';

export const msg = { ...core, ...calls, ...memory } as const;
