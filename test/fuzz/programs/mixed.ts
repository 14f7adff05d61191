/** Random programs that get far: typed enough that the verifier has something to say, wrong enough that it says it. */
import type { Random } from '../../../src/random.ts';

const IMMS = [
  0, 1, -1, 2, 3, 4, 7, 8, 15, 16, 31, 32, 63, 64, 100, 255, 256, 0x7f, 0x80, 0xffff, 0x7fffffff, -2147483648, -8, -16,
  1000,
];
const ALU = ['+=', '-=', '*=', '/=', 's/=', '|=', '&=', '<<=', '>>=', 's>>=', '%=', 's%=', '^='];
const JUMPS = ['==', '!=', '>', '>=', '<', '<=', 's>', 's>=', 's<', 's<=', '&'];
const SIZES = [8, 16, 32, 64];

type Kind = 'scalar' | 'value' | 'stack' | 'ctx' | 'packet' | 'end' | 'task' | 'unknown' | 'none';

class Generator {
  private readonly out: string[] = [];
  private readonly regs: Kind[] = [
    'none',
    'ctx',
    'none',
    'none',
    'none',
    'none',
    'none',
    'none',
    'none',
    'none',
    'stack',
  ];
  private labels = 0;
  /** Labels that still have to be placed, with how many statements to go. */
  private pending: { name: string; left: number }[] = [];

  constructor(
    private readonly r: Random,
    private readonly type: string,
  ) {}

  program(): string {
    this.prologue();
    const count = 4 + this.r.below(26);
    for (let i = 0; i < count; i++) {
      this.statement();
      for (const label of this.pending) if (--label.left <= 0) this.out.push(`${label.name}:`);
      this.pending = this.pending.filter((label) => label.left > 0);
    }
    for (const label of this.pending) this.out.push(`${label.name}:`);
    this.out.push('out: r0 = 0', 'exit');
    return this.out.join('\n');
  }

  private prologue(): void {
    const { r } = this;
    this.emit('r6 = r1', 6, 'ctx');
    if (this.type === 'sched_cls' || this.type === 'xdp') {
      const [data, end] = this.type === 'xdp' ? [0, 4] : [76, 80];
      this.emit(`r7 = *(u32 *)(r6 + ${data})`, 7, 'packet');
      this.emit(`r5 = *(u32 *)(r6 + ${end})`, 5, 'end');
      if (r.below(100) < 70) {
        const size = r.pick([1, 4, 8, 14, 20, 40]);
        this.out.push('r4 = r7', `r4 += ${size}`, 'if r4 > r5 goto out');
        this.regs[4] = 'packet';
      }
    }
    if (this.type === 'tracing') {
      this.emit('r7 = *(u64 *)(r6 + 0)', 7, 'task');
      this.emit('r3 = *(u64 *)(r6 + 8)', 3, 'scalar');
    }
    for (let i = 1 + r.below(4); i > 0; i--) {
      const off = -8 * (1 + r.below(8));
      this.out.push(`*(u64 *)(r10 ${off}) = ${r.pick([0, 0, 1, 5, -1])}`.replace(' -', ' - '));
    }
    if (r.below(100) < 75) this.lookup(r.pick(['h', 'a', 'h', 'k']), r.pick([8, 9]));
    if (r.below(100) < 50) {
      const reg = r.pick([7, 8, 9]);
      this.emit(`r${reg} = map_value(${r.pick(['g', 'ro', 'g'])}, ${r.pick([0, 0, 4, 8])})`, reg, 'value');
    }
    if (r.below(100) < 60) {
      this.call('bpf_get_prandom_u32');
      if (r.below(100) < 50) this.emit(`r${r.pick([7, 8, 9])} = r0`, -1, 'scalar');
    }
  }

  private emit(text: string, reg: number, kind: Kind): void {
    this.out.push(text);
    const target = reg >= 0 ? reg : Number(/^[rw](\d+)/.exec(text)?.[1] ?? 0);
    this.regs[target] = kind;
  }

  private call(name: string): void {
    this.out.push(`call ${name}`);
    for (let i = 1; i <= 5; i++) this.regs[i] = 'none';
    this.regs[0] = 'scalar';
  }

