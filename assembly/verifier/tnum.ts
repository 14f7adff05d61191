// Tracked numbers (kernel/bpf/tnum.c): a bit is known when its mask bit is 0, and then equals the value's. Results come in two
// globals, since wasm functions of this compiler return one value.
export let tv: u64 = 0;
export let tm: u64 = 0;

// @ts-ignore: decorator
@inline
function set(value: u64, mask: u64): void {
  tv = value;
  tm = mask;
}

/** The smallest tnum that holds every number from min to max. */
export function tnum_range(min: u64, max: u64): void {
  const chi = min ^ max;
  const bits = 64 - clz<u64>(chi);
  // Shifting by 64 is undefined, and nothing is known then anyway.
  if (bits > 63) {
    set(0, ~(<u64>0));
    return;
  }
  const delta = ((<u64>1) << bits) - 1;
  set(min & ~delta, delta);
}

export function tnum_add(av: u64, am: u64, bv: u64, bm: u64): void {
  const sm = am + bm;
  const sv = av + bv;
  const mu = ((sm + sv) ^ sv) | am | bm;
  set(sv & ~mu, mu);
}

export function tnum_sub(av: u64, am: u64, bv: u64, bm: u64): void {
  const dv = av - bv;
  const mu = ((dv + am) ^ (dv - bm)) | am | bm;
  set(dv & ~mu, mu);
}

export function tnum_and(av: u64, am: u64, bv: u64, bm: u64): void {
  const v = av & bv;
  set(v, (av | am) & (bv | bm) & ~v);
}

export function tnum_or(av: u64, am: u64, bv: u64, bm: u64): void {
  const v = av | bv;
  set(v, (am | bm) & ~v);
}

export function tnum_xor(av: u64, am: u64, bv: u64, bm: u64): void {
  const mu = am | bm;
  set((av ^ bv) & ~mu, mu);
}

/** What holds of a number that is in a or in b. */
export function tnum_union(av: u64, am: u64, bv: u64, bm: u64): void {
  const mu = (av ^ bv) | am | bm;
  set(av & bv & ~mu, mu);
}

export function tnum_intersect(av: u64, am: u64, bv: u64, bm: u64): void {
  const mu = am & bm;
  set((av | bv) & ~mu, mu);
}

/** Long multiplication; where a bit of `a` is unknown, the union of both partial sums. */
export function tnum_mul(av: u64, am: u64, bv: u64, bm: u64): void {
  let sv: u64 = 0;
  let sm: u64 = 0;
  while (av | am) {
    if (av & 1) {
      tnum_add(sv, sm, bv, bm);
      sv = tv;
      sm = tm;
    } else if (am & 1) {
      tnum_add(sv, sm, bv, bm);
      tnum_union(sv, sm, tv, tm);
      sv = tv;
      sm = tm;
    }
    av >>= 1;
    am >>= 1;
    bv <<= 1;
    bm <<= 1;
  }
  set(sv, sm);
}

/** May a and b be the same number? */
export function tnum_overlap(av: u64, am: u64, bv: u64, bm: u64): bool {
  const mu = ~am & ~bm;
  return (av & mu) == (bv & mu);
}
