// Hash maps: HASH, PERCPU_HASH, LRU_HASH, LRU_PERCPU_HASH, HASH_OF_MAPS, and the element store of TASK_STORAGE.
//
// A bucket is { first element, lock }. Readers walk without the lock; writers hold it. A new element goes to the front, so
// that a reader sees it before the one it replaces. Elements are preallocated with one spare per CPU for overwrites, or
// allocated one by one (BPF_F_NO_PREALLOC); either way a map's elements stay its elements until it is freed, and a deleted one
// may be in use again at once, as in the kernel.
import { ALLOC_MAP, ALLOC_MAP_ELEM, M_NR_CPU_IDS, PC_CPU } from '../../layout';
import { raw_spin_lock, raw_spin_unlock } from '../../lib/spinlock';
import { kfree, kmalloc } from '../../mm/slab';
import { E2BIG, EEXIST, EINVAL, ENOENT, ENOMEM } from '../errno';
import { this_cpu } from '../gs';
import { round_up8 } from './addr';
import { copy_map_value_locked } from './arraymap';
import {
  bpf_obj_free_fields, bpf_obj_init, bpf_obj_memzero, copy_map_value, copy_map_value_long,
} from './btf_record';
import { LRU_NODE_REF, lru_init, lru_destroy, lru_pop_free, lru_push_free } from './bpf_lru_list';
import { jhash } from './hash';
import {
  BM_COUNT, BM_ELEM_SIZE, BM_FLAGS, BM_INDEX_MASK, BM_KEY_SIZE, BM_MAX_ENTRIES, BM_RECORD, BM_SPIN_LOCK_OFF, BM_STORAGE,
  BM_TYPE, BM_VALUE_SIZE, HE_CHUNK, HE_HASH, HE_KEY, HE_LINK, HE_NEXT, HTAB_BUCKETS, HTAB_BUCKET_SIZE, HTAB_CHUNKS,
  HTAB_EXTRA, HTAB_FREELIST, HTAB_LRU, HTAB_NR_ELEMS, HTAB_N_BUCKETS, HTAB_REUSE, HTAB_REUSE_LOCK, HTAB_SEED,
  HTAB_VALUE_OFF, NO_FIELD,
} from './map_layout';
import { MAP_LRU_HASH, MAP_LRU_PERCPU_HASH, MAP_PERCPU_HASH } from './map_types';

const BPF_F_NO_PREALLOC: u32 = 1;

// @ts-ignore: decorator
@inline
function is_percpu(map: usize): bool {
  const type = load<u32>(map, BM_TYPE);
  return type == MAP_PERCPU_HASH || type == MAP_LRU_PERCPU_HASH;
}

// @ts-ignore: decorator
@inline
function is_lru(map: usize): bool {
  const type = load<u32>(map, BM_TYPE);
  return type == MAP_LRU_HASH || type == MAP_LRU_PERCPU_HASH;
}

// @ts-ignore: decorator
@inline
function is_prealloc(map: usize): bool {
  return !(load<u32>(map, BM_FLAGS) & BPF_F_NO_PREALLOC);
}

// @ts-ignore: decorator
@inline
function hash_key(map: usize, key: usize): u32 {
  return jhash(key, load<u32>(map, BM_KEY_SIZE), load<u32>(map, HTAB_SEED));
}

// @ts-ignore: decorator
@inline
function bucket_of(map: usize, hash: u32): usize {
  return <usize>load<u32>(map, HTAB_BUCKETS) + <usize>(hash & load<u32>(map, BM_INDEX_MASK)) * HTAB_BUCKET_SIZE;
}

// @ts-ignore: decorator
@inline
function slot_of(map: usize, elem: usize): usize {
  return elem + load<u32>(map, HTAB_VALUE_OFF);
}

/** This CPU's (or the only) value of an element. */
// @ts-ignore: decorator
@inline
function value_of(map: usize, elem: usize): usize {
  const slot = slot_of(map, elem);
  return is_percpu(map) ? percpu_value(map, slot, load<u32>(this_cpu(), PC_CPU)) : slot;
}

// @ts-ignore: decorator
@inline
function percpu_value(map: usize, slot: usize, cpu: u32): usize {
  return <usize>load<u32>(slot) + <usize>round_up8(load<u32>(map, BM_VALUE_SIZE)) * cpu;
}

