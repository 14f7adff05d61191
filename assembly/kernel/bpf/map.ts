// The map helpers and what user space does with maps, by map type.
import { M_NR_CPU_IDS } from '../../layout';
import { kfree } from '../../mm/slab';
import { E2BIG, EINVAL, ENOENT, ENOTSUPP, EOPNOTSUPP } from '../errno';
import { round_up8 } from './addr';
import {
  array_map_alloc, array_map_delete_elem, array_map_free, array_map_get_next_key, array_map_lookup_elem,
  array_map_update_elem, percpu_array_lookup_percpu_elem, percpu_array_map_lookup_elem,
  percpu_array_update_all,
} from './arraymap';
import { bpf_obj_hide } from './btf_record';
import {
  htab_lookup_cpu, htab_map_delete_elem, htab_map_get_next_key, htab_map_lookup_elem, htab_update, htab_walk,
  htab_walk_value,
} from './hashtab';
import { htab_map_alloc, htab_map_free } from './htab_create';
import { htab_percpu_map_lookup_percpu_elem } from './htab_percpu';
import { trie_alloc, trie_delete_elem, trie_free, trie_get_next_key, trie_lookup_elem, trie_update_elem } from './lpm_trie';
import {
  BM_ID, BM_INNER, BM_MAX_ENTRIES, BM_NEXT, BM_RECORD, BM_SPIN_LOCK_OFF, BM_TYPE, BM_VALUE_SIZE, HE_KEY,
  HE_NEXT, M_MAPS, M_MAPS_LAST, NO_FIELD,
} from './map_layout';
import {
  MAP_ARRAY, MAP_ARRAY_OF_MAPS, MAP_HASH, MAP_HASH_OF_MAPS, MAP_LPM_TRIE, MAP_LRU_HASH, MAP_LRU_PERCPU_HASH,
  MAP_PERCPU_ARRAY, MAP_PERCPU_HASH, MAP_PROG_ARRAY, MAP_QUEUE, MAP_RINGBUF, MAP_STACK, MAP_TASK_STORAGE,
} from './map_types';
import {
  array_of_map_lookup_elem, htab_of_map_lookup_elem, map_of_map_delete_user, map_of_map_forget, map_of_map_lookup_user,
  map_of_map_update_user,
} from './map_in_map';
import {
  queue_stack_map_alloc, queue_stack_map_free, queue_stack_map_peek_elem, queue_stack_map_pop_elem,
  queue_stack_map_push_elem,
} from './queue_stack_maps';
import { ringbuf_map_alloc, ringbuf_map_free } from './ringbuf';
import { task_storage_lookup, task_storage_update, bpf_task_storage_delete } from './bpf_task_storage';

// @ts-ignore: decorator
@inline
function type_of(map: usize): u32 {
  return load<u32>(map, BM_TYPE);
}

// ---- life

/** Allocates a map's storage by its type; `buckets` for hash types. 0 or a negative errno. */
export function map_alloc(map: usize, buckets: u32): i32 {
  switch (type_of(map)) {
    case MAP_ARRAY:
    case MAP_PERCPU_ARRAY:
    case MAP_PROG_ARRAY:
    case MAP_ARRAY_OF_MAPS:
      return array_map_alloc(map);
    case MAP_HASH:
    case MAP_PERCPU_HASH:
    case MAP_LRU_HASH:
    case MAP_LRU_PERCPU_HASH:
    case MAP_HASH_OF_MAPS:
    case MAP_TASK_STORAGE:
      return htab_map_alloc(map, buckets);
    case MAP_QUEUE:
    case MAP_STACK:
      return queue_stack_map_alloc(map);
    case MAP_RINGBUF:
      return ringbuf_map_alloc(map);
    case MAP_LPM_TRIE:
      return trie_alloc(map);
    default:
      return -EINVAL;
  }
}

