/** References: cpumasks, tasks, local objects, kptrs, lists and trees. */
import { NUMBER, type Step, type Thing, type Writer } from '../writer.ts';
import { at, lookup } from './core.ts';

const RELEASE_MASK = ['call bpf_cpumask_release'];
const RELEASE_TASK = ['call bpf_task_release'];
const DROP = ['r2 = 0', 'call bpf_obj_drop_impl'];
const DROP_PERCPU = ['r2 = 0', 'call bpf_percpu_obj_drop_impl'];
const MASKS = ['mask', 'rcu_mask'];

/** A plain read section: of a program that may not sleep, or an explicit one. */
const inRcu = (w: Writer) => !w.sleepable || w.isHeld('rcu') || w.wrong();
const locked = (w: Writer) => w.isHeld('lock') && !w.wrong();

const createMask: Step = (w) => {
  if (locked(w)) return false;
  w.call('bpf_cpumask_create', null);
  w.keep({ kind: 'mask' }, RELEASE_MASK);
  return true;
};

const acquireMask: Step = (w) => {
  const mask = w.find('mask');
  if (mask === null || locked(w)) return false;
  w.emit(`r1 = r${mask}`);
  w.call('bpf_cpumask_acquire', null);
  w.keep({ kind: 'mask' }, RELEASE_MASK);
  return true;
};

/** Gives back some reference before the end. */
const release: Step = (w) => {
  const references = w.held.filter(({ reference, kind }) => reference && kind !== 'mem');
  if (references.length === 0 || locked(w)) return false;
  w.giveBack(w.pick(references));
  return true;
};

/** Arguments of cpumask kfuncs: n a number, m a mask. */
const CALLS: readonly (readonly [name: string, args: string])[] = [
  ['bpf_cpumask_set_cpu', 'nm'],
  ['bpf_cpumask_clear_cpu', 'nm'],
  ['bpf_cpumask_test_cpu', 'nm'],
  ['bpf_cpumask_test_and_set_cpu', 'nm'],
  ['bpf_cpumask_test_and_clear_cpu', 'nm'],
  ['bpf_cpumask_setall', 'm'],
  ['bpf_cpumask_clear', 'm'],
  ['bpf_cpumask_first', 'm'],
  ['bpf_cpumask_first_zero', 'm'],
  ['bpf_cpumask_first_and', 'mm'],
  ['bpf_cpumask_and', 'mmm'],
  ['bpf_cpumask_or', 'mmm'],
  ['bpf_cpumask_xor', 'mmm'],
  ['bpf_cpumask_equal', 'mm'],
  ['bpf_cpumask_intersects', 'mm'],
  ['bpf_cpumask_subset', 'mm'],
  ['bpf_cpumask_empty', 'm'],
  ['bpf_cpumask_full', 'm'],
  ['bpf_cpumask_copy', 'mm'],
  ['bpf_cpumask_any_distribute', 'm'],
  ['bpf_cpumask_any_and_distribute', 'mm'],
  ['bpf_cpumask_weight', 'm'],
];

const useMask: Step = (w) => {
  if (w.find(...MASKS) === null || locked(w)) return false;
  const [name, args] = w.pick(CALLS);
  const sources = [...args].map((arg) => (arg === 'm' ? w.find(...MASKS) : null));
  if (sources.some((reg) => reg !== null && reg < 6)) return false;
  sources.forEach((reg, i) => {
    w.emit(reg === null ? `r${i + 1} = ${w.pick([0, 1, 3, 63, 255, 1000])}` : `r${i + 1} = r${reg}`);
  });
  w.call(name);
  return true;
};

const readMask: Step = (w) => {
  const mask = w.find(...MASKS);
  if (mask === null) return false;
  const dst = w.below(6);
  const place = `*(u${w.pick([32, 64])} *)${at(mask, w.pick([0, 8, 24]))}`;
  w.emit(w.wrong() ? `${place} = 1` : `r${dst} = ${place}`);
  w.set(dst, NUMBER);
  return true;
};

