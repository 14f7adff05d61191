// The format engine of bpf_trace_printk, bpf_trace_vprintk and bpf_snprintf: first checks the whole format as the kernel does
// (bpf_bprintf_prepare), then prints. Characters are codes: the module has no string data.
import { ALLOC_BUFFER } from '../../layout';
import { kmalloc } from '../../mm/slab';
import { EINVAL, ENOSPC } from '../errno';
import { this_cpu } from '../gs';
import { KERNEL_BASE_HI } from '../../layout';
import { PC_OUT, PC_OUT_COUNT, PC_OUT_END, PC_SCRATCH, SCRATCH_SIZE } from './map_layout';
import { bpf_probe_read_kernel_str, bpf_probe_read_user_str, copy_from_kernel_nofault } from './probe';

/** Bytes of arguments and strings that one call may take. */
const MAX_BPRINTF_BIN_ARGS: u32 = 512;
/** Parts of the scratch area: text of trace_printk, one string argument, digits. */
export const SCRATCH_TEXT: usize = 0;
const SCRATCH_STRING: usize = 1024;
const SCRATCH_DIGITS: usize = 1600;

const LEFT: u32 = 1;
const PLUS: u32 = 2;
const SPACE: u32 = 4;
const ZERO: u32 = 8;
const SIGNED: u32 = 16;
const UPPER: u32 = 32;

/** This CPU's scratch area; 0 when memory is out. */
export function scratch(): usize {
  const cpu = this_cpu();
  let p: usize = load<u32>(cpu, PC_SCRATCH);
  if (!p) {
    p = kmalloc(SCRATCH_SIZE, ALLOC_BUFFER);
    store<u32>(cpu, <u32>p, PC_SCRATCH);
  }
  return p;
}

// ---- output

function put(c: u32): void {
  const cpu = this_cpu();
  const at: usize = load<u32>(cpu, PC_OUT);
  if (at < <usize>load<u32>(cpu, PC_OUT_END)) {
    store<u8>(at, <u8>c);
    store<u32>(cpu, <u32>at + 1, PC_OUT);
  }
  store<u32>(cpu, load<u32>(cpu, PC_OUT_COUNT) + 1, PC_OUT_COUNT);
}

function pad(c: u32, count: i32): void {
  for (let i = 0; i < count; i++) put(c);
}

function put_text(text: usize, length: i32, flags: u32, width: i32): void {
  if (!(flags & LEFT)) pad(0x20, width - length);
  for (let i = 0; i < length; i++) put(load<u8>(text + i));
  if (flags & LEFT) pad(0x20, width - length);
}

function put_number(value: u64, base: u64, flags: u32, width: i32): void {
  const digits = scratch() + SCRATCH_DIGITS;
  let sign: u32 = 0;
  let rest = value;
  if (flags & SIGNED) {
    if (<i64>value < 0) {
      sign = 0x2d;
      rest = -value;
    } else if (flags & PLUS) sign = 0x2b;
    else if (flags & SPACE) sign = 0x20;
  }
  const letter: u32 = flags & UPPER ? 0x37 : 0x57;
  let count = 0;
  do {
    const digit = <u32>(rest % base);
    store<u8>(digits + count++, <u8>(digit < 10 ? 0x30 + digit : letter + digit));
    rest /= base;
  } while (rest);
  const blank = width - count - (sign ? 1 : 0);
  if (!(flags & (LEFT | ZERO))) pad(0x20, blank);
  if (sign) put(sign);
  if (!(flags & LEFT) && flags & ZERO) pad(0x30, blank);
  while (count) put(load<u8>(digits + --count));
  if (flags & LEFT) pad(0x20, blank);
}

/** 16 hex digits, as pointers print. */
function put_pointer(value: u64, flags: u32, width: i32): void {
  if (width <= 0) put_number(value, 16, flags | ZERO, 16);
  else put_number(value, 16, flags, width);
}

