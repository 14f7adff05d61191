/** Packets and contexts. */
import type { ProgType } from '../../../../src/uapi/bpf.ts';
import { ctxTables } from '../../../../src/uapi/ctx/index.ts';
import { INDEX, NUMBER, type Step, type Writer } from '../writer.ts';
import { at, bound } from './core.ts';

/** Where a context has the bounds of its packet. */
const BOUNDS: Readonly<Partial<Record<ProgType, readonly [data: number, end: number, meta: number]>>> = {
  xdp: [0, 4, 8],
  sched_cls: [76, 80, 140],
  sched_act: [76, 80, 140],
};

/** Bytes at the start of the packet, with the comparison that makes them so. */
const bytes: Step = (w) => {
  const ctx = w.find('ctx');
  const bounds = BOUNDS[w.type];
  const reg = w.free();
  if (ctx === null || ctx < 6 || !bounds || reg === null || reg === ctx) return false;
  const [data, end, meta] = bounds;
  const useMeta = w.below(6) === 0;
  const size = w.pick([1, 8, 14, 20, 34, 64]);
  w.emit(`r${reg} = *(u32 *)(r${ctx} + ${useMeta ? meta : data})`, `r2 = *(u32 *)(r${ctx} + ${useMeta ? data : end})`);
  let off = 0;
  if (w.below(2)) {
    off = w.pick([0, 2, 14]);
    w.emit(`r${reg} += ${off}`);
  }
  if (w.below(3) === 0) {
    const index = w.find('index') ?? w.number();
    if (w.thing(index)?.kind !== 'index') bound(w, index);
    if (index !== reg) w.emit(`r${reg} += r${index}`);
  }
  w.emit(`r1 = r${reg}`, `r1 += ${size}`);
  w.set(reg, null);
  const inside = w.label();
  const form = w.below(5);
  if (form === 0) w.emit(`if r1 <= r2 goto ${inside}`);
  else if (form === 1) w.emit(`if r2 >= r1 goto ${inside}`);
  else if (form === 2) w.emit(`if r1 < r2 goto ${inside}`);
  else if (form === 3) w.emit(`if r2 > r1 goto ${inside}`);
  else {
    w.emit(`if r1 > r2 goto +1`, `goto ${inside}`);
  }
  w.leave();
  w.emit(`${inside}:`);
  w.clearScratch();
  w.set(reg, { kind: 'packet', size: w.maybe(size, size + 1) });
  return true;
};

const access: Step = (w) => {
  const packet = w.find('packet');
  if (packet === null) return false;
  const size = w.pick([8, 16, 32, 64]);
  const room = (w.thing(packet)?.size ?? 1) - size / 8;
  if (room < 0 && !w.wrong()) return false;
  const place = `*(u${size} *)${at(packet, w.maybe(w.below(Math.max(1, room + 1)), -1, room + 1))}`;
  if (w.below(3) === 0) {
    w.emit(`${place} = ${w.imm()}`);
    return true;
  }
  const dst = w.free() ?? w.below(6);
  w.emit(`r${dst} = ${place}`);
  w.set(dst, size === 8 ? NUMBER : NUMBER);
  return true;
};

const move: Step = (w) => {
  const packet = w.find('packet');
  if (packet === null) return false;
  const thing = w.thing(packet);
  const add = w.below(Math.max(1, (thing?.size ?? 1) - 1));
  w.emit(`r${packet} += ${w.maybe(add, -add, 65535, 40000)}`);
  w.set(packet, { kind: 'packet', size: Math.max(1, (thing?.size ?? 1) - add) });
  return true;
};

/** Helpers after which the packet may be elsewhere. */
const change: Step = (w) => {
  const ctx = w.find('ctx');
  if (ctx === null || ctx < 6) return false;
  w.emit(`r1 = r${ctx}`, `r2 = ${w.pick([0, 1, 14, 0x7fff])}`);
  if (w.type === 'xdp') w.call(w.pick(['bpf_xdp_adjust_head', 'bpf_xdp_adjust_tail', 'bpf_xdp_adjust_meta']));
  else w.call(w.pick(['bpf_skb_pull_data', 'bpf_skb_pull_data', 'bpf_csum_level']));
  if (!w.wrong()) w.forget('packet');
  return true;
};

const loadBytes: Step = (w) => {
  const ctx = w.find('ctx');
  if (ctx === null || ctx < 6) return false;
  w.emit(`r1 = r${ctx}`, `r2 = ${w.below(20)}`);
  w.stackAddress(3, w.maybe(-64, -8));
  w.emit(`r4 = ${w.maybe(w.pick([1, 8, 16]), 0, 200)}`);
  w.call(w.type === 'xdp' ? 'bpf_xdp_load_bytes' : 'bpf_skb_load_bytes');
  return true;
};

/** ld_abs and ld_ind want the context in r6. */
const oldLoad: Step = (w) => {
  if (w.type === 'xdp' || (w.thing(6)?.kind !== 'ctx' && !w.wrong())) return false;
  if (w.held.some(({ reference, kind }) => reference || kind !== 'dynptr') && !w.wrong()) return false;
  const index = w.below(2) ? w.find('index', 'number') : null;
  const size = w.pick([8, 16, 32]);
  w.emit(`r0 = *(u${size} *)skb[${index === null ? '' : `r${index} + `}${w.below(40)}]`);
  w.clearScratch();
  w.set(0, NUMBER);
  return true;
};

/** A field of the context's table, or somewhere near one. */
const field: Step = (w) => {
  const ctx = w.find('ctx');
  if (ctx === null) return false;
  const table = ctxTables[w.type];
  const dst = w.free() ?? w.below(6);
  if (dst === ctx) return false;
  const row = table && w.type !== 'syscall' ? w.pick(table.fields) : { off: 8 * w.below(12), size: 8 };
  const size = w.below(3) ? row.size : w.pick([1, 2, 4, 8]);
  if (![1, 2, 4, 8].includes(size)) return false;
  const off = row.off + (w.below(4) ? 0 : w.pick([1, 2, 4, -4]));
  const place = `*(u${size * 8} *)${at(ctx, off)}`;
  // Most fields may not be written: a try in a while.
  if (w.type === 'syscall' ? w.below(2) : w.below(12) === 0)
    w.emit(`${place} = ${w.below(2) ? w.imm() : `r${w.number()}`}`);
  else {
    w.emit(`r${dst} = ${place}`);
    w.set(dst, 'pointer' in row || w.type === 'tracing' ? null : size === 1 ? INDEX : NUMBER);
  }
  return true;
};

/** Of tracing programs: an argument. */
const argument: Step = (w: Writer) => {
  const ctx = w.find('ctx');
  const reg = w.free();
  if (ctx === null || reg === null || reg === ctx || w.type !== 'tracing') return false;
  const first = w.below(3) > 0;
  w.emit(`r${reg} = *(u64 *)(r${ctx} + ${w.maybe(first ? 0 : 8, 16, 4)})`);
  w.set(reg, first ? { kind: 'task' } : NUMBER);
  return true;
};

export const PACKET_STEPS: readonly Step[] = [
  bytes,
  bytes,
  bytes,
  access,
  access,
  access,
  move,
  change,
  loadBytes,
  oldLoad,
];
export const CONTEXT_STEPS: readonly Step[] = [field, field, field, argument, argument];
export const ARGUMENTS: readonly Step[] = [argument];
