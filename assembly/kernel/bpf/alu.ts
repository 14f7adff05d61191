// Division as BPF has it: by zero gives 0, the remainder of it leaves the dividend, and MIN / -1 wraps. Zeros are made of `b` where
// it is known: V8 would keep a constant in a register that the interpreter's loop needs.

// @ts-ignore: decorator
@inline
export function div64(a: u64, b: u64): u64 {
  return b ? a / b : b;
}

// @ts-ignore: decorator
@inline
export function div32(a: u32, b: u32): u32 {
  return b ? a / b : b;
}

// @ts-ignore: decorator
@inline
export function mod64(a: u64, b: u64): u64 {
  return b ? a % b : a;
}

// @ts-ignore: decorator
@inline
export function mod32(a: u32, b: u32): u32 {
  return b ? a % b : a;
}

// Dividing by -1 is negating; wasm's division of MIN by -1 would trap.
export function sdiv64(a: u64, b: u64): u64 {
  if (b + 1 <= 1) return b ? 0 - a : b;
  return <u64>(<i64>a / <i64>b);
}

export function sdiv32(a: u32, b: u32): u32 {
  if (b + 1 <= 1) return b ? 0 - a : b;
  return <u32>(<i32>a / <i32>b);
}

export function smod64(a: u64, b: u64): u64 {
  if (b + 1 <= 1) return b ? b + 1 : a;
  return <u64>(<i64>a % <i64>b);
}

export function smod32(a: u32, b: u32): u32 {
  if (b + 1 <= 1) return b ? b + 1 : a;
  return <u32>(<i32>a % <i32>b);
}
