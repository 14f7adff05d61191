/**
 * Writes random programs that are nearly right: it knows what each register holds, what was acquired and which regions are
 * open, so that most of what it writes is accepted; once in a while it does what it should not (`wrong`).
 */
import type { Random } from '../../../src/random.ts';
import type { ProgType } from '../../../src/uapi/bpf.ts';
import type { VerifierCase } from '../../verifier/case.ts';
import type { FuncCase } from '../../verifier/case_btf.ts';

/** What a register or a spilled slot is believed to hold. */
export interface Thing {
  /** `number`, `index` (a small number), `ctx`, `value` (of `map`), or what the steps of a family call theirs. */
  readonly kind: string;
  /** The acquired thing (Held.id) that it is, or that it points into. */
  readonly id?: number;
  readonly map?: string;
  /** Bytes that may be accessed through it. */
  readonly size?: number;
}

/** Something that has to be given back on every way out: a reference, an object on the stack, a region. */
export interface Held {
  readonly id: number;
  readonly kind: string;
  /** How to give it back; a reference is in r1 then. */
  readonly release: readonly string[];
  /** Offset of an object on the stack. */
  readonly slot?: number;
  /** Is it in a register or a spilled slot, under its id? */
  readonly reference: boolean;
}

/** One thing that a program may do next. False: not possible just now. */
export interface Step {
  (w: Writer): boolean;
  /** It may be done while a spin lock is held, when nothing may be called. */
  underLock?: boolean;
}

/** What functions of a program share. */
export interface Shared {
  readonly random: Random;
  readonly base: Partial<VerifierCase>;
  readonly steps: readonly Step[];
  /** Functions besides main, done. */
  readonly functions: { readonly name: string; readonly lines: readonly string[]; readonly func: FuncCase }[];
  /** One in so many decisions is a mistake; 0: none. */
  readonly mistakes: number;
  /** Steps that may still be written. */
  fuel: number;
  names: number;
}

const HOMES = [6, 7, 8, 9];
/** Where registers are spilled. */
export const SPILLS = [-16, -24, -32, -40];
/** Where objects of up to 24 bytes lie on the stack. */
const OBJECTS = [-88, -112, -136, -160];
const MAX_DEPTH = 3;

export const NUMBER: Thing = { kind: 'number' };
export const INDEX: Thing = { kind: 'index' };

const IMMEDIATES = [0, 1, 2, 3, 7, 8, 15, 16, 31, 32, 63, 64, 100, 127, 128, 255, 256, 1000, 4095, 65535, 65536].concat(
  [-1, -2, -8, -128, -129, -32768, 0x7fffffff, -0x80000000, 0x7ffffffe, -0x7fffffff, 0x10000001],
);

export class Writer {
  readonly lines: string[] = [];
  regs: (Thing | null)[] = new Array(10).fill(null);
  slots = new Map<number, Thing>();
  held: Held[] = [];
  /** Registers that a loop relies on. */
  private frozen = new Set<number>();
  private nesting = 0;

  constructor(
    readonly shared: Shared,
    /** Functions above this one. */
    readonly depth = 0,
    /** A way out has to leave this in r0: callbacks may return 0 or 1. */
    private readonly result: 'any' | 'flag' | 'zero' = 'any',
  ) {}

  get random(): Random {
    return this.shared.random;
  }

  get type(): ProgType {
    return this.shared.base.type ?? 'syscall';
  }

  get sleepable(): boolean {
    return this.shared.base.sleepable ?? this.type === 'syscall';
  }

  below(n: number): number {
    return this.random.below(n);
  }

  pick<T>(list: readonly T[]): T {
    return this.random.pick(list);
  }

  /** Once in a while: does what it should not. */
  wrong(): boolean {
    return this.shared.mistakes > 0 && this.below(this.shared.mistakes) === 0;
  }

  /** `right`, or once in a while another. */
  maybe<T>(right: T, ...others: readonly T[]): T {
    return this.wrong() ? this.pick(others) : right;
  }

  imm(): number {
    return this.below(4) ? this.pick(IMMEDIATES) : this.random.next() | 0;
  }

  emit(...lines: readonly string[]): void {
    this.lines.push(...lines);
  }

  label(): string {
    return `l${this.shared.names++}`;
  }

  /** A register that holds one of these kinds; once in a while any that holds something. */
  find(...kinds: readonly string[]): number | null {
    const wrong = this.wrong();
    const fit = this.regs.flatMap((thing, i) => (thing && (wrong || kinds.includes(thing.kind)) ? [i] : []));
    return fit.length ? this.pick(fit) : null;
  }

  thing(reg: number): Thing | null {
    return this.regs[reg] ?? null;
  }

  set(reg: number, thing: Thing | null): void {
    this.regs[reg] = thing;
  }

  /** A register with a number in it. */
  number(): number {
    const known = this.find('number', 'index');
    if (known !== null) return known;
    const reg = this.free() ?? this.below(6);
    this.emit(`r${reg} = ${this.imm()}`);
    this.set(reg, NUMBER);
    return reg;
  }

