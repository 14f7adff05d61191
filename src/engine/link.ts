/**
 * Puts a program into simulated memory as the interpreter runs it: instructions taken apart, jumps as distances, maps and
 * variables as addresses, calls as numbers of what the machine has (assembly/kernel/bpf/prog_layout.ts).
 */
import * as layout from '../../assembly/kernel/bpf/prog_layout.ts';
import { ALLOC_PROG, SHADOW_REDZONE } from '../../assembly/layout.ts';
import { NotSupported } from '../errors.ts';
import type { KernelMemory } from '../kernel/memory.ts';
import { BPF_REG_FP, type InsnRow, Insns, type Op, rowOf } from '../uapi/insn.ts';
import type { LinkEnvironment, LoadedProgram } from './engine.ts';
import { opNumber } from './ops.ts';

const { INSN_STRIDE } = layout;
const INVALID = opNumber('invalid');

/** A call as the interpreter makes it. */
export type LinkedCall =
  /** Through the generated table, or as the function of that name; `args`: five ARG_ words (args.ts). */
  | { readonly run: 'call'; readonly id: number; readonly name: string; readonly args?: () => readonly number[] }
  /** By the engine itself: ENGINE_ code. */
  | { readonly run: 'engine'; readonly id: number; readonly args?: () => readonly number[] }
  /** It cannot be made; `feature` names it, null when the program says itself that there is nothing to call. */
  | { readonly run: 'none'; readonly feature: string | null };

/** What `call imm` (with `off`) of a program calls; `op` is call_helper or call_kfunc. */
export type CallResolver = (
  op: Op,
  imm: number,
  off: number,
  environment: LinkEnvironment,
  memory: KernelMemory,
) => LinkedCall;

/** One linked instruction before it is written. */
interface Linked {
  op: number;
  flags: number;
  off: number;
  imm: bigint;
}

interface Linker {
  readonly memory: KernelMemory;
  readonly program: LoadedProgram;
  readonly insns: Insns;
  readonly callOf: CallResolver;
  /** Specs of checked calls in memory, by content. */
  readonly specs: Map<string, number>;
  /** Offset of the first linked instruction. */
  readonly base: number;
}

/** Bytes from instruction `i` to the one `distance` behind the next; the end of the program for what lies outside. */
function jump(linker: Linker, i: number, distance: number): number {
  const target = i + 1 + distance;
  const inside = target >= 0 && target < linker.insns.length;
  return ((inside ? target : linker.insns.length) - i) * INSN_STRIDE;
}

function byFd({ insns, program }: Linker, i: number): bigint {
  const { fd } = program.environment;
  if (!fd) throw new NotSupported('maps by file descriptor');
  return fd(insns.imm[i] as number);
}

/** Value of a ld_imm64 by what its src register says it is. */
const constants: Readonly<Record<number, (linker: Linker, i: number) => bigint>> = {
  0: ({ insns }, i) => insns.imm64(i),
  1: byFd,
  2: byFd,
  3: ({ insns, program }, i) => {
    const id = insns.imm[i] as number;
    const address = program.environment.ksym(id);
    if (address === undefined) throw new NotSupported(`kernel variable with BTF id ${id}`);
    return address;
  },
  4: ({ insns, memory, base }, i) => memory.address(base + (i + 1 + (insns.imm[i] as number)) * INSN_STRIDE),
  5: ({ insns, memory, program }, i) => memory.address(program.environment.map(insns.imm[i] as number)),
  6: ({ insns, memory, program }, i) =>
    memory.address(program.environment.mapValue(insns.imm[i] as number) + (insns.imm[i + 1] as number)),
};

/** Offset of the specs in memory; equal ones share a place. */
function argSpecs({ memory, specs }: Linker, args: readonly number[]): number {
  const key = args.join();
  const known = specs.get(key);
  if (known !== undefined) return known;
  const at = memory.kmalloc(layout.ARG_SPECS_SIZE, ALLOC_PROG);
  args.forEach((spec, i) => {
    memory.setU32(at + 4 * i, spec);
  });
  specs.set(key, at);
  return at;
}

function linkCall(linker: Linker, i: number, row: InsnRow, to: Linked): void {
  const { insns, program } = linker;
  if (row.op === 'call_local') {
    to.off = jump(linker, i, insns.imm[i] as number);
    return;
  }
  const call = linker.callOf(
    row.op,
    insns.imm[i] as number,
    insns.off[i] as number,
    program.environment,
    linker.memory,
  );
  if (call.run === 'none') {
    if (call.feature !== null && program.reached?.[i] !== 0) throw new NotSupported(call.feature);
    to.op = opNumber('call_nothing');
    return;
  }
  to.op = opNumber(call.run === 'engine' ? 'call_engine' : row.op);
  to.imm = BigInt(call.id);
  to.off = 0;
  const args = call.args?.() ?? [];
  if (!args.some((spec) => spec !== 0)) return;
  to.flags |= layout.II_CHECK_ARGS;
  to.off = argSpecs(linker, args);
}

/** II_FLAGS of the forms that access memory, but for the bytes. */
const ACCESSES: Partial<Record<InsnRow['form'], number>> = {
  load: 0,
  store: layout.II_WRITE,
  storeImm: layout.II_WRITE | layout.II_VALUE_IMM,
  atomic: layout.II_WRITE | layout.II_ATOMIC,
  acquire: layout.II_ATOMIC,
  release: layout.II_WRITE | layout.II_ATOMIC,
};

function flagsOf({ form, bits, signed }: InsnRow): number {
  const access = ACCESSES[form];
  if (access === undefined) return 0;
  return access | ((bits >> 3) << layout.II_BYTES) | (signed ? layout.II_SIGNED : 0);
}

