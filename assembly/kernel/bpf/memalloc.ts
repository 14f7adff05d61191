// kernel/bpf/memalloc.c: objects for programs in any context. Each CPU has a list of free objects that irq_work refills and
// trims between two watermarks; taking one never blocks and gives NULL when the list is empty. What is freed with _rcu goes
// through a grace period of RCU, then one of RCU tasks trace, before kmalloc gets it back; between the two it may be handed
// out again.
import {
  ALLOC_MEM_CACHE,
  IRQ_WORK_MEM_REFILL,
  M_NR_CPU_IDS,
  M_PERCPU,
  MA_CACHES,
  MA_OBJ_SIZE,
  MA_PENDING,
  MA_SIZE,
  MA_TAG,
  MC_BATCH,
  MC_BY_RCU,
  MC_BY_TTRACE,
  MC_CALL_RCU,
  MC_CALL_TTRACE,
  MC_DRAINING,
  MC_FREE,
  MC_FREE_CNT,
  MC_HIGH,
  MC_IRQ_WORK,
  MC_LOCK,
  MC_LOW,
  MC_MA,
  MC_OBJ_SIZE,
  MC_RCU,
  MC_RCU_TTRACE,
  MC_SIZE,
  MC_TAG,
  MC_TGT,
  MC_UNIT_SIZE,
  MC_WAITING,
  MC_WAITING_TTRACE,
  OBJ_CACHED,
  OBJ_CAPACITY,
  OBJ_FREE_SITE,
  OBJ_HEADER,
  OBJ_LINK,
  OBJ_LIVE,
  OBJ_RCU,
  OBJ_SIZE,
  OBJ_STATE,
  PC_CPU,
  PC_SITE,
  PERCPU_SIZE,
  RCU_FREE_BY_RCU,
  RCU_FREE_TTRACE,
  SHADOW_FREED,
  SHADOW_REDZONE,
  WARN_DOUBLE_FREE,
} from '../../layout';
import { raw_spin_lock, raw_spin_unlock } from '../../lib/spinlock';
import { kasan_poison } from '../../mm/kasan';
import { kfree, kfree_bulk, kmalloc, kmalloc_cached_bulk, obj_init, obj_load, obj_store } from '../../mm/slab';
import { explore_note_freed } from '../explore_notes';
import { this_cpu } from '../gs';
import { irq_work_cancel, irq_work_queue } from '../irq_work';
import { call_rcu, call_rcu_tasks_trace } from '../rcu/tree';
import { warn } from '../warn';

/** The kernel puts a list node before each object; ours is in the header, but sizes are counted as the kernel does. */
const LLIST_NODE_SZ: u32 = 8;
/** Caches of an allocator without a fixed size. */
const NUM_CACHES: u32 = 11;

/** Unit size of cache `index`: 96, 192, then the powers of two from 16 to 4096. */
function unit_size_of(index: u32): u32 {
  if (index < 2) return 96 << index;
  return 16 << (index - 2);
}

/** Which cache serves `size` bytes, list node included; -1: none. */
export function bpf_mem_cache_idx(size: u32): i32 {
  if (!size || size > 4096) return -1;
  if (size <= 16) return 2;
  if (size > 64 && size <= 96) return 0;
  if (size > 128 && size <= 192) return 1;
  return 32 - clz(size - 1) - 2;
}

/** Sets up and prefills the cache of one size on one CPU, at its first use: 8192 CPUs would cost too much at start. */
function init_cache(ma: usize, c: usize, index: u32): void {
  const size = load<u32>(ma, MA_OBJ_SIZE);
  const unit_size = size ? size + LLIST_NODE_SZ : unit_size_of(index);
  store<u32>(c, unit_size, MC_UNIT_SIZE);
  store<u32>(c, unit_size - LLIST_NODE_SZ, MC_OBJ_SIZE);
  store<u32>(c, load<u32>(ma, MA_TAG), MC_TAG);
  store<u32>(c, <u32>ma, MC_MA);
  store<u32>(c, <u32>c, MC_TGT);
  store<u32>(c + MC_IRQ_WORK, IRQ_WORK_MEM_REFILL, 4);
  // Up to 256 bytes: 32 to 96 free objects; above, as many as fit in the same number of bytes.
  const low: u32 = unit_size <= 256 ? 32 : max(<u32>(32 * 256) / unit_size, 1);
  const high: u32 = unit_size <= 256 ? 96 : max(<u32>(96 * 256) / unit_size, 3);
  store<u32>(c, low, MC_LOW);
  store<u32>(c, high, MC_HIGH);
  store<u32>(c, max(((high - low) / 4) * 3, 1), MC_BATCH);
  alloc_bulk(c, unit_size <= 256 ? 4 : 1);
}