  private lookup(map: string, keep: number): void {
    const { r } = this;
    this.out.push(`*(u32 *)(r10 - 4) = ${r.pick([0, 0, 1, 3, 4])}`, 'r2 = r10', 'r2 += -4', `r1 = map(${map})`);
    this.call('bpf_map_lookup_elem');
    if (r.below(100) < 94)
      this.out.push(r.below(100) < 70 ? 'if r0 == 0 goto out' : `r${keep} = r0\nif r0 == 0 goto out`);
    this.regs[0] = 'value';
    this.emit(`r${keep} = r0`, keep, 'value');
  }

  private reg(...kinds: Kind[]): number {
    const fit = this.regs.flatMap((kind, i) => (kinds.includes(kind) ? [i] : []));
    if (fit.length && this.r.below(100) >= 3) return this.r.pick(fit);
    const known = this.regs.flatMap((kind, i) => (kind !== 'none' ? [i] : []));
    return this.r.pick(known);
  }

  private target(): number {
    return this.r.below(10);
  }

  private label(): string {
    const name = `L${this.labels++}`;
    this.pending.push({ name, left: 1 + this.r.below(6) });
    return name;
  }

  private statement(): void {
    const { r } = this;
    const choice = r.below(100);
    if (choice < 26) this.alu();
    else if (choice < 36) this.move();
    else if (choice < 52) this.load();
    else if (choice < 64) this.store();
    else if (choice < 82) this.jump();
    else if (choice < 88) this.pointerAdd();
    else if (choice < 91) this.atomic();
    else if (choice < 95) this.bound();
    else if (choice < 97) this.loop();
    else this.helper();
  }

  private alu(): void {
    const { r } = this;
    const dst = this.reg('scalar');
    const width = r.below(100) < 35 ? 'w' : 'r';
    const op = r.pick(ALU);
    if (r.below(100) < 55) {
      let imm = r.pick(IMMS);
      if (/<<|>>/.test(op)) imm = r.below(width === 'w' ? 32 : 64);
      if (/[/%]/.test(op) && imm === 0) imm = 3;
      this.out.push(`${width}${dst} ${op} ${imm}`);
    } else {
      this.out.push(`${width}${dst} ${op} ${width}${this.reg('scalar')}`);
    }
    if (dst !== 10) this.regs[dst] = this.regs[dst] === 'scalar' ? 'scalar' : 'unknown';
  }

  private move(): void {
    const { r } = this;
    const dst = this.target();
    const kind = r.below(6);
    if (kind === 0) this.emit(`r${dst} = ${r.pick(IMMS)}`, dst, 'scalar');
    else if (kind === 1) this.emit(`w${dst} = ${r.pick(IMMS)}`, dst, 'scalar');
    else if (kind === 2) this.emit(`w${dst} = w${this.reg('scalar')}`, dst, 'scalar');
    else if (kind === 3) this.emit(`r${dst} = (s${r.pick([8, 16, 32])})r${this.reg('scalar')}`, dst, 'scalar');
    else {
      const src = this.reg('scalar', 'value', 'packet', 'task', 'ctx', 'stack', 'stack');
      this.emit(`r${dst} = r${src}`, dst, this.regs[src] ?? 'unknown');
    }
  }

  private place(write: boolean): { text: string; size: number; kind: Kind } {
    const { r } = this;
    const size = r.pick(SIZES);
    const bytes = size / 8;
    const base = this.reg('stack', 'stack', 'value', 'value', 'packet', write ? 'stack' : 'task', 'ctx');
    const kind = this.regs[base] ?? 'unknown';
    let off = 0;
    if (kind === 'stack') off = base === 10 ? -bytes * (1 + r.below(64 / bytes)) : r.pick([0, 0, 8, -8]);
    else if (kind === 'task') off = r.pick([0, 4, 44, 800, 1264, 16, 1288]);
    else if (kind === 'ctx') off = this.type === 'syscall' ? bytes * r.below(8) : r.pick([0, 8, 48, 56, 4, 12]);
    else off = bytes * r.below(Math.max(1, Math.floor(40 / bytes)));
    if (r.below(100) < 4) off += r.pick([1, -1, 64, 4]);
    return { text: `(r${base} ${off < 0 ? '-' : '+'} ${Math.abs(off)})`, size, kind };
  }

  private load(): void {
    const { r } = this;
    const dst = this.target();
    const place = this.place(false);
    const sign = place.size < 64 && r.below(100) < 15 ? 's' : 'u';
    const pointer = place.kind === 'task' && place.size === 64;
    this.emit(
      `r${dst} = *(${sign}${place.size} *)${place.text}`,
      dst,
      pointer ? 'task' : place.kind === 'ctx' ? 'unknown' : 'scalar',
    );
  }

