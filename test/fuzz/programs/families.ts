/**
 * Random programs by family, for whoever compares or runs programs: `randomProgram('graph', 7)` is the same verifier case
 * every time; `caseProgram` makes a KernelProgram of it.
 */

import { InputError } from '../../../src/errors.ts';
import { Random } from '../../../src/random.ts';
import { assemble } from '../../../src/uapi/asm.ts';
import type { MapCase, VerifierCase } from '../../verifier/case.ts';
import { mistake } from './mistakes.ts';
import { mixedProgram } from './mixed.ts';
import { loopProgram, scalarProgram } from './scalar.ts';
import { CALLBACKS, CALLS, EXCEPTIONS } from './steps/calls.ts';
import { ACCESSES, ARITHMETIC, CORE } from './steps/core.ts';
import { DYNPTRS, ITERATORS, PACKET_DYNPTRS, RECORDS } from './steps/objects.ts';
import { ARGUMENTS, CONTEXT_STEPS, PACKET_STEPS } from './steps/packet.ts';
import { GRAPH_STEPS, KPTR_STEPS, MASK_STEPS, OBJECT_STEPS, TASK_STEPS } from './steps/refs.ts';
import { ASYNC_STEPS, HELPER_STEPS, LOCK_STEPS, REGION_STEPS, TAIL_CALLS } from './steps/regions.ts';
import { SOCKET_STEPS } from './steps/sockets.ts';
import { WALK_STEPS } from './steps/walks.ts';
import { type Shared, type Step, Writer } from './writer.ts';

/** Maps that programs use, by the name that they use. */
const MAPS: Readonly<Record<string, MapCase>> = {
  h: { type: 'hash', value: 64, max: 4 },
  a: { value: 64, max: 4 },
  g: { value: 64 },
  m: { value: 64 },
  ro: { rodata: [1, 2, 3, 4, 5, 6, 7, 8, 0xff, 0xfe, 0, 0, 0, 0, 0, 0x80] },
  s: { rodata: [...new TextEncoder().encode('a%d\0%x %%\0.....')] },
  r: { type: 'ringbuf', key: 0, value: 0, max: 4096 },
  q: { type: 'queue', key: 0, value: 8, max: 4 },
  k: { of: 'kptrs' },
  kh: { type: 'hash', of: 'kptrs', max: 4 },
  list: { of: 'list' },
  tree: { of: 'tree' },
  l: { of: 'lock' },
  lh: { type: 'hash', of: 'lock', max: 4 },
  rl: { of: 'res_lock' },
  t: { of: 'timer' },
  w: { of: 'wq' },
  p: { type: 'prog_array', value: 4 },
};

type Base = Pick<VerifierCase, 'type' | 'attach' | 'to' | 'sleepable'>;

const SYSCALL: Base = {};
const TC: Base = { type: 'sched_cls' };
const XDP: Base = { type: 'xdp' };
const TRACEPOINT: Base = { type: 'tracing', attach: 'trace_raw_tp', to: 'btf_trace_task_newtask' };
const OTHERS: readonly Base[] = [
  ...(['socket_filter', 'cgroup_skb', 'kprobe', 'tracepoint', 'perf_event', 'raw_tracepoint', 'sk_msg'] as const).map(
    (type) => ({ type }),
  ),
  ...(['sk_skb', 'sock_ops', 'flow_dissector', 'cgroup_sysctl', 'lwt_xmit'] as const).map((type) => ({ type })),
  { type: 'sk_lookup', attach: 'sk_lookup' },
];

interface Family {
  readonly summary: string;
  readonly bases: readonly Base[];
  /** What programs do. */
  readonly steps?: readonly Step[];
  /** A writer of its own. */
  readonly text?: (random: Random, base: Base) => string;
}

const STRUCTURED: readonly Step[] = [...CORE, ...ACCESSES];

