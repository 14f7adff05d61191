/** Operations on whole masks, which read and write them word by word (assembly/kernel/explore_wide.ts). */
import * as x from '../../assembly/kernel/explore_layout.ts';
import { KFUNCS } from '../kernel/bpf/kfuncs/index.ts';
import type { KfuncRow } from '../kernel/bpf/rows.ts';
import { CpuMask } from '../kernel/cpu_mask.ts';
import type { KernelMemory } from '../kernel/memory.ts';

const SOURCE = 'const struct cpumask *';

/** WIDE_ bits of a kfunc: which masks it reads and writes word by word, from its row. */
function wideOf({ proto, wholeMask: { fills, large, sized } = {} }: KfuncRow): number {
  if (sized) return x.WIDE_WRITES | (x.WIDE_READS << 1) | x.WIDE_SIZED;
  const args = (/\((.*)\)$/.exec(proto)?.[1] ?? '').split(',').map((arg) => arg.trim());
  const sources = args.reduce((bits, arg, i) => (arg.startsWith(SOURCE) ? bits | (x.WIDE_READS << i) : bits), 0);
  const writes = args[0]?.startsWith('struct bpf_cpumask *') && (sources > 0 || fills === true);
  const bits = sources | (writes ? x.WIDE_WRITES : 0) | (large ? x.WIDE_LARGE : 0);
  return args[0]?.startsWith('u32 cpu') ? 0 : bits;
}

/** By kfunc id. */
export const WIDE: readonly number[] = KFUNCS.map(wideOf);

const SOURCES = [0, 1, 2].map((arg) => x.WIDE_READS << arg);

/** An access to one word of a mask. */
export interface MaskAccess {
  readonly writes: boolean;
  readonly word: number;
  /** Words that the operation is about. */
  readonly words: number;
}

/** Access number `nth`, from 1, or the last, of an operation with these WIDE_ bits on masks of so many bits. */
export function maskAccess(wide: number, bits: number, nth: number): MaskAccess {
  const words = Math.ceil(bits / 64);
  const sources = SOURCES.filter((source) => wide & source).length;
  const each = sources + (wide & x.WIDE_WRITES);
  const at = Math.min(nth, words * each) - 1;
  return { writes: at % each === sources, word: Math.floor(at / each), words };
}

/** CPUs whose change by another thread the last step undid; null: none. */
export function lostCpus(memory: KernelMemory): CpuMask | null {
  const [low, high] = [memory.u32At(x.X_LOST), memory.u32At(x.X_LOST + 4)];
  if (low === 0 && high === 0) return null;
  const first = 64 * memory.u32At(x.X_LOST_WORD);
  const cpus = Array.from({ length: 64 }, (_, i) => i).filter((i) => ((i < 32 ? low : high) >>> (i & 31)) & 1);
  return CpuMask.of(...cpus.map((i) => first + i));
}