function keys_equal(a: usize, b: usize, size: u32): bool {
  if (size == 4) return load<u32>(a) == load<u32>(b);
  if (size == 8) return load<u64>(a) == load<u64>(b);
  return memory.compare(a, b, size) == 0;
}

function find(map: usize, bucket: usize, hash: u32, key: usize): usize {
  const size = load<u32>(map, BM_KEY_SIZE);
  let elem: usize = atomic.load<u32>(bucket);
  while (elem) {
    if (load<u32>(elem, HE_HASH) == hash && keys_equal(elem + HE_KEY, key, size)) return elem;
    elem = atomic.load<u32>(elem + HE_NEXT);
  }
  return 0;
}

function link(bucket: usize, elem: usize): void {
  store<u32>(elem, load<u32>(bucket), HE_NEXT);
  atomic.store<u32>(bucket, <u32>elem);
}

/** Unlinks `elem`, whose own next pointer stays for readers that are on it. */
function unlink(bucket: usize, elem: usize): bool {
  let at = bucket;
  for (let e: usize = load<u32>(at); e; at = e, e = load<u32>(e)) {
    if (e == elem) {
      atomic.store<u32>(at, load<u32>(e, HE_NEXT));
      return true;
    }
  }
  return false;
}

// ---- elements

function pcpu_freelist(map: usize, cpu: u32): usize {
  return <usize>load<u32>(map, HTAB_FREELIST) + <usize>cpu * 8;
}

function freelist_push(map: usize, elem: usize): void {
  const list = pcpu_freelist(map, load<u32>(this_cpu(), PC_CPU));
  raw_spin_lock(list + 4);
  store<u32>(elem, load<u32>(list), HE_LINK);
  store<u32>(list, <u32>elem);
  raw_spin_unlock(list + 4);
}

/** From this CPU's list, else from the next CPU that has one; 0 when the map is full. */
function freelist_pop(map: usize): usize {
  const cpus = load<u32>(M_NR_CPU_IDS);
  const first = load<u32>(this_cpu(), PC_CPU);
  for (let i: u32 = 0; i < cpus; i++) {
    const list = pcpu_freelist(map, (first + i) % cpus);
    if (!load<u32>(list)) continue;
    raw_spin_lock(list + 4);
    const elem: usize = load<u32>(list);
    if (elem) store<u32>(list, load<u32>(elem, HE_LINK));
    raw_spin_unlock(list + 4);
    if (elem) return elem;
  }
  return 0;
}

/** An element for a map without preallocation: one of its own that is free, else new; 0 when memory is out. */
function elem_alloc(map: usize): usize {
  const lock = map + HTAB_REUSE_LOCK;
  raw_spin_lock(lock);
  const elem: usize = load<u32>(map, HTAB_REUSE);
  if (elem) store<u32>(map, load<u32>(elem, HE_LINK), HTAB_REUSE);
  raw_spin_unlock(lock);
  if (elem) {
    if (is_percpu(map)) {
      const bytes = <usize>round_up8(load<u32>(map, BM_VALUE_SIZE)) * load<u32>(M_NR_CPU_IDS);
      memory.fill(load<u32>(slot_of(map, elem)), 0, bytes);
    } else {
      bpf_obj_init(load<u32>(map, BM_RECORD), slot_of(map, elem));
    }
    return elem;
  }
  const fresh = kmalloc(load<u32>(map, BM_ELEM_SIZE), ALLOC_MAP_ELEM);
  if (!fresh) return 0;
  if (is_percpu(map) && !percpu_init(map, fresh)) {
    kfree(fresh);
    return 0;
  }
  raw_spin_lock(lock);
  store<u32>(fresh, load<u32>(map, HTAB_CHUNKS), HE_CHUNK);
  store<u32>(map, <u32>fresh, HTAB_CHUNKS);
  raw_spin_unlock(lock);
  if (!is_percpu(map)) bpf_obj_init(load<u32>(map, BM_RECORD), slot_of(map, fresh));
  return fresh;
}

