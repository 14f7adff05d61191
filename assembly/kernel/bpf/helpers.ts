// Helpers that only look at the CPU, the clock or their arguments.
import { M_CLOCK_NS, M_NR_CPU_IDS, M_PRNG, PC_CPU } from '../../layout';
import { raw_spin_lock, raw_spin_unlock } from '../../lib/spinlock';
import { EINVAL, ERANGE } from '../errno';
import { GRANULE, X_CLOCK } from '../explore_layout';
import { explore_note_access } from '../explore_notes';
import { this_cpu } from '../gs';
import { local_irq_restore, local_irq_save } from '../rcu/read_side';
import {
  BM_COUNT, M_BOOT_OFFSET_NS, M_CPU_TO_NODE, M_TAI_OFFSET_NS, PCPU_BASE, PCPU_STRIDE, PC_ATTACH_COOKIE, PC_FUNC_IP,
  PC_SPIN_LOCK,
} from './map_layout';

/** Ticks a second of distributions' kernels. */
const HZ: u64 = 250;
const TICK_NS: u64 = 1000000000 / HZ;

// ---- CPU

export function bpf_get_smp_processor_id(): u32 {
  return load<u32>(this_cpu(), PC_CPU);
}

export function bpf_get_numa_node_id(): i64 {
  const nodes: usize = load<u32>(M_CPU_TO_NODE);
  return nodes ? load<u32>(nodes + (<usize>load<u32>(this_cpu(), PC_CPU) << 2)) : 0;
}

/** The CPU's own copy behind a per-CPU pointer; 0 for a CPU that cannot be. */
export function bpf_per_cpu_ptr(percpu_ptr: usize, cpu: u32): usize {
  if (cpu >= load<u32>(M_NR_CPU_IDS)) return 0;
  return <usize>load<u32>(percpu_ptr, PCPU_BASE) + <usize>load<u32>(percpu_ptr, PCPU_STRIDE) * cpu;
}

export function bpf_this_cpu_ptr(percpu_ptr: usize): usize {
  return bpf_per_cpu_ptr(percpu_ptr, load<u32>(this_cpu(), PC_CPU));
}

// ---- clocks, all driven by the machine's

// While interleavings are tried, whoever looks later finds a later time: as if looking changed the clock.
export function bpf_ktime_get_ns(): u64 {
  const explored: usize = load<u32>(X_CLOCK);
  if (explored) {
    store<u64>(M_CLOCK_NS, load<u64>(M_CLOCK_NS) + 1);
    explore_note_access(explored, 8, 1);
  }
  return load<u64>(M_CLOCK_NS);
}

export function bpf_ktime_get_boot_ns(): u64 {
  return bpf_ktime_get_ns() + load<u64>(M_BOOT_OFFSET_NS);
}

/** As of the last tick. */
export function bpf_ktime_get_coarse_ns(): u64 {
  const now = bpf_ktime_get_ns();
  return now - (now % TICK_NS);
}

export function bpf_ktime_get_tai_ns(): u64 {
  return bpf_ktime_get_ns() + load<u64>(M_TAI_OFFSET_NS);
}

/** Starts 300 seconds before its low half wraps, as jiffies do. */
export function bpf_jiffies64(): u64 {
  return 0x100000000 - 300 * HZ + bpf_ktime_get_ns() / TICK_NS;
}

// ---- numbers

/** splitmix64 over the machine's seed. */
export function bpf_get_prandom_u32(): u32 {
  const explored: usize = load<u32>(X_CLOCK);
  // Who comes first gets the first number.
  if (explored) explore_note_access(explored + GRANULE, 8, 1);
  let x = atomic.add<u64>(M_PRNG, 0x9e3779b97f4a7c15) + 0x9e3779b97f4a7c15;
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9;
  x = (x ^ (x >> 27)) * 0x94d049bb133111eb;
  return <u32>((x ^ (x >> 31)) >> 32);
}

// ---- attachment

export function bpf_get_attach_cookie(ctx: usize): u64 {
  return load<u64>(this_cpu(), PC_ATTACH_COOKIE);
}

