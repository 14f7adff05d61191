/**
 * What a call may do with the memory that its arguments point to, so that the interpreter can check a call before it is made:
 * the callee itself trusts its arguments, as in the kernel.
 */
import * as layout from '../../assembly/kernel/bpf/prog_layout.ts';
import { M_BPF_CPUMASK_SIZE, M_CPUMASK_SIZE } from '../../assembly/layout.ts';
import * as bpf from '../kernel/bpf/bpf.ts';
import { FUNC_PROTOS, type FuncProto, helperById } from '../kernel/bpf/helpers/index.ts';
import { kfuncRow } from '../kernel/bpf/kfuncs/index.ts';
import type { KernelMemory } from '../kernel/memory.ts';

/** Five ARG_ words of prog_layout.ts, by argument; 0: not looked at. */
export type ArgSpecs = readonly number[];

const READ_SIZES: Readonly<Record<number, number>> = {
  [bpf.ARG_CONST_MAP_PTR]: layout.ARG_MAP,
  [bpf.ARG_PTR_TO_MAP_KEY]: layout.ARG_MAP_KEY,
  [bpf.ARG_PTR_TO_MAP_VALUE]: layout.ARG_MAP_VALUE,
  [bpf.ARG_PTR_TO_SPIN_LOCK]: 4,
  [bpf.ARG_PTR_TO_TIMER]: 16,
  [bpf.ARG_KPTR_XCHG_DEST]: 8,
  [bpf.ARG_PTR_TO_DYNPTR]: 16,
  [bpf.ARG_PTR_TO_CONST_STR]: 1,
};

function isSize(type: number | undefined): boolean {
  const base = bpf.baseType(type ?? 0);
  return base === bpf.ARG_CONST_SIZE || base === bpf.ARG_CONST_SIZE_OR_ZERO;
}

function helperArg(proto: FuncProto, i: number): number {
  const type = proto.args[i] ?? 0;
  const base = bpf.baseType(type);
  const flags = type & bpf.PTR_MAYBE_NULL ? layout.ARG_MAYBE_NULL : 0;
  const write = type & (bpf.MEM_WRITE | bpf.MEM_UNINIT) ? layout.ARG_WRITE : 0;
  // Keys and values belong to the map in argument 1; a map elsewhere says nothing of them.
  const ofMap = base === bpf.ARG_PTR_TO_MAP_KEY || base === bpf.ARG_PTR_TO_MAP_VALUE;
  if (ofMap && bpf.baseType(proto.args[0] ?? 0) !== bpf.ARG_CONST_MAP_PTR) return 0;
  if (base === bpf.ARG_PTR_TO_MEM) {
    const size = proto.argSizes[i + 1] ?? (isSize(proto.args[i + 1]) ? layout.ARG_SIZE_FROM_NEXT : 0);
    return size === 0 ? 0 : (size | flags | write) >>> 0;
  }
  const size = READ_SIZES[base] ?? 0;
  return size === 0 ? 0 : (size | flags | (ofMap ? write : 0)) >>> 0;
}

/** Checks of a helper's arguments. */
export function helperArgs(id: number): ArgSpecs {
  const name = helperById(id)?.name.slice('bpf_'.length) ?? '';
  const proto = (FUNC_PROTOS as Readonly<Record<string, FuncProto | undefined>>)[name];
  return proto ? [0, 1, 2, 3, 4].map((i) => helperArg(proto, i)) : [];
}

/** Fields of struct machine that tell the size of a kernel type. */
const MACHINE_SIZES: Readonly<Record<string, number>> = {
  cpumask: M_CPUMASK_SIZE,
  bpf_cpumask: M_BPF_CPUMASK_SIZE,
};
/** Sizes that are the ABI. */
const FIXED_SIZES: Readonly<Record<string, number>> = { bpf_iter_num: 8, bpf_iter_bits: 16, bpf_dynptr: 16 };

/** Checks of a kfunc's arguments, from its prototype: `int (struct cpumask *cpumask, void *src, size_t src__sz)`. */
export function kfuncArgs(memory: KernelMemory, id: number): ArgSpecs {
  const [, list = ''] = /\((.*)\)$/.exec(kfuncRow(id).proto) ?? [];
  const params = list.split(',').map((param) => param.trim());
  return params.map((param, i) => {
    const [, type = '', stars = '', name = ''] = /^(.*?)\s*(\**)(\w+)$/.exec(param) ?? [];
    if (stars !== '*' || name.endsWith('__ign')) return 0;
    const flags = name.endsWith('__nullable') || name.endsWith('__opt') ? layout.ARG_MAYBE_NULL : 0;
    if (/__szk?$/.test(params[i + 1] ?? '')) return (layout.ARG_SIZE_FROM_NEXT | flags) >>> 0;
    const struct = /struct (\w+)$/.exec(type)?.[1] ?? '';
    const field = MACHINE_SIZES[struct];
    const size = field === undefined ? (FIXED_SIZES[struct] ?? 0) : memory.u32At(field);
    return size === 0 ? 0 : (size | flags) >>> 0;
  });
}
