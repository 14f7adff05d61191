/**
 * Calls that are so short, and so frequent, that their code takes the place of the call: one row each. What the machine is made of
 * (nr_cpu_ids, the words of a mask) is known when a program is compiled. A row computes what the function of that name in
 * assembly/ computes; where it cannot, it gives false and the call is made.
 */
import { M_NR_CPU_IDS, PC_CPU } from '../../../assembly/layout.ts';
import type { FunctionEmitter } from './emitter.ts';
import { I32, OP } from './opcodes.ts';

/** Emits the call at instruction `i`: arguments are in r1.., the result goes into r0. */
type Inline = (f: FunctionEmitter, i: number) => boolean;

const nrCpuIds = (f: FunctionEmitter): number => f.context.memory.u32At(M_NR_CPU_IDS);

/** Pushes the offset of the word of mask `register` that the CPU in `cpu` is in; a word has 32 bits here. */
function wordOf(f: FunctionEmitter, cpu: number, register: number): void {
  const { code } = f;
  f.get32(register);
  code.get(cpu).i32(5).op(OP['i32.shr_u']).i32(2).op(OP['i32.shl']).op(OP['i32.add']);
}

/** bool bpf_cpumask_test_cpu(u32 cpu, const struct cpumask *cpumask) */
const testCpu: Inline = (f) => {
  const { code } = f;
  const cpu = f.take(I32);
  f.get32(1).tee(cpu).i32(nrCpuIds(f)).op(OP['i32.lt_u']).open(OP.if, I32);
  wordOf(f, cpu, 2);
  code.memory(OP['i32.load'], 2).get(cpu).op(OP['i32.shr_u']).i32(1).op(OP['i32.and']);
  code.else().i32(0).end();
  f.set32(0);
  f.release(I32, cpu);
  return true;
};

export const INLINED: Readonly<Record<string, Inline>> = {
  bpf_cpumask_test_cpu: testCpu,
  bpf_get_smp_processor_id: (f) => {
    f.code.globalGet(0).memory(OP['i32.load'], 2, PC_CPU);
    f.set32(0);
    return true;
  },
};