  /** A register that may be written: r6 to r9, which calls keep. */
  free(): number | null {
    const fit = HOMES.filter((reg) => {
      const thing = this.regs[reg];
      return !this.frozen.has(reg) && (!thing || ['number', 'index'].includes(thing.kind));
    });
    if (fit.length) return this.pick(fit);
    const copies = HOMES.filter((reg) => !this.frozen.has(reg) && this.regs[reg]?.id === undefined);
    return copies.length ? this.pick(copies) : null;
  }

  /** A register for a number or a passing pointer: any that nothing depends on. */
  scratch(): number {
    const fit = [0, 1, 2, 3, 4, 5].concat(this.free() ?? []);
    return this.pick(fit);
  }

  /** `call`, after which r1 to r5 hold nothing. */
  call(name: string, result: Thing | null = NUMBER): void {
    this.emit(`call ${name}`);
    for (let reg = 1; reg <= 5; reg++) this.set(reg, null);
    this.set(0, result);
  }

  /** r`reg` = address of the stack at `off`. */
  stackAddress(reg: number, off: number): void {
    this.emit(`r${reg} = r10`, `r${reg} += ${off}`);
    this.set(reg, null);
  }

  isHeld(kind: string): boolean {
    return this.held.some((held) => held.kind === kind);
  }

  newest(...kinds: readonly string[]): Held | null {
    return this.held.findLast((held) => kinds.includes(held.kind)) ?? null;
  }

  hold(kind: string, release: readonly string[], slot?: number): number {
    const id = this.shared.names++;
    this.held.push({ id, kind, release, reference: false, ...(slot === undefined ? {} : { slot }) });
    return id;
  }

  /** A slot of the stack for an object; null: all are taken. */
  objectSlot(): number | null {
    const fit = OBJECTS.filter((slot) => !this.held.some((held) => held.slot === slot));
    return fit.length && !this.wrong() ? this.pick(fit) : this.wrong() ? this.pick(OBJECTS) : null;
  }

  /** Forgets what was acquired, and every pointer to it. */
  drop(id: number | undefined): void {
    if (id === undefined) return;
    this.held = this.held.filter((held) => held.id !== id);
    this.regs = this.regs.map((thing) => (thing?.id === id ? null : thing));
    for (const [slot, thing] of this.slots) if (thing.id === id) this.slots.delete(slot);
  }

  /** Forgets pointers of a kind: their region has ended. */
  forget(...kinds: readonly string[]): void {
    this.regs = this.regs.map((thing) => (thing && kinds.includes(thing.kind) ? null : thing));
    for (const [slot, thing] of this.slots) if (kinds.includes(thing.kind)) this.slots.delete(slot);
  }

  /** Gives back; the writer forgets it, but for mistakes. */
  giveBack(held: Held): void {
    if (held.reference) {
      const place = this.place(held.id);
      if (place === null) return;
      this.emit(place);
    }
    this.emit(...held.release);
    for (let reg = 0; reg <= 5; reg++) this.set(reg, null);
    if (!this.wrong()) this.drop(held.id);
  }

  /** Code that loads a reference into r1. */
  private place(id: number): string | null {
    const reg = this.regs.findIndex((thing) => thing?.id === id);
    if (reg >= 0) return `r1 = r${reg}`;
    for (const [slot, thing] of this.slots) if (thing.id === id) return `r1 = *(u64 *)(r10 ${slot})`;
    return null;
  }

  /** Gives everything back and leaves. What the writer knows stays as it was. */
  leave(): void {
    for (const held of this.held.toReversed()) {
      if (this.wrong()) continue;
      const place = held.reference ? this.place(held.id) : null;
      if (held.reference && place === null) continue;
      this.emit(...(place ? [place] : []), ...held.release);
    }
    const small = this.result === 'any' ? this.imm() : this.result === 'flag' ? this.below(2) : 0;
    this.emit(`r0 = ${this.maybe(this.depth ? small : 0, 2, -1)}`, 'exit');
  }

  /**
   * Keeps what a call left in r0, which may be NULL: in r6 to r9, or in no register where none is free.
   * @param release - how to give it back; absent: it is no reference
   */
  keep(thing: Thing, release?: readonly string[]): void {
    const id = release ? this.shared.names++ : thing.id;
    const kept = id === undefined ? thing : { ...thing, id };
    const reg = this.free();
    if (reg === null) {
      const after = this.label();
      if (release) this.emit(`if r0 == 0 goto ${after}`, 'r1 = r0', ...release, `${after}:`);
      this.clearScratch();
      return;
    }
    this.emit(`r${reg} = r0`);
    this.set(reg, null);
    if (!this.wrong()) this.leaveIfNull(reg);
    if (release && id !== undefined) this.held.push({ id, kind: thing.kind, release, reference: true });
    this.set(reg, kept);
    this.set(0, null);
  }

  leaveIfNull(reg: number): void {
    const name = this.label();
    this.emit(`if r${reg} != 0 goto ${name}`);
    this.leave();
    this.emit(`${name}:`);
  }

  clearScratch(): void {
    for (let reg = 0; reg <= 5; reg++) this.set(reg, null);
  }

