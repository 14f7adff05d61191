// bpf_timer and bpf_wq. The field in the map value holds the address of a struct bpf_async of ours. Pending ones wait on two
// lists of the machine, timers by expiry and work items in order; whoever runs the machine takes them with async_next, calls the
// callback with (map, key, value), and tells async_done. Exploration, which has any of them run, begins them with async_begin.
import { ALLOC_ASYNC, FAIL_TIMER, M_CLOCK_NS, M_PERCPU, PC_CPU, PC_SITE, PERCPU_SIZE } from '../../layout';
import { should_fail } from '../../lib/fault_inject';
import { raw_spin_lock, raw_spin_unlock } from '../../lib/spinlock';
import { kfree, kmalloc } from '../../mm/slab';
import { EBUSY, EDEADLK, EINVAL, ENOMEM } from '../errno';
import { this_cpu } from '../gs';
import { round_up8, to_addr, to_offset } from './addr';
import {
  BA_CALLBACK, BA_CANCELLED, BA_CANCELLING, BA_CPU, BA_EXPIRES, BA_FIELD, BA_FLAGS, BA_INDEX, BA_KEY, BA_KIND, BA_MAP, BA_NEXT,
  BA_NSECS, BA_ORDER, BA_PENDING, BA_PROG, BA_RUNNING, BA_START_FLAGS, BA_STATE, BA_VALUE, BA_WAITERS, BF_OFFSET, BF_TYPE,
  BM_ELEM_SIZE, BM_KEY_SIZE, BM_RECORD, BM_STORAGE, BM_TYPE, BPF_ASYNC_SIZE, BPF_TIMER, BPF_WORKQUEUE, BR_COUNT, BR_FIELDS,
  BTF_FIELD_SIZE, M_ASYNC_LOCK, M_ASYNC_MANUAL, M_ASYNC_STARTED, M_TIMERS, M_WORKS, PC_ASYNC, PC_ASYNC_STARTS, PC_ASYNC_WAIT,
} from './map_layout';
import { MAP_ARRAY } from './map_types';

const TIMER: u32 = 0;
const WORK: u32 = 1;
const MAX_CLOCKS: u64 = 16;
const CLOCK_REALTIME: u64 = 0;
const CLOCK_MONOTONIC: u64 = 1;
const CLOCK_BOOTTIME: u64 = 7;
const F_TIMER_ABS: u64 = 1;
const F_TIMER_CPU_PIN: u64 = 2;
/** PC_SITE holds the program above its instruction index. */
const SITE_PROG_SHIFT: u32 = 20;

function field_offset(map: usize, type: u32): u32 {
  const rec: usize = load<u32>(map, BM_RECORD);
  if (!rec) return 0;
  let field = rec + BR_FIELDS;
  for (let i: u32 = 0, n = load<u32>(rec, BR_COUNT); i < n; i++, field += BTF_FIELD_SIZE) {
    if (load<u32>(field, BF_TYPE) == type) return load<u32>(field, BF_OFFSET);
  }
  return 0;
}

// @ts-ignore: decorator
@inline
function async_of(field: usize): usize {
  return to_offset(atomic.load<u64>(field));
}

function init(field: usize, map: usize, kind: u32, flags: u32): i32 {
  if (atomic.load<u64>(field)) return -EBUSY;
  const work = should_fail(FAIL_TIMER) ? 0 : kmalloc(BPF_ASYNC_SIZE, ALLOC_ASYNC);
  if (!work) return -ENOMEM;
  const value = field - field_offset(map, kind == TIMER ? BPF_TIMER : BPF_WORKQUEUE);
  store<u32>(work, <u32>map, BA_MAP);
  store<u32>(work, <u32>field, BA_FIELD);
  store<u32>(work, <u32>value, BA_VALUE);
  store<u32>(work, kind, BA_KIND);
  store<u32>(work, flags, BA_FLAGS);
  if (load<u32>(map, BM_TYPE) == MAP_ARRAY) {
    store<u32>(work, (<u32>value - load<u32>(map, BM_STORAGE)) / load<u32>(map, BM_ELEM_SIZE), BA_INDEX);
    store<u32>(work, <u32>work + BA_INDEX, BA_KEY);
  } else {
    store<u32>(work, <u32>value - round_up8(load<u32>(map, BM_KEY_SIZE)), BA_KEY);
  }
  if (atomic.cmpxchg<u64>(field, 0, to_addr(work)) != 0) {
    kfree(work);
    return -EBUSY;
  }
  return 0;
}

