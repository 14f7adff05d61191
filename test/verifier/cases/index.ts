import { coreCases } from './core.ts';
import { memoryCases } from './memory.ts';

/** All cases, for the oracle. */
export const allCases = [...coreCases, ...memoryCases];
