/**
 * Random programs that share two words and two kptr slots, to hold the reduced search against every order: both must come to the
 * same ends. They are not verified, so that they also use masks that are gone.
 */
import * as x from '../../assembly/kernel/explore_layout.ts';
import { Search } from '../../src/explore/search.ts';
import { Space } from '../../src/explore/space.ts';
import { createMachine } from '../../src/index.ts';
import { loadObject } from '../../src/loader/object.ts';
import type { ObjectSpec, ProgramSpec, Relocation, VariableSpec } from '../../src/loader/spec.ts';
import { BpfObject } from '../../src/machine/object.ts';
import type { Random } from '../../src/random.ts';
import { assemble } from '../../src/uapi/asm.ts';

const WORDS = 2;
/** Two kptr slots and the words: what `map(NAME)` is the first value of. */
const VALUES: ReadonlySet<string> = new Set(['shared', 'busy', 'words']);
const BPF_PSEUDO_MAP_IDX = 5;
const BPF_PSEUDO_MAP_IDX_VALUE = 6;
const BPF_PSEUDO_KFUNC_CALL = 2;
const CALL = 0x85;
const LD_IMM64 = 0x18;

/** `r6` adds up what is seen, `r7` is a mask or 0, `r8` the words, `r9` a mask that is owned or 0. */
const STATEMENTS: readonly ((random: Random, label: string) => string)[] = [
  (random) => `r0 = *(u64 *)(r8 +${8 * random.below(WORDS)}); r6 *= 3; r6 += r0`,
  (random) => `r0 = ${1 + random.below(3)}; *(u64 *)(r8 +${8 * random.below(WORDS)}) = r0`,
  (random) => `r1 = ${1 + random.below(3)}; lock *(u64 *)(r8 +${8 * random.below(WORDS)}) += r1`,
  (random) => {
    const at = 8 * random.below(WORDS);
    return `r0 = *(u64 *)(r8 +${at}); r0 += 1; *(u64 *)(r8 +${at}) = r0`;
  },
  (
    random,
    label,
  ) => `r0 = *(u64 *)(r8 +${8 * random.below(WORDS)}); if r0 > 1 goto ${label}; r0 = 5; *(u64 *)(r8 +0) = r0;
    ${label}: r0 = 0`,
  (random) => `r1 = map(${random.pick(['busy', 'shared'])}); r7 = *(u64 *)(r1 +0)`,
  (random, label) =>
    `if r7 == 0 goto ${label}; r1 = ${random.below(3)}; r2 = r7; call bpf_cpumask_set_cpu; ${label}: r0 = 0`,
  (random, label) =>
    `if r7 == 0 goto ${label}; r1 = ${random.below(3)}; r2 = r7; call bpf_cpumask_clear_cpu; ${label}: r0 = 0`,
  (_, label) => `if r7 == 0 goto ${label}; r0 = *(u64 *)(r7 +0); r6 *= 3; r6 += r0; ${label}: r0 = 0`,
  (random, label) => `r1 = map(${random.pick(['busy', 'shared'])}); r3 = *(u64 *)(r1 +0); if r3 == 0 goto ${label};
    if r7 == 0 goto ${label}; r1 = r7; r2 = r7; call bpf_cpumask_or; ${label}: r0 = 0`,
  (
    random,
    label,
  ) => `r1 = map(${random.pick(['busy', 'shared'])}); r2 = r9; r9 = 0; call bpf_kptr_xchg; if r0 == 0 goto ${label};
    r1 = r0; call bpf_cpumask_release; ${label}: r0 = 0`,
  (
    random,
    label,
  ) => `if r9 != 0 goto ${label}; call bpf_cpumask_create; r9 = r0; if r9 == 0 goto ${label}; r1 = ${random.below(3)};
    r2 = r9; call bpf_cpumask_set_cpu; ${label}: r0 = 0`,
];

/** Operations on whole masks, and on CPUs of the first word and the last, of machines with more than 128 CPUs. */
const WIDE_STATEMENTS: readonly ((random: Random, label: string) => string)[] = [
  (random) => `r1 = map(${random.pick(['busy', 'shared'])}); r7 = *(u64 *)(r1 +0)`,
  (random, label) =>
    `if r7 == 0 goto ${label}; r1 = ${random.pick([1, 129])}; r2 = r7; call bpf_cpumask_${random.pick(['set', 'clear'])}_cpu;
    ${label}: r0 = 0`,
  (random, label) => `if r7 == 0 goto ${label}; r1 = r7; call bpf_cpumask_${random.pick(['weight', 'first', 'empty'])};
    r6 *= 131; r6 += r0; ${label}: r0 = 0`,
  (_, label) => `if r7 == 0 goto ${label}; r1 = r7; call bpf_cpumask_setall; ${label}: r0 = 0`,
  (random, label) => `r1 = map(${random.pick(['busy', 'shared'])}); r3 = *(u64 *)(r1 +0); if r3 == 0 goto ${label};
    if r7 == 0 goto ${label}; r1 = r7; r2 = r7; call bpf_cpumask_${random.pick(['and', 'or', 'xor'])}; ${label}: r0 = 0`,
  (random, label) => `r1 = map(${random.pick(['busy', 'shared'])}); r2 = *(u64 *)(r1 +0); if r2 == 0 goto ${label};
    if r7 == 0 goto ${label}; r1 = r7; call bpf_cpumask_copy; ${label}: r0 = 0`,
];