const acquireTask: Step = (w) => {
  if (locked(w)) return false;
  const task = w.find('task', 'rcu_task');
  if (task !== null && task >= 6 && w.below(2)) {
    w.emit(`r1 = r${task}`);
    w.call('bpf_task_acquire', null);
  } else {
    w.emit(`r1 = ${w.pick([0, 1, 2, 77])}`);
    w.call('bpf_task_from_pid', null);
  }
  w.keep({ kind: 'task' }, RELEASE_TASK);
  return true;
};

/** Offsets in task_struct are the running kernel's; what is there is found out by both verifiers. */
const readTask: Step = (w) => {
  const task = w.find('task', 'rcu_task');
  if (task === null) return false;
  const size = w.pick([8, 16, 32, 64, 64]);
  const off = (size / 8) * w.below(4096 / (size / 8));
  const dst = w.free() ?? w.below(6);
  w.emit(`r${dst} = *(u${size} *)${at(task, off)}`);
  w.set(dst, null);
  return true;
};

interface LocalType {
  readonly kind: 'node' | 'leaf' | 'holder';
  readonly size: number;
  /** Where its numbers are. */
  readonly plain: number;
}
const LOCALS: readonly LocalType[] = [
  { kind: 'node', size: 72, plain: 32 },
  { kind: 'leaf', size: 16, plain: 0 },
  { kind: 'holder', size: 16, plain: 0 },
];

const newObject: Step = (w) => {
  if (locked(w)) return false;
  const { kind } = w.pick(LOCALS);
  w.emit(`r1 = type_id(${kind})`, 'r2 = 0');
  w.call('bpf_obj_new_impl', null);
  w.keep({ kind }, DROP);
  return true;
};

const useObject: Step = (w) => {
  const local = w.pick(LOCALS);
  const reg = w.find(local.kind, ...(local.kind === 'node' ? ['shared_node'] : []));
  if (reg === null) return false;
  const off = w.maybe(local.plain, 0, 8, 24, local.size);
  const dst = w.below(6);
  w.emit(w.below(2) ? `r${dst} = *(u64 *)${at(reg, off)}` : `*(u64 *)${at(reg, off)} = ${w.imm()}`);
  w.set(dst, null);
  return true;
};

const shareObject: Step = (w) => {
  const reg = w.find('node', 'shared_node');
  if (reg === null || locked(w)) return false;
  w.emit(`r1 = r${reg}`, 'r2 = 0');
  w.call('bpf_refcount_acquire_impl', null);
  // Of an owned object it cannot fail; checking does no harm.
  w.keep({ kind: 'node' }, DROP);
  return true;
};

/** Opens a lock that a map's value has; the value stays in a register. */
function lock(w: Writer, map: 'list' | 'tree'): number | null {
  const known = w.find(map);
  if (w.isHeld('lock')) return known !== null && w.newest('lock')?.id === w.thing(known)?.id ? known : null;
  const reg = w.free();
  if (reg === null) return null;
  w.emit(`r${reg} = map_value(${map}, 0)`);
  w.emit(`r1 = r${reg}`);
  w.call('bpf_spin_lock', null);
  // The value is gone from the writer's view when the lock is: nobody looks at it otherwise.
  const id = w.hold('lock', [`r1 = map_value(${map}, 0)`, 'call bpf_spin_unlock']);
  w.set(reg, { kind: map, map, id });
  return reg;
}

const unlock: Step = (w) => {
  const held = w.newest('lock');
  if (!held) return false;
  w.giveBack(held);
  w.forget('shared_node');
  return true;
};

/** After an insertion the program no longer owns the object, but may look at it until it unlocks. */
function inserted(w: Writer, id: number | undefined, reg: number): void {
  w.drop(id);
  w.set(reg, { kind: 'shared_node' });
}

const pushList: Step = (w) => {
  const node = w.find('node');
  if (node === null || node < 6) return false;
  const id = w.thing(node)?.id;
  const value = lock(w, 'list');
  if (value === null) return false;
  w.emit(
    `r1 = r${value}`,
    `r1 += ${w.maybe(8, 0, 16)}`,
    `r2 = r${node}`,
    `r2 += ${w.maybe(0, 40, 8)}`,
    'r3 = 0',
    'r4 = 0',
  );
  w.call(w.pick(['bpf_list_push_front_impl', 'bpf_list_push_back_impl']));
  inserted(w, id, node);
  return true;
};

