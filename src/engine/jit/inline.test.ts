import { describe, expect, it } from 'vitest';
import { ALLOC_BPF_CPUMASK, PC_RCU_NESTING } from '../../../assembly/layout.ts';
import { nothing } from '../../../test/conformance/machine.ts';
import { KERNEL_CALLS } from '../../kernel/generated/calls.ts';
import { KernelMemory } from '../../kernel/memory.ts';
import { readAsset } from '../../platform/node/assets.ts';
import { assemble } from '../../uapi/asm.ts';
import { callOf } from '../calls.ts';
import { Interpreter } from '../interp.ts';
import { CPUMASK } from './inline_cpumask.ts';
import { Jit } from './jit.ts';

/** CPUs of the machine, and NR_CPUS. */
const MACHINES = [
  [1, 1],
  [2, 256],
  [31, 64],
  [33, 64],
  [64, 64],
  [63, 4096],
  [65, 128],
  [128, 128],
  [129, 256],
  [256, 8192],
  [1000, 1024],
  [1024, 1024],
  [1030, 2048],
  [5000, 8192],
] as const;

/** A machine, and three masks for its engine to work on. */
function bench(cpus: number, nrCpus: number, Engine: typeof Interpreter | typeof Jit) {
  const bytes = Math.ceil(nrCpus / 64) * 8;
  const memory = KernelMemory.create({
    ...{ cpus, nrCpus, cpumaskSize: bytes, bpfCpumaskSize: bytes + 8, usageOffset: bytes, memoryLimit: 16 << 20 },
    wasm: readAsset('dist/kernel.wasm'),
  });
  const masks = [0, 1, 2].map(() => memory.kmalloc(bytes + 8, ALLOC_BPF_CPUMASK));
  const wordsOf = (mask: number) => memory.u8().subarray(mask, mask + bytes);
  return { memory, masks, bytes, wordsOf, engine: new Engine(memory, callOf) };
}

/** Words that are empty, full, of one bit or of many, as `seed` has it: the shapes that the operations tell apart. */
function fill(view: Uint8Array, seed: number): void {
  let state = seed * 2654435761 + 1;
  for (let word = 0; word < view.length; word += 8) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    const kind = (state >>> 20) % 5;
    for (let i = 0; i < 8; i++) {
      state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
      view[word + i] = [0, 0xff, i === state % 8 ? 1 << ((state >>> 9) & 7) : 0, state >>> 24, 0xff][kind] as number;
    }
  }
  if (seed % 7 === 0) view.fill(0);
  if (seed % 7 === 1) view.fill(0xff);
}

/** Arguments of those that take more than masks. */
const ARGUMENTS: readonly [RegExp, (masks: readonly bigint[], cpu: bigint, size: bigint) => bigint[]][] = [
  [/_cpu$/, ([mask = 0n], cpu) => [cpu, mask]],
  [/populate$/, ([dst = 0n, src = 0n], _, size) => [dst, src, size]],
];
/** References: some, and those that saturate. None that two releases are the last of. */
const COUNTS = [3, 4, 0x7fffffff, 0x80000000, 0x7ffffffe];

describe.each(MACHINES)('in line on %d CPUs of %d', (cpus, nrCpus) => {
  const benches = [bench(cpus, nrCpus, Interpreter), bench(cpus, nrCpus, Jit)];
  it.each(Object.keys(CPUMASK))('%s does what the kernel function does', (kfunc) => {
    const result = (KERNEL_CALLS[kfunc] as string).endsWith(':') ? 'r0 = 0; ' : '';
    const insns = assemble(`call k; ${result}exit`, { kfuncs: { k: 1 } });
    const environment = { ...nothing, kfunc: () => kfunc };
    const programs = benches.map(({ engine }) => engine.load({ id: 1, name: kfunc, insns, environment }));
    for (let seed = 0; seed < 60; seed++) {
      const cpu = [BigInt(seed % (cpus + 1)), BigInt(cpus - 1), 0xffffffffn, 0x100000000n][seed % 4] as bigint;
      const [want, have] = benches.map(({ memory, masks, bytes, wordsOf }, i) => {
        for (const [at, mask] of masks.entries()) fill(wordsOf(mask), seed % 3 ? seed + at : seed);
        const addresses = masks.map((mask) => memory.address(mask));
        const size = BigInt([0, 8, bytes][seed % 3] as number);
        const args = ARGUMENTS.find(([name]) => name.test(kfunc))?.[1](addresses, cpu, size) ?? addresses;
        for (const mask of masks) memory.setU32(mask + bytes, COUNTS[seed % COUNTS.length] as number);
        const runs = [0, 1].map(() => programs[i]?.run({ args, cpu: seed % cpus }));
        return { runs, masks: masks.map((mask) => [...wordsOf(mask), memory.u32At(mask + bytes)]) };
      });
      expect(want?.runs[0]?.fault).toBeNull();
      expect(have, `seed ${seed}`).toEqual(want);
    }
  });
});

/** Where an iterator stands, and its end: on the way, at the end, behind it, and at the last number that there is. */
const ITERATORS = [
  [0, 5],
  [3, 4],
  [4, 4],
  [-5, -3],
  [-1, 0],
  [9, 2],
  [0x7fffffff, 0x7fffffff],
  [0x7ffffffe, 0x7fffffff],
  [-0x80000000, 0x7fffffff],
] as const;

it.each(ITERATORS)('an iterator at %d up to %d goes on as the kernel function does', (current, end) => {
  const environment = { ...nothing, kfunc: () => 'bpf_iter_num_next' };
  const insns = assemble('r6 = r1; call k; r7 = r0; r1 = r6; call k; r0 -= r7; exit', { kfuncs: { k: 1 } });
  const [want, have] = [Interpreter, Jit].map((Engine) => {
    const { memory, masks, engine } = bench(2, 64, Engine);
    const [iterator = 0] = masks;
    memory.setU32(iterator, current);
    memory.setU32(iterator + 4, end);
    const run = engine.load({ id: 1, name: 'next', insns, environment }).run({ args: [memory.address(iterator)] });
    return { run, at: [memory.u32At(iterator), memory.u32At(iterator + 4)] };
  });
  expect(want?.run.fault).toBeNull();
  expect(have).toEqual(want);
});

it.each([0, 1, 2])('read sections inside of %d others nest as the kernel functions have it', (outer) => {
  const kfuncs = { lock: 1, unlock: 2 };
  const environment = { ...nothing, kfunc: (id: number) => ['', 'bpf_rcu_read_lock', 'bpf_rcu_read_unlock'][id] };
  const lock = 'call lock; '.repeat(outer + 1);
  const insns = assemble(`${lock}${'call unlock; '.repeat(outer + 1)}r0 = 0; exit`, { kfuncs });
  const open = assemble(`${lock}r0 = 0; exit`, { kfuncs });
  const [want, have] = [Interpreter, Jit].map((Engine) => {
    const { memory, engine } = bench(2, 64, Engine);
    return [insns, open].map((each) => {
      const run = engine.load({ id: 1, name: 'sections', insns: each, environment }).run({ sleepable: true });
      return { run, depth: memory.u32At(memory.percpu(0) + PC_RCU_NESTING) };
    });
  });
  expect(want?.map(({ depth }) => depth)).toEqual([0, outer + 1]);
  expect(have).toEqual(want);
});