function percpu_init(map: usize, elem: usize): bool {
  const size = <usize>round_up8(load<u32>(map, BM_VALUE_SIZE)) * load<u32>(M_NR_CPU_IDS);
  const values = kmalloc(size, ALLOC_MAP_ELEM);
  store<u32>(slot_of(map, elem), <u32>values);
  return values != 0;
}

function elem_free(map: usize, elem: usize): void {
  free_fields(map, elem);
  if (is_prealloc(map)) {
    freelist_push(map, elem);
    return;
  }
  const lock = map + HTAB_REUSE_LOCK;
  raw_spin_lock(lock);
  store<u32>(elem, load<u32>(map, HTAB_REUSE), HE_LINK);
  store<u32>(map, <u32>elem, HTAB_REUSE);
  raw_spin_unlock(lock);
}

/** Gives back what the special fields of an element hold. */
function free_fields(map: usize, elem: usize): void {
  const rec: usize = load<u32>(map, BM_RECORD);
  if (!rec) return;
  const slot = slot_of(map, elem);
  if (!is_percpu(map)) {
    bpf_obj_free_fields(rec, slot);
    return;
  }
  for (let cpu: u32 = 0, n = load<u32>(M_NR_CPU_IDS); cpu < n; cpu++) {
    bpf_obj_free_fields(rec, percpu_value(map, slot, cpu));
  }
}

// ---- creation

/** Spreads the elements over the CPUs' free lists, and sets one aside per CPU for overwrites. */
function prealloc(map: usize, elems: u32): i32 {
  const cpus = load<u32>(M_NR_CPU_IDS);
  const size: usize = load<u32>(map, BM_ELEM_SIZE);
  const bytes = <u64>size * elems;
  if (bytes > 0x7fffffff) return -ENOMEM;
  const storage = kmalloc(<usize>bytes, ALLOC_MAP_ELEM);
  if (!storage) return -ENOMEM;
  store<u32>(map, <u32>storage, BM_STORAGE);
  store<u32>(map, elems, HTAB_NR_ELEMS);
  if (is_percpu(map)) {
    for (let i: u32 = 0; i < elems; i++) if (!percpu_init(map, storage + size * i)) return -ENOMEM;
  }
  if (is_lru(map)) return lru_init(map, load<u32>(map, BM_FLAGS) & 2, storage, <u32>size, elems);
  const lists = kmalloc(<usize>cpus * 8, ALLOC_MAP);
  const extra = kmalloc(<usize>cpus * 4, ALLOC_MAP);
  store<u32>(map, <u32>lists, HTAB_FREELIST);
  store<u32>(map, <u32>extra, HTAB_EXTRA);
  if (!lists || !extra) return -ENOMEM;
  let at = storage;
  for (let cpu: u32 = 0; cpu < cpus; cpu++) {
    const share = elems / cpus + (cpu < elems % cpus ? 1 : 0);
    const list = pcpu_freelist(map, cpu);
    for (let i: u32 = 0; i < share; i++, at += size) {
      store<u32>(at, load<u32>(list), HE_LINK);
      store<u32>(list, <u32>at);
    }
  }
  for (let cpu: u32 = 0; cpu < cpus; cpu++) store<u32>(extra + (<usize>cpu << 2), <u32>freelist_pop(map));
  return 0;
}

/**
 * Allocates buckets and elements; 0 or -ENOMEM. Expects sizes, flags, BM_RECORD and HTAB_SEED set; BM_ELEM_SIZE and
 * HTAB_VALUE_OFF are computed here.
 */
export function htab_map_alloc(map: usize, n_buckets: u32): i32 {
  const value_off = HE_KEY + round_up8(load<u32>(map, BM_KEY_SIZE));
  store<u32>(map, value_off, HTAB_VALUE_OFF);
  store<u32>(map, value_off + (is_percpu(map) ? 8 : round_up8(load<u32>(map, BM_VALUE_SIZE))), BM_ELEM_SIZE);
  const buckets = kmalloc(<usize>n_buckets * HTAB_BUCKET_SIZE, ALLOC_MAP);
  if (!buckets) return -ENOMEM;
  store<u32>(map, <u32>buckets, HTAB_BUCKETS);
  store<u32>(map, n_buckets, HTAB_N_BUCKETS);
  store<u32>(map, n_buckets - 1, BM_INDEX_MASK);
  if (!is_prealloc(map)) return 0;
  const max = load<u32>(map, BM_MAX_ENTRIES);
  const err = prealloc(map, is_lru(map) ? max : max + load<u32>(M_NR_CPU_IDS));
  if (err) return err;
  const rec: usize = load<u32>(map, BM_RECORD);
  if (rec && !is_percpu(map)) {
    const step: usize = load<u32>(map, BM_ELEM_SIZE);
    let at: usize = load<u32>(map, BM_STORAGE);
    for (let i: u32 = 0, n = load<u32>(map, HTAB_NR_ELEMS); i < n; i++, at += step) bpf_obj_init(rec, slot_of(map, at));
  }
  return 0;
}

