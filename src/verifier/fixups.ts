/**
 * What an accepted program needs to be told of its instructions before it runs: the marks that the kernel turns into rewritten
 * instructions (convert_ctx_accesses, do_misc_fixups, dead code removal). Instructions keep their numbers here, so that engines
 * and debuggers speak of the same program.
 */
import {
  MEM_ALLOC,
  MEM_RDONLY,
  PTR_TO_ARENA,
  PTR_TO_BTF_ID,
  PTR_TO_CTX,
  PTR_TO_MEM,
  PTR_UNTRUSTED,
} from '../kernel/bpf/bpf.ts';
import { BPF_LDX, classOf } from '../uapi/insn.ts';
import type { Env } from './env.ts';
import { SEEN } from './insn_aux.ts';

export interface Fixups {
  /** Loads that read 0 where there is no memory (BPF_PROBE_MEM). */
  readonly probes: ReadonlySet<number>;
  /** Loads and stores inside an arena (BPF_PROBE_MEM32). */
  readonly arena: ReadonlySet<number>;
  /** Loads and stores of the context, whose fields the kernel maps to its own objects. */
  readonly context: ReadonlySet<number>;
  /** 1 for instructions that some path reaches; the others are dead code, which the kernel removes. */
  readonly reached: Uint8Array;
  /** First instruction of the exception callback; null: bpf_throw ends the program with its argument. */
  readonly exceptionCallback: number | null;
  /** Calls of bpf_obj_new and its kin: the local type they work on, by instruction. */
  readonly localTypes: ReadonlyMap<number, LocalTypeUse>;
  /** Lookups and updates whose map is the same on all paths: index in KernelProgram.maps, by instruction. */
  readonly maps: ReadonlyMap<number, number>;
  /** Bytes of the context that it looks at: a syscall program has to be given so many. */
  readonly ctxSize: number;
  /** Bytes of stack of each function, by its first instruction. */
  readonly stackDepths: ReadonlyMap<number, number>;
}

export interface LocalTypeUse {
  /** Struct in the program's BTF; 0: one without special fields. */
  readonly typeId: number;
  /** Bytes to allocate; 0 for calls that allocate nothing. */
  readonly size: number;
  /** Offset of the node that is inserted (list and tree kfuncs). */
  readonly nodeOff: number;
}

/** Pointers whose target may be gone or never was. */
const PROBED = new Set([
  PTR_TO_BTF_ID,
  PTR_TO_BTF_ID | PTR_UNTRUSTED,
  PTR_TO_BTF_ID | MEM_ALLOC | PTR_UNTRUSTED,
  PTR_TO_MEM | MEM_RDONLY | PTR_UNTRUSTED,
]);

/** Collects the marks that an accepted verification left. */
export function collectFixups(env: Env): Fixups {
  const probes = new Set<number>();
  const arena = new Set<number>();
  const context = new Set<number>();
  const reached = new Uint8Array(env.insns.length);
  const localTypes = new Map<number, LocalTypeUse>();
  const maps = new Map<number, number>();
  for (let i = 0; i < reached.length; i++) {
    if (!env.aux.has(i, SEEN)) continue;
    reached[i] = 1;
    const ptrType = env.aux.ptrType[i] as number;
    if (ptrType === PTR_TO_CTX) context.add(i);
    else if (ptrType === PTR_TO_ARENA) arena.add(i);
    else if (PROBED.has(ptrType) && classOf(env.insns.code[i] as number) === BPF_LDX) probes.add(i);
    const aux = env.aux.find(i);
    if (!aux) continue;
    if (aux.objNewSize || aux.insertOff || aux.kptrStructId) {
      localTypes.set(i, { typeId: aux.kptrStructId, size: aux.objNewSize, nodeOff: aux.insertOff });
    }
    if (aux.mapPtr && aux.mapPtr !== 'poison') maps.set(i, aux.mapPtr.index);
  }
  const callback = env.exceptionCallbackSubprog;
  return {
    probes,
    arena,
    context,
    reached,
    exceptionCallback: callback ? env.subprog(callback).start : null,
    localTypes,
    maps,
    ctxSize: env.maxCtxOffset,
    stackDepths: new Map(env.subprogs.slice(0, env.subprogCnt).map(({ start, stackDepth }) => [start, stackDepth])),
  };
}
