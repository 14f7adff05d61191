/**
 * Fault injection: what the kernel asks for on behalf of a program, and can be made to be refused though it could be had. A row
 * each; assembly asks should_fail (assembly/lib/fault_inject.ts) where it asks for it.
 */
import * as layout from '../../assembly/layout.ts';
import { InputError } from '../errors.ts';
import type { KernelMemory } from './memory.ts';

interface FailureRow {
  /** FAIL_ number of assembly/layout.ts. */
  readonly id: number;
  /** What is asked for. */
  readonly what: string;
  /** What the program gets instead. */
  readonly gives: string;
  /** Memory may be out at any moment; room that a map has is there. */
  readonly of: 'memory' | 'room';
}

/** Everything that can fail, by the name that options have for it. */
export const FAILURES = {
  create: { id: layout.FAIL_CREATE, what: 'bpf_cpumask_create', gives: 'NULL', of: 'memory' },
  obj: { id: layout.FAIL_OBJ, what: 'bpf_obj_new', gives: 'NULL', of: 'memory' },
  percpu: { id: layout.FAIL_PERCPU, what: 'bpf_percpu_obj_new', gives: 'NULL', of: 'memory' },
  elem: { id: layout.FAIL_ELEM, what: 'element of a hash that is not preallocated', gives: '-ENOMEM', of: 'memory' },
  lpm: { id: layout.FAIL_LPM, what: 'node of an LPM trie', gives: '-ENOMEM', of: 'memory' },
  storage: { id: layout.FAIL_STORAGE, what: 'task storage', gives: 'NULL', of: 'memory' },
  timer: { id: layout.FAIL_TIMER, what: 'bpf_timer_init, bpf_wq_init', gives: '-ENOMEM', of: 'memory' },
  iter: { id: layout.FAIL_ITER, what: 'bpf_iter_bits_new of several words', gives: '-ENOMEM', of: 'memory' },
  full: {
    id: layout.FAIL_FULL,
    what: 'room in a hash, queue, stack or LPM trie',
    gives: '-E2BIG, LPM trie -ENOSPC',
    of: 'room',
  },
  lru: { id: layout.FAIL_LRU, what: 'free element of an LRU hash', gives: '-ENOMEM', of: 'room' },
  ringbuf: {
    id: layout.FAIL_RINGBUF,
    what: 'record of a ring buffer',
    gives: 'NULL, output -EAGAIN, dynptr -EINVAL',
    of: 'room',
  },
} as const satisfies Readonly<Record<string, FailureRow>>;

/** What can be refused. */
export type FailureKind = keyof typeof FAILURES;

/** The kinds, in the order of the table. */
export const FAILURE_KINDS = Object.keys(FAILURES) as readonly FailureKind[];

/** M_FAIL_KINDS of some kinds. */
function bitsOf(kinds: readonly FailureKind[]): number {
  return kinds.reduce((bits, kind) => bits | (1 << FAILURES[kind].id), 0);
}

/** M_FAIL_KINDS of what may fail whatever maps hold. */
export const MEMORY_FAILURES = bitsOf(FAILURE_KINDS.filter((kind) => FAILURES[kind].of === 'memory'));

/** The kind that was refused last; null when none was. */
export function lastFailure(memory: KernelMemory): FailureKind | null {
  const id = memory.u32At(layout.M_FAIL_LAST);
  return FAILURE_KINDS.find((kind) => FAILURES[kind].id === id) ?? null;
}

export interface FaultPlan {
  /** The request that fails, counted from now: 1 is the next. */
  readonly nth?: number;
  /** Share of requests that fail, 0 to 1, drawn from the machine's seed. */
  readonly rate?: number;
  /** Only requests of this kind count: `create`, `elem`, `full`, ...; all when absent. */
  readonly kind?: FailureKind;
}

export interface Faults {
  /** Replaces the plan and counts anew; `{}` injects nothing. */
  plan(plan: FaultPlan): void;
  /** Requests since the plan was made that its kind covers. */
  readonly calls: number;
  /** Those of them that were refused. */
  readonly failed: number;
}

export function createFaults(memory: KernelMemory): Faults {
  return {
    plan({ nth = 0, rate = 0, kind }) {
      if (!Number.isInteger(nth) || nth < 0 || nth > 0xffffffff) {
        throw new InputError(`${nth}`, 'nth', 'give the number of the request that fails, 1 for the next');
      }
      if (!(rate >= 0 && rate <= 1)) throw new InputError(`${rate}`, 'rate', 'give a share from 0 to 1');
      if (kind !== undefined && !Object.hasOwn(FAILURES, kind)) {
        throw new InputError(`${kind}`, 'kind', `give one of ${FAILURE_KINDS.join(', ')}, or none for all`);
      }
      const words: readonly (readonly [number, number])[] = [
        [layout.M_FAIL_KINDS, kind ? bitsOf([kind]) : 0],
        [layout.M_FAIL_RATE, Math.min(Math.round(rate * 2 ** 32), 0xffffffff)],
        [layout.M_ALLOC_CALLS, 0],
        [layout.M_ALLOC_FAILED, 0],
        [layout.M_FAIL_NTH, nth],
      ];
      for (const [field, value] of words) memory.setU32(field, value);
    },
    get calls() {
      return memory.u32At(layout.M_ALLOC_CALLS);
    },
    get failed() {
      return memory.u32At(layout.M_ALLOC_FAILED);
    },
  };
}
