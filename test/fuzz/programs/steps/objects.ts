/** Objects that lie on the stack: dynptrs and open-coded iterators; and records of a ring buffer. */
import { NUMBER, type Step, type Writer } from '../writer.ts';
import { at } from './core.ts';

/** r`reg` = a live dynptr's slot; null: there is none. */
function dynptr(w: Writer, reg: number): number | null {
  const held = w.newest('dynptr', 'ring_dynptr');
  if (!held?.slot) return null;
  w.stackAddress(reg, held.slot);
  return held.slot;
}

const fromMemory: Step = (w) => {
  const slot = w.objectSlot();
  const value = w.find('value');
  if (slot === null || value === null) return false;
  w.emit(`r1 = r${value}`, `r2 = ${w.maybe(w.pick([8, 16, 32]), 200, 0)}`, `r3 = ${w.maybe(0, 1)}`);
  w.stackAddress(4, slot);
  w.call('bpf_dynptr_from_mem');
  w.hold('dynptr', [], slot);
  return true;
};

const reserveDynptr: Step = (w) => {
  const slot = w.objectSlot();
  if (slot === null) return false;
  w.emit('r1 = map(r)', `r2 = ${w.pick([8, 16, 64])}`, 'r3 = 0');
  w.stackAddress(4, slot);
  w.call('bpf_ringbuf_reserve_dynptr');
  const end = w.pick(['bpf_ringbuf_submit_dynptr', 'bpf_ringbuf_discard_dynptr']);
  w.hold('ring_dynptr', ['r1 = r10', `r1 += ${slot}`, 'r2 = 0', `call ${end}`], slot);
  return true;
};

const fromPacket: Step = (w) => {
  const slot = w.objectSlot();
  const ctx = w.find('ctx');
  if (slot === null || ctx === null) return false;
  w.emit(`r1 = r${ctx}`, `r2 = ${w.maybe(0, 1)}`);
  w.stackAddress(3, slot);
  w.call(w.type === 'xdp' ? 'bpf_dynptr_from_xdp' : 'bpf_dynptr_from_skb');
  w.hold('dynptr', [], slot);
  return true;
};

const endDynptr: Step = (w) => {
  const held = w.newest('ring_dynptr');
  if (!held) return false;
  w.giveBack(held);
  return true;
};

/** A slice that a program may look at while its dynptr lives. */
const slice: Step = (w) => {
  if (w.free() === null) return false;
  const held = w.newest('dynptr', 'ring_dynptr');
  if (!held?.slot) return false;
  const size = w.pick([4, 8, 16]);
  const kind = w.below(3);
  w.stackAddress(1, held.slot);
  w.emit(`r2 = ${w.pick([0, 0, 4, 8])}`);
  if (kind === 0) {
    w.emit(`r3 = ${size}`);
    w.call('bpf_dynptr_data', null);
  } else {
    if (w.below(2)) {
      for (let off = -64; off < -48; off += 8) w.emit(`*(u64 *)${at(10, off)} = 0`);
      w.stackAddress(3, -64);
    } else w.emit('r3 = 0');
    w.emit(`r4 = ${w.maybe(size, 64)}`);
    w.call(kind === 1 ? 'bpf_dynptr_slice' : 'bpf_dynptr_slice_rdwr', null);
  }
  w.keep({ kind: kind === 1 ? 'rdonly_mem' : 'mem', size, id: held.id });
  return true;
};

const readWrite: Step = (w) => {
  const size = w.pick([1, 4, 8]);
  const read = w.below(2) === 0;
  w.emit(`*(u64 *)${at(10, -48)} = ${w.imm()}`);
  if (dynptr(w, read ? 3 : 1) === null) return false;
  w.stackAddress(read ? 1 : 3, -48);
  if (read) w.emit(`r2 = ${w.maybe(size, 100)}`, `r4 = ${w.below(16)}`, `r5 = ${w.maybe(0, 1)}`);
  else w.emit(`r2 = ${w.below(16)}`, `r4 = ${w.maybe(size, 100)}`, `r5 = ${w.maybe(0, 1)}`);
  w.call(read ? 'bpf_dynptr_read' : 'bpf_dynptr_write');
  return true;
};

const askDynptr: Step = (w) => {
  if (dynptr(w, 1) === null) return false;
  const kind = w.below(4);
  if (kind === 0) w.emit(`r2 = ${w.below(8)}`, `r3 = ${w.below(16)}`);
  w.call(
    w.pick([['bpf_dynptr_adjust'], ['bpf_dynptr_size'], ['bpf_dynptr_is_null'], ['bpf_dynptr_is_rdonly']][kind] ?? []),
  );
  return true;
};

