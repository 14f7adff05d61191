/** What a comparison of packet pointers says of their range (try_match_pkt_pointers). */
import type { Env, Insn } from './env.ts';
import type { RegState, VerifierState } from './types.ts';

/** Marks ranges in both branches; false when the comparison is none of packet pointers. */
export function tryMatchPktPointers(
  _env: Env,
  _insn: Insn,
  _dst: RegState,
  _src: RegState,
  _thisBranch: VerifierState,
  _otherBranch: VerifierState,
): boolean {
  return false;
}
