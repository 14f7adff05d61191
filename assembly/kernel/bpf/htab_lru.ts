// LRU_HASH and LRU_PERCPU_HASH: updates take elements from the LRU lists, which may have to evict others for them.
import { FAIL_LRU } from '../../layout';
import { should_fail } from '../../lib/fault_inject';
import { raw_spin_lock, raw_spin_unlock } from '../../lib/spinlock';
import { EINVAL, ENOMEM } from '../errno';
import { LRU_NODE_REF, lru_pop_free, lru_push_free } from './bpf_lru_list';
import { bucket_of, find, hash_key, is_percpu, link, slot_of, unlink } from './htab_bucket';
import { check_flags, fill } from './htab_elem';
import { pcpu_copy, recycle_fields } from './htab_percpu';
import { BM_COUNT, BM_KEY_SIZE, HE_HASH, HE_KEY } from './map_layout';

export function lru_update(map: usize, key: usize, value: usize, flags: u64, all: bool): i32 {
  if (flags > 2) return -EINVAL;
  const percpu = is_percpu(map);
  const hash = hash_key(map, key);
  const bucket = bucket_of(map, hash);
  // Before the bucket lock: making room may have to delete elements, which takes bucket locks.
  let elem: usize = 0;
  if (!percpu || flags != 2) {
    elem = should_fail(FAIL_LRU) ? 0 : lru_pop_free(map, hash);
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
    recycle_fields(map, give_back);
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
    recycle_fields(map, elem);
    atomic.sub<u32>(map + BM_COUNT, 1);
  }
  raw_spin_unlock(bucket + 4);
  return found;
}
