// kmalloc: size classes with free lists over a heap that only grows. Blocks lie one behind the other, each with a header, so
// that every object can be enumerated. What is freed rests in a FIFO quarantine before it is handed out again.
import {
  KMALLOC_CLASSES,
  KMALLOC_MAX_CLASS,
  M_HEAP,
  M_MEMORY_LIMIT,
  MM_BRK,
  MM_BYTES,
  MM_FREE,
  MM_LARGE,
  MM_LOCK,
  MM_OBJECTS,
  MM_PEAK,
  MM_QUARANTINE_BYTES,
  MM_QUARANTINE_HEAD,
  MM_QUARANTINE_LIMIT,
  MM_QUARANTINE_TAIL,
  MM_SERIAL,
  OBJ_ALLOC_SITE,
  OBJ_CACHED,
  OBJ_CAPACITY,
  OBJ_FREE,
  OBJ_FREE_SITE,
  OBJ_HEADER,
  OBJ_LINK,
  OBJ_LIVE,
  OBJ_QUARANTINE,
  OBJ_SERIAL,
  OBJ_SIZE,
  OBJ_STATE,
  OBJ_TAG,
  PC_SITE,
  SHADOW_FREED,
  SHADOW_REDZONE,
  WARN_BAD_FREE,
  WARN_DOUBLE_FREE,
} from '../layout';
import { this_cpu } from '../kernel/gs';
import { warn } from '../kernel/warn';
import { raw_spin_lock, raw_spin_unlock } from '../lib/spinlock';
import { kasan_poison, kasan_unpoison } from './kasan';

const PAGE: usize = 65536;
/** The heap grows by at least this much, so that growth is rare. */
const GROW_STEP: usize = 1 << 20;
const LARGE_UNIT: usize = 4096;

// Field of the header of object p.
// @ts-ignore: decorator
@inline
export function obj_load(p: usize, field: usize): u32 {
  return load<u32>(p - OBJ_HEADER + field);
}

// @ts-ignore: decorator
@inline
export function obj_store(p: usize, field: usize, value: u32): void {
  store<u32>(p - OBJ_HEADER + field, value);
}

/** Classes are multiples of 16 up to 128, then four to each power of two. */
function class_of(size: usize): u32 {
  if (size <= 128) return <u32>((size + 15) >> 4) - 1;
  const s = <u32>size - 1;
  const log = 31 - clz(s);
  return ((log - 7) << 2) + ((s >> (log - 2)) & 3) + 8;
}

function class_capacity(size: usize): usize {
  if (size <= 128) return (size + 15) & ~15;
  const s = <u32>size - 1;
  const shift = 31 - clz(s) - 2;
  return ((s >> shift) + 1) << shift;
}

/** Takes a new block off the end of the heap; 0 when memory is out. */
function carve(capacity: usize): usize {
  const start: usize = load<u32>(MM_BRK);
  const limit: usize = load<u32>(M_MEMORY_LIMIT);
  // A block ends in the header of the next: a redzone behind it is always there.
  const end = start + OBJ_HEADER + capacity;
  if (end < start || end + OBJ_HEADER > limit) return 0;
  const have = <usize>memory.size() * PAGE;
  if (end + OBJ_HEADER > have) {
    const missing = end + OBJ_HEADER - have;
    const pages = <i32>((missing + PAGE - 1) / PAGE);
    const wanted = <i32>min((max(missing, GROW_STEP) + PAGE - 1) / PAGE, (limit - have) / PAGE);
    if (memory.grow(max(wanted, pages)) < 0 && memory.grow(pages) < 0) return 0;
  }
  store<u32>(MM_BRK, <u32>end);
  const p = start + OBJ_HEADER;
  kasan_poison(start, OBJ_HEADER, SHADOW_REDZONE);
  kasan_poison(end, OBJ_HEADER, SHADOW_REDZONE);
  obj_store(p, OBJ_CAPACITY, <u32>capacity);
  // OBJ_SERIAL 0: never used, so still zero.
  return p;
}

