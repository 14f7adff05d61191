/**
 * What the cpumask kfuncs do, written a second time and slowly: masks are arrays of booleans, one per bit of cpumask_t, and
 * every operation is a loop over bits. It shares nothing with assembly/.
 */
export type Bits = boolean[];

export interface OracleResult {
  /** What the kfunc returns; undefined: nothing. */
  readonly value?: number;
  /** What the first mask argument holds afterwards; undefined: as before. */
  readonly dst?: Bits;
}

export class Oracle {
  /** distribute_cpu_mask_prev */
  previous = 0;
  /** Lengths that operations look at, see "What the vectors say" in the golden vectors' format. */
  readonly nr: number;
  readonly small: number;
  /** Bits that copy and clear cover. */
  readonly large: number;
  readonly size: number;
  readonly distributeLimit: number;

  constructor(nr: number, nrCpus: number, distributeBelowNr: boolean) {
    this.nr = nr;
    this.small = nrCpus <= 64 ? nrCpus : nr;
    this.large = nrCpus <= 256 ? nrCpus : nr;
    this.size = Math.ceil(nrCpus / 64) * 64;
    this.distributeLimit = distributeBelowNr ? nr : this.small;
    this.nrCpus = nrCpus;
  }

  readonly nrCpus: number;

  words(bits: number): number {
    return Math.ceil(bits / 64) * 64;
  }

  /** Bit-by-bit: `length` bits from `f`, the rest as in `old`. */
  #replace(old: Bits, length: number, f: (i: number) => boolean): Bits {
    return old.map((bit, i) => (i < length ? f(i) : bit));
  }

  #find(limit: number, test: (i: number) => boolean): number {
    for (let i = 0; i < limit; i++) if (test(i)) return i;
    return limit;
  }

  first(a: Bits): OracleResult {
    return { value: this.#find(this.small, (i) => a[i] === true) };
  }

  first_zero(a: Bits): OracleResult {
    return { value: this.#find(this.small, (i) => a[i] === false) };
  }

  first_and(a: Bits, b: Bits): OracleResult {
    return { value: this.#find(this.small, (i) => a[i] === true && b[i] === true) };
  }

  weight(a: Bits): OracleResult {
    let value = 0;
    for (let i = 0; i < this.small; i++) if (a[i]) value++;
    return { value };
  }

  empty(a: Bits): OracleResult {
    return { value: this.#find(this.small, (i) => a[i] === true) === this.small ? 1 : 0 };
  }

  full(a: Bits): OracleResult {
    return { value: this.#find(this.nr, (i) => a[i] === false) === this.nr ? 1 : 0 };
  }

  equal(a: Bits, b: Bits): OracleResult {
    return { value: this.#find(this.small, (i) => a[i] !== b[i]) === this.small ? 1 : 0 };
  }

  intersects(a: Bits, b: Bits): OracleResult {
    return { value: this.#find(this.small, (i) => a[i] === true && b[i] === true) < this.small ? 1 : 0 };
  }

  subset(a: Bits, b: Bits): OracleResult {
    return { value: this.#find(this.small, (i) => a[i] === true && b[i] === false) === this.small ? 1 : 0 };
  }

  set_cpu(cpu: number, a: Bits): OracleResult {
    return { dst: cpu < this.nr ? a.with(cpu, true) : a };
  }

  clear_cpu(cpu: number, a: Bits): OracleResult {
    return { dst: cpu < this.nr ? a.with(cpu, false) : a };
  }

  test_cpu(cpu: number, a: Bits): OracleResult {
    return { value: cpu < this.nr && a[cpu] ? 1 : 0 };
  }

  test_and_set_cpu(cpu: number, a: Bits): OracleResult {
    return { ...this.test_cpu(cpu, a), ...this.set_cpu(cpu, a) };
  }

  test_and_clear_cpu(cpu: number, a: Bits): OracleResult {
    return { ...this.test_cpu(cpu, a), ...this.clear_cpu(cpu, a) };
  }

  setall(a: Bits): OracleResult {
    // One-word masks are assigned as a whole; longer ones get whole words of ones.
    if (this.nrCpus <= 64) return { dst: a.map((_, i) => i < this.nr) };
    return { dst: this.#replace(a, this.words(this.nr), () => true) };
  }

  clear(a: Bits): OracleResult {
    return { dst: this.#replace(a, this.words(this.large), () => false) };
  }

  copy(dst: Bits, a: Bits): OracleResult {
    return { dst: this.#replace(dst, this.words(this.large), (i) => a[i] === true) };
  }

  and(dst: Bits, a: Bits, b: Bits): OracleResult {
    const both = (i: number) => i < this.small && a[i] === true && b[i] === true;
    const value = this.#find(this.small, both) < this.small ? 1 : 0;
    return { value, dst: this.#replace(dst, this.words(this.small), both) };
  }

  or(dst: Bits, a: Bits, b: Bits): OracleResult {
    return { dst: this.#replace(dst, this.words(this.small), (i) => a[i] === true || b[i] === true) };
  }

  xor(dst: Bits, a: Bits, b: Bits): OracleResult {
    return { dst: this.#replace(dst, this.words(this.small), (i) => a[i] !== b[i]) };
  }

  #distribute(test: (i: number) => boolean): OracleResult {
    const limit = this.distributeLimit;
    for (let step = 0; step < limit; step++) {
      const i = (this.previous + 1 + step) % limit;
      if (!test(i)) continue;
      if (i < this.nr) this.previous = i;
      return { value: i };
    }
    return { value: limit };
  }

  any_distribute(a: Bits): OracleResult {
    return this.#distribute((i) => a[i] === true);
  }

  any_and_distribute(a: Bits, b: Bits): OracleResult {
    return this.#distribute((i) => a[i] === true && b[i] === true);
  }

  any(a: Bits): OracleResult {
    return this.first(a);
  }

  any_and(a: Bits, b: Bits): OracleResult {
    return this.first_and(a, b);
  }

  populate(dst: Bits, src: Bits): OracleResult {
    const needed = this.words(this.nr);
    if (src.length < needed) return { value: -13 };
    return { value: 0, dst: this.#replace(dst, needed, (i) => src[i] === true) };
  }
}
