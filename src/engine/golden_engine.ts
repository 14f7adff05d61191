/** Golden vectors through a BPF program on an engine. */
import { ALLOC_BUFFER } from '../../assembly/layout.ts';
import { InvariantError } from '../errors.ts';
import { KFUNCS } from '../kernel/bpf/kfuncs/index.ts';
import type { KernelMemory } from '../kernel/memory.ts';
import type { Engine, LinkEnvironment } from './engine.ts';
import { GOLDEN_SLOTS, type GoldenOp, type GoldenResult, type GoldenStream, type VectorEngine } from './golden.ts';
import { goldenMachines } from './golden_machine.ts';
import { goldenOp, lifeOf, type Operands, operandsOf, RELEASE_ALL, resultOf, wordsAt } from './golden_ops.ts';
import { CONTEXT_SIZE, goldenProgram, OP_SIZE, RESULT_HEADER, SHOWS } from './golden_program.ts';

const environment: LinkEnvironment = {
  map: () => 0,
  mapValue: () => 0,
  kfunc: (btfId) => KFUNCS[btfId - 1]?.name,
  ksym: () => undefined,
};
const insns = () => goldenProgram({ kfuncs: Object.fromEntries(KFUNCS.map(({ name }, i) => [name, i + 1])) });

/** Where everything of a stream lies; offsets. */
interface Place {
  readonly ops: number;
  readonly results: number;
  readonly slots: number;
  readonly context: number;
  readonly stride: number;
  readonly words: number;
  readonly blocks: readonly number[];
}

/** The operand's bytes in memory, `offset` bytes from an 8-byte boundary; what lies around them is not zero. */
function putSource(memory: KernelMemory, { bytes, size, offset }: Operands): { source: number; block: number } {
  const total = size + offset + 16;
  const block = memory.kmalloc(total, ALLOC_BUFFER);
  memory.u8().fill(0xee, block, block + total);
  memory.write(block + offset, bytes);
  return { source: block + offset, block };
}

function writeOp(memory: KernelMemory, at: number, op: GoldenOp, blocks: number[]): void {
  const row = goldenOp(op[0]);
  const operands = operandsOf(row, op);
  memory.setU32(at, row.kind);
  operands.slots.forEach((slot, i) => {
    memory.setU32(at + 4 + 4 * i, slot);
  });
  memory.setU32(at + 16, operands.cpu);
  if (!row.args.includes('src')) return;
  const { source, block } = putSource(memory, operands);
  blocks.push(block);
  memory.setU32(at + 20, operands.size);
  memory.dv().setBigUint64(at + 24, memory.address(source), true);
}

function place(memory: KernelMemory, stream: GoldenStream): Place {
  const words = Math.ceil(stream.nrCpus / 64);
  const all = [...stream.ops, ...RELEASE_ALL];
  const count = all.length;
  const stride = RESULT_HEADER + Math.max(words * 8, GOLDEN_SLOTS * 16);
  const [ops = 0, results = 0, slots = 0, context = 0] = [
    count * OP_SIZE,
    count * stride,
    GOLDEN_SLOTS * 8,
    CONTEXT_SIZE,
  ].map((size) => memory.kmalloc(size, ALLOC_BUFFER));
  const blocks = [ops, results, slots, context];
  all.forEach((op, i) => {
    writeOp(memory, ops + i * OP_SIZE, op, blocks);
  });
  const address = (offset: number) => memory.address(offset);
  const fields = [
    address(ops),
    BigInt(count),
    address(results),
    address(slots),
    BigInt(words),
    BigInt(words * 8),
    BigInt(stride),
  ];
  fields.forEach((field, i) => {
    memory.dv().setBigUint64(context + 8 * i, field, true);
  });
  return { ops, results, slots, context, stride, words, blocks };
}

function resultAt(dv: DataView, at: number, op: GoldenOp, words: number): GoldenResult {
  const status = Number(dv.getBigUint64(at, true));
  const number = dv.getInt32(at + 8, true);
  const data = at + RESULT_HEADER;
  if (status === SHOWS.nothing) return null;
  if (status !== SHOWS.life) return resultOf(goldenOp(op[0]), number, () => wordsAt(dv, data, words));
  // Pointer and usage of each slot.
  const pairs = wordsAt(dv, data, 2 * GOLDEN_SLOTS);
  const usages = pairs.filter((_, i) => i % 2 === 1).map(Number);
  return lifeOf(
    number,
    usages,
    pairs.filter((_, i) => i % 2 === 0),
  );
}

/** Runs streams as one program run each, on engines that `createEngine` makes. `wasm`: dist/kernel.wasm. */
export function createProgramVectorEngine(
  wasm: Uint8Array<ArrayBuffer>,
  createEngine: (memory: KernelMemory) => Engine,
): VectorEngine {
  const machineFor = goldenMachines(wasm);
  const program = insns();
  const runnables = new WeakMap<KernelMemory, ReturnType<Engine['load']>>();
  const runnableFor = (memory: KernelMemory) => {
    const known = runnables.get(memory);
    if (known) return known;
    const runnable = createEngine(memory).load({ id: 1, name: 'golden', insns: program, environment });
    runnables.set(memory, runnable);
    return runnable;
  };
  return {
    execute(stream) {
      const memory = machineFor(stream);
      const { results, context, stride, words, blocks } = place(memory, stream);
      const outcome = runnableFor(memory).run({ args: [memory.address(context)] });
      if (outcome.fault || outcome.r0 !== 0n) {
        const { kind = 'no fault', site } = outcome.fault ?? {};
        throw new InvariantError(
          `the program of golden streams failed: ${kind} at insn ${site?.insn}, r0 ${outcome.r0}`,
        );
      }
      const dv = memory.dv();
      const found = stream.ops.map((op, i) => resultAt(dv, results + i * stride, op, words));
      for (const block of blocks) memory.kfree(block);
      return found;
    },
  };
}
