/** Golden vectors through a BPF program on an engine. */
import { ALLOC_BUFFER } from '../../assembly/layout.ts';
import { InputError, InvariantError } from '../errors.ts';
import { KFUNCS } from '../kernel/bpf/kfuncs/index.ts';
import type { KernelMemory } from '../kernel/memory.ts';
import type { Engine, LinkEnvironment } from './engine.ts';
import { GOLDEN_SLOTS, type GoldenOp, type GoldenResult, type GoldenStream, type VectorEngine } from './golden.ts';
import { goldenMachines } from './golden_machine.ts';
import { CONTEXT_SIZE, goldenProgram, OP_KINDS, OP_SIZE, RELEASE, RESULT_HEADER, SHOWS } from './golden_program.ts';

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

/** Bytes of a populate operand: `off` bytes from an 8-byte boundary, as the vectors ask. */
function writeSource(memory: KernelMemory, size: number, off: number, hex: string): { source: number; block: number } {
  const block = memory.kmalloc(size + off + 16, ALLOC_BUFFER);
  memory.u8().fill(0xee, block, block + size + off + 16);
  memory.write(
    block + off,
    Uint8Array.from(hex === '-' ? [] : (hex.match(/../g) ?? []), (b) => Number.parseInt(b, 16)),
  );
  return { source: block + off, block };
}

function writeOp(memory: KernelMemory, at: number, [name, ...args]: GoldenOp, blocks: number[]): void {
  const row = OP_KINDS.get(name);
  if (!row) throw new InputError(`"${name}"`, 'operation', 'is not one of the golden vectors');
  const { kind, slots } = row;
  memory.setU32(at, kind);
  for (let i = 0; i < slots && i < args.length; i++) memory.setU32(at + 4 + 4 * i, Number(args[i]));
  if (name === 'populate') {
    const size = Number(args[1]);
    const { source, block } = writeSource(memory, size, Number(args[2]), String(args[3]));
    blocks.push(block);
    memory.setU32(at + 20, size);
    memory.dv().setBigUint64(at + 24, memory.address(source), true);
  } else if (slots < args.length) {
    memory.setU32(at + 16, Number(args[slots]));
  }
}

function place(memory: KernelMemory, stream: GoldenStream): Place {
  const words = Math.ceil(stream.nrCpus / 64);
  const count = stream.ops.length + GOLDEN_SLOTS;
  const stride = RESULT_HEADER + Math.max(words * 8, GOLDEN_SLOTS * 16);
  const [ops = 0, results = 0, slots = 0, context = 0] = [
    count * OP_SIZE,
    count * stride,
    GOLDEN_SLOTS * 8,
    CONTEXT_SIZE,
  ].map((size) => memory.kmalloc(size, ALLOC_BUFFER));
  const blocks = [ops, results, slots, context];
  stream.ops.forEach((op, i) => {
    writeOp(memory, ops + i * OP_SIZE, op, blocks);
  });
  // Behind the stream, every slot is emptied.
  for (let slot = 0; slot < GOLDEN_SLOTS; slot++) {
    const at = ops + (stream.ops.length + slot) * OP_SIZE;
    memory.setU32(at, RELEASE);
    memory.setU32(at + 4, slot);
  }
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

/** The words of a mask as vectors write them: hex, trailing zero words left off. */
export function wordsAt(dv: DataView, at: number, count: number): string {
  const words = Array.from({ length: count }, (_, i) => dv.getBigUint64(at + 8 * i, true));
  const used = words.findLastIndex((word) => word !== 0n) + 1;
  return words
    .slice(0, used)
    .map((word) => word.toString(16))
    .join(',');
}

function resultAt(dv: DataView, at: number, words: number): GoldenResult {
  const status = Number(dv.getBigUint64(at, true));
  const number = dv.getInt32(at + 8, true);
  const data = at + RESULT_HEADER;
  switch (status) {
    case SHOWS.nothing:
      return null;
    case SHOWS.number:
      return number >>> 0;
    case SHOWS.words:
      return wordsAt(dv, data, words);
    case SHOWS.both:
      return [number, wordsAt(dv, data, words)];
    default: {
      const slots = Array.from({ length: GOLDEN_SLOTS }, (_, i) => i);
      const pointers = slots.map((i) => dv.getBigUint64(data + 16 * i, true));
      return {
        r: number,
        refs: slots.map((i) => Number(dv.getBigUint64(data + 16 * i + 8, true))),
        alias: pointers.map((pointer) => (pointer === 0n ? -1 : pointers.indexOf(pointer))),
      };
    }
  }
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
      const found = stream.ops.map((_, i) => resultAt(dv, results + i * stride, words));
      for (const block of blocks) memory.kfree(block);
      return found;
    },
  };
}
