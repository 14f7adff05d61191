/**
 * Every message the verifier can give, by name. The words are the kernel's (6.18), since tools and people search for them.
 * The tables are apart by the file that uses them; `msg` is all of them.
 */
import { calls } from './messages/calls.ts';
import { core } from './messages/core.ts';
import { memory } from './messages/memory.ts';

const words = { ...core, ...calls, ...memory } as const;

/** The shape of the table: what other releases word otherwise has the same arguments. */
export type Messages = {
  readonly [Name in keyof typeof words]: (typeof words)[Name] extends (...args: infer A) => infer R
    ? (...args: A) => R
    : never;
};

/** The messages of the release that is being asked. */
export let msg: Messages = words;

/** Chooses a release's words: those of 6.18, but for what `changed` has. */
export function speak(changed: Partial<Messages>): void {
  msg = Object.keys(changed).length === 0 ? words : { ...words, ...changed };
}