export function bpf_get_func_ip(ctx: usize): u64 {
  return load<u64>(this_cpu(), PC_FUNC_IP);
}

// ---- locks

/** Interrupts are off while it is held. */
export function bpf_spin_lock(lock: usize): void {
  local_irq_save();
  raw_spin_lock(lock);
  store<u32>(this_cpu(), <u32>lock, PC_SPIN_LOCK);
}

export function bpf_spin_unlock(lock: usize): void {
  store<u32>(this_cpu(), 0, PC_SPIN_LOCK);
  raw_spin_unlock(lock);
  local_irq_restore();
}

// ---- maps

/** Elements in a hash map now. */
export function bpf_map_sum_elem_count(map: usize): i64 {
  return load<u32>(map, BM_COUNT);
}

// ---- strings

// strncmp of two terminated or sized strings: -1, 0 or 1.
export function bpf_strncmp(s1: usize, s1_sz: u32, s2: usize): i64 {
  for (let i: u32 = 0; i < s1_sz; i++) {
    const a = load<u8>(s1 + i);
    const b = load<u8>(s2 + i);
    if (a != b) return a < b ? -1 : 1;
    if (!a) break;
  }
  return 0;
}

const MAX_DIGITS: u32 = 63;
const NEGATIVE: i64 = 1 << 32;

function is_space(c: u32): bool {
  return c == 0x20 || (c >= 9 && c <= 13);
}

function digit(c: u32): u32 {
  if (c >= 0x30 && c <= 0x39) return c - 0x30;
  const lower = c | 0x20;
  return lower >= 0x61 && lower <= 0x66 ? lower - 0x57 : 255;
}

/**
 * Reads a number, stores its magnitude at `res`: the bytes consumed, with NEGATIVE added when it had a minus sign, or a negative
 * errno.
 */
function parse(buf: usize, buf_len: u64, flags: u64, res: usize): i64 {
  if (!buf || !buf_len || !res) return -EINVAL;
  let base: u64 = flags & 31;
  if (flags & ~31 || (base != 0 && base != 8 && base != 10 && base != 16)) return -EINVAL;
  const length = <u32>min<u64>(buf_len, 0xffff);
  let i: u32 = 0;
  while (i < length && is_space(load<u8>(buf + i))) i++;
  const negative = i < length && load<u8>(buf + i) == 0x2d;
  if (negative) i++;
  if (i >= length) return -EINVAL;
  const end = min(length, i + MAX_DIGITS);
  const zero = load<u8>(buf + i) == 0x30;
  const hex = zero && i + 2 < end && (load<u8>(buf + i + 1) | 0x20) == 0x78 && digit(load<u8>(buf + i + 2)) < 16;
  if (base == 0) base = hex ? 16 : zero ? 8 : 10;
  if (base == 16 && zero && i + 1 < end && (load<u8>(buf + i + 1) | 0x20) == 0x78) i += 2;
  const first = i;
  let value: u64 = 0;
  for (; i < end; i++) {
    const d: u64 = digit(load<u8>(buf + i));
    if (d >= base) break;
    if (value > (u64.MAX_VALUE - d) / base) return -ERANGE;
    value = value * base + d;
  }
  if (i == first) return -EINVAL;
  store<u64>(res, value);
  return <i64>i + (negative ? NEGATIVE : 0);
}

/** Bytes consumed, or a negative errno; the number goes to `res`. */
export function bpf_strtol(buf: usize, buf_len: u64, flags: u64, res: usize): i64 {
  const got = parse(buf, buf_len, flags, res);
  if (got < 0) return got;
  const value = load<u64>(res);
  if (got & NEGATIVE) {
    if (value > 0x8000000000000000) return -ERANGE;
    store<u64>(res, -value);
  } else if (<i64>value < 0) return -ERANGE;
  return got & 0xffffffff;
}

export function bpf_strtoul(buf: usize, buf_len: u64, flags: u64, res: usize): i64 {
  const got = parse(buf, buf_len, flags, res);
  return got & NEGATIVE && got > 0 ? -EINVAL : got;
}