function free_values(map: usize, elem: usize): void {
  free_fields(map, elem);
  if (is_percpu(map)) kfree(load<u32>(slot_of(map, elem)));
}

/** Frees all of it, also after an htab_map_alloc that failed half way. */
export function htab_map_free(map: usize): void {
  const storage: usize = load<u32>(map, BM_STORAGE);
  if (storage) {
    const step: usize = load<u32>(map, BM_ELEM_SIZE);
    let at = storage;
    for (let i: u32 = 0, n = load<u32>(map, HTAB_NR_ELEMS); i < n; i++, at += step) {
      if (!is_percpu(map) || load<u32>(slot_of(map, at))) free_values(map, at);
    }
    kfree(storage);
  }
  let elem: usize = load<u32>(map, HTAB_CHUNKS);
  while (elem) {
    const next: usize = load<u32>(elem, HE_CHUNK);
    free_values(map, elem);
    kfree(elem);
    elem = next;
  }
  lru_destroy(map);
  kfree(load<u32>(map, HTAB_FREELIST));
  kfree(load<u32>(map, HTAB_EXTRA));
  kfree(load<u32>(map, HTAB_BUCKETS));
}

// ---- lookup

// @ts-ignore: decorator
@inline
function lookup(map: usize, key: usize): usize {
  const hash = hash_key(map, key);
  return find(map, bucket_of(map, hash), hash, key);
}

/** The element's value for programs: this CPU's; marks it used in an LRU map. */
export function htab_map_lookup_elem(map: usize, key: usize): usize {
  const elem = lookup(map, key);
  if (!elem) return 0;
  if (is_lru(map)) store<u8>(elem, 1, LRU_NODE_REF);
  return value_of(map, elem);
}

/** One CPU's value (CPU ignored when the map is not per CPU); does not count as use in an LRU map. */
export function htab_lookup_cpu(map: usize, key: usize, cpu: u32): usize {
  const elem = lookup(map, key);
  if (!elem) return 0;
  const slot = slot_of(map, elem);
  return is_percpu(map) ? percpu_value(map, slot, cpu) : slot;
}

export function htab_percpu_map_lookup_percpu_elem(map: usize, key: usize, cpu: u32): usize {
  if (cpu >= load<u32>(M_NR_CPU_IDS)) return 0;
  const elem = lookup(map, key);
  if (!elem) return 0;
  if (is_lru(map)) store<u8>(elem, 1, LRU_NODE_REF);
  return percpu_value(map, slot_of(map, elem), cpu);
}

export function htab_map_get_next_key(map: usize, key: usize, next: usize): i32 {
  const size = load<u32>(map, BM_KEY_SIZE);
  let bucket: u32 = 0;
  if (key) {
    const hash = hash_key(map, key);
    const elem = find(map, bucket_of(map, hash), hash, key);
    if (elem) {
      const after: usize = load<u32>(elem, HE_NEXT);
      if (after) {
        memory.copy(next, after + HE_KEY, size);
        return 0;
      }
      bucket = (hash & load<u32>(map, BM_INDEX_MASK)) + 1;
    }
  }
  for (let n = load<u32>(map, HTAB_N_BUCKETS); bucket < n; bucket++) {
    const first: usize = load<u32>(bucket_of(map, bucket));
    if (first) {
      memory.copy(next, first + HE_KEY, size);
      return 0;
    }
  }
  return -ENOENT;
}

