/** Callbacks of timers and work items: when they may run, what waits for them, how often they begin. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { Explorer } from '../../src/explore/explore.ts';
import { Search } from '../../src/explore/search.ts';
import { Space } from '../../src/explore/space.ts';
import { createMachine } from '../../src/index.ts';

const bytes = readFileSync(new URL('callbacks.bpf.o', import.meta.url));
const EDEADLK = -35;
/** Of every order there may be more. */
const LIMIT = 20_000;

interface Setting {
  readonly programs: readonly string[];
  /** CPU of the first; the others are on those that follow. Default 0. */
  readonly cpu?: number;
  /** All are on that one. */
  readonly together?: boolean;
  /** Run first, alone. */
  readonly before?: readonly string[];
  readonly callbacks?: number;
}

function load({ programs, cpu = 0, together = false, before = [] }: Setting) {
  const machine = createMachine({ cpus: 8, nrCpus: 64, memoryLimit: 16 << 20, explorable: true });
  const object = machine.load(bytes, { name: 'callbacks' });
  for (const name of ['set_up', ...before]) expect(object.program(name).run().retval).toBe(0);
  return {
    machine,
    object,
    threads: programs.map((name, i) => ({ cpu: together ? cpu : cpu + i, program: object.program(name) })),
  };
}

/** What a global variable holds in the ends that there are. */
function endsOf(setting: Setting, variable: string, reduce: boolean) {
  const { machine, object, threads } = load(setting);
  const space = new Space(machine, threads, null, setting.callbacks);
  const seen = new Set<string>();
  const judge = {
    afterStep: () => null,
    atEnd: () => {
      seen.add(
        JSON.stringify(object.globals.get(variable), (_, value) => (typeof value === 'bigint' ? Number(value) : value)),
      );
      return null;
    },
    stuck: () => ({ key: 'stuck', text: `${seen.add('stuck').size}` }),
  };
  for (;;) {
    const result = new Search(space, judge, { failures: 0, preemptions: null, reduce, limit: LIMIT }).run();
    if (!result.again) return { seen: [...seen].sort(), ...result };
    seen.clear();
  }
}

const rows: readonly (readonly [string, Setting, string, readonly unknown[]])[] = [
  [
    'who has cancelled a timer of another CPU never finds it running',
    { programs: ['stop'], before: ['start'], cpu: 1 },
    'seen',
    [
      [0, 0],
      [2, 0],
    ],
  ],
  [
    'bpf_timer_cancel says whether it was pending',
    { programs: ['start', 'stop'] },
    'results',
    [
      [0, 0, 0, 0],
      [1, 0, 0, 0],
    ],
  ],
  [
    'nor of its own CPU',
    { programs: ['start', 'stop'], together: true },
    'seen',
    [
      [0, 0],
      [2, 0],
    ],
  ],
  [
    'a callback cannot cancel its own timer, started again or not',
    { programs: ['start_itself'], callbacks: 1 },
    'results',
    [[0, EDEADLK, 0, 0]],
  ],
  [
    'of callbacks that cancel each other not both wait',
    { programs: ['start_0', 'start_1'] },
    'results',
    [
      [0, EDEADLK, 0, 0],
      [0, 0, 0, 0],
      [1, 0, 0, 0],
      [0, 1, 0, 0],
      [EDEADLK, 0, 0, 0],
    ],
  ],
  [
    'the timer of a CPU that was started first, and is no longer, is first',
    { programs: ['start_both'] },
    'order',
    [12],
  ],
  ['any time passes before a later one is started', { programs: ['start_later'] }, 'order', [12, 21]],
  [
    'timers of different CPUs come in any order',
    { programs: ['start_first', 'start_second'] },
    'order',
    [1, 2, 12, 21],
  ],
  ['timers that set-up started run', { programs: ['stop'], before: ['start_both'] }, 'order', [2, 12]],
  [
    'a timer that waits for another one may run before it is cancelled',
    { programs: ['stop_second'], before: ['start_both'], cpu: 1 },
    'results',
    [
      [0, 0, 0, 0],
      [1, 0, 0, 0],
    ],
  ],
  [
    'one that waits for no other any more may come before others',
    { programs: ['stop_first', 'mark'], before: ['start_both'], cpu: 1 },
    'order',
    [2, 3, 12, 13, 23, 32, 123, 132, 312],
  ],
  [
    'the same, in another order',
    { programs: ['mark', 'stop_first'], before: ['start_both'], cpu: 1 },
    'order',
    [2, 3, 12, 13, 23, 32, 123, 132, 312],
  ],
  [
    'one may run as soon as interrupts are on, and before it is cancelled',
    { programs: ['quiet', 'look_and_stop'], before: ['start_looking'] },
    'results',
    [0, 1, 10, 11].flatMap((saw) => [
      [1, saw, 0, 0],
      [0, saw, 1, 0],
      [0, saw, 12, 0],
    ]),
  ],
  ['work of one CPU is done in its order', { programs: ['queue_both'] }, 'order', [12]],
  [
    'work of different CPUs is done at the same time',
    { programs: ['queue_first', 'queue_second'] },
    'order',
    [1, 2, 12, 21],
  ],
  ['a timer interrupts the worker that started it', { programs: ['queue_timer'] }, 'order', [2, 12, 21]],
  [
    'deleting an element waits for its timer',
    { programs: ['delete_elem'], before: ['start_elem'], cpu: 1 },
    'seen',
    [
      [0, 0],
      [2, 0],
    ],
  ],
  ['a callback deletes its element, and runs on', { programs: ['start_deleting'] }, 'results', [[0, -22, 0, 0]]],
  [
    'a timer that starts itself again begins as often as it may',
    { programs: ['start_again'], callbacks: 3 },
    'runs',
    [3],
  ],
  ['no callback begins where none may', { programs: ['start'], callbacks: 0 }, 'phase', [0]],
];

