/**
 * The outcomes that are thrown. The other two are values: a negative errno or u32 from the simulated kernel ABI, and a
 * Verdict (verifier/verdict.ts). The command line maps each to its exit status; nothing prints a stack trace to a user.
 */

/** The user's file or option is bad: says which, where, and what would be right. Exit status 2. */
export class InputError extends Error {
  override readonly name = 'InputError';
  /**
   * @param what - the file, option or argument at fault
   * @param where - a file offset ("offset 0x40"), section or option name; empty when `what` says it all
   * @param problem - one line: what is wrong and what would be right
   */
  constructor(
    readonly what: string,
    readonly where: string,
    readonly problem: string,
  ) {
    super(where ? `${what}: ${where}: ${problem}` : `${what}: ${problem}`);
  }
}

/** Valid input that this product cannot handle yet; `feature` names it. Exit status 3. */
export class NotSupported extends Error {
  override readonly name = 'NotSupported';
  constructor(readonly feature: string) {
    super(`not supported yet: ${feature}`);
  }
}

/** Our own bug. Exit status 70. */
export class InvariantError extends Error {
  override readonly name = 'InvariantError';
}

/** Fails as our own bug unless `condition` holds. */
export function invariant(condition: unknown, message: string): asserts condition {
  if (!condition) throw new InvariantError(message);
}

export const EXIT = { ok: 0, failed: 1, usage: 2, notSupported: 3, bug: 70 } as const;
