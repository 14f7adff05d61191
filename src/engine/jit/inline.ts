/**
 * Calls that are so short, and so frequent, that their code takes the place of the call: one row each. What the machine is made of
 * (nr_cpu_ids, the words of a mask, where an array lies) is known when a program is compiled. A row computes what the function of
 * that name in assembly/ computes; where it cannot, it gives false and the call is made.
 */
import { BM_ELEM_SIZE, BM_MAX_ENTRIES, BM_STORAGE, BM_TYPE } from '../../../assembly/kernel/bpf/map_layout.ts';
import { MAP_ARRAY, MAP_PERCPU_ARRAY } from '../../../assembly/kernel/bpf/map_types.ts';
import { KERNEL_BASE_HI, PC_CPU, PC_RCU_NESTING } from '../../../assembly/layout.ts';
import { constantAt } from './constants.ts';
import type { FunctionEmitter } from './emitter.ts';
import { CPUMASK } from './inline_cpumask.ts';
import type { Inline } from './inline_words.ts';
import { sourceOf } from './known.ts';
import { I32, I64, OP } from './opcodes.ts';

/** The map whose address `register` certainly holds: its offset; 0 when it is not known. */
function knownMap(f: FunctionEmitter, i: number, register: number): number {
  const at = sourceOf(f, i, register);
  if (at === null || f.context.decoded.rows[at]?.form !== 'imm64') return 0;
  const value = constantAt(f, at);
  return value !== null && value >> 32n === BigInt(KERNEL_BASE_HI) ? Number(value & 0xffffffffn) : 0;
}

/** void *bpf_map_lookup_elem(map, key) of an array that the instructions before name. */
const mapLookup: Inline = (f, i) => {
  const { code } = f;
  const { memory } = f.context;
  const map = knownMap(f, i, 1);
  if (map === 0) return false;
  const type = memory.u32At(map + BM_TYPE);
  if (type !== MAP_ARRAY && type !== MAP_PERCPU_ARRAY) return false;
  const [size, entries] = [memory.u32At(map + BM_ELEM_SIZE), memory.u32At(map + BM_MAX_ENTRIES)];
  const index = f.take(I32);
  f.get32(2).memory(OP['i32.load'], 2).tee(index).i32(entries).op(OP['i32.lt_u']).open(OP.if, I64);
  code
    .get(index)
    .i32(size)
    .op(OP['i32.mul'])
    .i32(memory.u32At(map + BM_STORAGE))
    .op(OP['i32.add']);
  if (type === MAP_PERCPU_ARRAY) {
    code
      .globalGet(0)
      .memory(OP['i32.load'], 2, PC_CPU)
      .i32(size * entries)
      .op(OP['i32.mul'])
      .op(OP['i32.add']);
  }
  code.op(OP['i64.extend_i32_u']).i64(0, KERNEL_BASE_HI).op(OP['i64.or']).else().i64(0).end();
  f.set(0);
  f.release(I32, index);
  return true;
};

/** void *bpf_kptr_xchg(field, pointer): memory holds addresses, and so do registers. */
const kptrXchg: Inline = (f) => {
  f.get32(1);
  f.get(2).memory(OP['i64.atomic.rmw.xchg'], 3);
  f.set(0);
  return true;
};

/** int *bpf_iter_num_next(it): counts in the iterator, and gives its address until the end. */
const iterNumNext: Inline = (f) => {
  const { code } = f;
  const next = f.take(I64);
  f.get32(1).memory(OP['i64.load32_s'], 2).i64(1).op(OP['i64.add']).tee(next);
  f.get32(1).memory(OP['i64.load32_s'], 2, 4).op(OP['i64.lt_s']).open(OP.if, I64);
  f.get32(1).get(next).memory(OP['i64.store32'], 2);
  f.get(1).else();
  f.get32(1).i64(0).memory(OP['i64.store'], 3);
  code.i64(0).end();
  f.set(0);
  f.release(I64, next);
  return true;
};

/** A read-side section inside of another one: only its depth changes. */
const nestedSection =
  (outermost: number, step: number): Inline =>
  (f, _, call) => {
    const { code } = f;
    const depth = f.take(I32);
    code.globalGet(0).memory(OP['i32.load'], 2, PC_RCU_NESTING).tee(depth);
    if (outermost === 0) code.op(OP['i32.eqz']);
    else code.i32(outermost).op(OP['i32.le_u']);
    code.open(OP.if);
    call();
    code.else().globalGet(0).get(depth).i32(step).op(OP['i32.add']).memory(OP['i32.store'], 2, PC_RCU_NESTING).end();
    f.release(I32, depth);
    return true;
  };

export const INLINED: Readonly<Record<string, Inline>> = {
  ...CPUMASK,
  bpf_map_lookup_elem: mapLookup,
  bpf_kptr_xchg: kptrXchg,
  bpf_iter_num_next: iterNumNext,
  bpf_rcu_read_lock: nestedSection(0, 1),
  bpf_rcu_read_unlock: nestedSection(1, -1),
  bpf_get_smp_processor_id: (f) => {
    f.code.globalGet(0).memory(OP['i32.load'], 2, PC_CPU);
    f.set32(0);
    return true;
  },
};
