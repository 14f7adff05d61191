import { describe, expect, it } from 'vitest';
import { createBench } from '../../../test/conformance/machine.ts';
import { assemble } from '../../uapi/asm.ts';
import { buildGraph } from './cfg.ts';
import { decodeProgram } from './decode.ts';
import { analyseFlow } from './dominators.ts';
import { findIdioms } from './idioms.ts';

const bench = createBench(64, 'jit');
const checked = createBench(64);

/** As clang writes it: masks in registers, moved in front of what may be a loop. */
const POPCOUNT = `
  r3 = 0x5555555555555555 ll; r4 = 0x3333333333333333 ll; r5 = 0x0f0f0f0f0f0f0f0f ll; r7 = 0x0101010101010101 ll
  if r1 == 0 goto +0
  r0 = r1; r0 >>= 1; r0 &= r3; r1 -= r0; r0 = r1; r0 &= r4; r1 >>= 2; r1 &= r4; r0 += r1
  r1 = r0; r1 >>= 4; r0 += r1; r0 &= r5; r0 *= r7; r0 >>= 56; exit`;
const POPCOUNT32 = `
  r3 = 0xff000000 ll
  r0 = r1; r0 >>= 1; r0 &= 0x55555555; r1 -= r0; r0 = r1; r0 &= 0x33333333; r1 >>= 2; r1 &= 0x33333333; r0 += r1
  r1 = r0; r1 >>= 4; r0 += r1; r0 &= 0x0f0f0f0f; r0 *= 0x01010101; r0 &= r3; r0 >>= 24; exit`;

function idiomsIn(text: string): string[] {
  const program = { id: 1, name: 'x', insns: assemble(text), environment: { ...noEnvironment } };
  const decoded = decodeProgram(bench.memory, program, () => ({ run: 'none', feature: null }));
  const graph = buildGraph(decoded, 0, new Uint8Array(decoded.length + 1));
  return [...findIdioms(decoded, graph, analyseFlow(graph)).values()].map(({ kind }) => kind);
}
const noEnvironment = { map: () => 0, mapValue: () => 0, kfunc: () => undefined, ksym: () => undefined };

const VALUES = [0n, 1n, 0xffn, 0x80000000n, 0xffffffffn, 0x1_0000_0000n, 0x123456789abcdef0n, (1n << 64n) - 1n];

describe('what compilers write for instructions that BPF lacks', () => {
  it.each([
    ['popcount64', POPCOUNT],
    ['popcount32', POPCOUNT32],
    ['zero-extend', 'r0 = r1; r0 <<= 32; r1 += 5; r0 >>= 32; exit'],
    ['sign-extend', 'r0 = r1; r0 <<= 32; r2 = r0; r0 s>>= 32; r2 >>= 63; r0 += r2; exit'],
  ])('%s is found, and computes the same', (kind, text) => {
    expect(idiomsIn(text)).toEqual([kind]);
    for (const value of VALUES) {
      const [want, have] = [checked, bench].map((on) => on.load(assemble(text)).run({ args: [value] }).r0);
      expect([value, have]).toEqual([value, want]);
    }
  });

  it.each([
    ['another mask', POPCOUNT.replace('0x3333333333333333', '0x3333333333333330')],
    ['another shift', POPCOUNT.replace('r0 >>= 56', 'r0 >>= 55')],
    ['another value', POPCOUNT.replace('r1 -= r0', 'r1 -= r0; r1 += 1')],
    ['a mask that one way changes', POPCOUNT.replace('goto +0', 'goto +1; r4 += 1')],
    ['another width', 'r0 = r1; r0 <<= 31; r0 >>= 32; exit'],
    ['a value that has changed', 'r0 = r1; r0 <<= 32; r0 += 1; r0 >>= 32; exit'],
  ])('%s is not taken for one', (_what, text) => {
    expect(idiomsIn(text)).toEqual([]);
    for (const value of VALUES) {
      const [want, have] = [checked, bench].map((on) => on.load(assemble(text)).run({ args: [value] }).r0);
      expect([value, have]).toEqual([value, want]);
    }
  });
});