const addTree: Step = (w) => {
  const node = w.find('node');
  if (node === null || node < 6) return false;
  const id = w.thing(node)?.id;
  const value = lock(w, 'tree');
  if (value === null) return false;
  const less = lessFunction(w);
  if (less === null) return false;
  w.emit(`r1 = r${value}`, `r1 += ${w.maybe(8, 0)}`, `r2 = r${node}`, `r2 += ${w.maybe(40, 0)}`);
  w.emit(`r3 = func(${less})`, 'r4 = 0', 'r5 = 0');
  w.call('bpf_rbtree_add_impl');
  inserted(w, id, node);
  return true;
};

/** Compares the numbers of two nodes, by their branches. */
function lessFunction(w: Writer): string | null {
  const known = w.shared.functions.find(({ name }) => name.startsWith('less'));
  if (known) return known.name;
  const name = `less${w.shared.names++}`;
  const lines = ['r1 = *(u64 *)(r1 - 8)', 'r2 = *(u64 *)(r2 - 8)', 'r0 = 1', 'if r1 < r2 goto +1', 'r0 = 0', 'exit'];
  if (w.wrong()) lines.splice(w.below(4), 1);
  w.shared.functions.push({ name, lines, func: { linkage: 'static', args: ['pointer', 'pointer'] } });
  return name;
}

/** A node taken out: back to the start of its object. */
function took(w: Writer, nodeOff: number): void {
  const reg = w.free();
  const held = w.newest('lock');
  if (reg === null || !held) {
    w.emit('r0 = 0');
    return;
  }
  const id = w.shared.names++;
  w.emit(`r${reg} = r0`);
  w.set(reg, null);
  w.leaveIfNull(reg);
  if (nodeOff) w.emit(`r${reg} += ${w.maybe(-nodeOff, nodeOff)}`);
  w.held.splice(w.held.indexOf(held), 0, { id, kind: 'node', release: DROP, reference: true });
  w.set(reg, { kind: 'node', id });
}

const popList: Step = (w) => {
  if (w.free() === null) return false;
  const value = lock(w, 'list');
  if (value === null || w.free() === null) return false;
  w.emit(`r1 = r${value}`, `r1 += ${w.maybe(8, 0)}`);
  w.call(w.pick(['bpf_list_pop_front', 'bpf_list_pop_back']), null);
  took(w, 0);
  return true;
};

const removeTree: Step = (w) => {
  const value = lock(w, 'tree');
  if (value === null || w.free() === null) return false;
  w.emit(`r1 = r${value}`, 'r1 += 8');
  w.call(w.pick(['bpf_rbtree_first', 'bpf_rbtree_root']), null);
  const none = w.free() as number;
  w.emit(`r${none} = r0`);
  w.set(none, null);
  w.leaveIfNull(none);
  w.emit(`r1 = r${value}`, 'r1 += 8', `r2 = r${none}`);
  w.call('bpf_rbtree_remove', null);
  took(w, 40);
  return true;
};

const peekGraph: Step = (w) => {
  const map = w.pick(['list', 'tree'] as const);
  const value = lock(w, map);
  if (value === null) return false;
  const [reg, back] = [w.free(), map === 'list' ? 0 : 40];
  if (reg === null) return false;
  w.emit(`r1 = r${value}`, 'r1 += 8');
  w.call(map === 'list' ? w.pick(['bpf_list_front', 'bpf_list_back']) : 'bpf_rbtree_first', null);
  w.emit(`r${reg} = r0`);
  w.set(reg, null);
  w.leaveIfNull(reg);
  if (back) w.emit(`r${reg} += -${back}`);
  w.set(reg, { kind: 'shared_node' });
  return true;
};

/** Fields of a value of type kptrs: offset, what they hold. */
const FIELDS: readonly { off: number; kind: string; release: readonly string[] }[] = [
  { off: 8, kind: 'mask', release: RELEASE_MASK },
  { off: 16, kind: 'task', release: RELEASE_TASK },
  { off: 32, kind: 'node', release: DROP },
  { off: 40, kind: 'percpu_leaf', release: DROP_PERCPU },
];

const kptrs: Thing = { kind: 'kptrs' };