describe.each(rows)('%s', (_, setting, variable, expected) => {
  it.each([true, false])('reduced: %s', (reduce) => {
    const { seen, exhausted } = endsOf(setting, variable, reduce);
    const ends = expected.map((value) => JSON.stringify(value)).sort();
    expect(exhausted || !reduce).toBe(true);
    if (exhausted) expect(seen).toEqual(ends);
    else expect(ends).toEqual(expect.arrayContaining(seen));
  });
});

it('says whether a callback was left that would have begun more often', () => {
  const cut = (callbacks: number) => endsOf({ programs: ['start_itself'], callbacks }, 'runs', true).cut;
  expect([0, 1, 2].map(cut)).toEqual([true, true, true]);
  expect(endsOf({ programs: ['start'], callbacks: 1 }, 'phase', true).cut).toBe(false);
});

it('shows callbacks as processes of a schedule, which says the same again', () => {
  const explorer = () => {
    const { object, threads } = load({ programs: ['queue_timer'] });
    return new Explorer(object, { threads, assertions: [{ variable: 'order', value: '12' }] });
  };
  const { findings } = explorer().run();
  expect(findings.map(({ text }) => text).sort()).toEqual(['order is 2, not 12', 'order is 21, not 12']);
  for (const { schedule, text, trace } of findings) {
    expect(schedule).toMatch(/jobs\[0\]\.wq:\d+.*,ticks\[0\]\.timer:\d+/);
    const runs = new Set(trace.map(({ callback }) => callback && `${callback.cpu} ${callback.kind} ${callback.name}`));
    expect([...runs]).toEqual([null, '7 work starts_timer', '7 timer first']);
    expect(explorer().replay(schedule)?.text).toBe(text);
  }
});

it('begins a callback again where a schedule that is replayed says so', () => {
  const explorer = () => {
    const { object, threads } = load({ programs: ['start_itself'] });
    return new Explorer(object, { threads, assertions: [{ variable: 'runs', value: 9 }], failures: 0 });
  };
  const [finding] = explorer().run().findings;
  expect(finding?.schedule).toMatch(/(\S+\.timer:\d+),\1$/);
  expect(explorer().replay(finding?.schedule ?? '')?.text).toBe(finding?.text);
});

it.each(['ticks[2].timer:0', 'jobs[0].timer:0', 'nothing[0].wq:0', 'ticks@1.timer:0'])(
  'knows that there is no %s',
  (schedule) => {
    const { object, threads } = load({ programs: ['start'] });
    expect(() => new Explorer(object, { threads }).replay(schedule)).toThrow('names no timer or work item');
  },
);

it('runs callbacks behind the programs when each allocation fails in turn', () => {
  const { object, threads } = load({ programs: ['start_both'] });
  const points = new Explorer(object, { threads, assertions: [{ variable: 'order', value: '12' }] }).faults();
  expect(points).toMatchObject([{ thread: null, retvals: [0], finding: null }]);
});

it('says how many CPUs work items need', () => {
  const machine = createMachine({ cpus: 2, nrCpus: 64, memoryLimit: 16 << 20, explorable: true });
  const object = machine.load(bytes);
  object.program('set_up').run();
  const threads = [0, 1].map((cpu) => ({ cpu, program: object.program('queue_first') }));
  expect(() => new Explorer(object, { threads }).run()).toThrow('give the machine 4 CPUs');
});
