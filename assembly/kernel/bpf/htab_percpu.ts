// PERCPU_HASH and LRU_PERCPU_HASH: an element's slot holds the address of a row of values, one per possible CPU.
import { ALLOC_MAP_ELEM, M_NR_CPU_IDS, PC_CPU } from '../../layout';
import { kmalloc } from '../../mm/slab';
import { this_cpu } from '../gs';
import { round_up8 } from './addr';
import { LRU_NODE_REF } from './bpf_lru_list';
import { bpf_obj_free_fields, bpf_obj_memzero, bpf_obj_recycle_fields, copy_map_value, copy_map_value_long } from './btf_record';
import { is_lru, is_percpu, lookup_elem, slot_of } from './htab_bucket';
import { BM_RECORD, BM_VALUE_SIZE } from './map_layout';

// @ts-ignore: decorator
@inline
export function percpu_value(map: usize, slot: usize, cpu: u32): usize {
  return <usize>load<u32>(slot) + <usize>round_up8(load<u32>(map, BM_VALUE_SIZE)) * cpu;
}

/** This CPU's (or the only) value of an element. */
// @ts-ignore: decorator
@inline
export function value_of(map: usize, elem: usize): usize {
  const slot = slot_of(map, elem);
  return is_percpu(map) ? percpu_value(map, slot, load<u32>(this_cpu(), PC_CPU)) : slot;
}

export function percpu_init(map: usize, elem: usize): bool {
  const size = <usize>round_up8(load<u32>(map, BM_VALUE_SIZE)) * load<u32>(M_NR_CPU_IDS);
  const values = kmalloc(size, ALLOC_MAP_ELEM);
  store<u32>(slot_of(map, elem), <u32>values);
  return values != 0;
}

/** Gives back what the special fields of an element hold. */
export function free_fields(map: usize, elem: usize): void {
  const rec: usize = load<u32>(map, BM_RECORD);
  if (!rec) return;
  const slot = slot_of(map, elem);
  if (!is_percpu(map)) {
    bpf_obj_free_fields(rec, slot);
    return;
  }
  for (let cpu: u32 = 0, n = load<u32>(M_NR_CPU_IDS); cpu < n; cpu++) {
    bpf_obj_free_fields(rec, percpu_value(map, slot, cpu));
  }
}

/** The same of an element that goes back to the map's own: kernels since 7.2 leave it what it holds. */
export function recycle_fields(map: usize, elem: usize): void {
  const rec: usize = load<u32>(map, BM_RECORD);
  if (!rec) return;
  const slot = slot_of(map, elem);
  if (!is_percpu(map)) {
    bpf_obj_recycle_fields(rec, slot);
    return;
  }
  for (let cpu: u32 = 0, n = load<u32>(M_NR_CPU_IDS); cpu < n; cpu++) {
    bpf_obj_recycle_fields(rec, percpu_value(map, slot, cpu));
  }
}

/** Value of a new per-CPU element: `value` for this CPU and zeros elsewhere, or all CPUs' values from user space. */
export function pcpu_fill(map: usize, slot: usize, value: usize, all: bool): void {
  const me = load<u32>(this_cpu(), PC_CPU);
  const rec: usize = load<u32>(map, BM_RECORD);
  const size = load<u32>(map, BM_VALUE_SIZE);
  for (let cpu: u32 = 0, n = load<u32>(M_NR_CPU_IDS); cpu < n; cpu++) {
    const at = percpu_value(map, slot, cpu);
    if (all) {
      copy_map_value_long(map, at, value + <usize>round_up8(size) * cpu);
      bpf_obj_recycle_fields(rec, at);
    } else if (cpu == me) copy_map_value(map, at, value);
    else bpf_obj_memzero(rec, at, size);
  }
}

/** Overwrites a per-CPU element in place. */
export function pcpu_copy(map: usize, slot: usize, value: usize, all: bool): void {
  if (all) {
    pcpu_fill(map, slot, value, true);
    return;
  }
  const at = percpu_value(map, slot, load<u32>(this_cpu(), PC_CPU));
  copy_map_value(map, at, value);
  bpf_obj_recycle_fields(load<u32>(map, BM_RECORD), at);
}

export function htab_percpu_map_lookup_percpu_elem(map: usize, key: usize, cpu: u32): usize {
  if (cpu >= load<u32>(M_NR_CPU_IDS)) return 0;
  const elem = lookup_elem(map, key);
  if (!elem) return 0;
  if (is_lru(map)) store<u8>(elem, 1, LRU_NODE_REF);
  return percpu_value(map, slot_of(map, elem), cpu);
}