/** What %p shows instead of an address: 32 bits that differ from address to address and say nothing. */
function hide(value: u64): u64 {
  if (!value || value >= <u64>(-4095)) return value;
  let x = value ^ 0x9e3779b97f4a7c15;
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9;
  x = (x ^ (x >> 27)) * 0x94d049bb133111eb;
  return (x ^ (x >> 31)) & 0xffffffff;
}

/** An address without a symbol: 0x and hex digits. */
function put_symbol(value: u64): void {
  put(0x30);
  put(0x78);
  put_number(value, 16, 0, 0);
}

function put_ip4(at: usize, zeros: bool): void {
  for (let i: usize = 0; i < 4; i++) {
    if (i) put(0x2e);
    put_number(load<u8>(at + i), 10, zeros ? ZERO : 0, zeros ? 3 : 0);
  }
}

function put_ip6(at: usize, colons: bool): void {
  for (let i: usize = 0; i < 16; i++) {
    if (i && colons && !(i & 1)) put(0x3a);
    put_number(load<u8>(at + i), 16, ZERO, 2);
  }
}

// ---- format

function is_space(c: u32): bool {
  return c == 0x20 || (c >= 9 && c <= 13);
}

function is_punct(c: u32): bool {
  return (c >= 0x21 && c <= 0x2f) || (c >= 0x3a && c <= 0x40) || (c >= 0x5b && c <= 0x60) || (c >= 0x7b && c <= 0x7e);
}

function ends(c: u32): bool {
  return c == 0 || is_space(c) || is_punct(c);
}

// @ts-ignore: decorator
@inline
function at(fmt: usize, i: u32): u32 {
  return load<u8>(fmt + i);
}

/** Length of the format without its terminator; -EINVAL when there is none within `size`. */
function format_length(fmt: usize, size: u32): i32 {
  for (let i: u32 = 0; i < size; i++) if (!load<u8>(fmt + i)) return <i32>i;
  return -EINVAL;
}

/**
 * Walks a format of `length` bytes. With `emit` it prints to the output set up by bprintf; without, it only checks. `args` are u64s.
 * 0 or a negative errno.
 */
