import { readFileSync } from 'node:fs';
import { instrument } from '../src/explore/instrument.ts';
import { Space } from '../src/explore/space.ts';
import { createMachine } from '../src/platform/create_machine.ts';

const wasm = instrument(readFileSync('dist/kernel.wasm'));
const machine = createMachine({ cpus: 4, nrCpus: 64, wasm, memoryLimit: 64 << 20 });
const object = machine.load(readFileSync('test/explore/races/kept_too_long.bpf.o'), { unverified: true });
object.program('set_up').run();
const sp = new Space(
  machine,
  ['read_wrong', 'drop'].map((p, cpu) => ({ cpu, program: object.program(p) })),
);
const show = (p: number, s: number) =>
  console.log(
    p,
    'status',
    s,
    'insn',
    p < 2 ? sp.insn(p) : '',
    'touched',
    [...sp.touched.subarray(0, sp.touchedLength)],
    'rcu',
    sp.rcuReady(),
    sp.movesRcu,
  );
for (const p of [0, 0, 0, 0, 1, 1, 1, 1, 2, 0, 0, 0, 0]) show(p, sp.step(p, 0, p === 0 ? 1 : 1 << 20));
console.log('----');
sp.undo(sp.memory.u32At(0x18000));
console.log('fresh', sp.takeFresh());
for (const p of [0, 0, 0, 0, 1, 1, 1, 2]) show(p, sp.step(p));
sp.undo(sp.memory.u32At(0x18000));
console.log('fresh', sp.takeFresh());
for (const p of [0, 0, 0, 0, 1, 1, 1, 2]) show(p, sp.step(p));
