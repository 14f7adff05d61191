/** Warnings of the simulated kernel: what a real one would print with WARN, from the ring that the data plane fills. */
import * as layout from '../../assembly/layout.ts';
import type { KernelMemory } from './memory.ts';

export interface KernelWarning {
  /** Number of the warning on this machine, from 0. */
  readonly number: number;
  /** WARN_ kind of assembly/layout.ts. */
  readonly kind: number;
  /** The kernel's words, where it has some. */
  readonly text: string;
  /** CPU that it happened on. */
  readonly cpu: number;
  /** Program id << 20 | instruction; 0: not in a program. */
  readonly site: number;
  /** Arguments of the kind, see WARN_ in assembly/layout.ts. */
  readonly args: readonly [number, number];
}

type Wording = (a: number, b: number) => string;

const NESTINGS: Readonly<Record<number, string>> = {
  [layout.PC_RCU_NESTING]: 'rcu_read_unlock without rcu_read_lock',
  [layout.PC_RCU_TRACE_NESTING]: 'rcu_read_unlock_trace without rcu_read_lock_trace',
  [layout.PC_PREEMPT]: 'preempt_enable without preempt_disable',
  [layout.PC_MIGRATE]: 'migrate_enable without migrate_disable',
  [layout.PC_IRQ_OFF]: 'local_irq_restore without local_irq_save',
};

/** One row a kind. */
const WORDS = new Map<number, Wording>([
  [layout.WARN_REFCOUNT_ADD_OVF, () => 'refcount_t: saturated; leaking memory.'],
  [layout.WARN_REFCOUNT_ADD_UAF, () => 'refcount_t: addition on 0; use-after-free.'],
  [layout.WARN_REFCOUNT_SUB_UAF, () => 'refcount_t: underflow; use-after-free.'],
  [layout.WARN_REFCOUNT_DEC_LEAK, () => 'refcount_t: decrement hit 0; leaking memory.'],
  [layout.WARN_DOUBLE_FREE, (p) => `object at offset 0x${p.toString(16)} was freed twice`],
  [layout.WARN_BAD_FREE, (p) => `offset 0x${p.toString(16)} was freed and is no object`],
  [layout.WARN_UNBALANCED, (nesting) => NESTINGS[nesting] ?? `unbalanced nesting ${nesting}`],
]);

/** Warnings so far. Of more than 512 the oldest are lost. */
export function warningCount(memory: KernelMemory): number {
  return memory.u32At(layout.M_WARNINGS);
}

/** The warnings from number `from` on, as far as the ring still has them. */
export function readWarnings(memory: KernelMemory, from = 0): readonly KernelWarning[] {
  const count = warningCount(memory);
  const warnings: KernelWarning[] = [];
  for (let number = Math.max(from, count - layout.WARNINGS_MAX); number < count; number++) {
    const at = layout.WARNINGS + (number % layout.WARNINGS_MAX) * layout.WARNING_SIZE;
    const [kind, cpu, site, a, b] = [0, 4, 8, 16, 20].map((field) => memory.u32At(at + field)) as [
      number,
      number,
      number,
      number,
      number,
    ];
    const text = WORDS.get(kind)?.(a, b) ?? `warning ${kind}`;
    warnings.push({ number, kind, text, cpu, site, args: [a, b] });
  }
  return warnings;
}