  private store(): void {
    const { r } = this;
    const place = this.place(true);
    const value = r.below(100) < 40 ? `${r.pick(IMMS)}` : `r${this.reg('scalar', 'scalar', 'value', 'stack')}`;
    this.out.push(`*(u${place.size} *)${place.text} = ${value}`);
  }

  private jump(): void {
    const { r } = this;
    const a = this.reg('scalar', 'scalar', 'scalar', 'value', 'packet');
    const width = r.below(100) < 30 ? 'w' : 'r';
    const b =
      r.below(100) < 65
        ? `${r.pick(IMMS)}`
        : `${width}${this.reg('scalar', this.regs[a] === 'packet' ? 'end' : 'scalar')}`;
    const to = r.below(100) < 25 ? 'out' : this.label();
    this.out.push(`if ${width}${a} ${r.pick(JUMPS)} ${b} goto ${to}`);
  }

  private pointerAdd(): void {
    const { r } = this;
    const dst = this.reg('value', 'packet', 'stack');
    if (dst === 10) {
      const copy = this.target();
      this.emit(`r${copy} = r10`, copy, 'stack');
      this.out.push(`r${copy} += ${-8 * (1 + r.below(8))}`);
      return;
    }
    if (r.below(100) < 50) this.out.push(`r${dst} ${r.pick(['+=', '-='])} ${r.pick([1, 2, 4, 8, 16, -8])}`);
    else this.out.push(`r${dst} ${r.below(100) < 90 ? '+=' : '-='} r${this.reg('scalar')}`);
  }

  private atomic(): void {
    const { r } = this;
    const size = r.pick([32, 64]);
    const base = this.reg('value', 'stack');
    const off = base === 10 ? -8 * (1 + r.below(4)) : 8 * r.below(4);
    const place = `(r${base} ${off < 0 ? '-' : '+'} ${Math.abs(off)})`;
    const src = this.reg('scalar');
    if (r.below(100) < 50) this.out.push(`lock *(u${size} *)${place} ${r.pick(['+=', '|=', '&=', '^='])} r${src}`);
    else
      this.out.push(
        `r${src} = atomic${size === 64 ? '64' : ''}_fetch_${r.pick(['add', 'or', 'and', 'xor'])}((u${size} *)${place}, r${src})`,
      );
  }

  /** Makes a scalar small: what real programs do before they index. */
  private bound(): void {
    const { r } = this;
    const reg = this.reg('scalar');
    const form = r.below(4);
    if (form === 0) this.out.push(`r${reg} &= ${r.pick([1, 3, 7, 15, 31, 12, 28])}`);
    else if (form === 1) this.out.push(`if r${reg} > ${r.pick([3, 7, 15, 40])} goto out`);
    else if (form === 2) this.out.push(`r${reg} %= ${r.pick([3, 8, 20])}`);
    else this.out.push(`if r${reg} s< 0 goto out`, `if r${reg} s> ${r.pick([4, 8, 31])} goto out`);
  }

  private loop(): void {
    const { r } = this;
    const reg = r.pick([7, 8, 9]);
    const name = `loop${this.labels++}`;
    this.emit(`r${reg} = 0`, reg, 'scalar');
    this.out.push(`${name}:`);
    for (let i = r.below(3); i >= 0; i--) this.alu();
    this.out.push(`r${reg} += 1`, `if r${reg} < ${r.pick([2, 3, 5, 10])} goto ${name}`);
  }

  private helper(): void {
    const { r } = this;
    const kind = r.below(4);
    if (kind === 0) this.lookup(r.pick(['h', 'a', 'k']), r.pick([7, 8, 9]));
    else if (kind === 1) this.call('bpf_get_prandom_u32');
    else if (kind === 2) this.call('bpf_ktime_get_ns');
    else {
      this.out.push('r1 = r10', `r1 += ${-8 * (1 + r.below(8))}`, `r2 = ${r.pick([1, 4, 8, 16, 40])}`, 'r3 = 0');
      this.call('bpf_probe_read_kernel');
    }
  }
}

/** A program for a syscall, sched_cls, xdp or tracing (task_newtask) program. */
export function mixedProgram(random: Random, type: string): string {
  return new Generator(random, type).program();
}