/** Gives a map that was set up its id and puts it on the machine's list. */
export function map_publish(map: usize): void {
  const last: usize = load<u32>(M_MAPS_LAST);
  store<u32>(map, last ? load<u32>(last, BM_ID) + 1 : 1, BM_ID);
  if (last) store<u32>(last, <u32>map, BM_NEXT);
  else store<u32>(M_MAPS, <u32>map);
  store<u32>(M_MAPS_LAST, <u32>map);
}

/** Frees a map with all it holds: destructors run, timers stop. Also for one whose map_alloc failed. */
export function map_free(map: usize): void {
  let before: usize = 0;
  for (let at: usize = load<u32>(M_MAPS); at; before = at, at = load<u32>(at, BM_NEXT)) {
    if (at != map) continue;
    const next = load<u32>(map, BM_NEXT);
    if (before) store<u32>(before, next, BM_NEXT);
    else store<u32>(M_MAPS, next);
    if (!next) store<u32>(M_MAPS_LAST, <u32>before);
    break;
  }
  map_of_map_forget(map);
  kfree(load<u32>(map, BM_INNER));
  switch (type_of(map)) {
    case MAP_ARRAY:
    case MAP_PERCPU_ARRAY:
    case MAP_PROG_ARRAY:
    case MAP_ARRAY_OF_MAPS:
      array_map_free(map);
      break;
    case MAP_QUEUE:
    case MAP_STACK:
      queue_stack_map_free(map);
      break;
    case MAP_RINGBUF:
      ringbuf_map_free(map);
      break;
    case MAP_LPM_TRIE:
      trie_free(map);
      break;
    default:
      htab_map_free(map);
  }
  kfree(map);
}

// ---- helpers

export function bpf_map_lookup_elem(map: usize, key: usize): usize {
  const type = type_of(map);
  if (type == MAP_ARRAY) return array_map_lookup_elem(map, key);
  if (type == MAP_HASH) return htab_map_lookup_elem(map, key);
  switch (type) {
    case MAP_PERCPU_ARRAY:
      return percpu_array_map_lookup_elem(map, key);
    case MAP_PERCPU_HASH:
    case MAP_LRU_HASH:
    case MAP_LRU_PERCPU_HASH:
      return htab_map_lookup_elem(map, key);
    case MAP_ARRAY_OF_MAPS:
      return array_of_map_lookup_elem(map, key);
    case MAP_HASH_OF_MAPS:
      return htab_of_map_lookup_elem(map, key);
    case MAP_LPM_TRIE:
      return trie_lookup_elem(map, key);
    default:
      return 0;
  }
}

function update(map: usize, key: usize, value: usize, flags: u64, all: bool): i32 {
  switch (type_of(map)) {
    case MAP_ARRAY:
      return array_map_update_elem(map, key, value, flags);
    case MAP_PERCPU_ARRAY:
      return all ? percpu_array_update_all(map, key, value, flags) : array_map_update_elem(map, key, value, flags);
    case MAP_HASH:
    case MAP_PERCPU_HASH:
    case MAP_LRU_HASH:
    case MAP_LRU_PERCPU_HASH:
      return htab_update(map, key, value, flags, all);
    case MAP_LPM_TRIE:
      return trie_update_elem(map, key, value, flags);
    default:
      return -EOPNOTSUPP;
  }
}

export function bpf_map_update_elem(map: usize, key: usize, value: usize, flags: u64): i64 {
  return update(map, key, value, flags, false);
}

export function bpf_map_delete_elem(map: usize, key: usize): i64 {
  switch (type_of(map)) {
    case MAP_ARRAY:
    case MAP_PERCPU_ARRAY:
      return array_map_delete_elem(map, key);
    case MAP_HASH:
    case MAP_PERCPU_HASH:
    case MAP_LRU_HASH:
    case MAP_LRU_PERCPU_HASH:
      return htab_map_delete_elem(map, key);
    case MAP_LPM_TRIE:
      return trie_delete_elem(map, key);
    default:
      return -EOPNOTSUPP;
  }
}

export function bpf_map_push_elem(map: usize, value: usize, flags: u64): i64 {
  return queue_stack_map_push_elem(map, value, flags);
}

