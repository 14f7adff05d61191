// BPF_MAP_TYPE_QUEUE and STACK: a ring of max_entries + 1 slots, of which one stays empty.
import { ALLOC_MAP_ELEM, FAIL_FULL } from '../../layout';
import { should_fail } from '../../lib/fault_inject';
import { raw_spin_lock, raw_spin_unlock } from '../../lib/spinlock';
import { kfree, kmalloc } from '../../mm/slab';
import { E2BIG, EINVAL, ENOENT, ENOMEM } from '../errno';
import { BM_MAX_ENTRIES, BM_STORAGE, BM_TYPE, BM_VALUE_SIZE, QS_HEAD, QS_LOCK, QS_TAIL } from './map_layout';
import { MAP_STACK } from './map_types';

export function queue_stack_map_alloc(map: usize): i32 {
  const bytes = (<u64>load<u32>(map, BM_MAX_ENTRIES) + 1) * load<u32>(map, BM_VALUE_SIZE);
  if (bytes > 0x7fffffff) return -ENOMEM;
  const storage = kmalloc(<usize>bytes, ALLOC_MAP_ELEM);
  store<u32>(map, <u32>storage, BM_STORAGE);
  return storage ? 0 : -ENOMEM;
}

export function queue_stack_map_free(map: usize): void {
  kfree(load<u32>(map, BM_STORAGE));
}

// @ts-ignore: decorator
@inline
function slot(map: usize, index: u32): usize {
  return <usize>load<u32>(map, BM_STORAGE) + <usize>index * load<u32>(map, BM_VALUE_SIZE);
}

function following(map: usize, index: u32): u32 {
  return index == load<u32>(map, BM_MAX_ENTRIES) ? 0 : index + 1;
}

/** How many values it holds. */
export function queue_stack_map_count(map: usize): u32 {
  const size = load<u32>(map, BM_MAX_ENTRIES) + 1;
  return (load<u32>(map, QS_HEAD) + size - load<u32>(map, QS_TAIL)) % size;
}

/** Address of the i-th value in the order in which pops return them; 0 past the last. */
export function queue_stack_map_at(map: usize, i: u32): usize {
  const count = queue_stack_map_count(map);
  if (i >= count) return 0;
  const size = load<u32>(map, BM_MAX_ENTRIES) + 1;
  const from = load<u32>(map, BM_TYPE) == MAP_STACK ? count - 1 - i : i;
  return slot(map, (load<u32>(map, QS_TAIL) + from) % size);
}

function take(map: usize, value: usize, remove: bool): i32 {
  const size = load<u32>(map, BM_VALUE_SIZE);
  raw_spin_lock(map + QS_LOCK);
  const head = load<u32>(map, QS_HEAD);
  const tail = load<u32>(map, QS_TAIL);
  let err: i32 = 0;
  if (head == tail) {
    memory.fill(value, 0, size);
    err = -ENOENT;
  } else if (load<u32>(map, BM_TYPE) == MAP_STACK) {
    const index = head == 0 ? load<u32>(map, BM_MAX_ENTRIES) : head - 1;
    memory.copy(value, slot(map, index), size);
    if (remove) store<u32>(map, index, QS_HEAD);
  } else {
    memory.copy(value, slot(map, tail), size);
    if (remove) store<u32>(map, following(map, tail), QS_TAIL);
  }
  raw_spin_unlock(map + QS_LOCK);
  return err;
}

export function queue_stack_map_pop_elem(map: usize, value: usize): i32 {
  return take(map, value, true);
}

export function queue_stack_map_peek_elem(map: usize, value: usize): i32 {
  return take(map, value, false);
}

/** BPF_EXIST: push out the oldest when full. */
export function queue_stack_map_push_elem(map: usize, value: usize, flags: u64): i32 {
  if (flags & 1 || flags > 2) return -EINVAL;
  if (flags == 0 && should_fail(FAIL_FULL)) return -E2BIG;
  raw_spin_lock(map + QS_LOCK);
  const head = load<u32>(map, QS_HEAD);
  const after = following(map, head);
  let err: i32 = 0;
  if (after == load<u32>(map, QS_TAIL)) {
    if (flags == 2) store<u32>(map, following(map, after), QS_TAIL);
    else err = -E2BIG;
  }
  if (!err) {
    memory.copy(slot(map, head), value, load<u32>(map, BM_VALUE_SIZE));
    store<u32>(map, after, QS_HEAD);
  }
  raw_spin_unlock(map + QS_LOCK);
  return err;
}
