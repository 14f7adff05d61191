import type { Btf } from '../../btf/btf.ts';
import type { KernelMemory } from '../memory.ts';

/** Offset of the table (LTT_) of the types that bpf_obj_new makes of an object's BTF; 0 when it has none with special fields. */
export function localTypeTable(_memory: KernelMemory, _btf: Btf | null, _vmlinux: Btf): number {
  return 0;
}
