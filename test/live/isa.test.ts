// Random arithmetic, jumps, stack accesses and atomics: the interpreter and the running kernel's own engine must agree.
import { describe, expect, it } from 'vitest';
import { LiveObject } from '../../src/engine/live.ts';
import type { KernelProgram } from '../../src/kernel/program.ts';
import { liveKernel } from '../../src/platform/node/live_kernel.ts';
import { Random } from '../../src/random.ts';
import { encodeInsns, ldImm64, op } from '../../src/uapi/asm.ts';
import { createBench } from '../conformance/machine.ts';
import { EDGES } from '../conformance/oracle.ts';
import { listing, randomInsn, STACK } from '../fuzz/live/isa.ts';

/** A program that folds all its registers and its stack into the 32 bits it returns. */
function makeProgram(seed: number): Uint8Array {
  const random = new Random(seed);
  const registers = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9];
  const slots = Array.from({ length: STACK / 8 }, (_, i) => -8 * (i + 1));
  const body = Array.from({ length: 40 }, (_, i) => randomInsn(random, 40 - i));
  return encodeInsns([
    ...registers.flatMap((dst) => ldImm64(dst, random.pick(EDGES))),
    ...slots.map((off) => op('stx64', { dst: 10, src: random.below(10), off })),
    ...body,
    ...registers.slice(1).flatMap((src) => [op('xor64_reg', { dst: 0, src }), op('mul64_imm', { dst: 0, imm: 31 })]),
    ...slots.flatMap((off) => [op('ldx64', { dst: 1, src: 10, off }), op('xor64_reg', { dst: 0, src: 1 })]),
    op('mov64_reg', { dst: 1, src: 0 }),
    op('rsh64_imm', { dst: 1, imm: 32 }),
    op('xor64_reg', { dst: 0, src: 1 }),
    op('exit'),
  ]);
}

function kernelProgram(insns: Uint8Array): KernelProgram {
  return {
    ...{ object: 'isa', name: 'isa', section: 'syscall', type: 'syscall', attachType: null, attachTo: null },
    ...{ attachBtfId: 0, structOpsMember: 0, flags: 1 << 4, license: 'GPL', insns, maps: [], btf: null },
    ...{ funcs: [{ name: 'isa', insn: 0, insnCount: insns.length / 8, typeId: 0, linkage: 'global' }], lines: [] },
    coreInsns: new Set(),
  };
}

const { missing } = liveKernel();

describe.skipIf(missing)(`random programs on the live kernel${missing ? ` (skipped: ${missing})` : ''}`, () => {
  it('return what they return in the interpreter', () => {
    const bench = createBench(64);
    let compared = 0;
    for (let seed = 1; seed <= 400; seed++) {
      const insns = makeProgram(seed);
      using object = new LiveObject(2);
      const { verdict, run } = object.load(kernelProgram(insns), 1);
      if (!run) throw new Error(`seed ${seed}: ${verdict.log.slice(-400)}`);
      const want = run.testRun({}).retval;
      const program = bench.load(insns);
      const { retval, fault } = program.run();
      program.dispose();
      if (fault || retval !== want) {
        expect({ seed, fault, retval, program: listing(insns).join('\n') }).toEqual({
          seed,
          fault: null,
          retval: want,
          program: '',
        });
      }
      compared++;
    }
    expect(compared).toBe(400);
  });
});
