// Timers and work items (test/objects/deferred.bpf.c) on the machine's clock.
import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { createMachine } from '../src/platform/create_machine.ts';

const bytes = new Uint8Array(readFileSync(new URL('objects/deferred.bpf.o', import.meta.url)));

function load() {
  const machine = createMachine({ cpus: 2 });
  const object = machine.load(bytes, { name: 'deferred.bpf.o' });
  return {
    machine,
    run: (name: string, cpu = 0) => object.program(name).run({ cpu }).retval,
    get: (name: string) => object.globals.get(name),
  };
}

it('a timer fires when its time has come, and again when its callback starts it', () => {
  const { machine, run, get } = load();
  const before = machine.now;
  expect(run('start')).toBe(0);
  machine.advance(4_000_000);
  expect(get('last_key')).toBe(0);
  machine.advance(10_000_000);
  expect(get('last_key')).toBe(1);
  const times = (get('times') as readonly (number | bigint)[]).map((time) => Number(BigInt(time) - before));
  // 5 ms, then twice 1 ms, and the instructions that ran.
  expect(times.slice(0, 3).map((time) => Math.round(time / 1e5))).toEqual([50, 60, 70]);
  expect(machine.callbackFaults).toEqual([]);
});

it('a timer that is cancelled does not fire', () => {
  const { machine, run, get } = load();
  run('start');
  expect(run('stop')).toBe(1);
  machine.advance(20_000_000);
  expect(get('last_key')).toBe(0);
  expect(run('stop')).toBe(0);
});

it('work runs after the program that started it', () => {
  const { run, get } = load();
  expect(run('work')).toBe(0);
  expect(get('jobs_done')).toBe(1);
});

it('a callback runs on the CPU that started its timer, which it cannot cancel', () => {
  const { machine, run, get } = load();
  run('start', 1);
  machine.advance(20_000_000);
  expect(get('last_cpu')).toBe(1);
  expect(get('self_cancel')).toBe(-35);
  expect(Number((get('times') as readonly (number | bigint)[])[2])).toBeGreaterThan(0);
});
