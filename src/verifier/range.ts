/**
 * The number domain of the verifier: what is known of a 64-bit value (tnum, signed and unsigned bounds, 64 and 32 bit), kept
 * in dist/verifier.wasm as interned, immutable records. A handle is an index; equal handles mean equal knowledge, and handles
 * live as long as a state has them (collect.ts), at most as long as one verification. Constants cross as two i32 halves; bigint appears only in logs.
 */
import { InvariantError } from '../errors.ts';

/** The constant 0. */
export const RANGE_ZERO = 0;
/** Nothing known. */
export const RANGE_UNKNOWN = 1;

/** Exports of dist/verifier.wasm. `h` is always a handle; op is BPF_OP(code) (0x00 add, 0x10 sub ...). */
export interface RangeExports {
  /** Forgets all handles. Called at the start of each verification. */
  reset(): void;
  /** The constant (hi << 32 | lo). */
  known(lo: number, hi: number): number;
  /** The constant, sign-extended from 32 bits. */
  knownS32(value: number): number;
  /** tnum_is_const(var_off). */
  isConst(h: number): number;
  /** The constant's low and high half (var_off.value). */
  valueLo(h: number): number;
  valueHi(h: number): number;
  /** Is the low half constant (tnum_subreg_is_const)? */
  isConst32(h: number): number;
  value(h: number): bigint;
  mask(h: number): bigint;
  smin(h: number): bigint;
  smax(h: number): bigint;
  umin(h: number): bigint;
  umax(h: number): bigint;
  s32min(h: number): number;
  s32max(h: number): number;
  u32min(h: number): number;
  u32max(h: number): number;
  /** The same as numbers: exact below 2^53, rounded above, where no limit of the verifier lies but S64_MIN. */
  sminF(h: number): number;
  smaxF(h: number): number;
  uminF(h: number): number;
  umaxF(h: number): number;
  valueF(h: number): number;
  /** (value of var_off + off) is a multiple of size (tnum_is_aligned(tnum_add(var_off, off), size)). */
  isAligned(h: number, off: number, size: number): number;
  /** dst op= src for scalars (adjust_scalar_min_max_vals), 64 or 32 bit; 32 bits zero-extend. -1: nothing is known. */
  alu(op: number, is32: number, dst: number, src: number): number;
  /** Pointer's variable offset plus or minus a scalar: overflow makes it unbounded (adjust_ptr_min_max_vals). */
  ptrAdd(ptr: number, scalar: number): number;
  ptrSub(ptr: number, scalar: number): number;
  /** zext_32_to_64 / coerce_reg_to_size(reg, size). size: 1, 2, 4 or 8 bytes. */
  zext(h: number, size: number): number;
  /** Sign-extends `size` bytes to 64 bits (coerce_reg_to_size_sx). */
  sext64(h: number, size: number): number;
  /** Sign-extends `size` bytes to 32 bits, and zero-extends that (coerce_subreg_to_size_sx). */
  sext32(h: number, size: number): number;
  /** The low `size` bytes, 2, 4 or 8, in the other order if `reverse` (scalar_byte_swap). */
  swap(h: number, size: number, reverse: number): number;
  /** 1: the branch is always taken, 0: never, -1: either. op is BPF_OP of the jump. */
  branchTaken(op: number, is32: number, a: number, b: number): number;
  /** What a and b are where `a op b` holds; the results are refinedA() and refinedB(). */
  refine(op: number, is32: number, a: number, b: number): void;
  refinedA(): number;
  refinedB(): number;
  /** reg_bounds_sanity_check. 0: fine, 1: bounds contradict, 2: a constant tnum and bounds do, 3: in the low half. */
  isInsane(h: number): number;
  /** __mark_reg_unbounded: bounds are forgotten, the tnum stays. */
  unbound(h: number): number;
  /** a + b (sync_linked_regs); is32: zero-extended from 32 bits. */
  linkAdd(a: number, b: number, is32: number): number;
  /** refine() of a register compared with itself. */
  refineSelf(op: number, is32: number, h: number): number;
  /** __mark_reg32_known: the low half is this constant. */
  setKnownLow(h: number, low: number): number;
  /** Everything `cur` may be, `old` may be too (range_within and tnum_in). */
  within(old: number, cur: number): number;
  /** Narrows the signed 64-bit bounds to [min, max] and syncs the rest; min and max as two halves. */
  boundS64(h: number, minLo: number, minHi: number, maxLo: number, maxHi: number): number;
  boundU64(h: number, minLo: number, minHi: number, maxLo: number, maxHi: number): number;
  /** Narrows the signed 32-bit bounds and syncs. */
  boundS32(h: number, min: number, max: number): number;
  /** Does the value have bits of the high half set that are not known (var_off >> 32, for leaks of pointers etc.)? */
  maskHi(h: number): number;
  maskLo(h: number): number;
  /** Number of interned records. */
  count(): number;
  /** Forgets the handles that are not marked between the two (collect.ts). */
  beginMark(): void;
  mark(h: number): void;
  sweep(): void;
  /** Raw record with the ten fields, not synced: for tests. */
  make(
    value: bigint,
    mask: bigint,
    smin: bigint,
    smax: bigint,
    umin: bigint,
    umax: bigint,
    s32min: number,
    s32max: number,
    u32min: number,
    u32max: number,
  ): number;
  /** reg_bounds_sync of a record, for tests. */
  sync(h: number): number;
}

const missing = () => {
  throw new InvariantError('initRange() has not been called');
};

/** The loaded domain. */
export let range: RangeExports = new Proxy({} as RangeExports, { get: missing });

/** Instantiates dist/verifier.wasm; call once before verifying. Later calls do nothing. */
export function initRange(wasm: BufferSource): void {
  if (loaded) return;
  const instance = new WebAssembly.Instance(new WebAssembly.Module(wasm), {});
  range = instance.exports as unknown as RangeExports;
  range.reset();
  loaded = true;
}
let loaded = false;

/** The constant of a safe integer or bigint. */
export function knownOf(value: number | bigint): number {
  const big = BigInt.asUintN(64, BigInt(value));
  return range.known(Number(BigInt.asIntN(32, big)), Number(BigInt.asIntN(32, big >> 32n)));
}

/** Unknown value within signed bounds, both inclusive. */
export function rangeS64(min: number | bigint, max: number | bigint): number {
  return narrowS64(RANGE_UNKNOWN, min, max);
}

/** Narrows the signed bounds of `h` to [min, max]. */
export function narrowS64(h: number, min: number | bigint, max: number | bigint): number {
  const [minLo, minHi] = halves(min);
  const [maxLo, maxHi] = halves(max);
  return range.boundS64(h, minLo, minHi, maxLo, maxHi);
}

/** Narrows the unsigned bounds of `h` to [min, max]. */
export function narrowU64(h: number, min: number | bigint, max: number | bigint): number {
  const [minLo, minHi] = halves(min);
  const [maxLo, maxHi] = halves(max);
  return range.boundU64(h, minLo, minHi, maxLo, maxHi);
}

function halves(value: number | bigint): [number, number] {
  const big = BigInt(value);
  return [Number(BigInt.asIntN(32, big)), Number(BigInt.asIntN(32, big >> 32n))];
}
