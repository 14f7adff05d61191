// A program's accesses to memory, all checked. The loop (core.ts) handles what is within one granule of memory that may be
// accessed so; what it leaves comes here: several granules, context fields that are not plain memory, loads that may fail,
// packets, and faults.
import { kasan_ok, kasan_reason } from '../../mm/kasan';
import { obj_load } from '../../mm/slab';
import { ALLOC_MAP, M_MEMORY_LIMIT, OBJ_LIVE, OBJ_SIZE, OBJ_STATE, OBJ_TAG, SHADOW, SHADOW_CTX, SHADOW_FULL } from '../../layout';
import { BM_KEY_SIZE, BM_VALUE_SIZE, BPF_MAP_SIZE } from './map_layout';
import {
  ARG_MAP,
  ARG_MAP_KEY,
  ARG_MAP_VALUE,
  ARG_MAYBE_NULL,
  ARG_SIZE_FROM_NEXT,
  ARG_SIZE_MASK,
  ARG_WRITE,
  BP_CTX_TABLE,
  CT_COUNT,
  CT_ROW_SIZE,
  CT_ROWS,
  FAULT_ACCESS,
  FAULT_MISALIGNED,
  FAULT_NO_MAP,
  FAULT_NO_PACKET,
  IC_CTX,
  IC_FAULT_ADDR,
  IC_FAULT_ARG,
  IC_FAULT_KIND,
  IC_FAULT_SHADOW,
  IC_FAULT_SIZE,
  IC_FAULT_WRITE,
  IC_PACKET,
  IC_PACKET_LEN,
  IC_PROG,
  IC_R1,
  IC_STATUS,
  II_ATOMIC,
  II_BYTES,
  II_DST,
  II_FLAGS,
  II_IMM,
  II_OFF,
  II_OP,
  II_PROBE,
  II_SIGNED,
  II_SRC,
  II_VALUE_IMM,
  II_WRITE,
  INTERP_FAULT,
} from './prog_layout';
import * as OP from '../../generated/ops';

/** First simulated kernel address. */
export const KERNEL_BASE: u64 = 0xffff888000000000;

/** Ends the run: the program did what it must not. */
export function fault(ic: usize, kind: u32): void {
  store<u32>(ic, INTERP_FAULT, IC_STATUS);
  store<u32>(ic, kind, IC_FAULT_KIND);
}

/** Ends the run for an access that is not allowed; false, for who passes that on. */
function fault_access(ic: usize, address: u64, size: u32, write: bool, arg: u32): bool {
  fault(ic, FAULT_ACCESS);
  store<u64>(ic, address, IC_FAULT_ADDR);
  store<u32>(ic, size, IC_FAULT_SIZE);
  store<u32>(ic, <u32>write, IC_FAULT_WRITE);
  store<u32>(ic, arg, IC_FAULT_ARG);
  const off = address - KERNEL_BASE;
  store<u32>(ic, off < <u64>load<u32>(M_MEMORY_LIMIT) ? kasan_reason(<usize>off, size, write) : 0, IC_FAULT_SHADOW);
  return false;
}

/** May a program access `size` bytes at this address? */
export function access_ok(address: u64, size: u32, write: bool): bool {
  const off = address - KERNEL_BASE;
  return off < <u64>load<u32>(M_MEMORY_LIMIT) && kasan_ok(<usize>off, size, write);
}

/** Row of the program's context table for a field; 0 when there is none. */
function ctx_row(ic: usize, field: usize, size: u32): usize {
  const table: usize = load<u32>(<usize>load<u32>(ic, IC_PROG), BP_CTX_TABLE);
  if (!table) return 0;
  const end = table + CT_ROWS + <usize>load<u32>(table, CT_COUNT) * CT_ROW_SIZE;
  for (let row = table + CT_ROWS; row < end; row += CT_ROW_SIZE) {
    if (load<u32>(row) == <u32>field && load<u32>(row, 4) == size) return row;
  }
  return 0;
}

/** Whether all of the granule at `address` and of the next is plain memory: most accesses that the loop leaves lie in two. */
function plain_pair(address: u64): bool {
  const off = address - KERNEL_BASE;
  return off < <u64>load<u32>(M_MEMORY_LIMIT) - 8 && load<u16>(<usize>SHADOW + (<usize>off >> 3)) == SHADOW_FULL * 0x101;
}

/** The value of a load of `size` bytes at `p`. */
function load_value(p: usize, size: u32, signed: bool): u64 {
  if (size == 8) return load<u64>(p);
  const value = size == 1 ? <u64>load<u8>(p) : size == 2 ? <u64>load<u16>(p) : <u64>load<u32>(p);
  const unused = 64 - <i64>(size << 3);
  return signed ? <u64>(<i64>(value << unused) >> unused) : value;
}

function store_value(p: usize, size: u32, value: u64): void {
  if (size == 8) store<u64>(p, value);
  else if (size == 4) store<u32>(p, <u32>value);
  else if (size == 2) store<u16>(p, <u16>value);
  else store<u8>(p, <u8>value);
}

