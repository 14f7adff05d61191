// Comparisons: which way a jump goes, and what both ways say of the operands. Opcodes are BPF_OP(code):
// JEQ 0x10 JGT 0x20 JGE 0x30 JSET 0x40 JNE 0x50 JSGT 0x60 JSGE 0x70 JLT 0xa0 JLE 0xb0 JSLT 0xc0 JSLE 0xd0
import { narrowS32, narrowU32, syncRec } from './bounds';
import { at, copy, HIGH, intern, LOW, Rec, takeTnum, U64_MAX, unbound32, unbound64, X, Y } from './record';
import { tm, tnum_and, tnum_intersect, tnum_or, tnum_overlap, tv } from './tnum';

let outA: u32 = 0;
let outB: u32 = 0;

export function branchTaken(op: u32, is32: bool, ah: u32, bh: u32): i32 {
  const a = at(ah);
  const b = at(bh);
  const low = is32 ? LOW : U64_MAX;
  const av = a.v & low;
  const am = a.m & low;
  const bv = b.v & low;
  const bm = b.m & low;
  const umin1: u64 = is32 ? a.u32min : a.umin;
  const umax1: u64 = is32 ? a.u32max : a.umax;
  const smin1: i64 = is32 ? a.s32min : a.smin;
  const smax1: i64 = is32 ? a.s32max : a.smax;
  const umin2: u64 = is32 ? b.u32min : b.umin;
  const umax2: u64 = is32 ? b.u32max : b.umax;
  const smin2: i64 = is32 ? b.s32min : b.smin;
  const smax2: i64 = is32 ? b.s32max : b.smax;
  switch (op) {
    case 0x10:
    case 0x50: {
      const eq = op == 0x10;
      if (am == 0 && bm == 0) return <i32>((av == bv) == eq);
      if (!tnum_overlap(av, am, bv, bm)) return <i32>!eq;
      if (umin1 > umax2 || umax1 < umin2) return <i32>!eq;
      if (smin1 > smax2 || smax1 < smin2) return <i32>!eq;
      if (!is32) {
        // The low halves may differ for sure where the whole is not known.
        if (a.u32min > b.u32max || a.u32max < b.u32min) return <i32>!eq;
        if (a.s32min > b.s32max || a.s32max < b.s32min) return <i32>!eq;
      }
      return -1;
    }
    case 0x40: {
      // The constant operand, whichever it is, gives the bits.
      if (bm != 0) {
        if (am != 0) return -1;
        return jset(bv, bm, av);
      }
      return jset(av, am, bv);
    }
    case 0x20:
      return umin1 > umax2 ? 1 : umax1 <= umin2 ? 0 : -1;
    case 0x60:
      return smin1 > smax2 ? 1 : smax1 <= smin2 ? 0 : -1;
    case 0xa0:
      return umax1 < umin2 ? 1 : umin1 >= umax2 ? 0 : -1;
    case 0xc0:
      return smax1 < smin2 ? 1 : smin1 >= smax2 ? 0 : -1;
    case 0x30:
      return umin1 >= umax2 ? 1 : umax1 < umin2 ? 0 : -1;
    case 0x70:
      return smin1 >= smax2 ? 1 : smax1 < smin2 ? 0 : -1;
    case 0xb0:
      return umax1 <= umin2 ? 1 : umin1 > umax2 ? 0 : -1;
    case 0xd0:
      return smax1 <= smin2 ? 1 : smin1 > smax2 ? 0 : -1;
    default:
      return -1;
  }
}

function jset(v: u64, m: u64, bits: u64): i32 {
  if (~m & v & bits) return 1;
  if (!((m | v) & bits)) return 0;
  return -1;
}