/** Walking: the element after `elem` (0: the first), given its bucket number at `bucket`; 0 at the end. */
export function htab_walk(map: usize, next_in_bucket: usize, bucket: usize): usize {
  if (next_in_bucket) return next_in_bucket;
  const n = load<u32>(map, HTAB_N_BUCKETS);
  for (let i = load<u32>(bucket); i < n; i++) {
    const first: usize = load<u32>(bucket_of(map, i));
    if (first) {
      store<u32>(bucket, i + 1);
      return first;
    }
  }
  store<u32>(bucket, n);
  return 0;
}

export function htab_walk_value(map: usize, elem: usize): usize {
  return value_of(map, elem);
}

// ---- update

function check_flags(old: usize, flags: u64): i32 {
  if (old && (flags & ~4) == 1) return -EEXIST;
  if (!old && (flags & ~4) == 2) return -ENOENT;
  return 0;
}

/** Value of a new per-CPU element: `value` for this CPU and zeros elsewhere, or all CPUs' values from user space. */
function pcpu_fill(map: usize, slot: usize, value: usize, all: bool): void {
  const me = load<u32>(this_cpu(), PC_CPU);
  const rec: usize = load<u32>(map, BM_RECORD);
  const size = load<u32>(map, BM_VALUE_SIZE);
  for (let cpu: u32 = 0, n = load<u32>(M_NR_CPU_IDS); cpu < n; cpu++) {
    const at = percpu_value(map, slot, cpu);
    if (all) {
      copy_map_value_long(map, at, value + <usize>round_up8(size) * cpu);
      bpf_obj_free_fields(rec, at);
    } else if (cpu == me) copy_map_value(map, at, value);
    else bpf_obj_memzero(rec, at, size);
  }
}

/** Overwrites a per-CPU element in place. */
function pcpu_copy(map: usize, slot: usize, value: usize, all: bool): void {
  if (all) {
    pcpu_fill(map, slot, value, true);
    return;
  }
  const at = percpu_value(map, slot, load<u32>(this_cpu(), PC_CPU));
  copy_map_value(map, at, value);
  bpf_obj_free_fields(load<u32>(map, BM_RECORD), at);
}

function fill(map: usize, elem: usize, hash: u32, key: usize, value: usize, all: bool): void {
  memory.copy(elem + HE_KEY, key, load<u32>(map, BM_KEY_SIZE));
  store<u32>(elem, hash, HE_HASH);
  // task storage makes values of zeros, and without a limit on their number
  const slot = slot_of(map, elem);
  if (is_percpu(map)) pcpu_fill(map, slot, value, all);
  else if (value) copy_map_value(map, slot, value);
  else bpf_obj_memzero(load<u32>(map, BM_RECORD), slot, load<u32>(map, BM_VALUE_SIZE));
}

/** An element to put in; with `old`, the CPU's spare one, and `old` becomes the spare. Negative errno as i32 in usize. */
function new_elem(map: usize, old: usize): i32 {
  if (is_prealloc(map)) {
    if (old) {
      const spare = <usize>load<u32>(map, HTAB_EXTRA) + (<usize>load<u32>(this_cpu(), PC_CPU) << 2);
      const elem = load<u32>(spare);
      store<u32>(spare, <u32>old);
      return elem;
    }
    const elem = freelist_pop(map);
    if (!elem) return -E2BIG;
    atomic.add<u32>(map + BM_COUNT, 1);
    return <i32>elem;
  }
  const limit = load<u32>(map, BM_MAX_ENTRIES);
  if (!old && limit && atomic.load<u32>(map + BM_COUNT) >= limit) return -E2BIG;
  const elem = elem_alloc(map);
  if (!elem) return -ENOMEM;
  if (!old) atomic.add<u32>(map + BM_COUNT, 1);
  return <i32>elem;
}