const [TICK_SIZE, JOB_SIZE] = [32, 16];
const timer = (random: Random) => `r1 = map_value(ticks, ${TICK_SIZE * random.below(2)})`;
const work = (random: Random) => `r1 = map_value(jobs, ${JOB_SIZE * random.below(2)})`;
const SEEN = 'r6 *= 3; r6 += r0';

/** Word 0 says in which order these were done, and whether one came between. */
const mark = (random: Random) => `r0 = *(u64 *)(r8 +0); r0 *= 3; r0 += ${1 + random.below(2)}; *(u64 *)(r8 +0) = r0`;
const arm = (random: Random) =>
  `${timer(random)}; r9 = r1; r2 = func(cb${random.below(2)}); call bpf_timer_set_callback; r1 = r9; r9 = 0;
    r2 = ${1 + random.below(2)}; r3 = 0; call bpf_timer_start; ${SEEN}`;
const queue = (random: Random) =>
  `${work(random)}; r9 = r1; r2 = func(cb${random.below(2)}); r3 = 0; r4 = 0; call bpf_wq_set_callback_impl;
    r1 = r9; r9 = 0; r2 = 0; call bpf_wq_start; ${SEEN}`;
const cancel = (random: Random) => `${timer(random)}; call bpf_timer_cancel; ${SEEN}`;
const start = (random: Random) =>
  `${timer(random)}; r2 = ${1 + random.below(2)}; r3 = 0; call bpf_timer_start; ${SEEN}`;
/** Ends what is there; what is put there instead has no timer. */
const overwrite = (random: Random) =>
  `r0 = ${random.below(2)}; *(u32 *)(r10 -4) = r0; r0 = 0; ${[16, 24, 32, 40].map((at) => `*(u64 *)(r10 -${at}) = r0;`).join(' ')}
    r1 = map(${random.pick(['ticks', 'jobs'])}); r2 = r10; r2 += -4; r3 = r10; r3 += -40; r4 = 0; call bpf_map_update_elem`;
const init = (random: Random) => `${timer(random)}; r2 = map(ticks); r3 = 1; call bpf_timer_init; ${SEEN}`;

/** Timers and work items of which the callbacks are cb0 and cb1. */
const DEFERRED_STATEMENTS = [arm, arm, arm, queue, queue, cancel, cancel, start, overwrite, init, mark, mark];

/** A callback that is about the words. */
function callback(random: Random, name: string): string {
  const more = () => (random.below(2) ? random.pick([cancel, start, mark, mark, overwrite, init])(random) : 'r0 = 0');
  return `${name}: r6 = 0; r9 = 0; r8 = map(words); ${mark(random)}; ${more()}; lock *(u64 *)(r8 +8) += r6; r0 = 0; exit`;
}

/** What a section begins and ends with. */
const SECTIONS = {
  rcu: ['call bpf_rcu_read_lock', 'call bpf_rcu_read_unlock'],
  irq: ['r1 = r10; r1 += -48; call bpf_local_irq_save', 'r1 = r10; r1 += -48; call bpf_local_irq_restore'],
} as const;

/** Assembly of a program of so many statements; some of them in a read section, or with interrupts off. */
function source(random: Random, { statements: most, wide = false, deferred = false }: Shape): string {
  const count = 1 + random.below(most);
  const lines = ['r6 = 0; r7 = 0; r9 = 0; r8 = map(words)'];
  if (wide) lines.push(`r1 = map(shared); r7 = *(u64 *)(r1 +0)`);
  const [enter, leave] = deferred ? SECTIONS.irq : SECTIONS.rcu;
  let locked = false;
  for (let i = 0; i < count; i++) {
    if (random.below(3) === 0) {
      lines.push(locked ? leave : enter);
      locked = !locked;
    }
    const statements = wide ? WIDE_STATEMENTS : deferred ? DEFERRED_STATEMENTS : STATEMENTS;
    lines.push(random.pick(statements)(random, `l${i}`));
  }
  if (locked) lines.push(leave);
  lines.push('if r9 == 0 goto out; r1 = r9; call bpf_cpumask_release; out: r0 = r6; exit');
  if (deferred) lines.push(callback(random, 'cb0'), callback(random, 'cb1'));
  return lines.join('\n');
}

interface Names {
  readonly maps: readonly string[];
  readonly externs: readonly string[];
}

const numbered = (names: readonly string[]) => Object.fromEntries(names.map((name, i) => [name, i]));

