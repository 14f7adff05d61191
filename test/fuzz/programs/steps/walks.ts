/** Walks through kernel structs: loads of pointers, what may be done with them, casts that take trust away. */
import { NUMBER, type Step, type Writer } from '../writer.ts';
import { at } from './core.ts';

/** Pointers of task_struct in a 6.18.44; other kernels have something else there, which both verifiers find out. */
const TASK_POINTERS = {
  last_wakee: 88,
  cpus_ptr: 800,
  user_cpus_ptr: 808,
  mm: 1136,
  real_parent: 1280,
  parent: 1288,
  group_leader: 1328,
  files: 1824,
} as const;
const TASKS: readonly string[] = ['last_wakee', 'real_parent', 'parent', 'group_leader'];
const POINTERS = ['task', 'rcu_task', 'walked', 'walked_task', 'walked_mask', 'cast'];

const currentTask: Step = (w) => {
  w.call('bpf_get_current_task_btf', null);
  const reg = w.free();
  if (reg === null) return false;
  w.emit(`r${reg} = r0`);
  w.set(reg, { kind: 'task' });
  return true;
};

/** The first arguments of a tracing program. */
const argument: Step = (w) => {
  const ctx = w.find('ctx');
  const reg = w.free();
  if (ctx === null || ctx < 6 || reg === null || reg === ctx || w.type !== 'tracing') return false;
  w.emit(`r${reg} = *(u64 *)${at(ctx, w.maybe(0, 8, 16))}`);
  w.set(reg, { kind: 'task' });
  return true;
};

const follow: Step = (w) => {
  const task = w.find('task', 'rcu_task', 'walked_task');
  const reg = w.free();
  if (task === null || reg === null || reg === task) return false;
  const [name, off] = w.pick(Object.entries(TASK_POINTERS));
  w.emit(`r${reg} = *(u64 *)${at(task, w.maybe(off, off + 4))}`);
  const kind = TASKS.includes(name) ? 'walked_task' : name.endsWith('cpus_ptr') ? 'walked_mask' : 'walked';
  w.set(reg, null);
  if (w.below(3)) w.leaveIfNull(reg);
  w.set(reg, { kind });
  return true;
};

/** Any field of what a walk led to. */
const read: Step = (w) => {
  const from = w.find(...POINTERS);
  if (from === null) return false;
  const size = w.pick([8, 16, 32, 64, 64]);
  const off = (size / 8) * w.below(512 / (size / 8));
  const dst = w.free() ?? w.below(6);
  const place = `*(u${size} *)${at(from, off)}`;
  if (w.wrong()) {
    w.emit(`${place} = 0`);
    return true;
  }
  w.emit(`r${dst} = ${place}`);
  w.set(dst, w.below(2) ? { kind: 'walked' } : null);
  return true;
};

const readMask: Step = (w) => {
  const mask = w.find('walked_mask');
  if (mask === null || mask < 6) return false;
  const name = w.pick(['bpf_cpumask_first', 'bpf_cpumask_weight', 'bpf_cpumask_empty', 'bpf_cpumask_any_distribute']);
  w.emit(`r1 = r${mask}`);
  w.call(w.maybe(name, 'bpf_cpumask_setall', 'bpf_cpumask_release'));
  return true;
};

const acquire: Step = (w) => {
  const task = w.find('task', 'walked_task');
  if (task === null || task < 6) return false;
  w.emit(`r1 = r${task}`);
  w.call('bpf_task_acquire', null);
  w.keep({ kind: 'task' }, ['call bpf_task_release']);
  return true;
};

const castAway: Step = (w) => {
  const from = w.find(...POINTERS, 'number');
  if (from === null || from < 6) return false;
  w.emit(`r1 = r${from}`, `r2 = ${w.maybe(0, 1)}`);
  w.call('bpf_rdonly_cast', null);
  const reg = w.free();
  if (reg === null) return false;
  w.emit(`r${reg} = r0`);
  w.set(reg, { kind: 'cast' });
  return true;
};

/** A number and a pointer: what may be added to which. */
const move: Step = (w) => {
  const reg = w.find('walked', 'cast', 'walked_task');
  if (reg === null || reg < 6) return false;
  const by = w.find('index', 'number');
  w.emit(by !== null && w.below(2) ? `r${reg} += r${by}` : `r${reg} += ${w.pick([8, 16, -8, 800])}`);
  w.set(reg, { kind: 'walked' });
  return true;
};

const copyOut: Step = (w) => {
  const from = w.find(...POINTERS);
  if (from === null || from < 6) return false;
  w.stackAddress(1, w.maybe(-64, -4));
  w.emit(`r2 = ${w.maybe(8, 16, 600)}`, `r3 = r${from}`);
  w.call('bpf_probe_read_kernel');
  return true;
};

const compare: Step = (w) => {
  const [a, b] = [w.find(...POINTERS), w.find(...POINTERS, 'number')];
  if (a === null || b === null) return false;
  w.branch(`if r${a} ${w.pick(['==', '!='])} r${b}`);
  return true;
};

const store = (w: Writer): boolean => {
  const from = w.find(...POINTERS);
  if (from === null) return false;
  w.emit(`*(u64 *)${at(10, -72)} = r${from}`);
  const reg = w.free();
  if (reg === null) return false;
  w.emit(`r${reg} = *(u${w.maybe(64, 32)} *)${at(10, -72)}`);
  w.set(reg, w.thing(from) ?? NUMBER);
  return true;
};

export const WALK_STEPS: readonly Step[] = [
  currentTask,
  argument,
  follow,
  follow,
  follow,
  read,
  read,
  readMask,
  acquire,
  castAway,
  move,
  copyOut,
  compare,
  store,
];
