/** Random programs in assembly for comparing verifiers: arithmetic, branches, spills, maps, calls, loops. */

/** xorshift64*, 32 bits at a time: the same programs for the same seed. */
export function generator(seed: number): (below: number) => number {
  let state = BigInt(seed) * 0x9e3779b97f4a7c15n + 1n;
  return (below) => {
    state ^= state >> 12n;
    state = BigInt.asUintN(64, state ^ (state << 25n));
    state ^= state >> 27n;
    return Number(BigInt.asUintN(64, state * 0x2545f4914f6cdd1dn) >> 32n) % below;
  };
}

type Random = (below: number) => number;

const pick = <T>(random: Random, from: readonly T[]): T => from[random(from.length)] as T;

const IMMEDIATES = [0, 1, 2, 3, 7, 8, 15, 16, 31, 32, 63, 64, 100, 127, 128, 255, 256, 1000, 4095, 65535, 65536].concat(
  [-1, -2, -8, -128, -129, -32768, 0x7fffffff, -0x80000000, 0x7ffffffe, -0x7fffffff, 0x10000001],
);

function imm(random: Random): number {
  return random(4) ? pick(random, IMMEDIATES) : random(0xffffffff) - 0x80000000;
}

const BINARY = ['+=', '-=', '*=', '|=', '&=', '^='];
const SHIFTS = ['<<=', '>>=', 's>>='];
const DIVISIONS = ['/=', '%='];
const COMPARE = ['==', '!=', '>', '>=', '<', '<=', 's>', 's>=', 's<', 's<=', '&'];
const SIZES = ['u8', 'u16', 'u32', 'u64'];
const BYTES: Readonly<Record<string, number>> = { u8: 1, u16: 2, u32: 4, u64: 8 };

/** Registers that hold numbers. */
const REGS = [0, 6, 7, 8, 9];

/** Arithmetic and branches on unknown numbers, spilled and filled; ends in an access to a map value. */
export function scalarProgram(random: Random): string {
  const lines = [
    'call bpf_ktime_get_ns',
    'r6 = r0',
    'call bpf_get_prandom_u32',
    'r7 = r0',
    'call bpf_ktime_get_ns',
    'r8 = r0',
  ];
  lines.push(`r9 = ${imm(random)}`, 'r0 = r8', 'r0 >>= 3');
  const count = 5 + random(30);
  const stack = new Set<number>();
  let label = 0;
  const open: { name: string; at: number }[] = [];
  for (let i = 0; i < count; i++) {
    for (const target of open.filter(({ at }) => at === i)) lines.push(`${target.name}:`);
    const d = pick(random, REGS);
    const s = pick(random, REGS);
    const w = random(2) ? 'r' : 'w';
    const operand = random(2) ? `${w}${s}` : imm(random);
    switch (random(12)) {
      case 0:
      case 1:
      case 2:
        lines.push(`${w}${d} ${pick(random, BINARY)} ${operand}`);
        break;
      case 3:
        lines.push(`${w}${d} ${pick(random, SHIFTS)} ${random(5) ? random(w === 'r' ? 64 : 32) : `${w}${s}`}`);
        break;
      case 4:
        if (random(3)) lines.push(`${w}${d} = ${operand}`);
        else lines.push(`${w}${d} = (s${pick(random, w === 'r' ? [8, 16, 32] : [8, 16])})${w}${s}`);
        break;
      case 5:
        if (random(3)) lines.push(`${w}${d} = -${w}${d}`);
        else lines.push(`${w}${d} ${pick(random, DIVISIONS)} ${imm(random) || 1}`);
        break;
      case 6: {
        const size = pick(random, SIZES);
        const bytes = BYTES[size] as number;
        const off = -8 * (1 + random(3)) + (random(3) ? 0 : bytes * random(8 / bytes));
        lines.push(
          random(4) ? `*(${size} *)(r10 ${off}) = r${d}` : `*(${size} *)(r10 ${off}) = ${random(2) ? 0 : imm(random)}`,
        );
        stack.add(off);
        break;
      }
      case 7: {
        const size = pick(random, SIZES);
        const bytes = BYTES[size] as number;
        const off = stack.size && random(4) ? pick(random, [...stack]) : -8 * (1 + random(3));
        if (off % bytes === 0) lines.push(`r${d} = *(${size} *)(r10 ${off})`);
        break;
      }
      case 8:
        lines.push('call bpf_get_prandom_u32', `r${pick(random, [6, 7, 8, 9])} = r0`);
        break;
      default: {
        const name = `l${label++}`;
        open.push({ name, at: i + 1 + random(Math.max(1, count - i)) });
        lines.push(`if ${w}${d} ${pick(random, COMPARE)} ${operand} goto ${name}`);
      }
    }
  }
  for (const target of open.filter(({ at }) => at >= count)) lines.push(`${target.name}:`);
  const index = pick(random, REGS);
  if (index !== 6) lines.push(`r6 = r${index}`);
  if (random(2)) lines.push(`r6 &= ${pick(random, [1, 7, 15, 31, 63])}`);
  else lines.push(`if r6 > ${pick(random, [7, 31, 56, 63, 64])} goto out`);
  lines.push('*(u32 *)(r10 -32) = 0', 'r2 = r10', 'r2 += -32', 'r1 = map(m)', 'call bpf_map_lookup_elem');
  lines.push('if r0 == 0 goto out', 'r0 += r6', `r1 = *(${pick(random, SIZES)} *)(r0 +0)`);
  lines.push('out:', 'r0 = 0', 'exit');
  return lines.join('\n');
}

