// test/objects/failures.bpf.c: each request that can be refused, what the program gets then, and that exploration names it.
import { readFileSync } from 'node:fs';
import { afterEach, describe, expect, it } from 'vitest';
import { Explorer } from '../src/explore/explore.ts';
import { FAILURE_KINDS, type FailureKind } from '../src/kernel/fault.ts';
import type { Machine } from '../src/machine/machine.ts';
import { createMachine } from '../src/platform/create_machine.ts';

const bytes = new Uint8Array(readFileSync(new URL('objects/failures.bpf.o', import.meta.url)));

interface Row {
  readonly program: string;
  /** Refused, in order, by whichever the program runs into first; `got` when it is. */
  readonly refused: readonly (readonly [kind: FailureKind, nth: number, got: number])[];
  /** `got` when nothing is refused. */
  readonly granted: number;
}

const [NULL, ENOMEM, E2BIG, ENOSPC, EAGAIN] = [0, -12, -7, -28, -11];

const ROWS: readonly Row[] = [
  { program: 'create', refused: [['create', 1, NULL]], granted: 1 },
  { program: 'obj', refused: [['obj', 1, NULL]], granted: 1 },
  { program: 'percpu', refused: [['percpu', 1, NULL]], granted: 1 },
  { program: 'plain_insert', refused: [['full', 1, E2BIG]], granted: 0 },
  {
    program: 'grows_insert',
    refused: [
      ['full', 1, E2BIG],
      ['elem', 1, ENOMEM],
    ],
    granted: 0,
  },
  {
    program: 'percpu_insert',
    refused: [
      ['full', 1, E2BIG],
      ['elem', 1, ENOMEM],
    ],
    granted: 0,
  },
  { program: 'lru_insert', refused: [['lru', 1, ENOMEM]], granted: 0 },
  {
    program: 'lpm',
    refused: [
      ['full', 2, ENOSPC],
      ['lpm', 2, ENOMEM],
      ['lpm', 3, ENOMEM],
    ],
    granted: 0,
  },
  { program: 'storage', refused: [['storage', 1, NULL]], granted: 1 },
  { program: 'timer', refused: [['timer', 1, ENOMEM]], granted: 0 },
  { program: 'work', refused: [['timer', 1, ENOMEM]], granted: 0 },
  { program: 'iter', refused: [['iter', 1, ENOMEM]], granted: 0 },
  { program: 'push', refused: [['full', 1, E2BIG]], granted: 0 },
  { program: 'push_stack', refused: [['full', 1, E2BIG]], granted: 0 },
  { program: 'push_out', refused: [], granted: 0 },
  { program: 'reserve', refused: [['ringbuf', 1, NULL]], granted: 1 },
  { program: 'output', refused: [['ringbuf', 1, EAGAIN]], granted: 0 },
];

let machine: Machine;
afterEach(() => machine.dispose());

function gotOf(program: string, plan: { kind?: FailureKind; nth?: number; rate?: number }, engine: 'interp' | 'jit') {
  machine = createMachine({ cpus: 2, engine });
  const object = machine.load(bytes);
  machine.faults.plan(plan);
  expect(object.program(program).run().fault).toBeNull();
  return object.globals.get('got');
}

it('every kind has a program that runs into it', () => {
  const met = new Set(ROWS.flatMap(({ refused }) => refused.map(([kind]) => kind)));
  expect([...met].sort()).toEqual([...FAILURE_KINDS].sort());
  machine = createMachine({ cpus: 1 });
});

describe.each(['interp', 'jit'] as const)('%s', (engine) => {
  for (const { program, refused, granted } of ROWS) {
    it(`${program}: ${granted} when nothing is refused`, () => {
      expect(gotOf(program, {}, engine)).toBe(granted);
      const asked = machine.faults.calls;
      expect(asked > 0).toBe(refused.length > 0);
      expect(machine.faults.failed).toBe(0);
    });
    for (const [kind, nth, got] of refused) {
      it(`${program}: ${got} when ${kind}:${nth} is refused`, () => {
        expect(gotOf(program, { kind, nth }, engine)).toBe(got);
        expect([machine.faults.calls, machine.faults.failed]).toEqual([nth, 1]);
      });
    }
  }

  it.each(ROWS.filter(({ refused }) => refused.length > 0))(
    '$program: its first at a rate of 1',
    ({ program, refused }) => {
      const first = refused[0];
      const got = gotOf(program, { rate: 1 }, engine);
      // The first route is refused already, which is not noted.
      if (program !== 'lpm') expect(got).toBe(first?.[2]);
      expect(machine.faults.failed).toBe(machine.faults.calls);
      expect(machine.faults.failed).toBeGreaterThan(0);
    },
  );
});

describe('explore', () => {
  const pointsOf = (name: string) => {
    machine = createMachine({ cpus: 2, explorable: true, memoryLimit: 64 << 20 });
    const program = machine.load(bytes).program(name);
    return new Explorer(program.object, { threads: [{ cpu: 0, program }] }).faults().map(({ kind }) => kind);
  };

  it.each(ROWS.filter(({ program }) => program !== 'lpm'))('--faults lists all of $program', ({ program, refused }) => {
    expect(pointsOf(program)).toEqual([null, ...refused.map(([kind]) => kind)]);
  });

  it('--faults lists every node and every insertion of lpm', () => {
    expect(pointsOf('lpm')).toEqual([null, 'full', 'lpm', 'full', 'lpm', 'lpm']);
  });

  it('takes no room from a map that has some, when it tries orders', () => {
    machine = createMachine({ cpus: 2, explorable: true, memoryLimit: 64 << 20 });
    const object = machine.load(bytes);
    const schedules = (name: string) =>
      new Explorer(object, { threads: [{ cpu: 0, program: object.program(name) }] }).run().schedules;
    expect([schedules('plain_insert'), schedules('grows_insert')]).toEqual([1, 2]);
  });
});

it('a kind that there is not is an InputError', () => {
  machine = createMachine({ cpus: 1 });
  expect(() => machine.faults.plan({ kind: 'map' as FailureKind })).toThrow(/give one of create, obj, percpu/);
});
