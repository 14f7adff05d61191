// Random arithmetic, jumps, stack accesses and atomics: the interpreter and the running kernel's own engine must agree.
import { describe, expect, it } from 'vitest';
import { LiveObject } from '../../src/engine/live.ts';
import type { KernelProgram } from '../../src/kernel/program.ts';
import { liveKernel } from '../../src/platform/node/live_kernel.ts';
import { Random } from '../../src/random.ts';
import { encodeInsns, ldImm64, op } from '../../src/uapi/asm.ts';
import { formatInsn, type InsnFields, type InsnRow, Insns, insnRows } from '../../src/uapi/insn.ts';
import { createBench } from '../conformance/machine.ts';
import { EDGES, IMMS } from '../conformance/oracle.ts';

const FORMS = ['alu', 'neg', 'end', 'movsx', 'jmp', 'load', 'store', 'storeImm', 'atomic', 'ja'] as const;
const rows = insnRows.filter((row) => (FORMS as readonly string[]).includes(row.form) && row.op !== 'gotol');
/** Bytes of stack that programs work on. */
const STACK = 32;

/** An imm that the verifier lets pass: no shift beyond the width, no division by zero. */
function immFor(row: InsnRow, random: Random): number {
  const imm = random.pick(IMMS);
  if (/^(lsh|rsh|arsh)/.test(row.op)) return imm & (row.bits - 1);
  return /^s?(div|mod)/.test(row.op) && imm === 0 ? 3 : imm;
}

function instruction(random: Random, left: number): InsnFields {
  const row = random.pick(rows);
  const fields = { dst: random.below(10), src: random.below(10), imm: immFor(row, random) };
  const off = -8 * (1 + random.below(STACK / 8));
  switch (row.form) {
    case 'load':
      return op(row.op, { dst: fields.dst, src: 10, off });
    case 'store':
      return op(row.op, { dst: 10, src: fields.src, off });
    case 'storeImm':
      return op(row.op, { dst: 10, imm: fields.imm, off });
    case 'atomic':
      return op(row.op, { dst: 10, src: fields.src, off });
    case 'ja':
      return op(row.op); // one that skips would leave dead code, which the kernel refuses
    case 'jmp':
      return op(row.op, {
        dst: fields.dst,
        off: random.below(Math.min(left, 4)),
        ...(row.source === 'imm' ? { imm: fields.imm } : { src: fields.src }),
      });
    case 'neg':
    case 'end':
      return op(row.op, { dst: fields.dst });
    default:
      return op(
        row.op,
        row.source === 'imm' ? { dst: fields.dst, imm: fields.imm } : { dst: fields.dst, src: fields.src },
      );
  }
}

/** A program that folds all its registers and its stack into the 32 bits it returns. */
function makeProgram(seed: number): Uint8Array {
  const random = new Random(seed);
  const registers = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9];
  const slots = Array.from({ length: STACK / 8 }, (_, i) => -8 * (i + 1));
  const body = Array.from({ length: 40 }, (_, i) => instruction(random, 40 - i));
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

const listing = (bytes: Uint8Array) => {
  const insns = new Insns(bytes);
  return Array.from({ length: insns.length }, (_, i) => `${i}: ${formatInsn(insns, i)}`).join('\n');
};

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
        expect({ seed, fault, retval, program: listing(insns) }).toEqual({
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
