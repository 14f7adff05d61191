/** The verifier: `initRange` once with dist/verifier.wasm, then `verify`. */
export { initRange } from './range.ts';
export type { Verdict, VerdictStats } from './verdict.ts';
export { verify } from './verify.ts';
