// Objects of a program's own types: bpf_obj_new and bpf_obj_drop, reference counts, per-CPU objects.
//
// Every such object has OBJ_PREFIX hidden bytes before it that name its struct local_type, so that whoever drops it knows its size
// and fields. A per-CPU object's address is that of { u32 base, u32 stride }.
import { ALLOC_PERCPU, FAIL_OBJ, FAIL_PERCPU, M_GLOBAL_MA, M_NR_CPU_IDS, RCU_KFREE } from '../../layout';
import { should_fail } from '../../lib/fault_inject';
import { refcount_dec_and_test, refcount_inc } from '../../lib/refcount';
import { kfree, kmalloc } from '../../mm/slab';
import { this_cpu } from '../gs';
import { call_rcu } from '../rcu/tree';
import { round_up8 } from './addr';
import { bpf_obj_free_fields, bpf_obj_init } from './btf_record';
import {
  BR_REFCOUNT_OFF, LTT_COUNT, LTT_TYPES, LT_RECORD, LT_SIZE, NO_FIELD, OBJ_PREFIX, PCPU_BASE, PCPU_PTR_SIZE, PCPU_STRIDE,
  PC_LOCAL_TYPES,
} from './map_layout';
import { bpf_mem_alloc, bpf_mem_free, bpf_mem_free_rcu } from './memalloc';

/** An RCU head before a per-CPU object, so that its memory can wait for a grace period whole. */
const PCPU_PREFIX: usize = 16;

/** struct local_type * of a BTF type id of the running program; 0 when it has none. */
function local_type(id: u64): usize {
  const table: usize = load<u32>(this_cpu(), PC_LOCAL_TYPES);
  if (!table || id >= <u64>load<u32>(table, LTT_COUNT)) return 0;
  return load<u32>(table + ((<usize>id) << 2), LTT_TYPES);
}

/** A zeroed object of the type, its fields initialised; 0 when memory is out. */
export function local_obj_new(type: usize): usize {
  if (should_fail(FAIL_OBJ)) return 0;
  const size = load<u32>(type, LT_SIZE);
  const base = bpf_mem_alloc(load<u32>(M_GLOBAL_MA), size + OBJ_PREFIX);
  if (!base) return 0;
  memory.fill(base, 0, size + OBJ_PREFIX);
  store<u32>(base, <u32>type);
  const p = base + OBJ_PREFIX;
  bpf_obj_init(load<u32>(type, LT_RECORD), p);
  return p;
}

/** Drops one reference, and the object with everything it holds when that was the last. `type` 0: what its prefix says. */
export function local_obj_drop(p: usize, type: usize): void {
  const kind: usize = type ? type : load<u32>(p - OBJ_PREFIX);
  const rec: usize = load<u32>(kind, LT_RECORD);
  const refcount_off = rec ? load<u32>(rec, BR_REFCOUNT_OFF) : <u32>NO_FIELD;
  if (refcount_off != NO_FIELD && !refcount_dec_and_test(p + refcount_off)) return;
  bpf_obj_free_fields(rec, p);
  const ma: usize = load<u32>(M_GLOBAL_MA);
  if (refcount_off != NO_FIELD) bpf_mem_free_rcu(ma, p - OBJ_PREFIX);
  else bpf_mem_free(ma, p - OBJ_PREFIX);
}

export function bpf_obj_new_impl(local_type_id: u64, meta: usize): usize {
  const type = local_type(local_type_id);
  return type ? local_obj_new(type) : 0;
}

export function bpf_obj_drop_impl(p: usize, meta: usize): void {
  local_obj_drop(p, 0);
}

/** Takes a reference on a refcounted object; 0 when its count had reached zero. */
export function bpf_refcount_acquire_impl(p: usize, meta: usize): usize {
  const rec: usize = load<u32>(load<u32>(p - OBJ_PREFIX), LT_RECORD);
  const count = p + load<u32>(rec, BR_REFCOUNT_OFF);
  let old = atomic.load<u32>(count);
  while (old != 0) {
    const seen = atomic.cmpxchg<u32>(count, old, old + 1);
    if (seen == old) {
      if (<i32>old < 0) refcount_inc(count);
      return p;
    }
    old = seen;
  }
  return 0;
}

/** Zeroed memory of `size` bytes for every possible CPU; the address of its { base, stride }, 0 when memory is out. */
export function alloc_percpu(size: u32): usize {
  const stride = round_up8(size);
  const block = kmalloc(PCPU_PREFIX + PCPU_PTR_SIZE + <usize>stride * load<u32>(M_NR_CPU_IDS), ALLOC_PERCPU);
  if (!block) return 0;
  const handle = block + PCPU_PREFIX;
  store<u32>(handle, <u32>(handle + PCPU_PTR_SIZE), PCPU_BASE);
  store<u32>(handle, stride, PCPU_STRIDE);
  return handle;
}

export function free_percpu(handle: usize): void {
  if (handle) kfree(handle - PCPU_PREFIX);
}

/** Per-CPU objects hold plain data only: there are no fields to free. */
export function percpu_obj_drop(handle: usize): void {
  call_rcu(handle - PCPU_PREFIX, RCU_KFREE);
}

export function bpf_percpu_obj_new_impl(local_type_id: u64, meta: usize): usize {
  const type = local_type(local_type_id);
  return type && !should_fail(FAIL_PERCPU) ? alloc_percpu(load<u32>(type, LT_SIZE)) : 0;
}

export function bpf_percpu_obj_drop_impl(p: usize, meta: usize): void {
  percpu_obj_drop(p);
}
