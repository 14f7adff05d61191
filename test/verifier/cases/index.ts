import { coreCases } from './core.ts';
import { fuzzedCases } from './fuzzed.ts';
import { helperMemCases } from './helper_mem.ts';
import { memoryCases } from './memory.ts';
import { scalarCases } from './scalars.ts';
import { swapCases } from './swap.ts';
import { wordsAttachCases } from './words_attach.ts';
import { wordsCallCases } from './words_calls.ts';
import { wordsCoreCases } from './words_core.ts';
import { wordsMoreCases } from './words_more.ts';

/** All cases, for the oracle. */
export const allCases = [
  ...coreCases,
  ...fuzzedCases,
  ...memoryCases,
  ...scalarCases,
  ...swapCases,
  ...helperMemCases,
  ...wordsCoreCases,
  ...wordsCallCases,
  ...wordsAttachCases,
  ...wordsMoreCases,
];
