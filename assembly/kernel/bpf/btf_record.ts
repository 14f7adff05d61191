// Special fields of map values and of bpf_obj_new objects (struct btf_record): copying around them, initialising them, and
// giving back what they hold.
import { bpf_cpumask_release_dtor } from './cpumask';
import { to_offset } from './addr';
import {
  BF_DTOR, BF_LOCAL_TYPE, BF_NODE_OFF, BF_OFFSET, BF_SIZE, BF_TYPE, BM_RECORD, BM_VALUE_SIZE, BPF_KPTR_PERCPU,
  BPF_KPTR_REF, BPF_KPTR_UNREF, BPF_LIST_HEAD, BPF_RB_ROOT, BPF_REFCOUNT, BPF_TIMER, BPF_WORKQUEUE, BR_COUNT, BR_FIELDS,
  BR_SPIN_LOCK_OFF, BTF_FIELD_SIZE, DTOR_CPUMASK, DTOR_LOCAL, DTOR_PERCPU, DTOR_TASK, M_UNFREED, NO_FIELD,
} from './map_layout';
import { bpf_list_head_free } from './list';
import { bpf_rb_root_free } from './rbtree';
import { local_obj_drop, percpu_obj_drop } from './obj';
import { bpf_task_release_dtor } from './task';
import { async_cancel_and_free } from './timer';
import { FEATURE_RECYCLED_KEEP_FIELDS, M_FEATURES } from '../../layout';

/** Copies `size` bytes of a value except its special fields, which stay as they are in `dst`. */
export function bpf_obj_memcpy(rec: usize, dst: usize, src: usize, size: u32): void {
  if (!rec) {
    memory.copy(dst, src, size);
    return;
  }
  const count = load<u32>(rec, BR_COUNT);
  let field = rec + BR_FIELDS;
  let at: u32 = 0;
  for (let i: u32 = 0; i < count; i++, field += BTF_FIELD_SIZE) {
    const next = load<u32>(field, BF_OFFSET);
    memory.copy(dst + at, src + at, next - at);
    at = next + load<u32>(field, BF_SIZE);
  }
  memory.copy(dst + at, src + at, size - at);
}

/** Zeroes a value except its special fields. */
export function bpf_obj_memzero(rec: usize, dst: usize, size: u32): void {
  if (!rec) {
    memory.fill(dst, 0, size);
    return;
  }
  const count = load<u32>(rec, BR_COUNT);
  let field = rec + BR_FIELDS;
  let at: u32 = 0;
  for (let i: u32 = 0; i < count; i++, field += BTF_FIELD_SIZE) {
    const next = load<u32>(field, BF_OFFSET);
    memory.fill(dst + at, 0, next - at);
    at = next + load<u32>(field, BF_SIZE);
  }
  memory.fill(dst + at, 0, size - at);
}

/** Special fields as a new object has them: zero, a reference count of 1. */
export function bpf_obj_init(rec: usize, obj: usize): void {
  if (!rec) return;
  const count = load<u32>(rec, BR_COUNT);
  let field = rec + BR_FIELDS;
  for (let i: u32 = 0; i < count; i++, field += BTF_FIELD_SIZE) {
    const at = obj + load<u32>(field, BF_OFFSET);
    memory.fill(at, 0, load<u32>(field, BF_SIZE));
    if (load<u32>(field, BF_TYPE) == BPF_REFCOUNT) store<u32>(at, 1);
  }
}

/** What user space sees of special fields: zeros. */
export function bpf_obj_hide(rec: usize, copy: usize): void {
  if (!rec) return;
  const count = load<u32>(rec, BR_COUNT);
  let field = rec + BR_FIELDS;
  for (let i: u32 = 0; i < count; i++, field += BTF_FIELD_SIZE) {
    memory.fill(copy + load<u32>(field, BF_OFFSET), 0, load<u32>(field, BF_SIZE));
  }
}

/** Gives back a pointer that was taken out of a kptr field. */
function free_kptr(field: usize, p: usize): void {
  const dtor = load<u32>(field, BF_DTOR);
  if (dtor == DTOR_CPUMASK) bpf_cpumask_release_dtor(p);
  else if (dtor == DTOR_TASK) bpf_task_release_dtor(p);
  else if (dtor == DTOR_LOCAL) local_obj_drop(p, load<u32>(field, BF_LOCAL_TYPE));
  else if (dtor == DTOR_PERCPU) percpu_obj_drop(p);
  else atomic.add<u32>(M_UNFREED, 1);
}

/** Empties every special field of an object and gives back what it held. */
export function bpf_obj_free_fields(rec: usize, obj: usize): void {
  if (!rec) return;
  const count = load<u32>(rec, BR_COUNT);
  let field = rec + BR_FIELDS;
  for (let i: u32 = 0; i < count; i++, field += BTF_FIELD_SIZE) {
    const type = load<u32>(field, BF_TYPE);
    const at = obj + load<u32>(field, BF_OFFSET);
    if (type & (BPF_KPTR_REF | BPF_KPTR_PERCPU)) {
      const p = to_offset(atomic.xchg<u64>(at, 0));
      if (p) free_kptr(field, p);
    } else if (type == BPF_KPTR_UNREF) {
      store<u64>(at, 0);
    } else if (type & (BPF_TIMER | BPF_WORKQUEUE)) {
      async_cancel_and_free(at);
    } else if (type & (BPF_LIST_HEAD | BPF_RB_ROOT)) {
      const lock_off = load<u32>(rec, BR_SPIN_LOCK_OFF);
      const lock: usize = lock_off == NO_FIELD ? 0 : obj + lock_off;
      const local = load<u32>(field, BF_LOCAL_TYPE);
      const node_off = load<u32>(field, BF_NODE_OFF);
      if (type == BPF_LIST_HEAD) bpf_list_head_free(at, lock, local, node_off);
      else bpf_rb_root_free(at, lock, local, node_off);
    }
  }
}

/** Stops the timers and work queues of a value (bpf_obj_cancel_fields); what its other fields hold stays there. */
function cancel_fields(rec: usize, obj: usize): void {
  const count = load<u32>(rec, BR_COUNT);
  let field = rec + BR_FIELDS;
  for (let i: u32 = 0; i < count; i++, field += BTF_FIELD_SIZE) {
    if (load<u32>(field, BF_TYPE) & (BPF_TIMER | BPF_WORKQUEUE)) async_cancel_and_free(obj + load<u32>(field, BF_OFFSET));
  }
}

/** Special fields of a value that is overwritten or deleted, and whose memory stays with its map. */
export function bpf_obj_recycle_fields(rec: usize, obj: usize): void {
  if (!rec) return;
  if (load<u32>(M_FEATURES) & FEATURE_RECYCLED_KEEP_FIELDS) cancel_fields(rec, obj);
  else bpf_obj_free_fields(rec, obj);
}

// @ts-ignore: decorator
@inline
export function copy_map_value(map: usize, dst: usize, src: usize): void {
  bpf_obj_memcpy(load<u32>(map, BM_RECORD), dst, src, load<u32>(map, BM_VALUE_SIZE));
}

/** As copy_map_value, of the value rounded up to 8 bytes: per-CPU values to and from user space. */
// @ts-ignore: decorator
@inline
export function copy_map_value_long(map: usize, dst: usize, src: usize): void {
  bpf_obj_memcpy(load<u32>(map, BM_RECORD), dst, src, (load<u32>(map, BM_VALUE_SIZE) + 7) & ~7);
}
