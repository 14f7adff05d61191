// What all files of hash maps share: buckets and elements. A bucket is { first element, lock }. Readers walk without the lock;
// writers hold it. A new element goes to the front, so that a reader sees it before the one it replaces.
import { jhash } from './hash';
import {
  BM_FLAGS, BM_INDEX_MASK, BM_KEY_SIZE, BM_TYPE, HE_HASH, HE_KEY, HE_NEXT, HTAB_BUCKETS, HTAB_BUCKET_SIZE, HTAB_SEED,
  HTAB_VALUE_OFF,
} from './map_layout';
import { MAP_LRU_HASH, MAP_LRU_PERCPU_HASH, MAP_PERCPU_HASH } from './map_types';

const BPF_F_NO_PREALLOC: u32 = 1;

// @ts-ignore: decorator
@inline
export function is_percpu(map: usize): bool {
  const type = load<u32>(map, BM_TYPE);
  return type == MAP_PERCPU_HASH || type == MAP_LRU_PERCPU_HASH;
}

// @ts-ignore: decorator
@inline
export function is_lru(map: usize): bool {
  const type = load<u32>(map, BM_TYPE);
  return type == MAP_LRU_HASH || type == MAP_LRU_PERCPU_HASH;
}

// @ts-ignore: decorator
@inline
export function is_prealloc(map: usize): bool {
  return !(load<u32>(map, BM_FLAGS) & BPF_F_NO_PREALLOC);
}

// @ts-ignore: decorator
@inline
export function hash_key(map: usize, key: usize): u32 {
  return jhash(key, load<u32>(map, BM_KEY_SIZE), load<u32>(map, HTAB_SEED));
}

// @ts-ignore: decorator
@inline
export function bucket_of(map: usize, hash: u32): usize {
  return <usize>load<u32>(map, HTAB_BUCKETS) + <usize>(hash & load<u32>(map, BM_INDEX_MASK)) * HTAB_BUCKET_SIZE;
}

// @ts-ignore: decorator
@inline
export function slot_of(map: usize, elem: usize): usize {
  return elem + load<u32>(map, HTAB_VALUE_OFF);
}

export function keys_equal(a: usize, b: usize, size: u32): bool {
  if (size == 4) return load<u32>(a) == load<u32>(b);
  if (size == 8) return load<u64>(a) == load<u64>(b);
  return memory.compare(a, b, size) == 0;
}

export function find(map: usize, bucket: usize, hash: u32, key: usize): usize {
  const size = load<u32>(map, BM_KEY_SIZE);
  let elem: usize = atomic.load<u32>(bucket);
  while (elem) {
    if (load<u32>(elem, HE_HASH) == hash && keys_equal(elem + HE_KEY, key, size)) return elem;
    elem = atomic.load<u32>(elem + HE_NEXT);
  }
  return 0;
}

/** The element of a key; 0 when there is none. */
// @ts-ignore: decorator
@inline
export function lookup_elem(map: usize, key: usize): usize {
  const hash = hash_key(map, key);
  return find(map, bucket_of(map, hash), hash, key);
}

export function link(bucket: usize, elem: usize): void {
  store<u32>(elem, load<u32>(bucket), HE_NEXT);
  atomic.store<u32>(bucket, <u32>elem);
}

/** Unlinks `elem`, whose own next pointer stays for readers that are on it. */
export function unlink(bucket: usize, elem: usize): bool {
  let at = bucket;
  for (let e: usize = load<u32>(at); e; at = e, e = load<u32>(e)) {
    if (e == elem) {
      atomic.store<u32>(at, load<u32>(e, HE_NEXT));
      return true;
    }
  }
  return false;
}