const cloneDynptr: Step = (w) => {
  const slot = w.objectSlot();
  const held = w.newest('dynptr', 'ring_dynptr');
  if (slot === null || !held?.slot) return false;
  w.stackAddress(1, held.slot);
  w.stackAddress(2, slot);
  w.call('bpf_dynptr_clone');
  // Of a record and its clones one is given back.
  if (held.kind === 'dynptr' || w.wrong()) w.hold('dynptr', [], slot);
  else w.emit(`*(u64 *)${at(10, slot)} = 0`);
  return true;
};

/** The bytes of a dynptr must not be touched; one that is no record's may be overwritten. */
const overwrite: Step = (w) => {
  const held = w.newest('dynptr');
  if (!held?.slot || w.below(2)) return false;
  w.emit(`*(u64 *)${at(10, held.slot)} = 0`);
  w.drop(held.id);
  return true;
};

const reserve: Step = (w) => {
  const size = w.pick([8, 16, 64]);
  if (w.free() === null) return false;
  w.emit('r1 = map(r)', `r2 = ${size}`, `r3 = ${w.maybe(0, 1)}`);
  w.call('bpf_ringbuf_reserve', null);
  w.keep({ kind: 'mem', size }, ['r2 = 0', `call ${w.pick(['bpf_ringbuf_submit', 'bpf_ringbuf_discard'])}`]);
  return true;
};

const endRecord: Step = (w) => {
  const held = w.newest('mem');
  if (!held) return false;
  w.giveBack(held);
  return true;
};

const readOnly: Step = (w) => {
  const reg = w.find('rdonly_mem');
  if (reg === null) return false;
  const dst = w.scratch();
  w.emit(w.wrong() ? `*(u8 *)(r${reg} + 0) = 0` : `r${dst} = *(u32 *)(r${reg} + 0)`);
  w.set(dst, NUMBER);
  return true;
};

/** An iterator over a body: how it is made, and what its elements are. */
function iterate(w: Writer, name: string, size: number, open: (w: Writer) => void, take: (w: Writer) => void): boolean {
  const slot = w.objectSlot();
  if (slot === null) return false;
  w.stackAddress(1, slot);
  open(w);
  w.call(`bpf_iter_${name}_new`);
  const destroy = ['r1 = r10', `r1 += ${slot}`, `call bpf_iter_${name}_destroy`];
  const id = w.hold(`iter_${name}`, destroy, slot);
  const [top, done] = [w.label(), w.label()];
  const looped = w.loop(
    () => {
      w.emit(`${top}:`);
      w.stackAddress(1, w.maybe(slot, slot - 8, slot + size));
      w.call(`bpf_iter_${name}_next`, null);
      if (!w.wrong()) w.emit(`if r0 == 0 goto ${done}`);
      take(w);
    },
    () => w.emit(`goto ${top}`),
  );
  w.emit(`${done}:`);
  if (!looped) return true;
  const held = w.held.find((one) => one.id === id);
  if (held && !w.wrong()) w.giveBack(held);
  return true;
}

/** An int that an iterator points to. */
const takeNumber = (w: Writer): void => {
  const reg = w.free();
  if (reg === null) return;
  w.emit(`r${reg} = *(u32 *)(r0 + 0)`);
  w.set(reg, NUMBER);
};

const iterNum: Step = (w) =>
  iterate(w, 'num', 8, () => w.emit(`r2 = ${w.below(4)}`, `r3 = ${w.pick([3, 10, 100, -1])}`), takeNumber);

const iterBits: Step = (w) =>
  iterate(
    w,
    'bits',
    16,
    () => {
      const mask = w.find('mask', 'value');
      if (mask !== null && mask >= 6) w.emit(`r2 = r${mask}`);
      else {
        w.emit(`*(u64 *)${at(10, -48)} = ${w.imm()}`);
        w.stackAddress(2, -48);
      }
      w.emit(`r3 = ${w.maybe(1, 0, 600)}`);
    },
    takeNumber,
  );

const iterTask: Step = (w) => {
  if (w.sleepable && !w.isHeld('rcu') && !w.wrong()) return false;
  return iterate(
    w,
    'task',
    24,
    () => {
      const task = w.find('task');
      const one = task !== null && task >= 6 && w.below(2);
      w.emit(one ? `r2 = r${task}` : 'r2 = 0', `r3 = ${one ? 2 : w.pick([0, 1])}`);
    },
    () => {
      const reg = w.free();
      if (reg === null) return;
      w.emit(`r${reg} = r0`);
      w.set(reg, { kind: 'rcu_task' });
    },
  );
};

export const DYNPTRS: readonly Step[] = [
  fromMemory,
  fromMemory,
  slice,
  slice,
  readWrite,
  readWrite,
  askDynptr,
  cloneDynptr,
  overwrite,
];
export const RECORDS: readonly Step[] = [reserve, endRecord, reserveDynptr, reserveDynptr, endDynptr, readOnly];
export const PACKET_DYNPTRS: readonly Step[] = [fromPacket, fromPacket, readOnly];
export const ITERATORS: readonly Step[] = [iterNum, iterNum, iterBits, iterTask];
