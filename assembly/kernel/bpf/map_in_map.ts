// ARRAY_OF_MAPS and HASH_OF_MAPS: slots hold addresses of maps that are like the template (BM_INNER) of the outer one. User
// space names maps by id, here as in what a look-up returns.
import { E2BIG, EBADF, EINVAL, ENOENT } from '../errno';
import { array_map_lookup_elem } from './arraymap';
import {
  htab_first, htab_lookup_cpu, htab_map_delete_elem, htab_map_lookup_elem, htab_update, htab_walk_value,
} from './hashtab';
import {
  BF_DTOR, BF_LOCAL_TYPE, BF_NODE_OFF, BF_OFFSET, BF_SIZE, BF_TYPE, BM_ELEM_SIZE, BM_FLAGS, BM_ID, BM_INNER, BM_KEY_SIZE,
  BM_MAX_ENTRIES, BM_NEXT, BM_RECORD, BM_STORAGE, BM_TYPE, BM_VALUE_SIZE, BR_COUNT, BR_FIELDS, BTF_FIELD_SIZE, HE_KEY,
  HE_NEXT, HTAB_N_BUCKETS, M_MAPS,
} from './map_layout';
import { BPF_ANY, MAP_ARRAY, MAP_ARRAY_OF_MAPS, MAP_HASH_OF_MAPS } from './map_types';

/** An array with this flag may have any number of entries as an inner map. */
const BPF_F_INNER_MAP: u32 = 0x1000;

// @ts-ignore: decorator
@inline
function same(a: usize, b: usize, field: usize): bool {
  return load<u32>(a + field) == load<u32>(b + field);
}

/** Whether values have the same special fields. */
function btf_record_equal(a: usize, b: usize): bool {
  if (!a || !b) return a == b;
  const count = load<u32>(a, BR_COUNT);
  if (count != load<u32>(b, BR_COUNT)) return false;
  for (let i: u32 = 0; i < count; i++) {
    const x = a + BR_FIELDS + <usize>i * BTF_FIELD_SIZE;
    const y = b + BR_FIELDS + <usize>i * BTF_FIELD_SIZE;
    if (!same(x, y, BF_TYPE) || !same(x, y, BF_OFFSET) || !same(x, y, BF_SIZE)) return false;
    if (!same(x, y, BF_DTOR) || !same(x, y, BF_LOCAL_TYPE) || !same(x, y, BF_NODE_OFF)) return false;
  }
  return true;
}

/** What programs were verified with holds for `map` too. */
export function bpf_map_meta_equal(meta: usize, map: usize): bool {
  if (!same(meta, map, BM_TYPE) || !same(meta, map, BM_KEY_SIZE) || !same(meta, map, BM_VALUE_SIZE)) return false;
  if (!same(meta, map, BM_FLAGS) || !btf_record_equal(load<u32>(meta, BM_RECORD), load<u32>(map, BM_RECORD))) return false;
  if (load<u32>(meta, BM_TYPE) != MAP_ARRAY || load<u32>(meta, BM_FLAGS) & BPF_F_INNER_MAP) return true;
  return same(meta, map, BM_MAX_ENTRIES);
}

function map_by_id(id: u32): usize {
  for (let map: usize = load<u32>(M_MAPS); map; map = load<u32>(map, BM_NEXT)) {
    if (load<u32>(map, BM_ID) == id) return map;
  }
  return 0;
}

// ---- programs

export function array_of_map_lookup_elem(map: usize, key: usize): usize {
  const slot = array_map_lookup_elem(map, key);
  return slot ? <usize>load<u32>(slot) : 0;
}

export function htab_of_map_lookup_elem(map: usize, key: usize): usize {
  const slot = htab_map_lookup_elem(map, key);
  return slot ? <usize>load<u32>(slot) : 0;
}

// ---- user space

/** Stores the id of the map in a slot; 0 or -ENOENT. */
export function map_of_map_lookup_user(map: usize, key: usize, out: usize): i32 {
  const isArray = load<u32>(map, BM_TYPE) == MAP_ARRAY_OF_MAPS;
  const slot = isArray ? array_map_lookup_elem(map, key) : htab_lookup_cpu(map, key, 0);
  const inner: usize = slot ? <usize>load<u32>(slot) : 0;
  if (!inner) return -ENOENT;
  store<u32>(out, load<u32>(inner, BM_ID));
  return 0;
}

/** Puts the map whose id is at `value` into a slot. */
export function map_of_map_update_user(map: usize, key: usize, value: usize, flags: u64): i32 {
  const isArray = load<u32>(map, BM_TYPE) == MAP_ARRAY_OF_MAPS;
  const slot = isArray ? array_map_lookup_elem(map, key) : 0;
  if (isArray && flags != BPF_ANY) return -EINVAL;
  if (isArray && !slot) return -E2BIG;
  const inner = map_by_id(load<u32>(value));
  if (!inner) return -EBADF;
  if (!bpf_map_meta_equal(load<u32>(map, BM_INNER), inner)) return -EINVAL;
  // The caller's buffer takes the address instead of the id: a value has four bytes, an offset too.
  store<u32>(value, <u32>inner);
  if (!isArray) return htab_update(map, key, value, flags, false);
  store<u32>(slot, <u32>inner);
  return 0;
}

export function map_of_map_delete_user(map: usize, key: usize): i32 {
  if (load<u32>(map, BM_TYPE) != MAP_ARRAY_OF_MAPS) return htab_map_delete_elem(map, key);
  const slot = array_map_lookup_elem(map, key);
  if (!slot) return -E2BIG;
  if (!load<u32>(slot)) return -ENOENT;
  store<u32>(slot, 0);
  return 0;
}

/** A map is going: no slot may lead to it any more. */
export function map_of_map_forget(gone: usize): void {
  for (let map: usize = load<u32>(M_MAPS); map; map = load<u32>(map, BM_NEXT)) {
    if (map == gone) continue;
    if (load<u32>(map, BM_TYPE) == MAP_ARRAY_OF_MAPS) forget_in_array(map, gone);
    else if (load<u32>(map, BM_TYPE) == MAP_HASH_OF_MAPS) forget_in_hash(map, gone);
  }
}

function forget_in_array(map: usize, gone: usize): void {
  let slot: usize = load<u32>(map, BM_STORAGE);
  for (let i: u32 = 0, n = load<u32>(map, BM_MAX_ENTRIES); i < n; i++, slot += load<u32>(map, BM_ELEM_SIZE)) {
    if (load<u32>(slot) == <u32>gone) store<u32>(slot, 0);
  }
}

function forget_in_hash(map: usize, gone: usize): void {
  for (let bucket: u32 = 0, n = load<u32>(map, HTAB_N_BUCKETS); bucket < n; bucket++) {
    let elem = htab_first(map, bucket);
    while (elem) {
      const following: usize = load<u32>(elem, HE_NEXT);
      if (load<u32>(htab_walk_value(map, elem)) == <u32>gone) htab_map_delete_elem(map, elem + HE_KEY);
      elem = following;
    }
  }
}