// @ts-ignore: decorator
@inline
function caches_per_cpu(ma: usize): u32 {
  return load<u32>(ma, MA_OBJ_SIZE) ? 1 : NUM_CACHES;
}

/** A new allocator of objects of `size` bytes; size 0: of any up to 4088 bytes. 0 when memory is out. */
export function bpf_mem_alloc_init(size: u32, tag: u32): usize {
  const ma = kmalloc(MA_SIZE, ALLOC_MEM_CACHE);
  if (!ma) return 0;
  store<u32>(ma, size, MA_OBJ_SIZE);
  store<u32>(ma, tag, MA_TAG);
  const bytes = <usize>load<u32>(M_NR_CPU_IDS) * caches_per_cpu(ma) * MC_SIZE;
  const caches = kmalloc(bytes, ALLOC_MEM_CACHE);
  if (!caches) {
    kfree(ma);
    return 0;
  }
  kasan_poison(caches, bytes, SHADOW_REDZONE);
  store<u32>(ma, <u32>caches, MA_CACHES);
  return ma;
}

// Cache `index` of this CPU.
// @ts-ignore: decorator
@inline
function this_cache(ma: usize, index: u32): usize {
  const number = load<u32>(this_cpu(), PC_CPU) * caches_per_cpu(ma) + index;
  const c: usize = load<u32>(ma, MA_CACHES) + number * MC_SIZE;
  if (!load<u32>(c, MC_UNIT_SIZE)) init_cache(ma, c, index);
  return c;
}

/** Marks an object as free in a cache: nobody may access it. */
function set_cached(p: usize): void {
  obj_store(p, OBJ_STATE, OBJ_CACHED);
  kasan_poison(p, obj_load(p, OBJ_CAPACITY), SHADOW_FREED);
}

/** Puts a cached object on this CPU's free list. */
function add_to_free_list(c: usize, p: usize): void {
  obj_store(p, OBJ_LINK, load<u32>(c, MC_FREE));
  store<u32>(c, <u32>p, MC_FREE);
  store<u32>(c, load<u32>(c, MC_FREE_CNT) + 1, MC_FREE_CNT);
}

// Takes the first object off a list whose head is at `head`; 0 when it is empty.
// @ts-ignore: decorator
@inline
function pop(head: usize): usize {
  const p: usize = load<u32>(head);
  if (p) store<u32>(head, obj_load(p, OBJ_LINK));
  return p;
}

// @ts-ignore: decorator
@inline
function push(head: usize, p: usize): void {
  obj_store(p, OBJ_LINK, load<u32>(head));
  store<u32>(head, <u32>p);
}

/** Puts an object on a list that others take as a whole (atomic.xchg), which is why neither needs a lock. */
export function llist_add(head: usize, p: usize): void {
  let first = atomic.load<u32>(head);
  for (;;) {
    obj_store(p, OBJ_LINK, first);
    const seen = atomic.cmpxchg<u32>(head, first, <u32>p);
    if (seen == first) return;
    first = seen;
  }
}

/** Adds up to `count` objects: first those whose plain grace period is over, then new memory. */
function alloc_bulk(c: usize, count: u32): void {
  let i: u32 = 0;
  raw_spin_lock(c + MC_LOCK);
  for (; i < count; i++) {
    let p = pop(c + MC_BY_TTRACE);
    if (!p) p = pop(c + MC_WAITING_TTRACE);
    if (!p) break;
    add_to_free_list(c, p);
  }
  raw_spin_unlock(c + MC_LOCK);
  if (i == count) return;
  const got = kmalloc_cached_bulk(c + MC_FREE, load<u32>(c, MC_OBJ_SIZE), load<u32>(c, MC_TAG), count - i);
  store<u32>(c, load<u32>(c, MC_FREE_CNT) + got, MC_FREE_CNT);
}

function take_list(c: usize, list: usize): usize {
  raw_spin_lock(c + MC_LOCK);
  const first: usize = load<u32>(c + list);
  store<u32>(c + list, 0);
  raw_spin_unlock(c + MC_LOCK);
  return first;
}

