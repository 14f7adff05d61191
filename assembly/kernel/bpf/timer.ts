// bpf_timer and bpf_wq. The field in the map value holds the address of a struct bpf_async of ours. Pending ones wait on two
// lists of the machine, timers by expiry and work items in order; whoever runs the machine takes them with async_next, calls the
// callback with (map, key, value), and tells async_done.
import { ALLOC_KERNEL, M_CLOCK_NS, PC_CPU, PC_SITE } from '../../layout';
import { raw_spin_lock, raw_spin_unlock } from '../../lib/spinlock';
import { kfree, kmalloc } from '../../mm/slab';
import { EBUSY, EDEADLK, EINVAL, ENOMEM } from '../errno';
import { this_cpu } from '../gs';
import { round_up8, to_addr, to_offset } from './addr';
import {
  BA_CALLBACK, BA_CANCELLED, BA_CPU, BA_EXPIRES, BA_FLAGS, BA_IDLE, BA_INDEX, BA_KEY, BA_KIND, BA_MAP, BA_NEXT, BA_PENDING,
  BA_PROG, BA_RUNNING, BA_STATE, BA_VALUE, BF_OFFSET, BF_TYPE, BM_ELEM_SIZE, BM_KEY_SIZE, BM_RECORD, BM_STORAGE, BM_TYPE,
  BPF_ASYNC_SIZE, BPF_TIMER, BPF_WORKQUEUE, BR_COUNT, BR_FIELDS, BTF_FIELD_SIZE, M_ASYNC_LOCK, M_TIMERS, M_WORKS,
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
  const work = kmalloc(BPF_ASYNC_SIZE, ALLOC_KERNEL);
  if (!work) return -ENOMEM;
  const value = field - field_offset(map, kind == TIMER ? BPF_TIMER : BPF_WORKQUEUE);
  store<u32>(work, <u32>map, BA_MAP);
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

/** Takes a pending one off its list; the lock is held. */
function unlink(head: usize, work: usize): void {
  let at = head;
  for (let a: usize = load<u32>(at); a; at = a + BA_NEXT, a = load<u32>(at)) {
    if (a == work) {
      store<u32>(at, load<u32>(a, BA_NEXT));
      return;
    }
  }
}

// @ts-ignore: decorator
@inline
function list_of(work: usize): usize {
  return load<u32>(work, BA_KIND) == TIMER ? M_TIMERS : M_WORKS;
}

/** Puts it where its expiry belongs, after those of the same time; the lock is held. */
function enqueue(work: usize): void {
  const expires = load<u64>(work, BA_EXPIRES);
  let at = list_of(work);
  for (let a: usize = load<u32>(at); a && load<u64>(a, BA_EXPIRES) <= expires; a = load<u32>(at)) at = a + BA_NEXT;
  store<u32>(work, load<u32>(at), BA_NEXT);
  store<u32>(at, <u32>work);
  store<u32>(work, BA_PENDING, BA_STATE);
}

export function bpf_timer_start(timer: usize, nsecs: u64, flags: u64): i64 {
  if (flags & ~(F_TIMER_ABS | F_TIMER_CPU_PIN)) return -EINVAL;
  const work = async_of(timer);
  if (!work || !load<u64>(work, BA_CALLBACK)) return -EINVAL;
  raw_spin_lock(M_ASYNC_LOCK);
  if (load<u32>(work, BA_STATE) == BA_PENDING) unlink(M_TIMERS, work);
  store<u64>(work, flags & F_TIMER_ABS ? nsecs : load<u64>(M_CLOCK_NS) + nsecs, BA_EXPIRES);
  store<u32>(work, load<u32>(this_cpu(), PC_CPU), BA_CPU);
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
  if (load<u32>(work, BA_STATE) != BA_PENDING) {
    store<u32>(work, load<u32>(this_cpu(), PC_CPU), BA_CPU);
    enqueue(work);
  }
  raw_spin_unlock(M_ASYNC_LOCK);
  return 0;
}

/** 1 when it was pending, 0 when not; -EDEADLK from its own callback. The callback has to be set again. */
export function bpf_timer_cancel(timer: usize): i64 {
  const work = async_of(timer);
  if (!work) return -EINVAL;
  if (load<u32>(work, BA_STATE) == BA_RUNNING && load<u32>(work, BA_CPU) == load<u32>(this_cpu(), PC_CPU)) return -EDEADLK;
  raw_spin_lock(M_ASYNC_LOCK);
  const pending = load<u32>(work, BA_STATE) == BA_PENDING;
  if (pending) {
    unlink(M_TIMERS, work);
    store<u32>(work, BA_IDLE, BA_STATE);
  }
  store<u64>(work, 0, BA_CALLBACK);
  raw_spin_unlock(M_ASYNC_LOCK);
  return pending ? 1 : 0;
}

/** The map value goes away. One that runs now is freed when it is done. */
export function async_cancel_and_free(field: usize): void {
  const work = to_offset(atomic.xchg<u64>(field, 0));
  if (!work) return;
  raw_spin_lock(M_ASYNC_LOCK);
  const state = load<u32>(work, BA_STATE);
  if (state == BA_PENDING) unlink(list_of(work), work);
  store<u32>(work, 1, BA_CANCELLED);
  raw_spin_unlock(M_ASYNC_LOCK);
  if (state != BA_RUNNING) kfree(work);
}

/** When the first timer is due (M_CLOCK_NS), 0 when none is pending. */
export function timer_next_expiry(): u64 {
  const first: usize = load<u32>(M_TIMERS);
  return first ? load<u64>(first, BA_EXPIRES) : 0;
}

/** Takes what is to run at this time: work items, then timers that are due; marked as running on this CPU. 0: nothing. */
export function async_next(): usize {
  raw_spin_lock(M_ASYNC_LOCK);
  let work: usize = load<u32>(M_WORKS);
  if (!work) {
    work = load<u32>(M_TIMERS);
    if (work && load<u64>(work, BA_EXPIRES) > load<u64>(M_CLOCK_NS)) work = 0;
  }
  if (work) {
    unlink(list_of(work), work);
    store<u32>(work, BA_RUNNING, BA_STATE);
    store<u32>(work, load<u32>(this_cpu(), PC_CPU), BA_CPU);
  }
  raw_spin_unlock(M_ASYNC_LOCK);
  return work;
}

/** The callback has returned. */
export function async_done(work: usize): void {
  raw_spin_lock(M_ASYNC_LOCK);
  const gone = load<u32>(work, BA_CANCELLED) != 0;
  if (load<u32>(work, BA_STATE) == BA_RUNNING) store<u32>(work, BA_IDLE, BA_STATE);
  raw_spin_unlock(M_ASYNC_LOCK);
  if (gone) kfree(work);
}
