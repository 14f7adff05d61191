/** What engines are told of an accepted program's instructions. */
import type { Fixups } from '../verifier/fixups.ts';
import type { LoadedProgram } from './engine.ts';

type Marks = Pick<LoadedProgram, 'probes' | 'reached' | 'exceptionCallback' | 'contextAccess' | 'stackDepths'>;

/** The verifier's marks, as a program is loaded with them. */
export function marksOf({ probes, reached, exceptionCallback, context, stackDepths }: Fixups): Marks {
  return { probes, reached, exceptionCallback, contextAccess: context, stackDepths };
}