/** First large free block that fits, the rest of it split off; 0 when there is none. */
function take_large(capacity: usize): usize {
  let before: usize = 0;
  let p: usize = load<u32>(MM_LARGE);
  while (p) {
    const have: usize = obj_load(p, OBJ_CAPACITY);
    const next = obj_load(p, OBJ_LINK);
    if (have >= capacity) {
      if (before) obj_store(before, OBJ_LINK, next);
      else store<u32>(MM_LARGE, next);
      if (have - capacity >= <usize>(KMALLOC_MAX_CLASS + OBJ_HEADER)) {
        const rest = p + capacity + OBJ_HEADER;
        kasan_poison(p + capacity, OBJ_HEADER, SHADOW_REDZONE);
        obj_store(p, OBJ_CAPACITY, <u32>capacity);
        obj_store(rest, OBJ_CAPACITY, <u32>(have - capacity - OBJ_HEADER));
        obj_store(rest, OBJ_SIZE, 0);
        obj_store(rest, OBJ_SERIAL, 1);
        put_free(rest);
      }
      return p;
    }
    before = p;
    p = next;
  }
  return 0;
}

function put_free(p: usize): void {
  const capacity: usize = obj_load(p, OBJ_CAPACITY);
  const head: usize = capacity > <usize>KMALLOC_MAX_CLASS ? MM_LARGE : MM_FREE + class_of(capacity) * 4;
  obj_store(p, OBJ_STATE, OBJ_FREE);
  obj_store(p, OBJ_LINK, load<u32>(head));
  store<u32>(head, <u32>p);
}

/** Lets the oldest freed objects go until the quarantine holds at most `keep` bytes. */
function drain_quarantine(keep: u32): bool {
  let any = false;
  while (load<u32>(MM_QUARANTINE_BYTES) > keep) {
    const p: usize = load<u32>(MM_QUARANTINE_HEAD);
    const next = obj_load(p, OBJ_LINK);
    store<u32>(MM_QUARANTINE_HEAD, next);
    if (!next) store<u32>(MM_QUARANTINE_TAIL, 0);
    store<u32>(MM_QUARANTINE_BYTES, load<u32>(MM_QUARANTINE_BYTES) - obj_load(p, OBJ_CAPACITY));
    put_free(p);
    any = true;
  }
  return any;
}

function take_block(size: usize): usize {
  if (size > <usize>KMALLOC_MAX_CLASS) {
    const capacity = (size + LARGE_UNIT - 1) & ~(LARGE_UNIT - 1);
    if (capacity < size) return 0;
    const p = take_large(capacity);
    if (p) return p;
    if (drain_quarantine(load<u32>(MM_QUARANTINE_LIMIT) / 2)) {
      const again = take_large(capacity);
      if (again) return again;
    }
    return carve(capacity);
  }
  const head: usize = MM_FREE + class_of(size) * 4;
  const p: usize = load<u32>(head);
  if (p) {
    store<u32>(head, obj_load(p, OBJ_LINK));
    return p;
  }
  return carve(class_capacity(size));
}

/** Marks object p as newly allocated at the current site: its shadow, tag, sites and number. Contents are the caller's. */
export function obj_init(p: usize, tag: u32): void {
  const size: usize = obj_load(p, OBJ_SIZE);
  const used = (size + 7) & ~7;
  obj_store(p, OBJ_TAG, tag);
  obj_store(p, OBJ_ALLOC_SITE, load<u32>(this_cpu(), PC_SITE));
  obj_store(p, OBJ_FREE_SITE, 0);
  obj_store(p, OBJ_SERIAL, atomic.add<u32>(MM_SERIAL, 1) + 1);
  kasan_unpoison(p, size);
  kasan_poison(p + used, <usize>obj_load(p, OBJ_CAPACITY) - used, SHADOW_REDZONE);
  obj_store(p, OBJ_STATE, OBJ_LIVE);
}

/** A block for `size` bytes, counted as allocated; 0 when memory is out. MM_LOCK is held. */
function get_block(size: usize): usize {
  const wanted = max(size, 1);
  let p = take_block(wanted);
  if (!p && drain_quarantine(0)) p = take_block(wanted);
  if (p) {
    const bytes = load<u32>(MM_BYTES) + obj_load(p, OBJ_CAPACITY);
    store<u32>(MM_BYTES, bytes);
    if (bytes > load<u32>(MM_PEAK)) store<u32>(MM_PEAK, bytes);
    store<u32>(MM_OBJECTS, load<u32>(MM_OBJECTS) + 1);
    obj_store(p, OBJ_SIZE, <u32>size);
    obj_store(p, OBJ_LINK, 0);
  }
  return p;
}

