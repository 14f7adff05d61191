// Making and freeing hash maps.
import { ALLOC_MAP, ALLOC_MAP_ELEM, M_NR_CPU_IDS } from '../../layout';
import { kfree, kmalloc } from '../../mm/slab';
import { ENOMEM } from '../errno';
import { round_up8 } from './addr';
import { lru_destroy, lru_init } from './bpf_lru_list';
import { bpf_obj_init } from './btf_record';
import { is_lru, is_percpu, is_prealloc, slot_of } from './htab_bucket';
import { freelist_pop, pcpu_freelist } from './htab_elem';
import { free_fields, percpu_init } from './htab_percpu';
import {
  BM_ELEM_SIZE, BM_FLAGS, BM_INDEX_MASK, BM_KEY_SIZE, BM_MAX_ENTRIES, BM_RECORD, BM_STORAGE, BM_VALUE_SIZE, HE_CHUNK,
  HE_KEY, HE_LINK, HTAB_BUCKETS, HTAB_BUCKET_SIZE, HTAB_CHUNKS, HTAB_EXTRA, HTAB_FREELIST, HTAB_NR_ELEMS,
  HTAB_N_BUCKETS, HTAB_VALUE_OFF,
} from './map_layout';

const BPF_F_NO_COMMON_LRU: u32 = 2;

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
  let max = load<u32>(map, BM_MAX_ENTRIES);
  const cpus = load<u32>(M_NR_CPU_IDS);
  if (is_lru(map) && load<u32>(map, BM_FLAGS) & BPF_F_NO_COMMON_LRU) {
    // Every CPU has lists of its own, equally long.
    max = (max + cpus - 1) / cpus * cpus;
    store<u32>(map, max, BM_MAX_ENTRIES);
  }
  const err = prealloc(map, is_lru(map) ? max : max + cpus);
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
