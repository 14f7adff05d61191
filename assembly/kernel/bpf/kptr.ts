// Pointers in map values and objects.
import { SHADOW } from '../../layout';
import { to_addr } from './addr';
import { OBJ_PREFIX } from './map_layout';

/** Exchanges a kptr field: what was there is the caller's now. */
export function bpf_kptr_xchg(field: usize, p: usize): usize {
  return <usize>(<u32>atomic.xchg<u64>(field, to_addr(p)));
}

/** Start of the bpf_obj_new object that `p` points into: the shadow before its block is a redzone. */
export function object_base(p: usize): usize {
  let granule = p >> 3;
  while (load<u8>(SHADOW + granule - 1) < 0x80) granule--;
  return (granule << 3) + OBJ_PREFIX;
}
