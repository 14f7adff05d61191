/**
 * Random control flow, unverified, on both engines: any jump to anywhere, so that loops have several entries, cross each other and
 * never end, and functions call functions. What they compute, and how many instructions that takes, has to be equal.
 */
import { createEngine, ENGINE_NAMES } from '../../src/engine/engines.ts';
import { NotSupported } from '../../src/errors.ts';
import { Random } from '../../src/random.ts';
import { encodeInsns, op } from '../../src/uapi/asm.ts';
import { formatInsn, type InsnFields, Insns, insnRows } from '../../src/uapi/insn.ts';
import { createMemory, nothing } from '../conformance/machine.ts';

const BUDGET = 5000;
const PLAIN = insnRows.filter(({ form }) => ['alu', 'neg', 'end', 'movsx'].includes(form));
const JUMPS = insnRows.filter(({ form }) => form === 'jmp');

export interface FlowFuzzStats {
  readonly exited: number;
  readonly stopped: number;
  readonly failures: readonly string[];
}

const IMMEDIATES = [0, 1, -1, 3, 7, 32, 64, 0xff, 0x7fffffff, -0x80000000];

/** An instruction of a function that is `length` long, its first being `start`. */
function instruction(
  random: Random,
  start: number,
  length: number,
  i: number,
  functions: readonly number[],
): InsnFields {
  const target = start + random.below(length) - i - 1;
  const fields = { dst: random.below(10), src: random.below(10), imm: random.pick(IMMEDIATES) };
  switch (random.below(12)) {
    case 0:
    case 1:
    case 2:
    case 3: {
      const row = random.pick(JUMPS);
      const other = row.source === 'imm' ? { imm: fields.imm } : { src: fields.src };
      return op(row.op, { dst: fields.dst, ...other, off: target });
    }
    case 4:
      return random.below(2) ? op('ja', { off: target }) : op('gotol', { imm: target });
    case 5:
      return random.below(4)
        ? op('may_goto', { off: target })
        : { ...op('call_local'), imm: random.pick(functions) - i - 1 };
    case 6:
      return random.below(3) ? op('stx64', { dst: 10, src: fields.src, off: -8 * (1 + random.below(4)) }) : op('exit');
    case 7:
      return op('ldx64', { dst: fields.dst, src: 10, off: -8 * (1 + random.below(4)) });
    default: {
      const row = random.pick(PLAIN);
      const source = row.form === 'alu' && row.source === 'imm' ? { imm: fields.imm } : { src: fields.src };
      return op(row.op, { dst: fields.dst, ...(row.form === 'neg' || row.form === 'end' ? {} : source) });
    }
  }
}

function makeProgram(random: Random): Uint8Array {
  const lengths = Array.from({ length: 1 + random.below(3) }, () => 6 + random.below(30));
  const starts = lengths.map((_, i) => lengths.slice(0, i).reduce((sum, n) => sum + n, 0));
  const insns: InsnFields[] = [];
  lengths.forEach((length, f) => {
    const start = starts[f] as number;
    // Registers that the caller leaves are what the verifier lets nobody read.
    for (const dst of [0, 6, 7, 8, 9]) insns.push(op('mov64_reg', { dst, src: 1 + random.below(5) }));
    while (insns.length < start + length - 1) {
      const insn = instruction(random, start + 5, length - 5, insns.length, starts);
      const calls = insn.code === op('call_local').code;
      if (calls && insns.length + 6 >= start + length) break;
      insns.push(insn);
      // Nobody may read what a call leaves in these.
      if (calls)
        for (let dst = 1; dst <= 5; dst++) insns.push(op('mov64_reg', { dst, src: random.pick([0, 6, 7, 8, 9]) }));
    }
    while (insns.length < start + length - 1) insns.push(op('mov64_imm', { dst: 0, imm: 1 }));
    insns.push(op('exit'));
  });
  return encodeInsns(insns);
}

const listing = (program: Uint8Array): string => {
  const insns = new Insns(program);
  return Array.from({ length: insns.length }, (_, i) => `${i}: ${formatInsn(insns, i)}`).join('\n');
};

/** Runs programs `seed`.. on both engines. */
export function fuzzFlow(seed: number, programs: number): FlowFuzzStats {
  const engines = ENGINE_NAMES.map((name) =>
    createEngine(name, createMemory(), () => ({ run: 'none', feature: null })),
  );
  const failures: string[] = [];
  let [exited, stopped] = [0, 0];
  for (let number = seed; number < seed + programs && failures.length < 3; number++) {
    const random = new Random(number);
    const insns = makeProgram(random);
    const args = Array.from({ length: 5 }, () => BigInt(random.next()) << BigInt(random.below(33)));
    try {
      const [wanted, got] = engines.map((engine) => {
        const runnable = engine.load({ id: 1, name: 'flow', insns, environment: nothing });
        const { r0, insns: count, fault } = runnable.run({ args, budget: BUDGET });
        runnable.dispose();
        // Compiled code looks at the budget only on its way back.
        if (fault?.kind === 'budget' || count > BUDGET) return 'budget';
        return fault?.kind ?? `${r0} after ${count}`;
      });
      if (wanted?.includes('after')) exited++;
      else stopped++;
      if (wanted === got) continue;
      failures.push(`seed ${number}: interp ${wanted}, jit ${got}\n${listing(insns)}`);
    } catch (error) {
      if (error instanceof NotSupported) continue;
      failures.push(`seed ${number}: ${error instanceof Error ? error.stack : error}\n${listing(insns)}`);
    }
  }
  return { exited, stopped, failures };
}
