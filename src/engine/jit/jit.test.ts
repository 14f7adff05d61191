/** A program is compiled once, however it is run. */
import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { ALLOC_PROG } from '../../../assembly/layout.ts';
import { compiledModules } from '../../../test/support/modules.ts';
import { createMachine } from '../../platform/create_machine.ts';

const object = (name: string) => readFileSync(new URL(`../../../test/objects/${name}.bpf.o`, import.meta.url));
const compiledBy = (run: () => void): number => compiledModules(run).length;

it('run by run', () => {
  using machine = createMachine({ cpus: 2, engine: 'jit' });
  const program = machine.load(object('globals')).program('read_all');
  const run = () => expect(program.run().fault).toBeNull();
  expect([compiledBy(run), compiledBy(run), compiledBy(run)]).toEqual([1, 0, 0]);
});

it('attached to several tracepoints', () => {
  using machine = createMachine({ cpus: 2, engine: 'jit' });
  const program = machine.load(object('masks')).program('lifetime');
  const tracepoints = ['task_newtask', 'task_rename', 'sched_waking'];
  for (const tracepoint of tracepoints) machine.attach(program, tracepoint);
  const fire = () => {
    for (const tracepoint of tracepoints) {
      expect(machine.fire(tracepoint).map(({ run }) => run.fault)).toEqual([null]);
    }
  };
  expect([compiledBy(fire), compiledBy(fire)]).toEqual([1, 0]);
});

it('on a thread of its own, run after run', async () => {
  using machine = createMachine({ cpus: 4, engine: 'jit', memoryLimit: 64 << 20 });
  const loaded = machine.load(object('parallel'), { set: { rounds: 10 } });
  expect(loaded.program('set_up').run().retval).toBe(0);
  const programs = () => [...machine.memory.objects()].filter(({ tag }) => tag === ALLOC_PROG).length;
  const run = () => machine.runParallel([1, 2].map((cpu) => ({ cpu, program: loaded.program('claim'), times: 3 })));
  await run();
  const once = programs();
  for (const { runs, fault } of [...(await run()), ...(await run())])
    expect({ runs, fault }).toEqual({ runs: 3, fault: null });
  expect(programs()).toBe(once);
});

it('again once its object was unloaded', () => {
  using machine = createMachine({ cpus: 2, engine: 'jit' });
  const run = () => {
    const loaded = machine.load(object('globals'));
    loaded.program('read_all').run();
    loaded.dispose();
  };
  expect([compiledBy(run), compiledBy(run)]).toEqual([1, 1]);
});
