/** What programs become, for review: wat/*.wat. `npx vitest run test/jit -u` accepts a change. */
import { expect, it } from 'vitest';
import { callOf } from '../../src/engine/calls.ts';
import { compileProgram } from '../../src/engine/jit/compile.ts';
import { decodeProgram } from '../../src/engine/jit/decode.ts';
import { assemble } from '../../src/uapi/asm.ts';
import { createMemory } from '../conformance/machine.ts';
import { moduleText } from './wat.ts';

const memory = createMemory(4);
const KFUNCS = { bpf_cpumask_create: 1, bpf_cpumask_weight: 2, bpf_throw: 3 };

/** Small programs, each of which shows one thing. */
const CASES: Readonly<Record<string, { asm: string; stack?: number; probes?: number[]; reached?: number[] }>> = {
  'straight line': { asm: 'r0 = r1; r0 += 5; w0 ^= w2; r0 s>>= 3; exit' },
  'if and else': { asm: 'if r1 > 7 goto big; r0 = 1; goto out; big: r0 = 2; out: r0 += r1; exit' },
  'branch that the verifier knows': {
    asm: 'r0 = 1; if r1 == 0 goto dead; exit; dead: r0 = 2; exit',
    reached: [1, 1, 1, 0, 0],
  },
  'loop with a call': {
    asm: 'r6 = r1; r7 = 0; l: call bpf_ktime_get_ns; r7 += r0; r6 -= 1; if r6 != 0 goto l; r0 = r7; exit',
  },
  'loop unrolled': {
    asm: 'r0 = 0; l: r0 += r1; r1 *= r2; r3 ^= r1; r4 += r3; r5 -= r4; r0 ^= r5; r0 *= 3; r1 += 1; r2 ^= r0; r3 += r2; r4 -= 7; r5 += 9; r0 -= r4; r1 ^= r5; r2 *= 5; r3 ^= 6; r4 += r2; r5 ^= r1; r0 += r3; r1 -= r4; r2 += 1; r3 -= r5; r4 ^= r0; r5 += r1; if r1 != 0 goto l; exit',
  },
  'loop with two entries': {
    asm: 'r0 = 0; if r1 == 0 goto b; a: call bpf_ktime_get_ns; b: call bpf_jiffies64; if r0 != 5 goto a; exit',
  },
  'stack and memory': {
    asm: '*(u64 *)(r10 -8) = r1; r2 = r10; r2 += -16; *(u32 *)(r2 +4) = 7; r0 = *(s16 *)(r1 -2); r3 = *(u8 *)(r10 -8); r0 += r3; exit',
    stack: 16,
  },
  'load that may find nothing': { asm: 'r0 = *(u32 *)(r1 +8); exit', probes: [0] },
  division: { asm: 'r0 = r1; r0 /= r2; w0 s%= w3; r0 /= 10; exit' },
  atomics: { asm: 'r0 = 1; lock *(u64 *)(r1 +0) += r2; lock *(u32 *)(r1 +8) |= r3; exit' },
  function: { asm: 'r2 = 5; call f; r0 += 1; exit; f: r0 = r1; r0 *= r2; exit' },
  kfuncs: { asm: 'call bpf_cpumask_create; if r0 == 0 goto out; r1 = r0; call bpf_cpumask_weight; out: exit' },
  callback: { asm: 'r1 = 100; r2 = func(cb); r3 = 0; r4 = 0; call bpf_loop; exit; cb: r0 = 0; exit' },
  may_goto: { asm: 'r0 = 0; l: may_goto out; r0 += 1; call bpf_ktime_get_ns; goto l; out: exit' },
  exception: { asm: 'if r1 != 0 goto ok; call bpf_throw; ok: r0 = 0; exit' },
};

it.each(Object.entries(CASES))('%s', async (name, { asm, stack = 0, probes, reached }) => {
  const insns = assemble(asm, { kfuncs: KFUNCS });
  const kfunc = (id: number) => Object.entries(KFUNCS).find(([, known]) => known === id)?.[0];
  const depths = Array.from({ length: insns.length / 8 }, (_, i) => [i, i === 0 ? stack : 0] as const);
  const program = {
    ...{ id: 5, name, insns, environment: { map: () => 0, mapValue: () => 0, kfunc, ksym: () => undefined } },
    ...{
      stackDepths: new Map(depths),
      probes: new Set(probes),
      ...(reached ? { reached: Uint8Array.from(reached) } : {}),
    },
  };
  const bytes = compileProgram(decodeProgram(memory, program, callOf), {
    ...{ memory, shared: true, counts: true, stackTop: 90_000, prog: 2000 },
    callbackBase: { high: 0xffffffa0, low: 5 << 20 },
  });
  expect(WebAssembly.validate(bytes)).toBe(true);
  const source = asm.split(';').map((line) => `;; ${line.trim()}\n`);
  await expect(`${source.join('')}\n${moduleText(bytes)}`).toMatchFileSnapshot(`wat/${name.replaceAll(' ', '_')}.wat`);
});