function walk(fmt: usize, length: u32, args: usize, nargs: u32, emit: bool): i32 {
  let spec: u32 = 0;
  let used: u32 = 0;
  for (let i: u32 = 0; i < length; i++) {
    let c = at(fmt, i);
    if (c < 0x80 && (c < 0x20 || c == 0x7f) && !is_space(c)) return -EINVAL;
    if (c != 0x25) {
      if (emit) put(c);
      continue;
    }
    if (at(fmt, i + 1) == 0x25) {
      i++;
      if (emit) put(0x25);
      continue;
    }
    if (spec >= nargs) return -EINVAL;
    const arg = load<u64>(args + (<usize>spec << 3));
    spec++;
    i++;
    let flags: u32 = 0;
    for (;; i++) {
      c = at(fmt, i);
      if (c == 0x30) flags |= ZERO;
      else if (c == 0x2b) flags |= PLUS;
      else if (c == 0x2d) flags |= LEFT;
      else if (c == 0x20) flags |= SPACE;
      else break;
    }
    let width: i32 = 0;
    if (c >= 0x31 && c <= 0x39) {
      for (; c >= 0x30 && c <= 0x39; c = at(fmt, ++i)) if (width < 4096) width = width * 10 + <i32>(c - 0x30);
    }
    let string: u32 = 0;
    if (c == 0x70) {
      const next = at(fmt, i + 1);
      const after = at(fmt, i + 2);
      if ((next == 0x6b || next == 0x75) && after == 0x73) {
        string = next;
        i += 2;
      } else if (ends(next) || next == 0x4b || next == 0x78 || next == 0x73 || next == 0x53) {
        used = ((used + 3) & ~3) + 8;
        if (used > MAX_BPRINTF_BIN_ARGS) return -ENOSPC;
        if (!ends(next)) i++;
        if (emit) {
          if (next == 0x78) put_pointer(arg, flags, width);
          else if (next == 0x73 || next == 0x53) put_symbol(arg);
          else put_pointer(hide(arg), flags, width);
        }
        continue;
      } else if (next == 0x42) {
        used += 19;
        i++;
        if (emit) put_symbol(arg);
        continue;
      } else {
        if ((next != 0x69 && next != 0x49) || (after != 0x34 && after != 0x36)) return -EINVAL;
        i += 2;
        const bytes: u32 = after == 0x34 ? 4 : 16;
        if (MAX_BPRINTF_BIN_ARGS - used < bytes) return -ENOSPC;
        used += next == 0x49 ? (bytes == 4 ? 16 : 40) : (bytes == 4 ? 16 : 33);
        if (emit) {
          const ip = scratch() + SCRATCH_STRING;
          if (copy_from_kernel_nofault(ip, arg, bytes)) memory.fill(ip, 0, bytes);
          if (bytes == 4) put_ip4(ip, next == 0x69);
          else put_ip6(ip, next == 0x49);
        }
        continue;
      }
    } else if (c == 0x73) {
      string = c;
    }
    if (string) {
      if (!ends(at(fmt, i + 1))) return -EINVAL;
      if (used >= MAX_BPRINTF_BIN_ARGS) return -ENOSPC;
      const text = scratch() + SCRATCH_STRING;
      const room = MAX_BPRINTF_BIN_ARGS - used;
      const user = string == 0x75 || (string == 0x73 && <u32>(arg >> 32) != <u32>KERNEL_BASE_HI);
      const got = <i32>(user ? bpf_probe_read_user_str(text, room, arg) : bpf_probe_read_kernel_str(text, room, arg));
      used += got < 0 ? 1 : got;
      if (emit) put_text(text, got < 0 ? 0 : got - 1, flags, width);
      continue;
    }
    if (c == 0x63) {
      if (used >= MAX_BPRINTF_BIN_ARGS) return -ENOSPC;
      used++;
      if (emit) {
        if (!(flags & LEFT)) pad(0x20, width - 1);
        put(<u32>arg & 0xff);
        if (flags & LEFT) pad(0x20, width - 1);
      }
      continue;
    }
    let wide = false;
    if (c == 0x6c) {
      wide = true;
      c = at(fmt, ++i);
    }
    if (c == 0x6c) c = at(fmt, ++i);
    const signed = c == 0x64 || c == 0x69;
    if (!signed && c != 0x75 && c != 0x78 && c != 0x58) return -EINVAL;
    used = ((used + 3) & ~3) + (wide ? 8 : 4);
    if (used > MAX_BPRINTF_BIN_ARGS) return -ENOSPC;
    if (emit) {
      if (signed) flags |= SIGNED;
      if (c == 0x58) flags |= UPPER;
      const value = wide ? arg : signed ? <u64>(<i64>(<i32>arg)) : <u64>(<u32>arg);
      put_number(value, c == 0x78 || c == 0x58 ? 16 : 10, flags, width);
    }
  }
  return 0;
}

/**
 * Prints to `size` bytes at `out`, always terminated when size is not 0. The length it would have had without its end, or a
 * negative errno; then nothing was written.
 */
export function bprintf(out: usize, size: u32, fmt: usize, fmt_size: u32, args: usize, nargs: u32): i32 {
  const length = format_length(fmt, fmt_size);
  if (length < 0) return length;
  if (!scratch()) return -EINVAL;
  const err = walk(fmt, length, args, nargs, false);
  if (err) return err;
  const cpu = this_cpu();
  store<u32>(cpu, <u32>out, PC_OUT);
  store<u32>(cpu, size ? <u32>out + size - 1 : <u32>out, PC_OUT_END);
  store<u32>(cpu, 0, PC_OUT_COUNT);
  walk(fmt, length, args, nargs, true);
  if (size) store<u8>(load<u32>(cpu, PC_OUT), 0);
  return load<u32>(cpu, PC_OUT_COUNT);
}
