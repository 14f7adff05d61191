// RCU and RCU tasks trace. A reader notes the number of the newest grace period when its outermost section begins; a callback
// waits for a newer number and may run once every CPU is outside of a section or noted that number or a newer one. Readers
// take no lock: correct between worker threads because the note is a sequentially consistent store, and what
// is read under it stays behind.
import {
  M_PERCPU,
  M_RCU_ADVANCING,
  M_RCU_CALLBACKS,
  M_RCU_COMPLETED,
  M_RCU_CPUS,
  M_RCU_LOCK,
  M_RCU_MANUAL,
  M_RCU_PENDING,
  M_RCU_SEQ,
  M_RCU_TRACE_CALLBACKS,
  PC_CPU,
  PC_RCU_NESTING,
  PC_RCU_READER,
  PC_RCU_SEEN,
  PC_RCU_TRACE_NESTING,
  PC_RCU_TRACE_READER,
  PERCPU_SIZE,
  WARN_UNBALANCED,
} from '../../layout';
import { raw_spin_lock, raw_spin_unlock } from '../../lib/spinlock';
import { this_cpu } from '../gs';
import { warn } from '../warn';
import { rcu_do_callback } from './callbacks';

/** No reader: newer than every grace period. */
const NO_READER: u64 = u64.MAX_VALUE;

export function rcu_init(): void {
  store<u64>(M_RCU_SEQ, 1);
}

/** Makes scans for readers cover this CPU; the first time that it reads. */
function rcu_cpu_seen(cpu: usize): void {
  const count = load<u32>(cpu, PC_CPU) + 1;
  let old = atomic.load<u32>(M_RCU_CPUS);
  while (old < count) {
    const seen = atomic.cmpxchg<u32>(M_RCU_CPUS, old, count);
    if (seen == old) break;
    old = seen;
  }
  store<u32>(cpu, 1, PC_RCU_SEEN);
}

// @ts-ignore: decorator
@inline
function read_lock(nesting: usize, reader: usize): void {
  const cpu = this_cpu();
  const depth = load<u32>(cpu + nesting);
  store<u32>(cpu + nesting, depth + 1);
  if (depth) return;
  if (!load<u32>(cpu, PC_RCU_SEEN)) rcu_cpu_seen(cpu);
  atomic.store<u64>(cpu + reader, atomic.load<u64>(M_RCU_SEQ));
  // Plain loads of the section must not pass the note on hosts that reorder them: an atomic load stays behind it, and they
  // stay behind the atomic load.
  atomic.load<u64>(cpu + reader);
}

// @ts-ignore: decorator
@inline
function read_unlock(nesting: usize, reader: usize): void {
  const cpu = this_cpu();
  const depth = load<u32>(cpu + nesting);
  if (!depth) {
    warn(WARN_UNBALANCED, <u32>nesting, 0);
    return;
  }
  store<u32>(cpu + nesting, depth - 1);
  if (depth > 1) return;
  atomic.store<u64>(cpu + reader, 0);
  if (load<u32>(M_RCU_PENDING) && !load<u32>(M_RCU_MANUAL)) rcu_advance();
}

export function rcu_read_lock(): void {
  read_lock(PC_RCU_NESTING, PC_RCU_READER);
}

export function rcu_read_unlock(): void {
  read_unlock(PC_RCU_NESTING, PC_RCU_READER);
}

export function rcu_read_lock_trace(): void {
  read_lock(PC_RCU_TRACE_NESTING, PC_RCU_TRACE_READER);
}

export function rcu_read_unlock_trace(): void {
  read_unlock(PC_RCU_TRACE_NESTING, PC_RCU_TRACE_READER);
}

export function rcu_read_lock_held(): bool {
  return load<u32>(this_cpu(), PC_RCU_NESTING) != 0;
}

/** The oldest number that a running reader noted. */
function oldest_reader(reader: usize): u64 {
  const cpus = atomic.load<u32>(M_RCU_CPUS);
  let at: usize = load<u32>(M_PERCPU) + reader;
  let oldest = NO_READER;
  for (let i: u32 = 0; i < cpus; i++, at += PERCPU_SIZE) {
    const noted = atomic.load<u64>(at);
    if (noted) oldest = min(oldest, noted);
  }
  return oldest;
}

function queue_callback(list: usize, head: usize, func: u32): void {
  raw_spin_lock(M_RCU_LOCK);
  store<u32>(head, 0);
  store<u32>(head, func, 4);
  store<u64>(head, atomic.add<u64>(M_RCU_SEQ, 1) + 1, 8);
  const tail: usize = load<u32>(list, 4);
  if (tail) store<u32>(tail, <u32>head);
  else store<u32>(list, <u32>head);
  store<u32>(list, <u32>head, 4);
  atomic.add<u32>(M_RCU_PENDING, 1);
  raw_spin_unlock(M_RCU_LOCK);
  if (!load<u32>(M_RCU_MANUAL)) rcu_advance();
}