function kptrValue(w: Writer): number | null {
  const known = w.find('kptrs');
  if (known !== null && known >= 6) return known;
  if (w.free() === null) return null;
  lookup(w, w.pick(['k', 'kh']), kptrs);
  const found = w.find('kptrs');
  return found !== null && found >= 6 ? found : null;
}

const exchange: Step = (w) => {
  if (locked(w)) return false;
  const value = kptrValue(w);
  if (value === null) return false;
  const field = w.pick(FIELDS);
  const given = w.below(2) ? w.find(field.kind) : null;
  const id = given === null ? undefined : w.thing(given)?.id;
  const gives = given !== null && given >= 6 && id !== undefined;
  w.emit(`r1 = r${value}`, `r1 += ${w.maybe(field.off, 0, 24, 8)}`, gives ? `r2 = r${given}` : 'r2 = 0');
  w.call('bpf_kptr_xchg', null);
  if (gives) w.drop(id);
  w.keep({ kind: field.kind }, field.release);
  return true;
};

const loadKptr: Step = (w) => {
  const value = kptrValue(w);
  const reg = w.free();
  if (value === null || reg === null || reg === value) return false;
  const [off, kind] = w.pick([
    [8, 'mask'],
    [16, 'task'],
    [24, 'raw'],
  ] as const);
  w.emit(`r${reg} = *(u${w.maybe(64, 32)} *)${at(value, off)}`);
  w.set(reg, null);
  if (!inRcu(w) || w.below(4) === 0) return true;
  w.leaveIfNull(reg);
  if (kind !== 'raw') w.set(reg, { kind: `rcu_${kind}` });
  return true;
};

const storeKptr: Step = (w) => {
  const value = w.find('kptrs');
  if (value === null) return false;
  w.emit(`*(u64 *)${at(value, w.maybe(0, 8, 24))} = ${w.maybe(w.imm(), 0)}`);
  return true;
};

const holderKptr: Step = (w) => {
  const holder = w.find('holder');
  if (holder === null || holder < 6 || locked(w)) return false;
  w.emit(`r1 = r${holder}`, `r1 += ${w.maybe(8, 0)}`, 'r2 = 0');
  w.call('bpf_kptr_xchg', null);
  w.keep({ kind: 'mask' }, RELEASE_MASK);
  return true;
};

const percpuObject: Step = (w) => {
  if (locked(w)) return false;
  const known = w.find('percpu_leaf');
  if (known === null || known < 6) {
    w.emit('r1 = type_id(leaf)', 'r2 = 0');
    w.call('bpf_percpu_obj_new_impl', null);
    w.keep({ kind: 'percpu_leaf' }, DROP_PERCPU);
    return true;
  }
  w.emit(`r1 = r${known}`);
  if (w.below(2)) {
    w.call('bpf_this_cpu_ptr', null);
    w.emit(`r1 = *(u64 *)(r0 + ${w.maybe(8, 16)})`);
    return true;
  }
  w.emit(`r2 = ${w.pick([0, 1, 99])}`);
  w.call('bpf_per_cpu_ptr', null);
  const skip = w.label();
  if (!w.wrong()) w.emit(`if r0 == 0 goto ${skip}`);
  w.emit('*(u64 *)(r0 + 0) = 5', `${skip}:`);
  w.clearScratch();
  return true;
};

for (const step of [pushList, addTree, popList, removeTree, peekGraph, unlock, useObject, readMask])
  step.underLock = true;

export const MASK_STEPS: readonly Step[] = [
  createMask,
  createMask,
  acquireMask,
  release,
  useMask,
  useMask,
  useMask,
  readMask,
];
export const TASK_STEPS: readonly Step[] = [acquireTask, readTask, release];
export const OBJECT_STEPS: readonly Step[] = [
  newObject,
  newObject,
  useObject,
  shareObject,
  release,
  holderKptr,
  percpuObject,
];
export const GRAPH_STEPS: readonly Step[] = [
  pushList,
  pushList,
  addTree,
  addTree,
  popList,
  removeTree,
  peekGraph,
  unlock,
  unlock,
  unlock,
];
export const KPTR_STEPS: readonly Step[] = [exchange, exchange, exchange, loadKptr, loadKptr, storeKptr];