function programOf(name: string, text: string, template: ProgramSpec, { maps, externs }: Names): ProgramSpec {
  const insns = assemble(text, { maps: numbered(maps), kfuncs: numbered(externs) });
  const relocations: Relocation[] = [];
  const dv = new DataView(insns.buffer, insns.byteOffset);
  for (let insn = 0; insn < insns.length / 8; insn++) {
    const [code, registers = 0] = insns.subarray(insn * 8);
    const source = registers >> 4;
    const imm = dv.getInt32(insn * 8 + 4, true);
    if (code === CALL && source === BPF_PSEUDO_KFUNC_CALL) relocations.push({ kind: 'kfunc', insn, extern: imm });
    if (code !== LD_IMM64) continue;
    const value = VALUES.has(maps[imm] ?? '');
    if (source === BPF_PSEUDO_MAP_IDX && !value) relocations.push({ kind: 'map', insn, map: imm });
    else if (source === BPF_PSEUDO_MAP_IDX) relocations.push({ kind: 'mapValue', insn, map: imm, offset: 0 });
    if (source === BPF_PSEUDO_MAP_IDX_VALUE) {
      relocations.push({ kind: 'mapValue', insn, map: imm, offset: dv.getInt32(insn * 8 + 12, true) });
    }
    insn++;
  }
  const funcs = template.funcs.slice(0, 1).map((func) => ({ ...func, name, insn: 0, insnCount: insns.length / 8 }));
  return { ...template, name, insns, funcs, lines: [], coreRelocations: [], relocations };
}

/** The template with another slot, words, and other programs: set_up, and one a source. */
function specOf(template: Uint8Array, sources: readonly string[]): ObjectSpec {
  const spec = loadObject(template, 'random');
  const [setUp] = spec.programs;
  const shared = spec.maps.find(({ section }) => section);
  if (!setUp || !shared?.section) throw new Error('the template has changed');
  const { section } = shared;
  const busy = { ...shared, name: 'busy', section: { ...section, variables: section.variables.map(renamed) } };
  const words = {
    ...shared,
    name: 'words',
    valueSize: 8 * WORDS,
    valueTypeId: 0,
    section: { ...section, variables: [], data: new Uint8Array(8 * WORDS) },
  };
  const maps = [...spec.maps, busy, words];
  const names = {
    maps: maps.map((map) => (map === shared ? 'shared' : map.name)),
    externs: spec.externs.map(({ name }) => name),
  };
  const programs = sources.map((text, i) => programOf(`p${i}`, text, setUp, names));
  return { ...spec, maps, programs: [setUp, ...programs] };
}

const renamed = (variable: VariableSpec) => ({ ...variable, name: 'busy' });

export interface Ends {
  readonly seen: ReadonlySet<string>;
  readonly faults: ReadonlySet<string>;
  readonly schedules: number;
  readonly exhausted: boolean;
}

export interface EndsOptions {
  readonly reduce: boolean;
  readonly limit: number;
  readonly failures: number;
  readonly shard?: { readonly index: number; readonly count: number };
  /** Of the machine; default 4. */
  readonly cpus?: number | undefined;
  /** Where program number `i` runs; default: on CPU `i`. */
  readonly place?: ((i: number) => { readonly cpu: number; readonly irq?: boolean }) | undefined;
}

/** What programs of a seed are like. */
export interface Shape {
  readonly threads: number;
  /** Statements of one at most. */
  readonly statements: number;
  /** About operations on masks of several words. */
  readonly wide?: boolean;
  /** About timers and work items; the template has to have some. */
  readonly deferred?: boolean;
}

/** Every end that a search of these programs comes to. */
export function endsOf(template: Uint8Array, sources: readonly string[], options: EndsOptions): Ends {
  const { cpus = 4, place = (cpu: number) => ({ cpu }) } = options;
  const machine = createMachine({ cpus, nrCpus: Math.max(cpus, 64), memoryLimit: 16 << 20, explorable: true });
  const object = new BpfObject(machine, specOf(template, sources), { unverified: true });
  object.program('set_up').run();
  const threads = sources.map((_, i) => ({ ...place(i), program: object.program(`p${i}`) }));
  const space = new Space(machine, threads);
  const words = object.map('words');
  const seen = new Set<string>();
  const faults = new Set<string>();
  const judge = {
    afterStep: (p: number) => {
      if (p === space.rcu || space.state(p) !== x.XT_FAULT) return null;
      faults.add(`fault of ${p < space.rcu ? p : space.callbackName(p)} at ${space.insn(p)}`);
      return { key: 'fault', text: '' };
    },
    atEnd: () => {
      const globals = object.globals.all();
      seen.add(
        JSON.stringify([
          globals,
          [...machine.memory.read(words.valueOffset(0), 8 * WORDS)],
          threads.map((_, p) => space.retval(p)),
        ]),
      );
      return null;
    },
    stuck: () => {
      faults.add('stuck');
      return { key: 'stuck', text: '' };
    },
  };
  for (;;) {
    const result = new Search(space, judge, { ...options, preemptions: null }).run();
    const { schedules, exhausted } = result;
    if (!result.again) return { seen, faults, schedules, exhausted };
    seen.clear();
    faults.clear();
  }
}

/** Programs of a seed. */
export function sourcesOf(random: Random, shape: Shape): string[] {
  return Array.from({ length: shape.threads }, () => source(random, shape));
}