/** The tasks-trace grace period is over: what was not handed out again meanwhile goes back to kmalloc. */
export function free_ttrace_done(c: usize): void {
  kfree_bulk(take_list(c, MC_WAITING_TTRACE));
  atomic.store<u32>(c + MC_CALL_TTRACE, 0);
  if (load<u32>(c, MC_DRAINING)) put_allocator(load<u32>(c, MC_MA));
}

/** One callback less needs the ended allocator; the last frees it. */
function put_allocator(ma: usize): void {
  if (atomic.sub<u32>(ma + MA_PENDING, 1) != 1) return;
  kfree(load<u32>(ma, MA_CACHES));
  kfree(ma);
}

/**
 * Sends what went through a plain grace period on its way through one of tasks trace, unless others are on it. The caller
 * holds the lock, which is given back.
 */
function unlock_and_call_rcu_ttrace(c: usize): void {
  if (atomic.xchg<u32>(c + MC_CALL_TTRACE, 1)) {
    raw_spin_unlock(c + MC_LOCK);
    return;
  }
  // What waited went with the grace period before.
  store<u32>(c, load<u32>(c, MC_BY_TTRACE), MC_WAITING_TTRACE);
  store<u32>(c, 0, MC_BY_TTRACE);
  raw_spin_unlock(c + MC_LOCK);
  call_rcu_tasks_trace(c + MC_RCU_TTRACE, RCU_FREE_TTRACE);
}

/** Trims the free list to the middle of its watermarks. */
function free_bulk(c: usize): void {
  const tgt: usize = load<u32>(c, MC_TGT);
  const keep = (load<u32>(c, MC_HIGH) + load<u32>(c, MC_LOW)) / 2;
  let count: u32;
  raw_spin_lock(tgt + MC_LOCK);
  do {
    const p = pop(c + MC_FREE);
    if (!p) break;
    count = load<u32>(c, MC_FREE_CNT) - 1;
    store<u32>(c, count, MC_FREE_CNT);
    push(tgt + MC_BY_TTRACE, p);
  } while (count > keep);
  unlock_and_call_rcu_ttrace(tgt);
}

/** The plain grace period is over: nobody can see these objects any more. */
export function free_by_rcu_done(c: usize): void {
  const tgt: usize = load<u32>(c, MC_TGT);
  let p: usize = atomic.xchg<u32>(c + MC_WAITING, 0);
  if (p) {
    raw_spin_lock(tgt + MC_LOCK);
    while (p) {
      const next: usize = obj_load(p, OBJ_LINK);
      set_cached(p);
      push(tgt + MC_BY_TTRACE, p);
      p = next;
    }
    unlock_and_call_rcu_ttrace(tgt);
  }
  atomic.store<u32>(c + MC_CALL_RCU, 0);
  if (load<u32>(c, MC_DRAINING)) put_allocator(load<u32>(c, MC_MA));
  else check_free_by_rcu(c);
}

/** Starts a grace period for what was freed, unless one is under way: its end starts the next. */
function check_free_by_rcu(c: usize): void {
  if (!atomic.load<u32>(c + MC_BY_RCU) || atomic.xchg<u32>(c + MC_CALL_RCU, 1)) return;
  store<u32>(c, atomic.xchg<u32>(c + MC_BY_RCU, 0), MC_WAITING);
  call_rcu(c + MC_RCU, RCU_FREE_BY_RCU);
}

/** irq_work of a cache: keeps its free list between the watermarks, and starts grace periods. */
export function bpf_mem_refill(c: usize): void {
  const count = load<u32>(c, MC_FREE_CNT);
  if (count < load<u32>(c, MC_LOW)) alloc_bulk(c, load<u32>(c, MC_BATCH));
  else if (count > load<u32>(c, MC_HIGH)) free_bulk(c);
  check_free_by_rcu(c);
}

function unit_alloc(c: usize, size: u32): usize {
  let count: u32 = 0;
  const p = pop(c + MC_FREE);
  if (p) {
    count = load<u32>(c, MC_FREE_CNT) - 1;
    store<u32>(c, count, MC_FREE_CNT);
    obj_store(p, OBJ_SIZE, size);
    obj_store(p, OBJ_LINK, <u32>c);
    obj_init(p, load<u32>(c, MC_TAG));
  }
  if (count < load<u32>(c, MC_LOW)) irq_work_queue(c + MC_IRQ_WORK);
  return p;
}

