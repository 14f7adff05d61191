/** Regions: RCU, preemption and interrupts off, locks; sleeping and what needs it; timers and work items. */
import { INDEX, type Step, type Thing } from '../writer.ts';
import { at, lookup } from './core.ts';

const VALUE: Thing = { kind: 'lock_value' };

const rcu: Step = (w) => {
  if (w.isHeld('lock') || (w.isHeld('rcu') && !w.wrong())) return false;
  w.call('bpf_rcu_read_lock', null);
  w.hold('rcu', ['call bpf_rcu_read_unlock']);
  return true;
};

const preempt: Step = (w) => {
  if (w.isHeld('lock')) return false;
  w.call('bpf_preempt_disable', null);
  w.hold('preempt', ['call bpf_preempt_enable']);
  return true;
};

const irq: Step = (w) => {
  const slot = w.objectSlot();
  if (slot === null || w.isHeld('lock')) return false;
  w.stackAddress(1, slot);
  w.call('bpf_local_irq_save', null);
  w.hold('irq', ['r1 = r10', `r1 += ${slot}`, 'call bpf_local_irq_restore'], slot);
  return true;
};

/** Ends the region that was opened last; now and then another. */
const endRegion: Step = (w) => {
  const regions = w.held.filter(({ kind }) => ['rcu', 'preempt', 'irq', 'lock', 'res_lock'].includes(kind));
  const held = w.wrong() ? w.pick(regions) : regions.at(-1);
  if (!held) return false;
  w.giveBack(held);
  if (held.kind === 'rcu') w.forget('rcu_mask', 'rcu_task');
  return true;
};
endRegion.underLock = true;

const spinLock: Step = (w) => {
  if (w.isHeld('lock') && !w.wrong()) return false;
  const known = w.find('lock_value');
  if (known === null || known < 6) {
    if (w.free() === null) return false;
    lookup(w, w.pick(['l', 'lh']), VALUE);
    return true;
  }
  // The value is what the unlock needs: it may not be overwritten.
  const slot = w.objectSlot();
  if (slot === null) return false;
  w.emit(`*(u64 *)${at(10, slot)} = r${known}`, `r1 = r${known}`);
  w.call('bpf_spin_lock', null);
  w.hold('lock', [`r1 = *(u64 *)${at(10, slot)}`, 'call bpf_spin_unlock'], slot);
  return true;
};

const lockedValue: Step = (w) => {
  const reg = w.find('lock_value');
  if (reg === null) return false;
  const place = `*(u32 *)${at(reg, w.maybe(4, 0, 2))}`;
  w.emit(w.below(2) ? `${place} = ${w.imm()}` : `r0 = ${place}`);
  w.set(0, null);
  return true;
};
lockedValue.underLock = true;

const resilient: Step = (w) => {
  if (w.isHeld('lock')) return false;
  const slot = w.objectSlot();
  if (slot === null) return false;
  const irqs = w.below(2) === 0;
  const kind = irqs ? '_irqsave' : '';
  const end = irqs ? 'bpf_res_spin_unlock_irqrestore' : 'bpf_res_spin_unlock';
  const flags = (reg: number) => (irqs ? [`r${reg} = r10`, `r${reg} += ${slot}`] : []);
  w.emit('r1 = map_value(rl, 0)', ...flags(2));
  w.call(`bpf_res_spin_lock${kind}`, null);
  const lines = ['r1 = map_value(rl, 0)', ...flags(2), `call ${end}`];
  const got = w.label();
  w.emit(w.maybe(`if r0 == 0 goto ${got}`, `if r0 s>= 0 goto ${got}`));
  w.leave();
  w.emit(`${got}:`);
  w.hold('res_lock', lines, slot);
  w.clearScratch();
  return true;
};

const sleep: Step = (w) => {
  const atomic = w.held.some(({ kind }) => ['rcu', 'preempt', 'irq', 'lock', 'res_lock'].includes(kind));
  if ((!w.sleepable || atomic) && !w.wrong()) return false;
  w.stackAddress(1, -64);
  w.emit(`r2 = ${w.maybe(8, 0, 65)}`, 'r3 = 0');
  w.call('bpf_copy_from_user');
  return true;
};

const readKernel: Step = (w) => {
  w.stackAddress(1, -64);
  const index = w.find('index');
  if (index !== null && index >= 6 && w.below(2)) w.emit(`r2 = r${index}`);
  else w.emit(`r2 = ${w.maybe(w.pick([1, 8, 16]), 0, 64, 65)}`);
  w.emit('r3 = 0');
  w.call('bpf_probe_read_kernel');
  return true;
};

const timer: Step = (w) => {
  const value = w.find('timer');
  if (value === null || value < 6) {
    if (w.free() === null) return false;
    lookup(w, 't', { kind: 'timer' });
    return true;
  }
  w.emit(`r1 = r${value}`);
  const kind = w.below(4);
  if (kind === 0) {
    w.emit(`r2 = map(${w.maybe('t', 'h')})`, `r3 = ${w.maybe(1, 99)}`);
    w.call('bpf_timer_init');
  } else if (kind === 1) {
    const args: Thing[] = [{ kind: 'map' }, { kind: 'key' }, { kind: 'timer', map: 't' }];
    const name = w.func({ linkage: 'static', args: ['pointer', 'pointer', 'pointer'] }, args, 'zero');
    if (name === null) return false;
    w.emit(`r2 = func(${name})`);
    w.call('bpf_timer_set_callback');
  } else if (kind === 2) {
    w.emit('r2 = 1000', 'r3 = 0');
    w.call('bpf_timer_start');
  } else w.call('bpf_timer_cancel');
  return true;
};

