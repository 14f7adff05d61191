/** Steps that every family has: arithmetic, spills, accesses to memory, branches, loops, atomics. */
import { INDEX, NUMBER, SPILLS, type Step, type Thing, type Writer } from '../writer.ts';

const BINARY = ['+=', '-=', '*=', '|=', '&=', '^='];
const SHIFTS = ['<<=', '>>=', 's>>='];
const DIVISIONS = ['/=', '%=', 's/=', 's%='];
const COMPARE = ['==', '!=', '>', '>=', '<', '<=', 's>', 's>=', 's<', 's<=', '&'];
const MASKS = [1, 3, 7, 15, 31, 12, 28];
const SIZES = [8, 16, 32, 64];

/** Kinds of memory that may be read and written anywhere within `size`. */
export const MEMORY = ['value', 'mem', 'stack'];

/** `(r6 +8)` */
export const at = (reg: number, off: number): string => `(r${reg} ${off < 0 ? '-' : '+'} ${Math.abs(off)})`;

/** An aligned offset inside an object of `size` bytes; once in a while a little off. */
export function offset(w: Writer, size: number, bytes: number): number {
  const off = bytes * w.below(Math.max(1, Math.floor(size / bytes)));
  return w.wrong() ? off + w.pick([1, -1, size, -size, 4]) : off;
}

const alu: Step = (w) => {
  const dst = w.number();
  const width = w.below(2) ? 'r' : 'w';
  const operand = w.below(2) ? `${width}${w.number()}` : w.imm();
  const kind = w.below(10);
  if (kind < 5) w.emit(`${width}${dst} ${w.pick(BINARY)} ${operand}`);
  else if (kind < 7) {
    const shift = w.below(5) ? w.below(width === 'r' ? 64 : 32) : `${width}${w.number()}`;
    w.emit(`${width}${dst} ${w.pick(SHIFTS)} ${shift}`);
  } else if (kind === 7)
    w.emit(`${width}${dst} ${w.pick(DIVISIONS)} ${w.below(2) ? w.imm() || 1 : operand}`.replace(/= 0$/, '= 3'));
  else if (kind === 8) w.emit(`${width}${dst} = -${width}${dst}`);
  else w.emit(`r${dst} = ${w.pick(['le', 'be', 'bswap'])}${w.pick([16, 32, 64])} r${dst}`);
  w.set(dst, NUMBER);
  return true;
};

const move: Step = (w) => {
  const source = w.number();
  const dst = w.free() ?? w.below(6);
  const width = w.below(2) ? 'r' : 'w';
  const kind = w.below(4);
  if (kind === 0) w.emit(`${width}${dst} = ${w.imm()}`);
  else if (kind === 1) w.emit(`${width}${dst} = ${width}${source}`);
  else if (kind === 2) w.emit(`${width}${dst} = (s${w.pick(width === 'r' ? [8, 16, 32] : [8, 16])})${width}${source}`);
  else w.emit(`r${dst} = 0x${w.random.next().toString(16)}${w.random.next().toString(16)} ll`);
  w.set(dst, NUMBER);
  return true;
};

/** A copy of a pointer, with a number added now and then. */
const copyPointer: Step = (w) => {
  const source = w.find(...MEMORY);
  const dst = w.free();
  if (source === null || dst === null || source === dst) return false;
  const thing = w.thing(source);
  w.emit(`r${dst} = r${source}`);
  w.set(dst, thing);
  if (!thing?.size || w.below(2)) return true;
  const add = 8 * w.below(thing.size / 8);
  w.emit(`r${dst} += ${w.maybe(add, thing.size, -8)}`);
  w.set(dst, { ...thing, size: thing.size - add });
  return true;
};

const random: Step = (w) => {
  w.call(w.pick(['bpf_get_prandom_u32', 'bpf_ktime_get_ns', 'bpf_get_smp_processor_id']));
  const home = w.free();
  if (home === null) return true;
  w.emit(`r${home} = r0`);
  w.set(home, NUMBER);
  return true;
};

