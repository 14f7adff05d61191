// Elements of hash maps: preallocated, with one spare per CPU for overwrites, or allocated one by one (BPF_F_NO_PREALLOC). Either
// way a map's elements stay its elements until it is freed, and a deleted one may be in use again at once, as in the kernel.
import {
  ALLOC_MAP_ELEM, FAIL_ELEM, FAIL_FULL, FAIL_STORAGE, FEATURE_DELETED_STORAGE_FREED, M_FEATURES, M_NR_CPU_IDS, PC_CPU,
} from '../../layout';
import { should_fail } from '../../lib/fault_inject';
import { raw_spin_lock, raw_spin_unlock } from '../../lib/spinlock';
import { kfree, kmalloc } from '../../mm/slab';
import { E2BIG, EEXIST, ENOENT, ENOMEM } from '../errno';
import { this_cpu } from '../gs';
import { bpf_obj_init, bpf_obj_memzero, copy_map_value } from './btf_record';
import { is_percpu, is_prealloc, slot_of } from './htab_bucket';
import { free_fields, pcpu_fill, percpu_init, recycle_fields } from './htab_percpu';
import {
  BM_COUNT, BM_ELEM_SIZE, BM_KEY_SIZE, BM_MAX_ENTRIES, BM_RECORD, BM_TYPE, BM_VALUE_SIZE, HE_CHUNK, HE_HASH, HE_KEY, HE_LINK,
  HTAB_CHUNKS, HTAB_EXTRA, HTAB_FREELIST, HTAB_REUSE, HTAB_REUSE_LOCK,
} from './map_layout';
import { MAP_TASK_STORAGE } from './map_types';

export function pcpu_freelist(map: usize, cpu: u32): usize {
  return <usize>load<u32>(map, HTAB_FREELIST) + <usize>cpu * 8;
}

export function freelist_push(map: usize, elem: usize): void {
  const list = pcpu_freelist(map, load<u32>(this_cpu(), PC_CPU));
  raw_spin_lock(list + 4);
  store<u32>(elem, load<u32>(list), HE_LINK);
  store<u32>(list, <u32>elem);
  raw_spin_unlock(list + 4);
}

/** From this CPU's list, else from the next CPU that has one; 0 when the map is full. */
export function freelist_pop(map: usize): usize {
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
export function elem_alloc(map: usize): usize {
  if (should_fail(load<u32>(map, BM_TYPE) == MAP_TASK_STORAGE ? FAIL_STORAGE : FAIL_ELEM)) return 0;
  const lock = map + HTAB_REUSE_LOCK;
  raw_spin_lock(lock);
  const elem: usize = load<u32>(map, HTAB_REUSE);
  if (elem) store<u32>(map, load<u32>(elem, HE_LINK), HTAB_REUSE);
  raw_spin_unlock(lock);
  if (elem) {
    // Special fields of a hash element stay as the one before it left them, and with them what was put there after its deletion.
    if (load<u32>(map, BM_TYPE) == MAP_TASK_STORAGE) {
      if (load<u32>(M_FEATURES) & FEATURE_DELETED_STORAGE_FREED) free_fields(map, elem);
      else bpf_obj_init(load<u32>(map, BM_RECORD), slot_of(map, elem));
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

export function elem_free(map: usize, elem: usize): void {
  if (is_prealloc(map)) {
    recycle_fields(map, elem);
    freelist_push(map, elem);
    return;
  }
  free_fields(map, elem);
  const lock = map + HTAB_REUSE_LOCK;
  raw_spin_lock(lock);
  store<u32>(elem, load<u32>(map, HTAB_REUSE), HE_LINK);
  store<u32>(map, <u32>elem, HTAB_REUSE);
  raw_spin_unlock(lock);
}

export function fill(map: usize, elem: usize, hash: u32, key: usize, value: usize, all: bool): void {
  memory.copy(elem + HE_KEY, key, load<u32>(map, BM_KEY_SIZE));
  store<u32>(elem, hash, HE_HASH);
  // task storage makes values of zeros, and without a limit on their number
  const slot = slot_of(map, elem);
  if (is_percpu(map)) pcpu_fill(map, slot, value, all);
  else if (value) copy_map_value(map, slot, value);
  else bpf_obj_memzero(load<u32>(map, BM_RECORD), slot, load<u32>(map, BM_VALUE_SIZE));
}

/** An element to put in; with `old`, the CPU's spare one, and `old` becomes the spare. Negative errno as i32 in usize. */
export function new_elem(map: usize, old: usize): i32 {
  if (is_prealloc(map)) {
    if (old) {
      const spare = <usize>load<u32>(map, HTAB_EXTRA) + (<usize>load<u32>(this_cpu(), PC_CPU) << 2);
      const elem = load<u32>(spare);
      store<u32>(spare, <u32>old);
      return elem;
    }
    const elem = should_fail(FAIL_FULL) ? 0 : freelist_pop(map);
    if (!elem) return -E2BIG;
    atomic.add<u32>(map + BM_COUNT, 1);
    return <i32>elem;
  }
  const limit = load<u32>(map, BM_MAX_ENTRIES);
  if (!old && limit && (should_fail(FAIL_FULL) || atomic.load<u32>(map + BM_COUNT) >= limit)) return -E2BIG;
  const elem = elem_alloc(map);
  if (!elem) return -ENOMEM;
  if (!old) atomic.add<u32>(map + BM_COUNT, 1);
  return <i32>elem;
}

export function check_flags(old: usize, flags: u64): i32 {
  if (old && (flags & ~4) == 1) return -EEXIST;
  if (!old && (flags & ~4) == 2) return -ENOENT;
  return 0;
}