export function bpf_timer_init(timer: usize, map: usize, flags: u64): i64 {
  if (flags >= MAX_CLOCKS) return -EINVAL;
  if (flags != CLOCK_MONOTONIC && flags != CLOCK_REALTIME && flags != CLOCK_BOOTTIME) return -EINVAL;
  return init(timer, map, TIMER, <u32>flags);
}

export function bpf_wq_init(wq: usize, map: usize, flags: u32): i32 {
  return flags ? -EINVAL : init(wq, map, WORK, 0);
}

function set_callback(field: usize, callback: u64): i32 {
  const work = async_of(field);
  if (!work) return -EINVAL;
  store<u64>(work, callback, BA_CALLBACK);
  store<u32>(work, load<u32>(this_cpu(), PC_SITE) >> SITE_PROG_SHIFT, BA_PROG);
  return 0;
}

/** `callback` is what the program's register holds; PC_SITE names the program. */
export function bpf_timer_set_callback(timer: usize, callback: u64): i64 {
  return set_callback(timer, callback);
}

export function bpf_wq_set_callback_impl(wq: usize, callback: u64, flags: u32, aux: usize): i32 {
  return flags ? -EINVAL : set_callback(wq, callback);
}

// @ts-ignore: decorator
@inline
function is(work: usize, state: u32): bool {
  return (load<u32>(work, BA_STATE) & state) != 0;
}

// @ts-ignore: decorator
@inline
function set_state(work: usize, add: u32, drop: u32): void {
  store<u32>(work, (load<u32>(work, BA_STATE) & ~drop) | add, BA_STATE);
}

// @ts-ignore: decorator
@inline
function list_of(work: usize): usize {
  return load<u32>(work, BA_KIND) == TIMER ? M_TIMERS : M_WORKS;
}

/** It is no longer pending; the lock is held. */
function dequeue(work: usize): void {
  set_state(work, 0, BA_PENDING);
  if (load<u32>(M_ASYNC_MANUAL)) return;
  let at = list_of(work);
  for (let a: usize = load<u32>(at); a; at = a + BA_NEXT, a = load<u32>(at)) {
    if (a == work) {
      store<u32>(at, load<u32>(a, BA_NEXT));
      return;
    }
  }
}

/** It is pending, on this CPU, or where its callback runs now. On its list it comes after those of the same time; the lock is held. */
function enqueue(work: usize): void {
  const cpu = this_cpu();
  const number = load<u32>(cpu, PC_CPU);
  const elsewhere = is(work, BA_RUNNING) && load<u32>(work, BA_CPU) != number;
  set_state(work, BA_PENDING, 0);
  if (!elsewhere) {
    const order = load<u32>(cpu, PC_ASYNC_STARTS) + 1;
    store<u32>(cpu, order, PC_ASYNC_STARTS);
    store<u32>(work, number, BA_CPU);
    store<u32>(work, order, BA_ORDER);
  } else store<u32>(work, 0, BA_ORDER);
  if (load<u32>(M_ASYNC_MANUAL)) {
    store<u32>(M_ASYNC_STARTED, load<u32>(work, BA_FIELD));
    return;
  }
  const expires = load<u64>(work, BA_EXPIRES);
  let at = list_of(work);
  for (let a: usize = load<u32>(at); a && load<u64>(a, BA_EXPIRES) <= expires; a = load<u32>(at)) at = a + BA_NEXT;
  store<u32>(work, load<u32>(at), BA_NEXT);
  store<u32>(at, <u32>work);
}

export function bpf_timer_start(timer: usize, nsecs: u64, flags: u64): i64 {
  if (flags & ~(F_TIMER_ABS | F_TIMER_CPU_PIN)) return -EINVAL;
  const work = async_of(timer);
  if (!work || !load<u64>(work, BA_CALLBACK)) return -EINVAL;
  raw_spin_lock(M_ASYNC_LOCK);
  if (is(work, BA_PENDING)) dequeue(work);
  store<u64>(work, flags & F_TIMER_ABS ? nsecs : load<u64>(M_CLOCK_NS) + nsecs, BA_EXPIRES);
  store<u64>(work, nsecs, BA_NSECS);
  store<u32>(work, <u32>flags, BA_START_FLAGS);
  enqueue(work);
  raw_spin_unlock(M_ASYNC_LOCK);
  return 0;
}

/** A work item that waits already waits on. */
export function bpf_wq_start(wq: usize, flags: u32): i32 {
  if (flags) return -EINVAL;
  const work = async_of(wq);
  if (!work || !load<u64>(work, BA_CALLBACK)) return -EINVAL;
  raw_spin_lock(M_ASYNC_LOCK);
  if (!is(work, BA_PENDING)) enqueue(work);
  raw_spin_unlock(M_ASYNC_LOCK);
  return 0;
}