/** Runs RCU_ function `func` on `head` once every reader of now has left. The caller holds no lock. */
export function call_rcu(head: usize, func: u32): void {
  queue_callback(M_RCU_CALLBACKS, head, func);
}

/** The same for readers of rcu_read_lock_trace; it implies a grace period of plain RCU as well. */
export function call_rcu_tasks_trace(head: usize, func: u32): void {
  queue_callback(M_RCU_TRACE_CALLBACKS, head, func);
}

/** Takes the callbacks off `list` that wait for no number above `oldest`; gives the first of them. */
function take_ready(list: usize, oldest: u64): usize {
  raw_spin_lock(M_RCU_LOCK);
  const first: usize = load<u32>(list);
  let last: usize = 0;
  let head = first;
  while (head && load<u64>(head, 8) <= oldest) {
    last = head;
    head = load<u32>(head);
  }
  if (last) {
    store<u32>(last, 0);
    store<u32>(list, <u32>head);
    if (!head) store<u32>(list, 0, 4);
  }
  raw_spin_unlock(M_RCU_LOCK);
  return last ? first : 0;
}

function run_ready(list: usize, oldest: u64): bool {
  let head = take_ready(list, oldest);
  if (!head) return false;
  store<u32>(M_RCU_COMPLETED, load<u32>(M_RCU_COMPLETED) + 1);
  while (head) {
    const next: usize = load<u32>(head);
    const func = load<u32>(head, 4);
    atomic.sub<u32>(M_RCU_PENDING, 1);
    // The callback may free or queue its head again: it is not touched after this.
    rcu_do_callback(head, func);
    head = next;
  }
  return true;
}

/** Ends every grace period that can end, and runs its callbacks. Safe anywhere; one CPU at a time does the work. */
export function rcu_advance(): void {
  const owner = load<u32>(this_cpu(), PC_CPU) + 1;
  if (atomic.cmpxchg<u32>(M_RCU_ADVANCING, 0, owner) != 0) return;
  let again = true;
  while (again) {
    again = false;
    if (load<u32>(M_RCU_CALLBACKS)) again = run_ready(M_RCU_CALLBACKS, oldest_reader(PC_RCU_READER));
    if (load<u32>(M_RCU_TRACE_CALLBACKS)) {
      const oldest = min(oldest_reader(PC_RCU_READER), oldest_reader(PC_RCU_TRACE_READER));
      again = run_ready(M_RCU_TRACE_CALLBACKS, oldest) || again;
    }
  }
  atomic.store<u32>(M_RCU_ADVANCING, 0);
}

/** Is there a callback whose grace period can end now? */
export function rcu_ready(): bool {
  const plain: usize = load<u32>(M_RCU_CALLBACKS);
  if (plain && load<u64>(plain, 8) <= oldest_reader(PC_RCU_READER)) return true;
  const traced: usize = load<u32>(M_RCU_TRACE_CALLBACKS);
  if (!traced) return false;
  return load<u64>(traced, 8) <= min(oldest_reader(PC_RCU_READER), oldest_reader(PC_RCU_TRACE_READER));
}

/** Does a read section of the CPU whose per-CPU area is `cpu` hold back the oldest callback of either list? */
export function rcu_blocks(cpu: usize): bool {
  const reader = load<u64>(cpu, PC_RCU_READER);
  const tracer = load<u64>(cpu, PC_RCU_TRACE_READER);
  const plain: usize = load<u32>(M_RCU_CALLBACKS);
  if (plain && reader && reader < load<u64>(plain, 8)) return true;
  const traced: usize = load<u32>(M_RCU_TRACE_CALLBACKS);
  if (!traced) return false;
  const wanted = load<u64>(traced, 8);
  return (reader != 0 && reader < wanted) || (tracer != 0 && tracer < wanted);
}

/** Starts a grace period; its number, for rcu_gp_blocker. */
export function rcu_gp_start(): u64 {
  return atomic.add<u64>(M_RCU_SEQ, 1) + 1;
}

/** A CPU whose reader (of either kind) is older than grace period `seq`, or -1 when that is over. */
export function rcu_gp_blocker(seq: u64): i32 {
  const cpus = atomic.load<u32>(M_RCU_CPUS);
  let at: usize = load<u32>(M_PERCPU);
  for (let i: u32 = 0; i < cpus; i++, at += PERCPU_SIZE) {
    const noted = atomic.load<u64>(at + PC_RCU_READER);
    const traced = atomic.load<u64>(at + PC_RCU_TRACE_READER);
    if ((noted && noted < seq) || (traced && traced < seq)) return i;
  }
  return -1;
}
