// Reads of memory that a program only has a number for: what cannot be read gives -EFAULT and zeros, never a fault.
import { kasan_ok } from '../../mm/kasan';
import { EFAULT, EINVAL, ERANGE } from '../errno';
import { to_offset } from './addr';
import { M_USER_BASE, M_USER_DATA, M_USER_SIZE } from './map_layout';

/** Offset of `size` readable kernel bytes at an address; 0 when they are not. */
function kernel_bytes(address: u64, size: u32): usize {
  const at = to_offset(address);
  return at && kasan_ok(at, size, false) ? at : 0;
}

/** The same for the current process's memory: what the machine was given as such. */
function user_bytes(address: u64, size: u32): usize {
  const base = load<u64>(M_USER_BASE);
  const have = <u64>load<u32>(M_USER_SIZE);
  if (address < base || address - base > have || <u64>size > have - (address - base)) return 0;
  return <usize>load<u32>(M_USER_DATA) + <usize>(address - base);
}

export function copy_from_kernel_nofault(dst: usize, src: u64, size: u32): i32 {
  const at = kernel_bytes(src, size);
  if (!at) return -EFAULT;
  memory.copy(dst, at, size);
  return 0;
}

function read(dst: usize, size: u32, at: usize): i64 {
  if (!size) return 0;
  if (!at) {
    memory.fill(dst, 0, size);
    return -EFAULT;
  }
  memory.copy(dst, at, size);
  return 0;
}

/**
 * Others are refused before anything is read (copy_from_kernel_nofault_allowed): user space's, NULL among them, and those
 * that are not canonical.
 */
// @ts-ignore: decorator
@inline
function is_kernel_address(address: u64): bool {
  return address >= 0xffff800000000000;
}

export function bpf_probe_read_kernel(dst: usize, size: u32, unsafe_ptr: u64): i64 {
  if (!is_kernel_address(unsafe_ptr)) {
    memory.fill(dst, 0, size);
    return -ERANGE;
  }
  return read(dst, size, kernel_bytes(unsafe_ptr, size));
}

export function bpf_probe_read_user(dst: usize, size: u32, unsafe_ptr: u64): i64 {
  return read(dst, size, user_bytes(unsafe_ptr, size));
}

/** Kernel or user, by the address, as on x86. */
export function bpf_probe_read(dst: usize, size: u32, unsafe_ptr: u64): i64 {
  return <i64>unsafe_ptr < 0 ? bpf_probe_read_kernel(dst, size, unsafe_ptr) : bpf_probe_read_user(dst, size, unsafe_ptr);
}

/** May fault pages in, in the kernel; here what is not there stays away. */
export function bpf_copy_from_user(dst: usize, size: u32, user_ptr: u64): i64 {
  return bpf_probe_read_user(dst, size, user_ptr);
}

export function bpf_copy_from_user_task(dst: usize, size: u32, user_ptr: u64, task: usize, flags: u64): i64 {
  return flags ? -EINVAL : bpf_probe_read_user(dst, size, user_ptr);
}

/** Copies a string with its terminator; its length with the terminator, cut to `size` (and then terminated). */
function read_str(dst: usize, size: u32, address: u64, kernel: bool): i64 {
  if (!size) return 0;
  if (kernel && !is_kernel_address(address)) {
    memory.fill(dst, 0, size);
    return -ERANGE;
  }
  let length: u32 = 0;
  while (length < size) {
    const at = kernel ? kernel_bytes(address + length, 1) : user_bytes(address + length, 1);
    if (!at) {
      memory.fill(dst, 0, size);
      return -EFAULT;
    }
    const c = load<u8>(at);
    store<u8>(dst + length, c);
    length++;
    if (!c) return length;
  }
  store<u8>(dst + size - 1, 0);
  return size;
}

export function bpf_probe_read_kernel_str(dst: usize, size: u32, unsafe_ptr: u64): i64 {
  return read_str(dst, size, unsafe_ptr, true);
}

export function bpf_probe_read_user_str(dst: usize, size: u32, unsafe_ptr: u64): i64 {
  return read_str(dst, size, unsafe_ptr, false);
}

export function bpf_probe_read_str(dst: usize, size: u32, unsafe_ptr: u64): i64 {
  return read_str(dst, size, unsafe_ptr, <i64>unsafe_ptr < 0);
}