  /** One random step of the family's. */
  step(): void {
    for (let i = 0; i < 8 && this.shared.fuel > 0; i++) {
      this.shared.fuel--;
      const step = this.pick(this.shared.steps);
      if (this.isHeld('lock') && !step.underLock && !this.wrong()) continue;
      if (step(this)) return;
    }
  }

  steps(count: number): void {
    for (let i = 0; i < count; i++) this.step();
  }

  private snapshot() {
    return { regs: [...this.regs], slots: new Map(this.slots), held: [...this.held] };
  }

  private restore(state: ReturnType<Writer['snapshot']>): void {
    this.regs = [...state.regs];
    this.slots = new Map(state.slots);
    this.held = [...state.held];
  }

  /** What holds whichever way was taken. */
  private join(other: ReturnType<Writer['snapshot']>): void {
    const same = (a: Thing | null, b: Thing | null) => {
      if (!a || !b) return null;
      if (a.kind === b.kind && a.id === b.id && a.map === b.map) return a;
      return ['number', 'index'].includes(a.kind) && ['number', 'index'].includes(b.kind) ? NUMBER : null;
    };
    this.regs = this.regs.map((thing, i) => same(thing, other.regs[i] ?? null));
    for (const [slot, thing] of this.slots) {
      const joined = same(thing, other.slots.get(slot) ?? null);
      if (joined) this.slots.set(slot, joined);
      else this.slots.delete(slot);
    }
  }

  /** Is all that is held here what was held there, in the same places? */
  private holdsAs(other: ReturnType<Writer['snapshot']>): boolean {
    const places = ({ regs, slots, held }: ReturnType<Writer['snapshot']>) =>
      held
        .map(({ id }) => {
          const reg = regs.findIndex((thing) => thing?.id === id);
          return `${id}:${reg >= 0 ? reg : [...slots].find(([, thing]) => thing.id === id)?.[0]}`;
        })
        .join();
    return places(this.snapshot()) === places(other);
  }

  /** Gives back what was acquired since; true when what is held is as it was then. */
  private unwind(state: ReturnType<Writer['snapshot']>): boolean {
    const before = new Set(state.held.map(({ id }) => id));
    for (const held of this.held.toReversed()) if (!before.has(held.id)) this.giveBack(held);
    return this.holdsAs(state);
  }

  /** Steps that run or do not; `condition` is a jump's text before ` goto`. */
  branch(condition: string, body: () => void = () => this.steps(1 + this.below(3))): void {
    if (this.nesting >= MAX_DEPTH) return;
    this.nesting++;
    const state = this.snapshot();
    const skip = this.label();
    this.emit(`${condition} goto ${skip}`);
    body();
    if (this.below(6) === 0 || !this.unwind(state)) {
      this.leave();
      this.emit(`${skip}:`);
      this.restore(state);
    } else if (this.below(4) === 0) {
      const end = this.label();
      this.emit(`goto ${end}`, `${skip}:`);
      const then = this.snapshot();
      this.restore(state);
      this.steps(1 + this.below(2));
      if (!this.unwind(then)) {
        this.leave();
        this.restore(then);
      } else this.join(then);
      this.emit(`${end}:`);
    } else {
      this.emit(`${skip}:`);
      this.join(state);
    }
    this.nesting--;
  }

  /** A body that runs again and again; `head` and `tail` are what makes it a loop. */
  loop(head: () => void, tail: () => void, keep: readonly number[] = []): boolean {
    if (this.nesting >= MAX_DEPTH) return false;
    this.nesting++;
    const frozen = this.frozen;
    const pointers = HOMES.filter((reg) => {
      const thing = this.regs[reg];
      return thing && !['number', 'index'].includes(thing.kind);
    });
    this.frozen = new Set([...frozen, ...pointers, ...keep]);
    this.clearScratch();
    for (const [slot, thing] of this.slots) if (thing.kind !== 'number') this.slots.delete(slot);
    for (const reg of HOMES) if (this.regs[reg]?.kind === 'index') this.set(reg, NUMBER);
    head();
    const state = this.snapshot();
    this.steps(1 + this.below(3));
    if (this.unwind(state)) tail();
    else this.leave();
    this.restore(state);
    this.clearScratch();
    this.frozen = frozen;
    this.nesting--;
    return true;
  }

  /** A function of the program: its name. `args` is what r1, r2, ... hold. */
  func(func: FuncCase, args: readonly Thing[], result: 'any' | 'flag' | 'zero' = 'any'): string | null {
    if (this.depth >= MAX_DEPTH || this.shared.functions.length >= 6) return null;
    const name = `f${this.shared.names++}`;
    const writer = new Writer(this.shared, this.depth + 1, result);
    args.forEach((thing, i) => {
      writer.set(i + 1, thing);
    });
    for (const reg of [6, 7].slice(0, Math.min(2, args.length))) {
      writer.emit(`r${reg} = r${reg - 5}`);
      writer.set(reg, args[reg - 6] ?? null);
    }
    writer.steps(1 + this.below(4));
    writer.leave();
    this.shared.functions.push({ name, lines: writer.lines, func });
    return name;
  }
}
