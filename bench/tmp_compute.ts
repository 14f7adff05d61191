import { readFileSync } from 'node:fs';
import { LiveSession } from '../src/engine/live_session.ts';
import { createMachine } from '../src/platform/create_machine.ts';
import { LiveObject } from '../src/engine/live.ts';
const bytes = new Uint8Array(readFileSync('/tmp/w/compute.bpf.o'));
const names = (process.argv[2] ?? 'arithmetic,xorshift,fnv,sieve,popcount,branchy').split(',');
const med=(v:number[])=>[...v].sort((a,b)=>a-b)[v.length>>1]!;
let g=1;
for (const name of names) {
  const machine = createMachine({ cpus: 2, engine: 'jit' });
  const object = machine.load(bytes, { name: 'c', programs: [name] });
  const program = object.program(name);
  using live = new LiveObject(2);
  const { run, verdict } = live.load(program.linked!, 0);
  const l: number[] = [], j: number[] = [];
  let rj=0, rl=0, insns=0;
  for (let i=0;i<200;i++) { const r=program.run({}); rj=r.retval; insns=r.insns;}
  await new Promise(r=>setTimeout(r,100));
  for (let i=0;i<25;i++) {
    for(let k=0;k<10;k++) j.push(program.run({}).durationNs);
    if (run) { const t = run.testRun({ data: new Uint8Array(64), repeat: 10 }); l.push(t.durationNs); rl=t.retval; }
  }
  const ratio=med(j)/med(l); g*=ratio;
  console.log(name.padEnd(12), 'jit', med(j), 'live', med(l), 'ratio', ratio.toFixed(3), 'min', (Math.min(...j)/Math.min(...l)).toFixed(3), rj===rl, insns, 'ns/insn', (med(j)/insns).toFixed(3));
}
console.log('geo', (g**(1/names.length)).toFixed(3));
