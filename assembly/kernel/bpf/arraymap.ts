// BPF_MAP_TYPE_ARRAY, PERCPU_ARRAY, PROG_ARRAY, ARRAY_OF_MAPS. Values lie one behind the other, BM_ELEM_SIZE apart; a
// per-CPU array has one such row per possible CPU.
import { ALLOC_MAP_ELEM, M_NR_CPU_IDS, PC_CPU } from '../../layout';
import { kfree, kmalloc } from '../../mm/slab';
import { raw_spin_lock, raw_spin_unlock } from '../../lib/spinlock';
import { E2BIG, EEXIST, EINVAL, ENOENT, ENOMEM } from '../errno';
import { this_cpu } from '../gs';
import { bpf_obj_free_fields, bpf_obj_init, bpf_obj_recycle_fields, copy_map_value, copy_map_value_long } from './btf_record';
import {
  BM_ELEM_SIZE, BM_MAX_ENTRIES, BM_RECORD, BM_SPIN_LOCK_OFF, BM_STORAGE, BM_TYPE, BM_VALUE_SIZE, NO_FIELD,
} from './map_layout';
import { MAP_PERCPU_ARRAY } from './map_types';

function is_percpu(map: usize): bool {
  return load<u32>(map, BM_TYPE) == MAP_PERCPU_ARRAY;
}

/** Bytes of one CPU's row (of all values, when the array is not per CPU). */
function row_size(map: usize): usize {
  return <usize>load<u32>(map, BM_ELEM_SIZE) * load<u32>(map, BM_MAX_ENTRIES);
}

/** Allocates the values; 0 or -ENOMEM. BM_ELEM_SIZE is round_up(value_size, 8). */
export function array_map_alloc(map: usize): i32 {
  const rows: u64 = is_percpu(map) ? load<u32>(M_NR_CPU_IDS) : 1;
  const max = load<u32>(map, BM_MAX_ENTRIES);
  const bytes = <u64>load<u32>(map, BM_ELEM_SIZE) * max * rows;
  if (bytes > 0x7fffffff) return -ENOMEM;
  const storage = kmalloc(<usize>bytes, ALLOC_MAP_ELEM);
  if (!storage) return -ENOMEM;
  store<u32>(map, <u32>storage, BM_STORAGE);
  const rec: usize = load<u32>(map, BM_RECORD);
  if (rec) {
    const step: usize = load<u32>(map, BM_ELEM_SIZE);
    for (let at = storage, end = storage + <usize>bytes; at < end; at += step) bpf_obj_init(rec, at);
  }
  return 0;
}

export function array_map_free(map: usize): void {
  const storage: usize = load<u32>(map, BM_STORAGE);
  if (!storage) return;
  const rec: usize = load<u32>(map, BM_RECORD);
  if (rec) {
    const step: usize = load<u32>(map, BM_ELEM_SIZE);
    const rows: usize = is_percpu(map) ? load<u32>(M_NR_CPU_IDS) : 1;
    for (let at = storage, end = storage + row_size(map) * rows; at < end; at += step) bpf_obj_free_fields(rec, at);
  }
  kfree(storage);
  store<u32>(map, 0, BM_STORAGE);
}

// @ts-ignore: decorator
@inline
export function array_map_lookup_elem(map: usize, key: usize): usize {
  const index = load<u32>(key);
  if (index >= load<u32>(map, BM_MAX_ENTRIES)) return 0;
  return <usize>load<u32>(map, BM_STORAGE) + <usize>index * load<u32>(map, BM_ELEM_SIZE);
}

/** One CPU's value; 0 when there is no such entry or CPU. */
export function percpu_array_lookup_percpu_elem(map: usize, key: usize, cpu: u32): usize {
  if (cpu >= load<u32>(M_NR_CPU_IDS)) return 0;
  const first = array_map_lookup_elem(map, key);
  return first ? first + row_size(map) * cpu : 0;
}

// @ts-ignore: decorator
@inline
export function percpu_array_map_lookup_elem(map: usize, key: usize): usize {
  return percpu_array_lookup_percpu_elem(map, key, load<u32>(this_cpu(), PC_CPU));
}

/** Under the lock in the old value. */
export function copy_map_value_locked(map: usize, dst: usize, src: usize): void {
  const lock = dst + load<u32>(map, BM_SPIN_LOCK_OFF);
  raw_spin_lock(lock);
  copy_map_value(map, dst, src);
  raw_spin_unlock(lock);
}

export function array_map_update_elem(map: usize, key: usize, value: usize, flags: u64): i32 {
  if ((flags & ~4) > 2) return -EINVAL;
  const index = load<u32>(key);
  if (index >= load<u32>(map, BM_MAX_ENTRIES)) return -E2BIG;
  if (flags & 1) return -EEXIST;
  if ((flags & 4) && load<u32>(map, BM_SPIN_LOCK_OFF) == NO_FIELD) return -EINVAL;
  const rec: usize = load<u32>(map, BM_RECORD);
  if (is_percpu(map)) {
    const at = percpu_array_map_lookup_elem(map, key);
    copy_map_value(map, at, value);
    bpf_obj_recycle_fields(rec, at);
    return 0;
  }
  const at = array_map_lookup_elem(map, key);
  if (flags & 4) copy_map_value_locked(map, at, value);
  else copy_map_value(map, at, value);
  bpf_obj_recycle_fields(rec, at);
  return 0;
}

/** From user space: every CPU's value, each padded to 8 bytes, one behind the other. */
export function percpu_array_update_all(map: usize, key: usize, value: usize, flags: u64): i32 {
  if (flags > 2) return -EINVAL;
  if (load<u32>(key) >= load<u32>(map, BM_MAX_ENTRIES)) return -E2BIG;
  if (flags == 1) return -EEXIST;
  const step: usize = (load<u32>(map, BM_VALUE_SIZE) + 7) & ~7;
  const rec: usize = load<u32>(map, BM_RECORD);
  for (let cpu: u32 = 0, n = load<u32>(M_NR_CPU_IDS); cpu < n; cpu++) {
    const at = percpu_array_lookup_percpu_elem(map, key, cpu);
    copy_map_value_long(map, at, value + step * cpu);
    bpf_obj_recycle_fields(rec, at);
  }
  return 0;
}

export function array_map_delete_elem(map: usize, key: usize): i32 {
  return -EINVAL;
}

export function array_map_get_next_key(map: usize, key: usize, next: usize): i32 {
  const max = load<u32>(map, BM_MAX_ENTRIES);
  const index = key ? load<u32>(key) : 0xffffffff;
  if (index >= max) {
    store<u32>(next, 0);
    return 0;
  }
  if (index == max - 1) return -ENOENT;
  store<u32>(next, index + 1);
  return 0;
}

/** PROG_ARRAY and ARRAY_OF_MAPS: what the slot holds (an offset), 0 when empty. */
export function fd_array_map_lookup(map: usize, index: u32): usize {
  if (index >= load<u32>(map, BM_MAX_ENTRIES)) return 0;
  return <usize>(<u32>load<u64>(<usize>load<u32>(map, BM_STORAGE) + <usize>index * 8));
}
