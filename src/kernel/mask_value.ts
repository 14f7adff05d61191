/** Pointers in map values and globals, as values: CPU masks by what is in them. */
import * as layout from '../../assembly/layout.ts';
import type { Btf } from '../btf/btf.ts';
import type { BtfValue } from '../btf/values.ts';
import { CpuMask } from './cpu_mask.ts';
import type { KernelMemory } from './memory.ts';

/** A kptr to a mask. */
export interface MaskValue {
  readonly type: 'bpf_cpumask';
  /** As the kernel's cpulist prints them; "" is the empty mask. */
  readonly cpus: string;
  readonly refs: number;
}

/** CPUs below nr_cpu_ids of the mask at an offset. */
export function readCpus(memory: KernelMemory, offset: number): CpuMask {
  const nr = memory.nrCpuIds;
  return CpuMask.fromBytes(memory.read(offset, (nr + 7) >> 3)).and(CpuMask.all(nr));
}

/** The struct bpf_cpumask at an offset, if one lives there. */
export function readMask(memory: KernelMemory, offset: number): MaskValue | null {
  if (!isLiveObject(memory, offset) || memory.objectHeader(offset).tag !== layout.ALLOC_BPF_CPUMASK) return null;
  const refs = memory.u32At(offset + memory.u32At(layout.M_BPF_CPUMASK_USAGE));
  return { type: 'bpf_cpumask', cpus: readCpus(memory, offset).toString(), refs };
}

function isLiveObject(memory: KernelMemory, offset: number): boolean {
  const heap = memory.u32At(layout.M_HEAP) + layout.OBJ_HEADER;
  if (offset < heap || offset >= memory.u8().length || offset % 8 !== 0) return false;
  const { state } = memory.objectHeader(offset);
  return state === layout.OBJ_LIVE || state === layout.OBJ_RCU;
}

/** What a pointer's value is: a mask, null, or an address. */
export function maskValue(memory: KernelMemory, btf: Btf, typeId: number, address: bigint): BtfValue {
  if (address === 0n) return null;
  const pointer = btf.type(btf.skipMods(typeId));
  const name = pointer.kind === 'ptr' ? btf.name(btf.skipMods(pointer.type)) : '';
  const inMemory = address >> 32n === BigInt(layout.KERNEL_BASE_HI);
  const mask = inMemory && name.startsWith('bpf_cpumask') ? readMask(memory, memory.offset(address)) : null;
  return mask ? { ...mask } : `0x${address.toString(16)}`;
}
