import { coreCases } from './core.ts';
import { fuzzedCases } from './fuzzed.ts';
import { helperMemCases } from './helper_mem.ts';
import { memoryCases } from './memory.ts';
import { scalarCases } from './scalars.ts';
import { swapCases } from './swap.ts';

/** All cases, for the oracle. */
export const allCases = [...coreCases, ...fuzzedCases, ...memoryCases, ...scalarCases, ...swapCases, ...helperMemCases];
