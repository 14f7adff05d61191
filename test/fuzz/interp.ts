/**
 * Random instructions in the interpreter, unverified: it must end each program within its budget, as done or as a fault, and
 * touch nothing but what the program may touch.
 */
import { KERNEL_BASE_HI, M_FEATURES, MACHINE } from '../../assembly/layout.ts';
import type { RunOutcome } from '../../src/engine/engine.ts';
import { InputError, NotSupported } from '../../src/errors.ts';
import { Random } from '../../src/random.ts';
import { encodeInsns, ldImm64, op } from '../../src/uapi/asm.ts';
import { type InsnFields, type InsnRow, insnRows } from '../../src/uapi/insn.ts';
import { createBench, nothing } from '../conformance/machine.ts';

const BUFFER = 64;
const BUDGET = 3000;

/** Kfuncs that trust nothing but the size of what they get; release is not among them: it trusts that it gets a mask. */
const KFUNCS = [
  'bpf_cpumask_create',
  'bpf_cpumask_weight',
  'bpf_cpumask_set_cpu',
  'bpf_cpumask_or',
  'bpf_cpumask_populate',
];

export interface InterpFuzzStats {
  readonly programs: number;
  readonly instructions: number;
  readonly exited: number;
  /** How often each kind of fault ended a program. */
  readonly faults: Readonly<Record<string, number>>;
  /** First problems: seed and what went wrong. */
  readonly failures: readonly { readonly seed: number; readonly error: string }[];
}

/** An instruction that makes sense by itself: existing registers, near jumps, small offsets. */
function sensible(random: Random, length: number, i: number): InsnFields[] {
  const row: InsnRow = random.pick(insnRows);
  const base = random.pick([1, 10, 6, random.below(11)]);
  const fields = {
    dst: random.below(10),
    src: random.below(11),
    off: 0,
    imm: random.pick([0, 1, -1, 7, 64, 0x7fffffff]),
  };
  const near = random.below(length) - i;
  switch (row.form) {
    case 'imm64': {
      const inBuffer = BigInt(KERNEL_BASE_HI) << 32n;
      return ldImm64(
        fields.dst,
        random.pick([0n, 1n, inBuffer, inBuffer | BigInt(MACHINE)]),
        random.pick([0, 0, 0, 4]),
      );
    }
    case 'load':
    case 'acquire':
      return [op(row.op, { dst: fields.dst, src: base, off: random.below(80) - (base === 10 ? 80 : 8) })];
    case 'store':
    case 'storeImm':
    case 'atomic':
    case 'release':
      return [
        op(row.op, { ...fields, dst: base, off: (random.below(20) - (base === 10 ? 20 : 2)) * random.pick([4, 8]) }),
      ];
    case 'call':
      if (row.op === 'call_local') return [{ ...op(row.op), imm: near }];
      if (row.op === 'call_helper') return [op(row.op, { imm: 181 })];
      return [op(row.op, { imm: 1 + random.below(KFUNCS.length) })];
    case 'ja':
      return [row.op === 'gotol' ? op(row.op, { imm: near }) : op(row.op, { off: near })];
    case 'jmp':
    case 'mayGoto':
      return [op(row.op, { ...fields, off: near })];
    default:
      return [op(row.op, fields)];
  }
}

function makeProgram(random: Random): Uint8Array {
  const length = 1 + random.below(40);
  if (random.below(4) === 0) return Uint8Array.from({ length: length * 8 }, () => random.below(256));
  const insns: InsnFields[] = [];
  while (insns.length < length) insns.push(...sensible(random, length, insns.length));
  if (random.below(4) !== 0) insns.push(op('exit'));
  return encodeInsns(insns);
}

/** Runs programs `seed`.. . */
export function fuzzInterp(seed: number, programs: number): InterpFuzzStats {
  const bench = createBench(BUFFER);
  const { memory } = bench;
  const environment = { ...nothing, kfunc: (id: number) => KFUNCS[id - 1] };
  const guarded = () => String(memory.read(MACHINE, M_FEATURES - MACHINE));
  const before = guarded();
  const faults: Record<string, number> = {};
  const failures: { seed: number; error: string }[] = [];
  let instructions = 0;
  let exited = 0;
  const one = (number: number): RunOutcome | null => {
    const random = new Random(number);
    try {
      const program = bench.load(makeProgram(random), { environment });
      const outcome = program.run({ args: [bench.address, BigInt(BUFFER)], budget: BUDGET });
      program.dispose();
      return outcome;
    } catch (error) {
      if (error instanceof NotSupported || error instanceof InputError) return null;
      throw error;
    }
  };
  for (let number = seed; number < seed + programs && failures.length < 5; number++) {
    try {
      const outcome = one(number);
      if (!outcome) continue;
      instructions += outcome.insns;
      const { fault } = outcome;
      if (!fault) exited++;
      else faults[fault.kind] = (faults[fault.kind] ?? 0) + 1;
      if (outcome.insns > BUDGET) failures.push({ seed: number, error: `${outcome.insns} instructions` });
      if (fault?.kind === 'trap') failures.push({ seed: number, error: `trap: ${fault.detail}` });
      if (guarded() !== before) failures.push({ seed: number, error: 'struct machine changed' });
      if (number % 512 === 0) for (const object of memory.objects()) if (object.size < 0) throw new Error('heap');
    } catch (error) {
      failures.push({ seed: number, error: error instanceof Error ? (error.stack ?? error.message) : String(error) });
    }
  }
  return { programs, instructions, exited, faults, failures };
}