/** Makes a number small, as programs do before they index with it. */
export function bound(w: Writer, reg: number): void {
  const form = w.below(5);
  if (form === 0) w.emit(`r${reg} &= ${w.pick(MASKS)}`);
  else if (form === 1) w.emit(`w${reg} &= ${w.pick(MASKS)}`);
  else if (form === 2) w.emit(`r${reg} %= ${w.pick([3, 8, 20])}`);
  else {
    const stay = w.label();
    const [width, compare, limit] = w.pick([
      ['r', '<', 8],
      ['r', '<=', 31],
      ['w', '<', 16],
      ['r', '<', 24],
    ]);
    w.emit(`if ${width}${reg} ${compare} ${limit} goto ${stay}`);
    w.leave();
    w.emit(`${stay}:`);
    // The upper half is unknown after a comparison of the lower.
    if (width === 'w') w.emit(`w${reg} = w${reg}`);
  }
  w.set(reg, INDEX);
}

const limit: Step = (w) => {
  bound(w, w.number());
  return true;
};

const spill: Step = (w) => {
  const slot = w.pick(SPILLS);
  if (w.slots.get(slot)?.id !== undefined) return false;
  const reg = w.below(2) ? w.number() : w.find('number', 'index', 'value', 'mem', 'ctx', 'task', 'mask');
  if (reg === null) return false;
  const thing = w.thing(reg);
  if (thing && w.below(3) === 0 && ['number', 'index'].includes(thing.kind)) {
    w.emit(`*(u${w.pick(SIZES)} *)${at(10, slot)} = ${w.below(2) ? `r${reg}` : w.imm()}`);
    w.slots.delete(slot);
    return true;
  }
  w.emit(`*(u64 *)${at(10, slot)} = r${reg}`);
  if (!thing) return true;
  w.slots.set(slot, thing);
  // A reference moves now and then, so that there is one place that it is in.
  if (thing.id !== undefined && w.below(2)) {
    w.emit(`r${reg} = ${w.imm()}`);
    w.set(reg, NUMBER);
  }
  return true;
};

const fill: Step = (w) => {
  const slots = [...w.slots];
  const dst = w.free();
  if (slots.length === 0 || dst === null) return false;
  const [slot, thing] = w.pick(slots);
  if (['number', 'index'].includes(thing.kind) && w.below(3) === 0) {
    const size = w.pick(SIZES);
    w.emit(`r${dst} = *(u${size} *)${at(10, slot + offset(w, 8, size / 8))}`);
    w.set(dst, NUMBER);
    return true;
  }
  w.emit(`r${dst} = *(u64 *)${at(10, slot)}`);
  w.set(dst, thing);
  return true;
};

const load: Step = (w) => {
  const base = w.find(...MEMORY);
  if (base === null) return false;
  const size = w.pick(SIZES);
  const dst = w.scratch();
  const sign = size < 64 && w.below(6) === 0 ? 's' : 'u';
  w.emit(`r${dst} = *(${sign}${size} *)${at(base, offset(w, w.thing(base)?.size ?? 8, size / 8))}`);
  w.set(dst, NUMBER);
  return true;
};

const store: Step = (w) => {
  const base = w.find('value', 'mem');
  if (base === null) return false;
  const size = w.pick(SIZES);
  const value = w.below(3) ? `r${w.wrong() ? w.below(10) : w.number()}` : `${w.imm()}`;
  w.emit(`*(u${size} *)${at(base, offset(w, w.thing(base)?.size ?? 8, size / 8))} = ${value}`);
  return true;
};

/** Memory at a variable offset. */
const indexed: Step = (w) => {
  const base = w.find(...MEMORY);
  if (base === null) return false;
  let index = w.find('index');
  if (index === null) {
    index = w.number();
    bound(w, index);
  }
  if (base === index) return false;
  const dst = [0, 1, 2, 3, 4, 5].find((reg) => reg !== base && reg !== index) ?? 0;
  w.emit(`r${dst} = r${base}`, `r${dst} ${w.maybe('+=', '-=')} r${index}`);
  const size = w.pick([8, 8, 16, 32, 64]);
  const thing = w.thing(base);
  if ((thing?.size ?? 0) < 40 && !w.wrong()) return true;
  const place = `*(u${size} *)${at(dst, w.below(3) ? 0 : w.below(8))}`;
  w.emit(w.below(2) && thing?.kind !== 'stack' ? `${place} = ${w.imm()}` : `r${dst} = ${place}`);
  w.set(dst, null);
  return true;
};

