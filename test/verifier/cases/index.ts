import { memoryCases } from './memory.ts';

/** All cases, for the oracle. */
export const allCases = [...memoryCases];
