// Hash maps: HASH, PERCPU_HASH, LRU_HASH, LRU_PERCPU_HASH, HASH_OF_MAPS, and the element store of TASK_STORAGE.
//
// Buckets and what lies in them: htab_bucket.ts; where elements come from: htab_elem.ts; values of CPUs: htab_percpu.ts; LRU
// types: htab_lru.ts; making and freeing a map: htab_create.ts.
import { PC_CPU } from '../../layout';
import { raw_spin_lock, raw_spin_unlock } from '../../lib/spinlock';
import { EINVAL, ENOENT } from '../errno';
import { this_cpu } from '../gs';
import { copy_map_value_locked } from './arraymap';
import { LRU_NODE_REF, lru_push_free } from './bpf_lru_list';
import { copy_map_value } from './btf_record';
import {
  bucket_of, find, hash_key, is_lru, is_percpu, is_prealloc, link, lookup_elem, slot_of, unlink,
} from './htab_bucket';
import { check_flags, elem_free, fill, new_elem } from './htab_elem';
import { lru_update } from './htab_lru';
import { pcpu_copy, percpu_value, recycle_fields, value_of } from './htab_percpu';
import {
  BM_COUNT, BM_INDEX_MASK, BM_KEY_SIZE, BM_SPIN_LOCK_OFF, HE_KEY, HE_NEXT, HTAB_N_BUCKETS, NO_FIELD,
} from './map_layout';

// ---- lookup

/** The element's value for programs: this CPU's; marks it used in an LRU map. */
export function htab_map_lookup_elem(map: usize, key: usize): usize {
  const elem = lookup_elem(map, key);
  if (!elem) return 0;
  if (is_lru(map)) store<u8>(elem, 1, LRU_NODE_REF);
  return value_of(map, elem);
}

/** One CPU's value (CPU ignored when the map is not per CPU); does not count as use in an LRU map. */
export function htab_lookup_cpu(map: usize, key: usize, cpu: u32): usize {
  const elem = lookup_elem(map, key);
  if (!elem) return 0;
  const slot = slot_of(map, elem);
  return is_percpu(map) ? percpu_value(map, slot, cpu) : slot;
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

/** The first element of a bucket; 0 when it is empty. */
export function htab_first(map: usize, bucket: u32): usize {
  return load<u32>(bucket_of(map, bucket));
}

export function htab_walk_value(map: usize, elem: usize): usize {
  return value_of(map, elem);
}

// ---- update

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
          if (is_prealloc(map)) recycle_fields(map, old);
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
    recycle_fields(map, elem);
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