const branch: Step = (w) => {
  const a = w.number();
  const width = w.below(3) ? 'r' : 'w';
  const b = w.below(3) ? `${w.imm()}` : `${width}${w.number()}`;
  w.branch(`if ${width}${a} ${w.pick(COMPARE)} ${b}`);
  return true;
};

/** A loop that counts, or may_goto. */
const loop: Step = (w) => {
  const top = w.label();
  const done = w.label();
  if (w.below(3) === 0) {
    w.loop(
      () => w.emit(`${top}:`, `may_goto ${done}`),
      () => w.emit(`goto ${top}`),
    );
    w.emit(`${done}:`);
    return true;
  }
  const count = w.free();
  if (count === null) return false;
  const times = w.pick([2, 3, 5, 10]);
  const down = w.below(4) === 0;
  w.emit(`r${count} = ${down ? times : 0}`);
  return w.loop(() => {
    w.set(count, null);
    w.emit(`${top}:`);
  }, () => {
    w.emit(`r${count} += ${down ? -1 : 1}`);
    w.emit(down ? `if r${count} s> 0 goto ${top}` : `if r${count} ${w.pick(['<', '!='])} ${times} goto ${top}`);
  }, [count]);
};

const FETCHES = ['fetch_add', 'fetch_or', 'fetch_and', 'fetch_xor', 'xchg'];

const atomic: Step = (w) => {
  const onStack = w.below(3) === 0;
  const base = onStack ? 10 : w.find('value');
  if (base === null) return false;
  const size = w.pick([32, 64]);
  const slot = w.pick(SPILLS);
  if (onStack) {
    if (w.slots.has(slot) && w.slots.get(slot)?.kind !== 'number') return false;
    w.emit(`*(u64 *)${at(10, slot)} = ${w.imm()}`);
    w.slots.set(slot, NUMBER);
  }
  const off = onStack ? slot : offset(w, w.thing(base)?.size ?? 8, size / 8);
  const source = w.number();
  if (source === base) return false;
  const place = `(u${size} *)${at(base, off)}`;
  const wide = size === 64 ? '64' : '';
  const kind = w.below(5);
  if (kind === 0) w.emit(`lock *${place} ${w.pick(['+=', '|=', '&=', '^='])} r${source}`);
  else if (kind === 1) {
    w.emit(`r0 = ${w.imm()}`, `r0 = atomic${wide}_cmpxchg(${place}, r0, r${source})`);
    w.set(0, NUMBER);
  } else if (kind === 2) {
    const dst = w.below(6);
    w.emit(`r${dst} = load_acquire((u${size} *)${at(base, off)})`);
    w.set(dst, NUMBER);
  } else if (kind === 3) w.emit(`store_release((u${size} *)${at(base, off)}, r${source})`);
  else {
    w.emit(`r${source} = atomic${wide}_${w.pick(FETCHES)}(${place}, r${source})`);
    w.set(source, NUMBER);
  }
  return true;
};

/** The address of a map's value, after a lookup that may give NULL. */
export function lookup(w: Writer, map: string, thing: Thing): void {
  w.emit(`*(u32 *)(r10 -8) = ${w.pick([0, 0, 0, 1, 3, 100])}`, 'r2 = r10', 'r2 += -8', `r1 = map(${map})`);
  w.call('bpf_map_lookup_elem', null);
  w.keep({ ...thing, map });
}

const value: Step = (w) => {
  if (w.below(3)) {
    lookup(w, w.pick(['h', 'a']), { kind: 'value', size: 64 });
    return true;
  }
  const reg = w.free();
  if (reg === null) return false;
  w.emit(`r${reg} = map_value(g, ${w.below(2) * 8})`);
  w.set(reg, { kind: 'value', map: 'g', size: 56 });
  return true;
};

for (const step of [alu, move, limit, spill, fill, load, store, copyPointer, indexed, atomic, branch])
  step.underLock = true;

/** Every family's own steps come beside these; arithmetic is as likely as all the rest. */
export const CORE: readonly Step[] = [
  alu,
  move,
  random,
  limit,
  spill,
  spill,
  fill,
  fill,
  load,
  store,
  branch,
  branch,
  loop,
  value,
];
export const ARITHMETIC: readonly Step[] = [alu, alu, alu, move, move, limit, spill, fill];
export const ACCESSES: readonly Step[] = [copyPointer, load, store, indexed, indexed, atomic, atomic, value];