/** The families, by the name that `--family` takes. */
export const families = {
  scalar: { summary: 'arithmetic and branches on unknown numbers', bases: [SYSCALL], text: scalarProgram },
  loop: { summary: 'counted loops and may_goto', bases: [SYSCALL], text: loopProgram },
  mixed: {
    summary: 'pointers, packets and numbers without structure',
    bases: [SYSCALL, TC, XDP, TRACEPOINT],
    text: (random, { type }) => mixedProgram(random, type ?? 'syscall'),
  },
  memory: {
    summary: 'map values, the stack, atomics',
    bases: [SYSCALL, TC],
    steps: [...STRUCTURED, ...ACCESSES, ...ARITHMETIC],
  },
  kfunc: {
    summary: 'cpumasks and tasks: references, RCU',
    bases: [SYSCALL, TRACEPOINT],
    steps: [...CORE, ...MASK_STEPS, ...MASK_STEPS, ...TASK_STEPS, ...ARGUMENTS, ...REGION_STEPS],
  },
  kptr: {
    summary: 'kptrs in map values and objects',
    bases: [SYSCALL, TRACEPOINT],
    steps: [...CORE, ...KPTR_STEPS, ...KPTR_STEPS, ...MASK_STEPS, ...TASK_STEPS, ...OBJECT_STEPS, ...REGION_STEPS],
  },
  subprog: {
    summary: 'static and global functions',
    bases: [SYSCALL, TC, TRACEPOINT],
    steps: [...STRUCTURED, ...CALLS, ...CALLS, ...CALLS, ...TASK_STEPS, ...ARGUMENTS],
  },
  callback: {
    summary: 'bpf_loop and bpf_for_each_map_elem',
    bases: [SYSCALL, TC],
    steps: [...STRUCTURED, ...CALLBACKS, ...CALLBACKS],
  },
  exception: {
    summary: 'bpf_throw, with references and functions',
    bases: [SYSCALL, TC],
    steps: [...CORE, ...EXCEPTIONS, ...EXCEPTIONS, ...CALLBACKS],
  },
  dynptr: {
    summary: 'dynptrs of memory, records and packets',
    bases: [SYSCALL, TC, XDP],
    steps: [...CORE, ...DYNPTRS, ...DYNPTRS, ...RECORDS, ...PACKET_DYNPTRS],
  },
  graph: {
    summary: 'lists and trees of objects',
    bases: [TC, SYSCALL],
    steps: [...ARITHMETIC, ...GRAPH_STEPS, ...GRAPH_STEPS, ...OBJECT_STEPS, ...CORE],
  },
  packet: {
    summary: 'packets',
    bases: [TC, XDP],
    steps: [...CORE, ...PACKET_STEPS, ...PACKET_STEPS, ...CONTEXT_STEPS, ...PACKET_DYNPTRS],
  },
  iter: {
    summary: 'open-coded iterators',
    bases: [SYSCALL, TC, TRACEPOINT],
    steps: [...STRUCTURED, ...ITERATORS, ...ITERATORS, ...ITERATORS, ...MASK_STEPS, ...REGION_STEPS],
  },
  region: {
    summary: 'RCU, preemption, interrupts, locks',
    bases: [SYSCALL, TC, TRACEPOINT],
    steps: [...CORE, ...REGION_STEPS, ...REGION_STEPS, ...LOCK_STEPS, ...LOCK_STEPS, ...CALLS],
  },
  helper: {
    summary: 'map helpers, strings, timers, tail calls',
    bases: [SYSCALL, TC],
    steps: [...STRUCTURED, ...HELPER_STEPS, ...HELPER_STEPS, ...TAIL_CALLS],
  },
  socket: {
    summary: 'sockets: looked up, found, cast, released',
    bases: [TC, TC, { type: 'cgroup_skb' }, { type: 'sk_lookup', attach: 'sk_lookup' }, { type: 'sock_ops' }, XDP],
    steps: [...CORE, ...SOCKET_STEPS, ...SOCKET_STEPS, ...CALLS],
  },
  walk: {
    summary: 'pointers in kernel structs, trusted, RCU and cast',
    bases: [TRACEPOINT, SYSCALL],
    steps: [...ARITHMETIC, ...WALK_STEPS, ...WALK_STEPS, ...WALK_STEPS, ...MASK_STEPS, ...REGION_STEPS],
  },
  async: {
    summary: 'timers and work items, and what their callbacks may do',
    bases: [SYSCALL, TC],
    steps: [...STRUCTURED, ...ASYNC_STEPS, ...ASYNC_STEPS, ...ASYNC_STEPS, ...REGION_STEPS, ...CALLS],
  },
  ctx: {
    summary: 'contexts of all program types',
    bases: [SYSCALL, TC, XDP, TRACEPOINT, ...OTHERS, ...OTHERS],
    steps: [...ARITHMETIC, ...CONTEXT_STEPS, ...CONTEXT_STEPS],
  },
} as const satisfies Readonly<Record<string, Family>>;

