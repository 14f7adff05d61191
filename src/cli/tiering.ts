/**
 * When V8 optimises. A verification is work for a second at most that goes through hundreds of functions; by its own measure V8
 * optimises so many of them at once that the verifier waits: for its compiler, where CPUs are few, and for code that it throws
 * away again. Functions have to be three times as hot, and grow less by those they call (docs/performance.md has the figures).
 */
const FLAGS = ['--interrupt-budget=200000', '--max-inlined-bytecode-size-cumulative=200'];

/** Measured with the V8 of Node 20; later ones have a compiler in between (Maglev), and count otherwise. */
const MEASURED = /^11\.3\./;

/** Call it when scripts are open: the code that is kept of them is for V8's own flags. */
export function optimizeLater(): void {
  if (!MEASURED.test(process.versions.v8)) return;
  const { setFlagsFromString } = process.getBuiltinModule('node:v8');
  for (const flag of FLAGS) setFlagsFromString(flag);
}