/** Marks a live object as freed and tells its home cache; false, with a warning, when it is not live. */
function begin_free(c: usize, p: usize): bool {
  if (obj_load(p, OBJ_STATE) != OBJ_LIVE) {
    warn(WARN_DOUBLE_FREE, <u32>p, 0);
    return false;
  }
  store<u32>(c, obj_load(p, OBJ_LINK), MC_TGT);
  obj_store(p, OBJ_FREE_SITE, load<u32>(this_cpu(), PC_SITE));
  return true;
}

function unit_free(c: usize, p: usize): void {
  if (!begin_free(c, p)) return;
  set_cached(p);
  add_to_free_list(c, p);
  if (load<u32>(c, MC_FREE_CNT) > load<u32>(c, MC_HIGH)) irq_work_queue(c + MC_IRQ_WORK);
}

function unit_free_rcu(c: usize, p: usize): void {
  if (!begin_free(c, p)) return;
  explore_note_freed(p, obj_load(p, OBJ_SIZE));
  obj_store(p, OBJ_STATE, OBJ_RCU);
  // The end of a grace period, on whichever CPU, takes this list too.
  llist_add(c + MC_BY_RCU, p);
  if (!atomic.load<u32>(c + MC_CALL_RCU)) irq_work_queue(c + MC_IRQ_WORK);
}

/** An object of the allocator's size, not zeroed; 0 when there is none. Never blocks. */
export function bpf_mem_cache_alloc(ma: usize): usize {
  return unit_alloc(this_cache(ma, 0), load<u32>(ma, MA_OBJ_SIZE));
}

/** Frees it for use on this CPU at once. */
export function bpf_mem_cache_free(ma: usize, p: usize): void {
  unit_free(this_cache(ma, 0), p);
}

/** Frees it for use after a grace period. */
export function bpf_mem_cache_free_rcu(ma: usize, p: usize): void {
  unit_free_rcu(this_cache(ma, 0), p);
}

/** `size` bytes from an allocator without a fixed size, not zeroed; 0 when there are none. */
export function bpf_mem_alloc(ma: usize, size: u32): usize {
  const index = bpf_mem_cache_idx(size + LLIST_NODE_SZ);
  return index < 0 ? 0 : unit_alloc(this_cache(ma, index), size);
}

/** Frees what bpf_mem_alloc gave, for use on this CPU at once. NULL is fine. */
export function bpf_mem_free(ma: usize, p: usize): void {
  if (p) unit_free(this_cache(ma, bpf_mem_cache_idx(obj_load(p, OBJ_SIZE) + LLIST_NODE_SZ)), p);
}

/** Frees what bpf_mem_alloc gave, for use after a grace period. NULL is fine. */
export function bpf_mem_free_rcu(ma: usize, p: usize): void {
  if (p) unit_free_rcu(this_cache(ma, bpf_mem_cache_idx(obj_load(p, OBJ_SIZE) + LLIST_NODE_SZ)), p);
}

/**
 * Ends an allocator that no program uses any more and none of whose objects is live. What awaits a grace period is freed at
 * once; the allocator itself goes with the last callback that still names it.
 */
export function bpf_mem_alloc_destroy(ma: usize): void {
  const per_cpu = caches_per_cpu(ma);
  const count = load<u32>(M_NR_CPU_IDS) * per_cpu;
  const caches: usize = load<u32>(ma, MA_CACHES);
  // Held until the walk is over, so that no callback frees what is walked.
  atomic.store<u32>(ma + MA_PENDING, 1);
  for (let i: u32 = 0; i < count; i++) {
    const c = caches + i * MC_SIZE;
    if (!load<u32>(c, MC_UNIT_SIZE)) continue;
    store<u32>(c, 1, MC_DRAINING);
    irq_work_cancel(c + MC_IRQ_WORK, <usize>load<u32>(M_PERCPU) + (i / per_cpu) * PERCPU_SIZE);
    kfree_bulk(take_list(c, MC_BY_TTRACE));
    kfree_bulk(take_list(c, MC_WAITING_TTRACE));
    kfree_bulk(take_list(c, MC_FREE));
    kfree_bulk(atomic.xchg<u32>(c + MC_BY_RCU, 0));
    kfree_bulk(atomic.xchg<u32>(c + MC_WAITING, 0));
    atomic.add<u32>(ma + MA_PENDING, atomic.load<u32>(c + MC_CALL_RCU) + atomic.load<u32>(c + MC_CALL_TTRACE));
  }
  put_allocator(ma);
}