export type FamilyName = keyof typeof families;
export const familyNames = Object.keys(families) as FamilyName[];

/** One in so many programs has a mistake in its text besides. */
const MISTAKEN = 5;
/** One in so many decisions is a mistake; a third of the programs has none. */
const WRONG = [0, 60, 150];

function writeProgram(
  random: Random,
  base: Base,
  steps: readonly Step[],
): Pick<VerifierCase, 'asm' | 'funcs' | 'exceptionCallback'> {
  const shared: Shared = {
    random,
    base,
    steps,
    functions: [],
    mistakes: random.pick(WRONG),
    fuel: 60 + random.below(120),
    names: 0,
  };
  const main = new Writer(shared);
  main.emit('r6 = r1');
  main.set(6, { kind: 'ctx' });
  main.set(1, { kind: 'ctx' });
  main.steps(4 + random.below(16));
  main.leave();
  let catcher: string | undefined;
  // With other functions beside it, never: 6.18 forgets that the catcher's number changes when dead functions are removed, and
  // then follows a wild pointer in jit_subprogs.
  if (main.lines.includes('call bpf_throw') && shared.functions.length === 0 && random.below(2) === 0) {
    catcher = 'catcher';
    const lines = [`r0 = ${random.pick(['r1', '0', '1', '-5'])}`, ...(random.below(2) ? ['r0 &= 1'] : []), 'exit'];
    shared.functions.push({ name: catcher, lines, func: { linkage: 'global', args: ['int'] } });
  }
  const text = (functions: Shared['functions']) =>
    [...main.lines, ...functions.flatMap(({ name, lines }) => [`${name}:`, ...lines])].join('\n');
  // A step that gave up may have left a function that nobody calls.
  let used = shared.functions;
  for (let count = -1; count !== used.length; ) {
    count = used.length;
    const asm = text(used);
    used = used.filter(({ name }) => name === catcher || new RegExp(`(call |func\\()${name}\\b`).test(asm));
  }
  return {
    asm: text(used),
    funcs: Object.fromEntries(used.map(({ name, func }) => [name, func])),
    ...(catcher ? { exceptionCallback: catcher } : {}),
  };
}

/** Is it still a program? */
function assembles(asm: string): boolean {
  const kfuncs = Object.fromEntries([...asm.matchAll(/call (bpf_\w+)/g)].map(([, name = '']) => [name, 1]));
  const maps = Object.fromEntries(Object.keys(MAPS).map((name) => [name, 0]));
  try {
    assemble(asm.replace(/type_id\(\w+\)/g, '1'), { maps, kfuncs });
    return true;
  } catch (error) {
    if (error instanceof InputError) return false;
    throw error;
  }
}

/** Program number `seed` of a family. */
export function randomProgram(name: FamilyName, seed: number): VerifierCase {
  const family: Family = families[name];
  const random = new Random(Math.imul(seed + 1, 0x85ebca6b) ^ familyNames.indexOf(name));
  const base = random.pick(family.bases);
  const written = family.steps ? writeProgram(random, base, family.steps) : { asm: family.text?.(random, base) ?? '' };
  let { asm } = written;
  for (let left = random.below(MISTAKEN) === 0 ? 1 + random.below(2) : 0; left > 0; left--) {
    const changed = mistake(asm, random);
    if (assembles(changed)) asm = changed;
  }
  const maps = Object.fromEntries(
    Object.entries(MAPS).filter(([map]) => new RegExp(`map(_value)?\\(${map}[,)]`).test(asm)),
  );
  return { name: `${name} ${seed}`, ...base, ...written, maps, asm };
}