/** `size` zeroed bytes, 16-aligned, or 0 when memory is out. */
export function kmalloc(size: usize, tag: u32): usize {
  raw_spin_lock(MM_LOCK);
  const p = get_block(size);
  raw_spin_unlock(MM_LOCK);
  if (!p) return 0;
  // Memory that was never used is zero already.
  if (obj_load(p, OBJ_SERIAL)) memory.fill(p, 0, obj_load(p, OBJ_CAPACITY));
  obj_init(p, tag);
  return p;
}

/**
 * Puts up to `count` objects of `size` bytes on the free list at `head`, and tells how many. Nobody may access them before
 * obj_init, and they hold whatever they held.
 */
export function kmalloc_cached_bulk(head: usize, size: usize, tag: u32, count: u32): u32 {
  let got: u32 = 0;
  raw_spin_lock(MM_LOCK);
  for (; got < count; got++) {
    const p = get_block(size);
    if (!p) break;
    obj_store(p, OBJ_TAG, tag);
    obj_store(p, OBJ_STATE, OBJ_CACHED);
    // Its bytes were freed, or never allocated: the shadow says so. From now on it is no longer "never used".
    if (!obj_load(p, OBJ_SERIAL)) obj_store(p, OBJ_SERIAL, atomic.add<u32>(MM_SERIAL, 1) + 1);
    obj_store(p, OBJ_LINK, load<u32>(head));
    store<u32>(head, <u32>p);
  }
  raw_spin_unlock(MM_LOCK);
  return got;
}

/** Puts an object into quarantine, poisoned; a warning instead when it is free already. MM_LOCK is held. */
function put_block(p: usize): void {
  const state = obj_load(p, OBJ_STATE);
  if (state == OBJ_FREE || state == OBJ_QUARANTINE) {
    warn(WARN_DOUBLE_FREE, <u32>p, 0);
    return;
  }
  const capacity = obj_load(p, OBJ_CAPACITY);
  obj_store(p, OBJ_STATE, OBJ_QUARANTINE);
  // What comes from a cache was freed, and marked so, by its user.
  if (state != OBJ_CACHED) {
    obj_store(p, OBJ_FREE_SITE, load<u32>(this_cpu(), PC_SITE));
    kasan_poison(p, capacity, SHADOW_FREED);
  }
  store<u32>(MM_BYTES, load<u32>(MM_BYTES) - capacity);
  store<u32>(MM_OBJECTS, load<u32>(MM_OBJECTS) - 1);
  obj_store(p, OBJ_LINK, 0);
  const tail: usize = load<u32>(MM_QUARANTINE_TAIL);
  if (tail) obj_store(tail, OBJ_LINK, <u32>p);
  else store<u32>(MM_QUARANTINE_HEAD, <u32>p);
  store<u32>(MM_QUARANTINE_TAIL, <u32>p);
  store<u32>(MM_QUARANTINE_BYTES, load<u32>(MM_QUARANTINE_BYTES) + capacity);
}

/** Gives an object back. It stays poisoned, and unused, until the quarantine lets it go. NULL is fine. */
export function kfree(p: usize): void {
  if (!p) return;
  if (p < <usize>load<u32>(M_HEAP) || p >= <usize>load<u32>(MM_BRK)) {
    warn(WARN_BAD_FREE, <u32>p, 0);
    return;
  }
  raw_spin_lock(MM_LOCK);
  put_block(p);
  drain_quarantine(load<u32>(MM_QUARANTINE_LIMIT));
  raw_spin_unlock(MM_LOCK);
}

/** The same for every object of a list. */
export function kfree_bulk(first: usize): void {
  if (!first) return;
  raw_spin_lock(MM_LOCK);
  for (let p = first; p; ) {
    const next: usize = obj_load(p, OBJ_LINK);
    put_block(p);
    p = next;
  }
  drain_quarantine(load<u32>(MM_QUARANTINE_LIMIT));
  raw_spin_unlock(MM_LOCK);
}

/** Usable bytes of an object, as asked for. */
export function ksize(p: usize): usize {
  return obj_load(p, OBJ_SIZE);
}

/** Sets up the heap; once, before anything is allocated. M_HEAP and M_MEMORY_LIMIT are set. */
export function mm_init(quarantine: u32): void {
  store<u32>(MM_BRK, load<u32>(M_HEAP));
  store<u32>(MM_QUARANTINE_LIMIT, quarantine);
  for (let i = 0; i < KMALLOC_CLASSES; i++) store<u32>(MM_FREE + i * 4, 0);
}
