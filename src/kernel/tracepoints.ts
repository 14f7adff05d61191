/**
 * Tracepoints that the machine can fire: one row each, with what it hands to programs. Arguments are as the kernel's
 * `trace_NAME()` has them (include/trace/events/*.h); the parameters of a row are those names.
 */
import { InputError, NotSupported } from '../errors.ts';
import type { Task } from './tasks.ts';

/** What a row may look at and make when it fires. */
export interface TraceWorld {
  /** The task in whose context it fires, and the CPU. */
  readonly current: Task;
  readonly cpu: number;
  readonly nrCpus: number;
  /** Makes a new task as fork does. */
  fork(parent: Task): Task;
  idle(cpu: number): Task;
  /** A zeroed struct of the kernel's, by name, at a simulated address; the same one each time. */
  struct(name: string): bigint;
  onlineMask(): bigint;
}

/** Arguments by name that replace a row's own: tasks, numbers or addresses. */
export type TraceArgs = Readonly<Record<string, Task | number | bigint | boolean>>;

/** What a parameter gets when the caller does not say. */
type Default = (world: TraceWorld) => Task | number | bigint | boolean;

export interface TracepointRow {
  readonly name: string;
  /** Header below include/trace/events. */
  readonly source: string;
  /** Parameters in the kernel's order, and their defaults. */
  readonly params: readonly (readonly [name: string, value: Default])[];
  /** The event's record for SEC("tracepoint/...") programs: struct trace_event_raw_EVENT, and its members. */
  readonly event?: { readonly name: string; readonly fields: (args: TraceFields) => Readonly<Record<string, unknown>> };
}

/** A fired event's arguments by name, tasks as tasks. */
export type TraceFields = Readonly<Record<string, Task | bigint>>;

const current: Default = (w) => w.current;
const child: Default = (w) => w.fork(w.current);
const zero: Default = () => 0;
const millisecond: Default = () => 1_000_000;
/** What glibc's fork() asks for: CLONE_CHILD_SETTID | CLONE_CHILD_CLEARTID. */
const FORK_FLAGS = 0x1200000;
const TASK_INTERRUPTIBLE = 1;
const NR_OPENAT = 257;

const taskEvent = (name: string) => ({
  name,
  fields: ({ task, p, tsk, dest_cpu, clone_flags }: TraceFields) => {
    const who = (task ?? p ?? tsk) as Task;
    return {
      comm: who.comm,
      pid: who.pid,
      prio: who.member('prio'),
      target_cpu: who.cpu,
      orig_cpu: who.cpu,
      dest_cpu,
      clone_flags,
    };
  },
});

const sched = (name: string, params: TracepointRow['params'], event?: TracepointRow['event']): TracepointRow => ({
  name,
  source: 'sched.h',
  params,
  ...(event ? { event } : {}),
});