/** regs_refine_cond_op: a and b where `a op b` holds; op may be JSET | BPF_X (0x48) for "not set". */
function refineOp(a: Rec, b: Rec, op: u32, is32: bool): void {
  switch (op) {
    case 0x10: // ==
      if (is32) {
        narrowU32(a, b.u32min, b.u32max);
        b.u32min = a.u32min;
        b.u32max = a.u32max;
        narrowS32(a, b.s32min, b.s32max);
        b.s32min = a.s32min;
        b.s32max = a.s32max;
        tnum_intersect(a.v & LOW, a.m & LOW, b.v & LOW, b.m & LOW);
        a.v = (a.v & HIGH) | tv;
        a.m = (a.m & HIGH) | tm;
        b.v = (b.v & HIGH) | tv;
        b.m = (b.m & HIGH) | tm;
      } else {
        a.umin = max<u64>(a.umin, b.umin);
        a.umax = min<u64>(a.umax, b.umax);
        b.umin = a.umin;
        b.umax = a.umax;
        a.smin = max<i64>(a.smin, b.smin);
        a.smax = min<i64>(a.smax, b.smax);
        b.smin = a.smin;
        b.smax = a.smax;
        tnum_intersect(a.v, a.m, b.v, b.m);
        takeTnum(a);
        takeTnum(b);
      }
      return;
    case 0x50: { // != a constant: trim an end that equals it
      let x = a;
      let c = b;
      const low = is32 ? LOW : U64_MAX;
      if ((c.m & low) != 0) {
        x = b;
        c = a;
      }
      if ((c.m & low) != 0) return;
      if (is32) {
        const k = <u32>c.v;
        if (x.u32min == k) x.u32min++;
        if (x.u32max == k) x.u32max--;
        if (x.s32min == <i32>k) x.s32min++;
        if (x.s32max == <i32>k) x.s32max--;
      } else {
        const k = c.v;
        if (x.umin == k) x.umin++;
        if (x.umax == k) x.umax--;
        if (x.smin == <i64>k) x.smin++;
        if (x.smax == <i64>k) x.smax--;
      }
      return;
    }
    case 0x40: // a & one bit is set
    case 0x48: {
      let x = a;
      let c = b;
      const low = is32 ? LOW : U64_MAX;
      if ((c.m & low) != 0) {
        x = b;
        c = a;
      }
      if ((c.m & low) != 0) return;
      const k = c.v & low;
      if (op == 0x40) {
        // Only a single bit says which one is set.
        if (k == 0 || (k & (k - 1)) != 0) return;
        if (is32) {
          tnum_or(x.v & LOW, x.m & LOW, k, 0);
          x.v = (x.v & HIGH) | tv;
          x.m = (x.m & HIGH) | tm;
        } else {
          tnum_or(x.v, x.m, k, 0);
          takeTnum(x);
        }
        return;
      }
      // Bounds learnt before are dropped, and follow from the tnum again.
      unbound64(x);
      unbound32(x);
      if (is32) {
        tnum_and(x.v & LOW, x.m & LOW, ~k, 0);
        x.v = (x.v & HIGH) | (tv & LOW);
        x.m = (x.m & HIGH) | (tm & LOW);
      } else {
        tnum_and(x.v, x.m, ~k, 0);
        takeTnum(x);
      }
      return;
    }
    case 0xb0: // <=
      if (is32) {
        a.u32max = min<u32>(a.u32max, b.u32max);
        b.u32min = max<u32>(a.u32min, b.u32min);
      } else {
        a.umax = min<u64>(a.umax, b.umax);
        b.umin = max<u64>(a.umin, b.umin);
      }
      return;
    case 0xa0: // <
      if (is32) {
        a.u32max = min<u32>(a.u32max, b.u32max - 1);
        b.u32min = max<u32>(a.u32min + 1, b.u32min);
      } else {
        a.umax = min<u64>(a.umax, b.umax - 1);
        b.umin = max<u64>(a.umin + 1, b.umin);
      }
      return;
    case 0xd0: // s<=
      if (is32) {
        a.s32max = min<i32>(a.s32max, b.s32max);
        b.s32min = max<i32>(a.s32min, b.s32min);
      } else {
        a.smax = min<i64>(a.smax, b.smax);
        b.smin = max<i64>(a.smin, b.smin);
      }
      return;
    case 0xc0: // s<
      if (is32) {
        a.s32max = min<i32>(a.s32max, b.s32max - 1);
        b.s32min = max<i32>(a.s32min + 1, b.s32min);
      } else {
        a.smax = min<i64>(a.smax, b.smax - 1);
        b.smin = max<i64>(a.smin + 1, b.smin);
      }
      return;
    // The rest is the same with the operands exchanged.
    case 0x30:
      refineOp(b, a, 0xb0, is32);
      return;
    case 0x20:
      refineOp(b, a, 0xa0, is32);
      return;
    case 0x70:
      refineOp(b, a, 0xd0, is32);
      return;
    case 0x60:
      refineOp(b, a, 0xc0, is32);
      return;
    default:
      return;
  }
}

export function refine(op: u32, is32: bool, ah: u32, bh: u32): void {
  copy(X, at(ah));
  copy(Y, at(bh));
  refineOp(X, Y, op, is32);
  syncRec(X);
  syncRec(Y);
  outA = intern(X);
  outB = intern(Y);
}

/** Both operands are one register: each rule changes what the next one reads. */
export function refineSelf(op: u32, is32: bool, h: u32): u32 {
  copy(X, at(h));
  refineOp(X, X, op, is32);
  syncRec(X);
  syncRec(X);
  return intern(X);
}

export function refinedA(): u32 {
  return outA;
}

export function refinedB(): u32 {
  return outB;
}