/** A field of the context may stand for a hidden u64, and a probing load reads 0 where nothing is. */
function run_load(ic: usize, pc: usize, address: u64, size: u32): bool {
  const flags = <u32>load<u8>(pc, II_FLAGS);
  const dst = ic + <usize>load<u8>(pc, II_DST);
  const plain = plain_pair(address);
  if (!plain && !access_ok(address, size, false)) {
    if (!(flags & II_PROBE)) return fault_access(ic, address, size, false, 0);
    store<u64>(dst, 0);
    return true;
  }
  const p = <usize>(address - KERNEL_BASE);
  if (!plain && load<u8>(<usize>SHADOW + (p >> 3)) & SHADOW_CTX) {
    const ctx: usize = load<u32>(ic, IC_CTX);
    const row = ctx_row(ic, p - ctx, size);
    if (row) {
      store<u64>(dst, load<u64>(ctx + <usize>load<u32>(row, 8)));
      return true;
    }
  }
  store<u64>(dst, load_value(p, size, (flags & II_SIGNED) != 0));
  return true;
}

/** Runs the load, store or atomic at `pc`, which the loop left; false after a fault. The loop leaves no atomic that is right. */
export function run_access(ic: usize, pc: usize): bool {
  const flags = <u32>load<u8>(pc, II_FLAGS);
  const size = flags >> II_BYTES;
  const write = (flags & II_WRITE) != 0;
  const base = ic + <usize>(write ? load<u8>(pc, II_DST) : load<u8>(pc, II_SRC));
  const address = load<u64>(base) + <u64>(<i64>load<i32>(pc, II_OFF));
  if (flags & II_ATOMIC) {
    const ok = access_ok(address, size, write);
    fault_access(ic, address, size, write, 0);
    if (ok) fault(ic, FAULT_MISALIGNED);
    return false;
  }
  if (!write) return run_load(ic, pc, address, size);
  if (!plain_pair(address) && !access_ok(address, size, true)) return fault_access(ic, address, size, true, 0);
  const value = flags & II_VALUE_IMM ? load<u64>(pc, II_IMM) : load<u64>(ic + <usize>load<u8>(pc, II_SRC));
  store_value(<usize>(address - KERNEL_BASE), size, value);
  return true;
}

/** ld_abs or ld_ind of `size` bytes at `at` in the packet, into r0; false: outside of it, which ends the function. */
function load_packet(ic: usize, at: i64, size: u32): bool {
  const length = <i64>load<u32>(ic, IC_PACKET_LEN);
  if (at < 0 || at + <i64>size > length) return false;
  const p = <usize>load<u32>(ic, IC_PACKET) + <usize>at;
  if (size == 1) store<u64>(ic, <u64>load<u8>(p));
  else if (size == 2) store<u64>(ic, <u64>bswap<u16>(load<u16>(p)));
  else store<u64>(ic, <u64>bswap<u32>(load<u32>(p)));
  return true;
}

/** Runs the ld_abs or ld_ind at `pc`. False: r0 = 0 and the function ends, or there was a fault. */
export function packet_insn(ic: usize, pc: usize): bool {
  if (!load<u32>(ic, IC_PACKET)) {
    fault(ic, FAULT_NO_PACKET);
    return false;
  }
  const op = <u32>load<u8>(pc, II_OP);
  let at = <i64>load<i32>(pc, II_IMM);
  const indirect = op == OP.OP_LD_IND8 || op == OP.OP_LD_IND16 || op == OP.OP_LD_IND32;
  if (indirect) at = <i64>(<i32>at + load<i32>(ic + <usize>load<u8>(pc, II_SRC)));
  const size = op == OP.OP_LD_ABS8 || op == OP.OP_LD_IND8 ? 1 : op == OP.OP_LD_ABS16 || op == OP.OP_LD_IND16 ? 2 : 4;
  if (load_packet(ic, at, size)) return true;
  store<u64>(ic, 0);
  return false;
}

// Bytes that argument `i` (from 0) must point to.
// @ts-ignore: decorator
@inline
function arg_size(ic: usize, spec: u32, i: usize): u32 {
  if (spec & <u32>ARG_SIZE_FROM_NEXT) return load<u32>(ic + (i << 3), IC_R1 + 8);
  if (spec & <u32>ARG_MAP_KEY) return load<u32>(<usize>load<u32>(ic, IC_R1), BM_KEY_SIZE);
  if (spec & <u32>ARG_MAP_VALUE) return load<u32>(<usize>load<u32>(ic, IC_R1), BM_VALUE_SIZE);
  return spec & <u32>ARG_SIZE_MASK;
}

function is_map(address: u64): bool {
  const off = address - KERNEL_BASE;
  if (off >= <u64>load<u32>(M_MEMORY_LIMIT) || !access_ok(address, 8, false)) return false;
  const map = <usize>off;
  return obj_load(map, OBJ_TAG) == ALLOC_MAP && obj_load(map, OBJ_STATE) == OBJ_LIVE && obj_load(map, OBJ_SIZE) == BPF_MAP_SIZE;
}

/** Checks the pointer arguments of a call against the five specs at `table`; false after a fault. */
export function check_args(ic: usize, table: usize): bool {
  for (let i: usize = 0; i < 5; i++) {
    const spec = load<u32>(table + (i << 2));
    if (!spec) continue;
    const address = load<u64>(ic + (i << 3), IC_R1);
    if (!address && (spec & <u32>ARG_MAYBE_NULL)) continue;
    if (spec & <u32>ARG_MAP) {
      if (is_map(address)) continue;
      fault_access(ic, address, 8, false, <u32>i + 1);
      fault(ic, FAULT_NO_MAP);
      return false;
    }
    const size = arg_size(ic, spec, i);
    const write = (spec & <u32>ARG_WRITE) != 0;
    if (!size || access_ok(address, size, write)) continue;
    return fault_access(ic, address, size, write, <u32>i + 1);
  }
  return true;
}