/** Loops: counted, may_goto, with conditions inside; functions and callbacks. */
export function loopProgram(random: Random): string {
  const lines = [
    'call bpf_get_prandom_u32',
    'r6 = r0',
    'r7 = 0',
    `r8 = ${imm(random)}`,
    'r9 = 0',
    '*(u64 *)(r10 -8) = r9',
  ];
  const limit = 1 + random(12);
  const kind = random(3);
  lines.push('top:');
  if (kind === 1) lines.push('may_goto out');
  const body = 1 + random(6);
  for (let i = 0; i < body; i++) {
    const d = pick(random, [6, 8, 9]);
    switch (random(6)) {
      case 0:
        lines.push(`r${d} ${pick(random, BINARY)} ${imm(random)}`);
        break;
      case 1:
        lines.push(`r${d} = r${pick(random, [6, 7, 8, 9])}`);
        break;
      case 2:
        lines.push(
          `if r${d} ${pick(random, COMPARE)} ${imm(random)} goto s${i}`,
          `r${pick(random, [8, 9])} += 1`,
          `s${i}:`,
        );
        break;
      case 3:
        lines.push(`*(u64 *)(r10 ${-8 * (1 + random(2))}) = r${d}`);
        break;
      case 4:
        lines.push(`r${d} = *(u64 *)(r10 -8)`);
        break;
      default:
        lines.push('call bpf_get_prandom_u32', `r${d} = r0`);
    }
  }
  lines.push('r7 += 1');
  if (kind === 1) lines.push('goto top');
  else if (kind === 2) lines.push(`if r7 < ${limit} goto top`);
  else lines.push(`if r7 != ${limit} goto top`);
  lines.push('out:', `if r8 > ${pick(random, [7, 31, 63])} goto end`, 'r1 = r10', 'r1 += -8');
  if (random(2)) lines.push(`r2 = r${pick(random, [7, 8, 9])}`, 'r2 &= 7', 'r1 -= r2', 'r0 = *(u8 *)(r1 +0)');
  lines.push('end:', 'r0 = 0', 'exit');
  return lines.join('\n');
}

/** What a register of a kfunc program is believed to hold. */
type Held = 'number' | 'mask' | 'rcu';

/** Writes mostly correct programs on cpumasks; `wrong` of them now and then is not. */
class KfuncWriter {
  readonly lines = ['r6 = 0', 'r7 = 0', 'r8 = 0', 'r9 = 0'];
  private readonly regs = new Map<number, Held>([6, 7, 8, 9].map((reg) => [reg, 'number']));
  private locked = false;
  private label = 0;

  constructor(private readonly random: Random) {}

  /** Once in a while: does what it should not. */
  private wrong(): boolean {
    return this.random(60) === 0;
  }

  private of(...kinds: Held[]): number[] {
    return [...this.regs].filter(([, kind]) => this.wrong() || kinds.includes(kind)).map(([reg]) => reg);
  }

  private emit(...lines: string[]): void {
    this.lines.push(...lines);
  }

  /** Gives everything back and leaves. */
  private leave(): void {
    for (const [reg, kind] of this.regs) {
      if (kind === 'mask' && !this.wrong()) this.emit(`r1 = r${reg}`, 'call bpf_cpumask_release');
    }
    if (this.locked && !this.wrong()) this.emit('call bpf_rcu_read_unlock');
    this.emit('r0 = 0', 'exit');
  }

  /** R0 into a free register; where it is NULL, leaves or goes on without. */
  private take(kind: Held): void {
    const free = this.of('number', 'rcu');
    if (free.length === 0) {
      this.emit('if r0 == 0 goto +2', 'r1 = r0', kind === 'mask' ? 'call bpf_cpumask_release' : 'r1 = 0');
      return;
    }
    const reg = pick(this.random, free);
    this.regs.set(reg, 'number');
    this.emit(`r${reg} = r0`);
    if (this.wrong()) {
      this.regs.set(reg, kind);
      return;
    }
    const name = `n${this.label++}`;
    this.emit(`if r${reg} != 0 goto ${name}`);
    this.leave();
    this.emit(`${name}:`);
    this.regs.set(reg, kind);
  }

