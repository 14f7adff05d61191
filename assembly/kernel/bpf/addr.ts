// Between offsets, which the data plane computes with, and simulated kernel addresses, which programs and memory hold.
import { KERNEL_BASE_HI, NULL_GUARD } from '../../layout';

// @ts-ignore: decorator
@inline
export function to_addr(offset: usize): u64 {
  return offset ? ((<u64>KERNEL_BASE_HI) << 32) | <u64>offset : 0;
}

/** The offset of an address that need not be valid; 0 when it cannot be a kernel address. */
// @ts-ignore: decorator
@inline
export function to_offset(address: u64): usize {
  return <u32>(address >> 32) == <u32>KERNEL_BASE_HI && <u32>address >= <u32>NULL_GUARD ? <usize>(<u32>address) : 0;
}

// @ts-ignore: decorator
@inline
export function round_up8(size: u32): u32 {
  return (size + 7) & ~7;
}