function lru_update(map: usize, key: usize, value: usize, flags: u64, all: bool): i32 {
  if (flags > 2) return -EINVAL;
  const percpu = is_percpu(map);
  const hash = hash_key(map, key);
  const bucket = bucket_of(map, hash);
  // Before the bucket lock: making room may have to delete elements, which takes bucket locks.
  let elem: usize = 0;
  if (!percpu || flags != 2) {
    elem = lru_pop_free(map, hash);
    if (!elem) return -ENOMEM;
    if (!percpu) fill(map, elem, hash, key, value, false);
    else memory.copy(elem + HE_KEY, key, load<u32>(map, BM_KEY_SIZE));
    atomic.add<u32>(map + BM_COUNT, 1);
  }
  raw_spin_lock(bucket + 4);
  const old = find(map, bucket, hash, key);
  const err = check_flags(old, flags);
  let give_back: usize = 0;
  if (err) {
    give_back = elem;
  } else if (old && percpu) {
    store<u8>(old, 1, LRU_NODE_REF);
    pcpu_copy(map, slot_of(map, old), value, all);
    give_back = elem;
  } else {
    if (percpu) fill(map, elem, hash, key, value, all);
    link(bucket, elem);
    if (old) {
      store<u8>(elem, 1, LRU_NODE_REF);
      unlink(bucket, old);
      give_back = old;
    }
  }
  raw_spin_unlock(bucket + 4);
  if (give_back) {
    free_fields(map, give_back);
    atomic.sub<u32>(map + BM_COUNT, 1);
    lru_push_free(map, give_back);
  }
  return err;
}

/** Called by the LRU list to make room: takes `elem` out of its bucket; false when somebody else already has. */
export function htab_lru_map_delete_node(map: usize, elem: usize): bool {
  const bucket = bucket_of(map, load<u32>(elem, HE_HASH));
  raw_spin_lock(bucket + 4);
  const found = unlink(bucket, elem);
  if (found) {
    free_fields(map, elem);
    atomic.sub<u32>(map + BM_COUNT, 1);
  }
  raw_spin_unlock(bucket + 4);
  return found;
}

/** `all`: `value` holds every CPU's value, each padded to 8 bytes (per-CPU maps, from user space). */
export function htab_update(map: usize, key: usize, value: usize, flags: u64, all: bool): i32 {
  if (is_lru(map)) return lru_update(map, key, value, flags, all);
  const percpu = is_percpu(map);
  if (percpu ? flags > 2 : (flags & ~4) > 2) return -EINVAL;
  const hash = hash_key(map, key);
  const bucket = bucket_of(map, hash);
  if (flags & 4) {
    if (load<u32>(map, BM_SPIN_LOCK_OFF) == NO_FIELD) return -EINVAL;
    const there = find(map, bucket, hash, key);
    const err = check_flags(there, flags);
    if (err) return err;
    if (there) {
      copy_map_value_locked(map, slot_of(map, there), value);
      return 0;
    }
  }
  raw_spin_lock(bucket + 4);
  const old = find(map, bucket, hash, key);
  let err = check_flags(old, flags);
  let retired: usize = 0;
  if (!err) {
    if (old && percpu) {
      pcpu_copy(map, slot_of(map, old), value, all);
    } else if (old && (flags & 4)) {
      copy_map_value_locked(map, slot_of(map, old), value);
    } else {
      const elem = new_elem(map, old);
      if (elem > -4096 && elem < 0) {
        err = elem;
      } else {
        fill(map, <usize>(<u32>elem), hash, key, value, all);
        link(bucket, <usize>(<u32>elem));
        if (old) {
          unlink(bucket, old);
          if (is_prealloc(map)) free_fields(map, old);
          else retired = old;
        }
      }
    }
  }
  raw_spin_unlock(bucket + 4);
  if (retired) elem_free(map, retired);
  return err;
}

export function htab_map_delete_elem(map: usize, key: usize): i32 {
  const hash = hash_key(map, key);
  const bucket = bucket_of(map, hash);
  raw_spin_lock(bucket + 4);
  const elem = find(map, bucket, hash, key);
  if (elem) unlink(bucket, elem);
  raw_spin_unlock(bucket + 4);
  if (!elem) return -ENOENT;
  atomic.sub<u32>(map + BM_COUNT, 1);
  if (is_lru(map)) {
    free_fields(map, elem);
    lru_push_free(map, elem);
  } else {
    elem_free(map, elem);
  }
  return 0;
}

/** Copies the value out, then deletes: 0 or -ENOENT. `out` holds a value as programs see it. */
export function htab_lookup_and_delete(map: usize, key: usize, out: usize): i32 {
  const at = htab_lookup_cpu(map, key, load<u32>(this_cpu(), PC_CPU));
  if (!at) return -ENOENT;
  copy_map_value(map, out, at);
  return htab_map_delete_elem(map, key);
}