/** Every tracepoint that the machine can fire. */
export const tracepoints: readonly TracepointRow[] = [
  {
    name: 'task_newtask',
    source: 'task.h',
    params: [
      ['task', child],
      ['clone_flags', () => FORK_FLAGS],
    ],
    event: taskEvent('task_newtask'),
  },
  sched(
    'sched_switch',
    [
      ['preempt', zero],
      ['prev', current],
      ['next', (w) => w.idle(w.cpu)],
      ['prev_state', () => TASK_INTERRUPTIBLE],
    ],
    {
      name: 'sched_switch',
      fields: ({ prev, next, prev_state }) => ({
        prev_comm: (prev as Task).comm,
        prev_pid: (prev as Task).pid,
        prev_prio: (prev as Task).member('prio'),
        prev_state,
        next_comm: (next as Task).comm,
        next_pid: (next as Task).pid,
        next_prio: (next as Task).member('prio'),
      }),
    },
  ),
  sched('sched_waking', [['p', current]], taskEvent('sched_wakeup_template')),
  sched('sched_wakeup', [['p', current]], taskEvent('sched_wakeup_template')),
  sched('sched_wakeup_new', [['p', child]], taskEvent('sched_wakeup_template')),
  sched(
    'sched_migrate_task',
    [
      ['p', current],
      ['dest_cpu', (w) => (w.cpu + 1) % w.nrCpus],
    ],
    taskEvent('sched_migrate_task'),
  ),
  sched(
    'sched_process_fork',
    [
      ['parent', current],
      ['child', child],
    ],
    {
      name: 'sched_process_fork',
      fields: ({ parent, child: made }) => ({
        parent_comm: (parent as Task).comm,
        parent_pid: (parent as Task).pid,
        child_comm: (made as Task).comm,
        child_pid: (made as Task).pid,
      }),
    },
  ),
  sched(
    'sched_process_exit',
    [
      ['p', current],
      ['group_dead', () => 1],
    ],
    taskEvent('sched_process_template'),
  ),
  sched('sched_process_free', [['p', current]], taskEvent('sched_process_template')),
  sched('sched_wait_task', [['p', current]], taskEvent('sched_process_template')),
  sched('sched_process_exec', [
    ['p', current],
    ['old_pid', (w) => w.current.pid],
    ['bprm', (w) => w.struct('linux_binprm')],
  ]),
  sched('sched_stat_wait', [
    ['tsk', current],
    ['delay', millisecond],
  ]),
  sched('sched_stat_sleep', [
    ['tsk', current],
    ['delay', millisecond],
  ]),
  sched('sched_stat_iowait', [
    ['tsk', current],
    ['delay', millisecond],
  ]),
  sched('sched_stat_blocked', [
    ['tsk', current],
    ['delay', millisecond],
  ]),
  sched('sched_stat_runtime', [
    ['tsk', current],
    ['runtime', millisecond],
  ]),
  sched('sched_wake_idle_without_ipi', [['cpu', (w) => w.cpu]]),
  sched('sched_kthread_stop', [['t', current]]),
  sched('sched_move_numa', [
    ['tsk', current],
    ['src_cpu', (w) => w.cpu],
    ['dst_cpu', (w) => (w.cpu + 1) % w.nrCpus],
  ]),
  {
    name: 'task_rename',
    source: 'task.h',
    params: [
      ['task', current],
      ['comm', zero],
    ],
  },
  {
    name: 'sys_enter',
    source: 'syscalls.h',
    params: [
      ['regs', (w) => w.struct('pt_regs')],
      ['id', () => NR_OPENAT],
    ],
    event: { name: 'sys_enter', fields: ({ id }) => ({ id }) },
  },
  {
    name: 'sys_exit',
    source: 'syscalls.h',
    params: [
      ['regs', (w) => w.struct('pt_regs')],
      ['ret', zero],
    ],
    event: { name: 'sys_exit', fields: ({ ret }) => ({ id: NR_OPENAT, ret }) },
  },
  {
    name: 'cpu_idle',
    source: 'power.h',
    params: [
      ['state', () => 1],
      ['cpu_id', (w) => w.cpu],
    ],
    event: { name: 'cpu', fields: ({ state, cpu_id }) => ({ state, cpu_id }) },
  },
  {
    name: 'cpu_frequency',
    source: 'power.h',
    params: [
      ['frequency', () => 2_000_000],
      ['cpu_id', (w) => w.cpu],
    ],
    event: { name: 'cpu', fields: ({ frequency, cpu_id }) => ({ state: frequency, cpu_id }) },
  },
  {
    name: 'ipi_send_cpu',
    source: 'ipi.h',
    params: [
      ['cpu', (w) => (w.cpu + 1) % w.nrCpus],
      ['callsite', zero],
      ['callback', zero],
    ],
  },
  {
    name: 'ipi_send_cpumask',
    source: 'ipi.h',
    params: [
      ['cpumask', (w) => w.onlineMask()],
      ['callsite', zero],
      ['callback', zero],
    ],
  },
  ...['softirq_entry', 'softirq_exit', 'softirq_raise'].map(
    (name): TracepointRow => ({
      name,
      source: 'irq.h',
      params: [['vec_nr', () => 7]],
      event: { name: 'softirq', fields: ({ vec_nr }) => ({ vec: vec_nr }) },
    }),
  ),
];

const byName = new Map(tracepoints.map((row) => [row.name, row]));

/** The row of a tracepoint. @throws NotSupported for one that the machine cannot fire */
export function findTracepoint(name: string): TracepointRow {
  const row = byName.get(name);
  if (!row) throw new NotSupported(`tracepoint ${name}; the machine fires ${[...byName.keys()].join(', ')}`);
  return row;
}

/** Can the machine fire it? */
export function isTracepoint(name: string): boolean {
  return byName.has(name);
}

/** The values of a row's parameters in order, the caller's where given. */
export function traceArguments(row: TracepointRow, world: TraceWorld, given: TraceArgs): TraceFields {
  for (const name of Object.keys(given)) {
    if (!row.params.some(([param]) => param === name)) {
      const names = row.params.map(([param]) => param).join(', ');
      throw new InputError(row.name, '', `has no parameter ${name}; it has ${names}`);
    }
  }
  const fields: Record<string, Task | bigint> = {};
  for (const [name, value] of row.params) {
    const chosen = given[name] ?? value(world);
    fields[name] = typeof chosen === 'object' ? chosen : BigInt(chosen);
  }
  return fields;
}

/** The same as the u64 words of a tp_btf or raw_tp program's context. */
export function traceWords(fields: TraceFields): bigint[] {
  return Object.values(fields).map((value) => BigInt.asUintN(64, typeof value === 'bigint' ? value : value.address));
}