const work: Step = (w) => {
  const value = w.find('work');
  if (value === null || value < 6) {
    if (w.free() === null) return false;
    lookup(w, 'w', { kind: 'work' });
    return true;
  }
  w.emit(`r1 = r${value}`);
  const kind = w.below(3);
  if (kind === 0) {
    w.emit(`r2 = map(${w.maybe('w', 't', 'h')})`, `r3 = ${w.maybe(0, 1)}`);
    w.call('bpf_wq_init');
  } else if (kind === 1) {
    const args: Thing[] = [{ kind: 'map' }, { kind: 'key' }, { kind: 'work', map: 'w' }];
    const name = w.func({ linkage: 'static', args: ['pointer', 'pointer', 'pointer'] }, args, w.maybe('zero', 'any'));
    if (name === null) return false;
    w.emit(`r2 = func(${name})`, 'r3 = 0', `r4 = ${w.maybe(0, 1)}`);
    w.call('bpf_wq_set_callback_impl');
  } else {
    w.emit(`r2 = ${w.maybe(0, 1)}`);
    w.call('bpf_wq_start');
  }
  return true;
};

/** Map operations with a key, and a value, on the stack. */
const mapHelper: Step = (w) => {
  const map = w.pick(['h', 'a', 'h', 'l', 'q']);
  w.emit(`*(u64 *)${at(10, -48)} = ${w.pick([0, 1, 77])}`);
  if (map === 'q') {
    w.emit(`r1 = map(${map})`);
    w.stackAddress(2, -48);
    if (w.below(2)) w.emit(`r3 = ${w.maybe(0, 2, 7)}`);
    w.call(w.pick(['bpf_map_push_elem', 'bpf_map_pop_elem', 'bpf_map_peek_elem']));
    return true;
  }
  w.emit(`r1 = map(${map})`);
  w.stackAddress(2, -48);
  if (w.below(3) === 0) w.call('bpf_map_delete_elem');
  else {
    const value = w.find('value');
    if (value !== null && value >= 6) w.emit(`r3 = r${value}`);
    else w.stackAddress(3, w.maybe(-64, -8));
    w.emit(`r4 = ${w.pick([0, 1, 2, 7])}`);
    w.call('bpf_map_update_elem');
  }
  return true;
};

/** Helpers that write a number or text through a pointer. */
const strings: Step = (w) => {
  const kind = w.below(3);
  const text = `map_value(s, ${w.maybe(0, 4, 9)})`;
  if (kind === 0) {
    w.emit(`*(u64 *)${at(10, -48)} = 0x333231`, 'r1 = r10', 'r1 += -48', `r2 = ${w.maybe(8, 9)}`, `r3 = ${text}`);
    w.call('bpf_strncmp');
  } else if (kind === 1) {
    w.emit(`*(u64 *)${at(10, -56)} = ${w.imm()}`);
    w.stackAddress(1, -48);
    w.emit('r2 = 8', `r3 = ${text}`, 'r4 = r10', 'r4 += -56', `r5 = ${w.maybe(8, 0, 16, 4)}`);
    w.call('bpf_snprintf');
  } else {
    w.emit(`*(u64 *)${at(10, -48)} = 0x333231`, 'r1 = r10', 'r1 += -48', 'r2 = 4', `r3 = ${w.maybe(0, 10, 16)}`);
    w.stackAddress(4, w.maybe(-56, -4));
    w.call('bpf_strtol');
  }
  return true;
};

const tailCall: Step = (w) => {
  const ctx = w.find('ctx');
  if (ctx === null || w.held.length > 0) return false;
  w.emit(`r1 = r${ctx}`, 'r2 = map(p)', `r3 = ${w.below(2) ? w.imm() : `r${w.number()}`}`);
  w.call('bpf_tail_call', null);
  return true;
};

/** A loop whose index is known, and memory that is read by it. */
const indexLoop: Step = (w) => {
  const [count, base] = [w.free(), w.find('value')];
  if (count === null || base === null || base < 6 || base === count) return false;
  const top = w.label();
  w.emit(`r${count} = 0`);
  return w.loop(
    () => {
      w.set(count, INDEX);
      w.emit(`${top}:`, `r1 = r${base}`, `r1 += r${count}`, 'r2 = *(u8 *)(r1 + 0)');
    },
    () => w.emit(`r${count} += 1`, `if r${count} < ${w.maybe(8, 70)} goto ${top}`),
    [count],
  );
};

export const REGION_STEPS: readonly Step[] = [rcu, preempt, irq, irq, endRegion, endRegion, endRegion, sleep];
export const LOCK_STEPS: readonly Step[] = [spinLock, spinLock, lockedValue, resilient, endRegion, endRegion];
export const HELPER_STEPS: readonly Step[] = [
  readKernel,
  mapHelper,
  mapHelper,
  strings,
  timer,
  timer,
  sleep,
  indexLoop,
];
export const ASYNC_STEPS: readonly Step[] = [timer, timer, work, work];
export const TAIL_CALLS: readonly Step[] = [tailCall];