export function bpf_map_pop_elem(map: usize, value: usize): i64 {
  return queue_stack_map_pop_elem(map, value);
}

export function bpf_map_peek_elem(map: usize, value: usize): i64 {
  return queue_stack_map_peek_elem(map, value);
}

export function bpf_map_lookup_percpu_elem(map: usize, key: usize, cpu: u32): usize {
  if (type_of(map) == MAP_PERCPU_ARRAY) return percpu_array_lookup_percpu_elem(map, key, cpu);
  return htab_percpu_map_lookup_percpu_elem(map, key, cpu);
}

// ---- walking, for bpf_for_each_map_elem

/** Cursor of map_walk: u32 state, u32 next element, u32 key, u32 value, u32 key of an array. */
export const MAP_CURSOR_SIZE = 32;
const CURSOR_AT: usize = 0;
const CURSOR_NEXT: usize = 4;
export const CURSOR_KEY: usize = 8;
export const CURSOR_VALUE: usize = 12;
export const CURSOR_INDEX: usize = 16;

/**
 * Steps a cursor (MAP_CURSOR_SIZE bytes, zeros at first) to the next element and leaves the offsets of its key and value in it
 * (u32 at 8 and 12). False at the end. The next element of a bucket is noted before a program sees this one, so that the program
 * may delete it.
 */
export function map_walk(map: usize, cursor: usize): bool {
  const type = type_of(map);
  if (type == MAP_ARRAY || type == MAP_PERCPU_ARRAY) {
    const index = load<u32>(cursor, CURSOR_AT);
    if (index >= load<u32>(map, BM_MAX_ENTRIES)) return false;
    store<u32>(cursor, index, CURSOR_INDEX);
    store<u32>(cursor, index + 1, CURSOR_AT);
    const key = cursor + CURSOR_INDEX;
    store<u32>(cursor, <u32>key, CURSOR_KEY);
    const value = type == MAP_ARRAY ? array_map_lookup_elem(map, key) : percpu_array_map_lookup_elem(map, key);
    store<u32>(cursor, <u32>value, CURSOR_VALUE);
    return true;
  }
  const elem = htab_walk(map, load<u32>(cursor, CURSOR_NEXT), cursor + CURSOR_AT);
  if (!elem) return false;
  store<u32>(cursor, load<u32>(elem, HE_NEXT), CURSOR_NEXT);
  store<u32>(cursor, <u32>(elem + HE_KEY), CURSOR_KEY);
  store<u32>(cursor, <u32>htab_walk_value(map, elem), CURSOR_VALUE);
  return true;
}

// ---- user space: what bpf(2) does

/** Bytes of a value as user space sees it: every CPU's, padded to 8 bytes, for per-CPU types. */
export function map_user_value_size(map: usize): u32 {
  const size = load<u32>(map, BM_VALUE_SIZE);
  switch (type_of(map)) {
    case MAP_PERCPU_ARRAY:
    case MAP_PERCPU_HASH:
    case MAP_LRU_PERCPU_HASH:
      return round_up8(size) * load<u32>(M_NR_CPU_IDS);
    default:
      return size;
  }
}

/** The address of one CPU's value (CPU ignored for other types); no side effect. 0 when there is none. */
export function map_value_at(map: usize, key: usize, cpu: u32): usize {
  switch (type_of(map)) {
    case MAP_ARRAY:
    case MAP_PROG_ARRAY:
    case MAP_ARRAY_OF_MAPS:
      return array_map_lookup_elem(map, key);
    case MAP_PERCPU_ARRAY:
      return percpu_array_lookup_percpu_elem(map, key, cpu);
    case MAP_LPM_TRIE:
      return trie_lookup_elem(map, key);
    case MAP_TASK_STORAGE:
      return task_storage_lookup(map, load<u32>(key));
    case MAP_HASH:
    case MAP_PERCPU_HASH:
    case MAP_LRU_HASH:
    case MAP_LRU_PERCPU_HASH:
    case MAP_HASH_OF_MAPS:
      return htab_lookup_cpu(map, key, cpu);
    default:
      return 0;
  }
}

