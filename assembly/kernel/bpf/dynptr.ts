// Dynamic pointers: struct bpf_dynptr_kern is { u64 data, u32 size and type, u32 offset }; all zeros is the null one.
import { E2BIG, EINVAL, ERANGE } from '../errno';
import { to_addr, to_offset } from './addr';
import {
  DYNPTR_DATA, DYNPTR_OFFSET, DYNPTR_SIZE, DYNPTR_TYPE_LOCAL, DYNPTR_TYPE_RINGBUF,
} from './map_layout';
import { bpf_ringbuf_discard, bpf_ringbuf_submit, ringbuf_reserve_record } from './ringbuf';

const MAX_SIZE: u32 = (1 << 24) - 1;
const SIZE_MASK: u32 = 0xffffff;
const TYPE_SHIFT: u32 = 28;
const RDONLY: u32 = 0x80000000;

function set_null(p: usize): void {
  store<u64>(p, 0);
  store<u64>(p, 0, 8);
}

// @ts-ignore: decorator
@inline
function is_null(p: usize): bool {
  return load<u64>(p, DYNPTR_DATA) == 0;
}

// @ts-ignore: decorator
@inline
function size_of(p: usize): u32 {
  return load<u32>(p, DYNPTR_SIZE) & SIZE_MASK;
}

function is_rdonly(p: usize): bool {
  return (load<u32>(p, DYNPTR_SIZE) & RDONLY) != 0;
}

function init(p: usize, data: usize, type: u32, size: u32): void {
  store<u64>(p, to_addr(data), DYNPTR_DATA);
  store<u32>(p, size | (type << TYPE_SHIFT), DYNPTR_SIZE);
  store<u32>(p, 0, DYNPTR_OFFSET);
}

/** Offset of byte `off` of the data, for `len` bytes; 0 when they are not all inside. */
function slice(p: usize, off: u64, len: u64): usize {
  const size: u64 = size_of(p);
  if (len > size || off > size - len) return 0;
  return to_offset(load<u64>(p, DYNPTR_DATA)) + load<u32>(p, DYNPTR_OFFSET) + <usize>off;
}

export function bpf_dynptr_from_mem(data: usize, size: u64, flags: u64, ptr: usize): i64 {
  set_null(ptr);
  if (<u32>size > MAX_SIZE) return -E2BIG;
  if (flags) return -EINVAL;
  init(ptr, data, DYNPTR_TYPE_LOCAL, <u32>size);
  return 0;
}

export function bpf_dynptr_read(dst: usize, len: u64, src: usize, offset: u64, flags: u64): i64 {
  if (is_null(src) || flags) return -EINVAL;
  const at = slice(src, offset, len);
  if (!at) return -E2BIG;
  memory.copy(dst, at, <usize>len);
  return 0;
}

export function bpf_dynptr_write(dst: usize, offset: u64, src: usize, len: u64, flags: u64): i64 {
  if (is_null(dst) || is_rdonly(dst)) return -EINVAL;
  const at = slice(dst, offset, len);
  if (!at) return -E2BIG;
  if (flags) return -EINVAL;
  memory.copy(at, src, <usize>len);
  return 0;
}

export function bpf_dynptr_data(ptr: usize, offset: u64, len: u64): usize {
  return is_null(ptr) || is_rdonly(ptr) ? 0 : slice(ptr, offset, len);
}

// ---- ring buffer records

export function bpf_ringbuf_reserve_dynptr(map: usize, size: u32, flags: u64, ptr: usize): i64 {
  set_null(ptr);
  if (flags) return -EINVAL;
  if (size > MAX_SIZE) return -E2BIG;
  const record = ringbuf_reserve_record(map, size);
  if (!record) return -EINVAL;
  init(ptr, record, DYNPTR_TYPE_RINGBUF, size);
  return 0;
}

export function bpf_ringbuf_submit_dynptr(ptr: usize, flags: u64): void {
  if (is_null(ptr)) return;
  bpf_ringbuf_submit(to_offset(load<u64>(ptr, DYNPTR_DATA)), flags);
  set_null(ptr);
}

export function bpf_ringbuf_discard_dynptr(ptr: usize, flags: u64): void {
  if (is_null(ptr)) return;
  bpf_ringbuf_discard(to_offset(load<u64>(ptr, DYNPTR_DATA)), flags);
  set_null(ptr);
}

// ---- kfuncs

/** Local and ring buffer memory is contiguous: `buffer` is never needed. */
export function bpf_dynptr_slice(p: usize, offset: u32, buffer__opt: usize, buffer__szk: u32): usize {
  return is_null(p) ? 0 : slice(p, offset, buffer__szk);
}

export function bpf_dynptr_slice_rdwr(p: usize, offset: u32, buffer__opt: usize, buffer__szk: u32): usize {
  return is_null(p) || is_rdonly(p) ? 0 : slice(p, offset, buffer__szk);
}

/** Keeps bytes [start, end) of what it shows now. */
export function bpf_dynptr_adjust(p: usize, start: u32, end: u32): i32 {
  if (is_null(p) || start > end) return -EINVAL;
  const size = size_of(p);
  if (start > size || end > size) return -ERANGE;
  store<u32>(p, load<u32>(p, DYNPTR_OFFSET) + start, DYNPTR_OFFSET);
  store<u32>(p, (load<u32>(p, DYNPTR_SIZE) & ~SIZE_MASK) | (end - start), DYNPTR_SIZE);
  return 0;
}

export function bpf_dynptr_is_null(p: usize): bool {
  return is_null(p);
}

export function bpf_dynptr_is_rdonly(p: usize): bool {
  return !is_null(p) && is_rdonly(p);
}

export function bpf_dynptr_size(p: usize): u32 {
  return is_null(p) ? <u32>(-EINVAL) : size_of(p);
}

export function bpf_dynptr_clone(p: usize, clone__uninit: usize): i32 {
  if (is_null(p)) {
    set_null(clone__uninit);
    return -EINVAL;
  }
  memory.copy(clone__uninit, p, 16);
  return 0;
}

export function bpf_dynptr_copy(dst_ptr: usize, dst_off: u32, src_ptr: usize, src_off: u32, size: u32): i32 {
  if (is_null(src_ptr) || is_null(dst_ptr) || is_rdonly(dst_ptr)) return -EINVAL;
  const to = slice(dst_ptr, dst_off, size);
  const from = slice(src_ptr, src_off, size);
  if (!to || !from) return -E2BIG;
  memory.copy(to, from, size);
  return 0;
}

export function bpf_dynptr_memset(p: usize, offset: u32, size: u32, val: u32): i32 {
  if (is_null(p) || is_rdonly(p)) return -EINVAL;
  const at = slice(p, offset, size);
  if (!at) return -E2BIG;
  memory.fill(at, <u8>val, size);
  return 0;
}