/**
 * 1 when it was pending, 0 when not; -EDEADLK from its own callback, and from one that somebody's callback waits for. The callback
 * has to be set again. One that runs elsewhere is waited for: PC_ASYNC_WAIT.
 */
export function bpf_timer_cancel(timer: usize): i64 {
  const work = async_of(timer);
  if (!work) return -EINVAL;
  const cpu = this_cpu();
  const running: usize = load<u32>(cpu, PC_ASYNC);
  if (running == work || (running && load<u32>(running, BA_CANCELLING))) return -EDEADLK;
  raw_spin_lock(M_ASYNC_LOCK);
  const pending = is(work, BA_PENDING);
  if (pending) dequeue(work);
  store<u64>(work, 0, BA_CALLBACK);
  if (is(work, BA_RUNNING)) store<u32>(cpu, <u32>work, PC_ASYNC_WAIT);
  raw_spin_unlock(M_ASYNC_LOCK);
  return pending ? 1 : 0;
}

/** The map value goes away. Who runs now is freed when it is done; a timer is waited for, but not by a callback of another one. */
export function async_cancel_and_free(field: usize): void {
  const work = to_offset(atomic.xchg<u64>(field, 0));
  if (!work) return;
  raw_spin_lock(M_ASYNC_LOCK);
  if (is(work, BA_PENDING)) dequeue(work);
  store<u32>(work, 1, BA_CANCELLED);
  const running = is(work, BA_RUNNING);
  const cpu = this_cpu();
  if (running && load<u32>(work, BA_KIND) == TIMER && !load<u32>(cpu, PC_ASYNC)) store<u32>(cpu, <u32>work, PC_ASYNC_WAIT);
  raw_spin_unlock(M_ASYNC_LOCK);
  free_unused(work);
}

/** Frees one whose map value is gone, unless it runs or is waited for. */
function free_unused(work: usize): void {
  if (load<u32>(work, BA_CANCELLED) && !is(work, BA_RUNNING) && !load<u32>(work, BA_WAITERS)) kfree(work);
}

/** What runs here waits for its callback from now on. Callbacks that wait for each other would wait for ever: bpf_timer_cancel. */
export function async_wait(work: usize): void {
  store<u32>(work, load<u32>(work, BA_WAITERS) + 1, BA_WAITERS);
  if (load<u32>(this_cpu(), PC_ASYNC)) store<u32>(work, load<u32>(work, BA_CANCELLING) + 1, BA_CANCELLING);
}

/** Ends that wait; false when the callback still runs. */
export function async_waited(work: usize): bool {
  if (is(work, BA_RUNNING)) return false;
  store<u32>(work, load<u32>(work, BA_WAITERS) - 1, BA_WAITERS);
  if (load<u32>(this_cpu(), PC_ASYNC)) store<u32>(work, load<u32>(work, BA_CANCELLING) - 1, BA_CANCELLING);
  free_unused(work);
  return true;
}

/** When the first timer is due (M_CLOCK_NS), 0 when none is pending. */
export function timer_next_expiry(): u64 {
  const first: usize = load<u32>(M_TIMERS);
  return first ? load<u64>(first, BA_EXPIRES) : 0;
}

// Notes which timer's callback runs on the CPU that it belongs to.
function note_running(work: usize, running: u32): void {
  if (load<u32>(work, BA_KIND) != TIMER) return;
  store<u32>(<usize>load<u32>(M_PERCPU) + <usize>load<u32>(work, BA_CPU) * PERCPU_SIZE, running, PC_ASYNC);
}

/** The callback of a pending one is called; async_done says that it has returned. */
export function async_begin(work: usize): void {
  raw_spin_lock(M_ASYNC_LOCK);
  dequeue(work);
  set_state(work, BA_RUNNING, 0);
  note_running(work, <u32>work);
  raw_spin_unlock(M_ASYNC_LOCK);
}

/** Begins what is to run at this time: work items, then timers that are due. 0: nothing. */
export function async_next(): usize {
  let work: usize = load<u32>(M_WORKS);
  if (!work) {
    work = load<u32>(M_TIMERS);
    if (work && load<u64>(work, BA_EXPIRES) > load<u64>(M_CLOCK_NS)) work = 0;
  }
  if (work) async_begin(work);
  return work;
}

/** The callback has returned. */
export function async_done(work: usize): void {
  raw_spin_lock(M_ASYNC_LOCK);
  set_state(work, 0, BA_RUNNING);
  note_running(work, 0);
  raw_spin_unlock(M_ASYNC_LOCK);
  free_unused(work);
}