/** BPF_MAP_LOOKUP_ELEM: copies the value to `out` (map_user_value_size bytes), special fields as zeros. 0 or -ENOENT. */
export function map_lookup_user(map: usize, key: usize, out: usize): i32 {
  const type = type_of(map);
  if (type == MAP_QUEUE || type == MAP_STACK) return queue_stack_map_peek_elem(map, out);
  if (type == MAP_ARRAY_OF_MAPS || type == MAP_HASH_OF_MAPS) return map_of_map_lookup_user(map, key, out);
  const rec: usize = load<u32>(map, BM_RECORD);
  const size = load<u32>(map, BM_VALUE_SIZE);
  if (type == MAP_PERCPU_ARRAY || type == MAP_PERCPU_HASH || type == MAP_LRU_PERCPU_HASH) {
    const step = round_up8(size);
    for (let cpu: u32 = 0, n = load<u32>(M_NR_CPU_IDS); cpu < n; cpu++) {
      const at = map_value_at(map, key, cpu);
      if (!at) return -ENOENT;
      memory.copy(out + <usize>step * cpu, at, step);
      bpf_obj_hide(rec, out + <usize>step * cpu);
    }
    return 0;
  }
  const at = map_value_at(map, key, 0);
  if (!at) return -ENOENT;
  memory.copy(out, at, size);
  bpf_obj_hide(rec, out);
  return 0;
}

const BPF_F_LOCK: u64 = 4;

/** BPF_MAP_UPDATE_ELEM. Task storage takes the task's offset as key, maps of maps a map's id as value. */
export function map_update_user(map: usize, key: usize, value: usize, flags: u64): i32 {
  if (flags & BPF_F_LOCK && load<u32>(map, BM_SPIN_LOCK_OFF) == NO_FIELD) return -EINVAL;
  switch (type_of(map)) {
    case MAP_RINGBUF:
      return -ENOTSUPP;
    case MAP_QUEUE:
    case MAP_STACK:
      return queue_stack_map_push_elem(map, value, flags);
    case MAP_TASK_STORAGE:
      return task_storage_update(map, load<u32>(key), value, flags);
    case MAP_ARRAY_OF_MAPS:
    case MAP_HASH_OF_MAPS:
      return map_of_map_update_user(map, key, value, flags);
    default:
      return update(map, key, value, flags, true);
  }
}

export function map_delete_user(map: usize, key: usize): i32 {
  const type = type_of(map);
  if (type == MAP_TASK_STORAGE) return <i32>bpf_task_storage_delete(map, load<u32>(key));
  if (type == MAP_QUEUE || type == MAP_STACK) return -EINVAL;
  if (type == MAP_RINGBUF) return -ENOTSUPP;
  if (type == MAP_ARRAY_OF_MAPS || type == MAP_HASH_OF_MAPS) return map_of_map_delete_user(map, key);
  return <i32>bpf_map_delete_elem(map, key);
}

/** BPF_MAP_GET_NEXT_KEY; `key` 0 asks for the first. */
export function map_get_next_key(map: usize, key: usize, next: usize): i32 {
  switch (type_of(map)) {
    case MAP_ARRAY:
    case MAP_PERCPU_ARRAY:
    case MAP_PROG_ARRAY:
    case MAP_ARRAY_OF_MAPS:
      return array_map_get_next_key(map, key, next);
    case MAP_QUEUE:
    case MAP_STACK:
      return -EINVAL;
    case MAP_RINGBUF:
      return -ENOTSUPP;
    case MAP_LPM_TRIE:
      return trie_get_next_key(map, key, next);
    default:
      return htab_map_get_next_key(map, key, next);
  }
}

/** Fills a slot of a prog_array from the u64 address at `slot` (0 empties it). 0 or a negative errno. */
export function prog_array_set(map: usize, key: usize, slot: usize): i32 {
  const at = array_map_lookup_elem(map, key);
  if (!at) return -E2BIG;
  store<u64>(at, load<u64>(slot));
  return 0;
}
