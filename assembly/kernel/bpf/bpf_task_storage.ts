// BPF_MAP_TYPE_TASK_STORAGE: one value per task and map. Kept in a hash map of ours that is keyed by the task's offset; a
// value stays where it is until it is deleted or user space replaces it.
import { EINVAL } from '../errno';
import { this_cpu } from '../gs';
import { htab_lookup_cpu, htab_map_delete_elem, htab_update } from './hashtab';
import { BM_NEXT, BM_TYPE, M_MAPS, PC_STORAGE_KEY } from './map_layout';
import { BPF_NOEXIST, MAP_TASK_STORAGE } from './map_types';

const BPF_LOCAL_STORAGE_GET_F_CREATE: u64 = 1;

function key_of(task: usize): usize {
  const key = this_cpu() + PC_STORAGE_KEY;
  store<u32>(key, <u32>task);
  return key;
}

/** The task's value, made from `value` (zeros when 0) when it has none and flags say so; 0 else. */
export function bpf_task_storage_get(map: usize, task: usize, value: usize, flags: u64): usize {
  if (flags & ~BPF_LOCAL_STORAGE_GET_F_CREATE || !task) return 0;
  const at = task_storage_lookup(map, task);
  if (at || !flags) return at;
  if (task_storage_update(map, task, value, BPF_NOEXIST)) return 0;
  return task_storage_lookup(map, task);
}

export function bpf_task_storage_delete(map: usize, task: usize): i64 {
  return task ? htab_map_delete_elem(map, key_of(task)) : -EINVAL;
}

/** Sets the task's value, with the flags of a map update; `value` 0 stands for zeros. */
export function task_storage_update(map: usize, task: usize, value: usize, flags: u64): i32 {
  return htab_update(map, key_of(task), value, flags, false);
}

export function task_storage_lookup(map: usize, task: usize): usize {
  return htab_lookup_cpu(map, key_of(task), 0);
}

/** A task is gone: so is what every task storage map kept for it. */
export function bpf_task_storage_free(task: usize): void {
  for (let map: usize = load<u32>(M_MAPS); map; map = load<u32>(map, BM_NEXT)) {
    if (load<u32>(map, BM_TYPE) == MAP_TASK_STORAGE) htab_map_delete_elem(map, key_of(task));
  }
}