/** What a form does beyond registers and imm. */
const forms: Partial<Record<InsnRow['form'], (linker: Linker, i: number, row: InsnRow, to: Linked) => void>> = {
  imm64: (linker, i, row, to) => {
    to.imm = (constants[row.src ?? 0] as (typeof constants)[0])?.(linker, i) ?? 0n;
  },
  ja: (linker, i, row, to) => {
    to.off = jump(linker, i, (row.op === 'gotol' ? linker.insns.imm[i] : linker.insns.off[i]) as number);
  },
  jmp: (linker, i, _row, to) => {
    to.off = jump(linker, i, linker.insns.off[i] as number);
  },
  mayGoto: (linker, i, _row, to) => {
    to.off = jump(linker, i, linker.insns.off[i] as number);
  },
  load: ({ program }, i, _row, to) => {
    if (program.probes?.has(i)) to.flags |= layout.II_PROBE;
  },
  call: linkCall,
};

function linkInsn(linker: Linker, i: number): Linked {
  const { insns } = linker;
  const none: Linked = { op: INVALID, flags: 0, off: 0, imm: 0n };
  const row = rowOf(insns, i);
  if (!row || (insns.dst[i] as number) > BPF_REG_FP) return none;
  if ((row.src === undefined && (insns.src[i] as number) > BPF_REG_FP) || row.form === 'percpu') return none;
  if (row.form === 'imm64' && i + 1 >= insns.length) return none;
  const off = insns.off[i] as number;
  const linked: Linked = { op: opNumber(row.op), flags: flagsOf(row), off, imm: BigInt(insns.imm[i] as number) };
  forms[row.form]?.(linker, i, row, linked);
  return linked;
}

/** A program in memory. */
export interface LinkedProgram {
  /** Offset of struct bpf_prog. */
  readonly prog: number;
  /** Offset of the first linked instruction; BPF_PSEUDO_FUNC addresses point among them. */
  readonly insns: number;
  dispose(): void;
}

function writeContext(memory: KernelMemory, rows: NonNullable<LoadedProgram['context']>): number {
  const table = memory.kmalloc(layout.CT_ROWS + rows.length * layout.CT_ROW_SIZE, ALLOC_PROG);
  memory.setU32(table + layout.CT_COUNT, rows.length);
  rows.forEach(({ off, size, hidden }, i) => {
    const row = table + layout.CT_ROWS + i * layout.CT_ROW_SIZE;
    for (const [j, word] of [off, size, hidden].entries()) memory.setU32(row + j * 4, word);
  });
  return table;
}

/** A struct bpf_prog with what any engine says of a program; programs cannot access it. */
export function createProg(memory: KernelMemory, program: LoadedProgram): number {
  const prog = memory.kmalloc(layout.BP_SIZE, ALLOC_PROG);
  memory.setU32(prog + layout.BP_ID, program.id);
  memory.setU32(prog + layout.BP_LOCAL_TYPES, program.localTypes ?? 0);
  memory.setU32(prog + layout.BP_SLEEPABLE, program.sleepable ? 1 : 0);
  memory.dv().setBigUint64(prog + layout.BP_COOKIE, program.cookie ?? 0n, true);
  memory.dv().setBigUint64(prog + layout.BP_FUNC_IP, program.funcIp ?? 0n, true);
  memory.exports.kasan_poison(prog, layout.BP_SIZE, SHADOW_REDZONE);
  return prog;
}

/** Links a program. Throws NotSupported, by name, for what the machine cannot do. */
export function link(memory: KernelMemory, program: LoadedProgram, callOf: CallResolver): LinkedProgram {
  const insns = new Insns(program.insns);
  const bytes = (insns.length + 1) * INSN_STRIDE;
  const base = memory.kmalloc(bytes, ALLOC_PROG);
  const linker: Linker = { memory, program, insns, callOf, specs: new Map(), base };
  const linked: Linked[] = [];
  for (let i = 0; i < insns.length; i++) {
    linked.push(linkInsn(linker, i));
    if (insns.code[i] === 0x18 && i + 1 < insns.length) {
      linked.push({ op: INVALID, flags: 0, off: 0, imm: 0n });
      i++;
    }
  }
  const dv = memory.dv();
  linked.forEach(({ op, flags, off, imm }, i) => {
    const at = base + i * INSN_STRIDE;
    dv.setUint8(at + layout.II_OP, op);
    dv.setUint8(at + layout.II_DST, (insns.dst[i] as number) * 8);
    dv.setUint8(at + layout.II_SRC, (insns.src[i] as number) * 8);
    dv.setUint8(at + layout.II_FLAGS, flags);
    dv.setInt32(at + layout.II_OFF, off, true);
    dv.setBigInt64(at + layout.II_IMM, BigInt.asIntN(64, imm), true);
  });
  dv.setUint8(base + insns.length * INSN_STRIDE + layout.II_OP, opNumber('past_end'));

  const callback = program.exceptionCallback ?? null;
  const table = program.context ? writeContext(memory, program.context) : 0;
  const prog = createProg(memory, program);
  const words: readonly (readonly [number, number])[] = [
    [layout.BP_LEN, insns.length],
    [layout.BP_INSNS, base],
    [layout.BP_EXCEPTION_CB, callback === null ? 0 : base + callback * INSN_STRIDE],
    [layout.BP_CTX_TABLE, table],
  ];
  for (const [field, value] of words) memory.setU32(prog + field, value);
  memory.exports.kasan_poison(base, bytes, SHADOW_REDZONE);
  return {
    prog,
    insns: base,
    dispose() {
      for (const object of [base, prog, ...linker.specs.values()]) memory.kfree(object);
      if (table) memory.kfree(table);
    },
  };
}
