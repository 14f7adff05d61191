/** Fault injection: which allocations of bpf_mem_alloc (masks, bpf_obj_new, map elements) give NULL. */
import * as layout from '../../assembly/layout.ts';
import { InputError } from '../errors.ts';
import type { KernelMemory } from './memory.ts';

export interface FaultPlan {
  /** The allocation that fails, counted from now: 1 is the next. */
  readonly nth?: number;
  /** Share of allocations that fail, 0 to 1, drawn from the machine's seed. */
  readonly rate?: number;
  /** Only allocations of this ALLOC_ tag count; all when absent. */
  readonly tag?: number;
}

export interface Faults {
  /** Replaces the plan; `{}` injects nothing. */
  plan(plan: FaultPlan): void;
  /** Allocations asked for that the plan's tag covers. */
  readonly calls: number;
  /** Those of them that were refused. */
  readonly failed: number;
}

export function createFaults(memory: KernelMemory): Faults {
  return {
    plan({ nth = 0, rate = 0, tag = 0 }) {
      if (!Number.isInteger(nth) || nth < 0 || nth > 0xffffffff) {
        throw new InputError(`${nth}`, 'nth', 'give the number of the allocation that fails, 1 for the next');
      }
      if (!(rate >= 0 && rate <= 1)) throw new InputError(`${rate}`, 'rate', 'give a share from 0 to 1');
      memory.setU32(layout.M_FAIL_TAG, tag);
      memory.setU32(layout.M_FAIL_RATE, Math.min(Math.round(rate * 2 ** 32), 0xffffffff));
      memory.setU32(layout.M_FAIL_NTH, nth);
    },
    get calls() {
      return memory.u32At(layout.M_ALLOC_CALLS);
    },
    get failed() {
      return memory.u32At(layout.M_ALLOC_FAILED);
    },
  };
}