  private lookup(): void {
    this.emit('*(u32 *)(r10 -4) = 0', 'r2 = r10', 'r2 += -4', 'r1 = map(k)', 'call bpf_map_lookup_elem');
    const name = `n${this.label++}`;
    if (!this.wrong()) {
      this.emit(`if r0 != 0 goto ${name}`);
      this.leave();
      this.emit(`${name}:`);
    }
  }

  private readonly steps: readonly (() => void)[] = [
    () => {
      this.emit('call bpf_cpumask_create');
      this.take('mask');
    },
    () => {
      const mask = this.of('mask')[0];
      if (mask === undefined) return;
      this.emit(`r1 = r${mask}`, 'call bpf_cpumask_release');
      if (!this.wrong()) this.regs.set(mask, 'number');
    },
    () => {
      const mask = this.of('mask', this.locked ? 'rcu' : 'mask')[0];
      if (mask === undefined) return;
      this.emit(`r1 = r${mask}`, 'call bpf_cpumask_acquire');
      this.take('mask');
    },
    () => {
      const masks = this.of('mask', 'rcu');
      if (masks.length === 0) return;
      const mask = () => pick(this.random, masks);
      const calls = [
        [`r1 = ${this.random(64)}`, `r2 = r${mask()}`, 'call bpf_cpumask_set_cpu'],
        [`r1 = ${this.random(64)}`, `r2 = r${mask()}`, 'call bpf_cpumask_test_and_clear_cpu'],
        [`r1 = r${mask()}`, 'call bpf_cpumask_first'],
        [`r1 = r${mask()}`, `r2 = r${mask()}`, 'call bpf_cpumask_any_and_distribute'],
        [`r1 = r${mask()}`, `r2 = r${mask()}`, `r3 = r${mask()}`, 'call bpf_cpumask_or'],
      ];
      this.emit(...pick(this.random, calls));
    },
    () => {
      if (this.locked && !this.wrong()) return;
      this.emit('call bpf_rcu_read_lock');
      this.locked = true;
    },
    () => {
      if (!this.locked && !this.wrong()) return;
      this.emit('call bpf_rcu_read_unlock');
      this.locked = false;
      for (const [reg, kind] of this.regs) if (kind === 'rcu' && !this.wrong()) this.regs.set(reg, 'number');
    },
    () => {
      this.lookup();
      const mask = this.of('mask')[0];
      const give = mask !== undefined && this.random(2) === 1;
      this.emit('r1 = r0', `r1 += ${this.wrong() ? 4 : 8}`, give ? `r2 = r${mask}` : 'r2 = 0', 'call bpf_kptr_xchg');
      if (give) this.regs.set(mask, 'number');
      this.maybeTake();
    },
    () => {
      if (!this.locked && !this.wrong()) return;
      this.lookup();
      this.emit('r0 = *(u64 *)(r0 +8)');
      this.take('rcu');
    },
    () => {
      const masks = this.of('mask', 'rcu');
      if (masks.length) this.emit(`r1 = *(u64 *)(r${pick(this.random, masks)} +${pick(this.random, [0, 8, 24])})`);
    },
    () => {
      const mask = this.of('mask')[0];
      if (mask === undefined) return;
      this.emit(
        `*(u64 *)(r10 -16) = r${mask}`,
        `r${mask} = 0`,
        'call bpf_get_prandom_u32',
        `r${mask} = *(u64 *)(r10 -16)`,
      );
    },
    () => {
      const name = `b${this.label++}`;
      const masks = this.of('mask', 'rcu');
      this.emit('call bpf_get_prandom_u32', `if r0 > ${this.random(100)} goto ${name}`);
      if (masks.length) this.emit(`r1 = r${pick(this.random, masks)}`, 'call bpf_cpumask_empty');
      this.emit(`${name}:`);
    },
  ];

  /** What bpf_kptr_xchg gave may be NULL, which is fine. */
  private maybeTake(): void {
    const name = `x${this.label++}`;
    this.emit(`if r0 == 0 goto ${name}`, 'r1 = r0', 'call bpf_cpumask_release', `${name}:`);
  }

  write(): string {
    for (let i = 3 + this.random(14); i > 0; i--) pick(this.random, this.steps)();
    this.leave();
    return this.lines.join('\n');
  }
}

/** Cpumask kfuncs, kptrs in map `k` ({ u64; kptr }), RCU, references, NULL checks; most are right. */
export function kfuncProgram(random: Random): string {
  return new KfuncWriter(random).write();
}
