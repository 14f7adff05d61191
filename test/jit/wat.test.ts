/** What programs become, for review: wat/*.wat. `npx vitest run test/jit -u` accepts a change. */
import { readdirSync } from 'node:fs';
import { expect, it } from 'vitest';
import { callOf } from '../../src/engine/calls.ts';
import { compileProgram } from '../../src/engine/jit/compile.ts';
import { decodeProgram } from '../../src/engine/jit/decode.ts';
import { assemble } from '../../src/uapi/asm.ts';
import { helperId } from '../../src/uapi/helper_names.ts';
import { testMap } from '../support/maps.ts';
import { testMemory } from '../support/memory.ts';
import { CASES, type WatCase } from './cases.ts';
import { moduleText } from './wat.ts';

const fileOf = (name: string) => `${name.replaceAll(' ', '_')}.wat`;

/** Numbers of the kfuncs that a program calls. */
function kfuncsIn(asm: string): Readonly<Record<string, number>> {
  const called = [...asm.matchAll(/call (bpf_\w+)/g)].map(([, name = '']) => name);
  return Object.fromEntries(called.filter((name) => helperId(name) === undefined).map((name, i) => [name, i + 1]));
}

function compile(name: string, { asm, map, cpus = 4, nrCpus = 64, stack = 0, probes, reached }: WatCase) {
  const memory = testMemory({ cpus, nrCpus, memoryLimit: cpus > 1000 ? 256 << 20 : 16 << 20 });
  const kfuncs = kfuncsIn(asm);
  const insns = assemble(asm, { kfuncs, maps: { map: 0 } });
  const offset = map ? testMap(memory, map, map === 'prog_array' ? { valueSize: 4 } : {}).offset : 0;
  const environment = {
    ...{ map: () => offset, mapValue: () => 0, ksym: () => undefined },
    kfunc: (id: number) => Object.entries(kfuncs).find(([, known]) => known === id)?.[0],
  };
  const depths = Array.from({ length: insns.length / 8 }, (_, i) => [i, i === 0 ? stack : 0] as const);
  const program = {
    ...{ id: 5, name, insns, environment, stackDepths: new Map(depths), probes: new Set(probes) },
    ...(reached ? { reached: Uint8Array.from(reached) } : {}),
  };
  return compileProgram(decodeProgram(memory, program, callOf), {
    ...{ memory, shared: true, counts: true, stackTop: 90_000, prog: 2000 },
    callbackBase: { high: 0xffffffa0, low: 5 << 20 },
  });
}

it.each(Object.entries(CASES))('%s', async (name, one) => {
  const bytes = compile(name, one);
  expect(WebAssembly.validate(bytes)).toBe(true);
  const { asm, map, cpus, nrCpus } = one;
  const about = [...(map ? [`map: ${map}`] : []), ...(cpus ? [`${cpus} CPUs of ${nrCpus}`] : [])];
  const head = [...about, ...asm.split(';')].map((line) => `;; ${line.trim()}\n`).join('');
  await expect(`${head}\n${moduleText(bytes)}`).toMatchFileSnapshot(`wat/${fileOf(name)}`);
});

it('every fixture has a program', () => {
  expect(readdirSync(new URL('wat', import.meta.url)).sort()).toEqual(Object.keys(CASES).map(fileOf).sort());
});
