// BPF_MAP_TYPE_RINGBUF. Records are { u32 length and flag bits, u32 page offset, data } padded to 8 bytes. The kernel maps its
// pages twice so that a record that wraps is contiguous; here the ring is twice as long, and such a record runs on into the
// second half. Nobody else uses those bytes: positions are accounted modulo the ring.
import { ALLOC_MAP_ELEM, FAIL_RINGBUF } from '../../layout';
import { should_fail } from '../../lib/fault_inject';
import { raw_spin_lock, raw_spin_unlock } from '../../lib/spinlock';
import { kfree, kmalloc } from '../../mm/slab';
import { EAGAIN, EINVAL, ENOMEM } from '../errno';
import {
  BM_MAX_ENTRIES, BM_STORAGE, RB_BUSY_BIT, RB_CONSUMER_POS, RB_DATA, RB_DISCARD_BIT, RB_HDR_SIZE, RB_LOCK, RB_MASK,
  RB_PENDING_POS, RB_PRODUCER_POS,
} from './map_layout';

const MAX_RECORD: u64 = 0xffffffff / 4;
const NO_WAKEUP: u64 = 1;
const FORCE_WAKEUP: u64 = 2;

export function ringbuf_map_alloc(map: usize): i32 {
  const size = load<u32>(map, BM_MAX_ENTRIES);
  if (size > 0x3fffffff) return -ENOMEM;
  const storage = kmalloc(<usize>size * 2, ALLOC_MAP_ELEM);
  if (!storage) return -ENOMEM;
  store<u32>(map, <u32>storage, BM_STORAGE);
  store<u32>(map, <u32>storage, RB_DATA);
  store<u32>(map, size - 1, RB_MASK);
  return 0;
}

export function ringbuf_map_free(map: usize): void {
  kfree(load<u32>(map, BM_STORAGE));
}

// @ts-ignore: decorator
@inline
function record_at(map: usize, pos: u64): usize {
  return <usize>load<u32>(map, RB_DATA) + (<u32>pos & load<u32>(map, RB_MASK));
}

// @ts-ignore: decorator
@inline
function span(header: u32): u64 {
  return (<u64>(header & ~<u32>RB_DISCARD_BIT) + RB_HDR_SIZE + 7) & ~7;
}

function reserve(map: usize, size: u64): usize {
  if (size > MAX_RECORD) return 0;
  const mask = load<u32>(map, RB_MASK);
  const len = (size + RB_HDR_SIZE + 7) & ~7;
  if (len > <u64>mask + 1 || should_fail(FAIL_RINGBUF)) return 0;
  const consumed = atomic.load<u64>(map + RB_CONSUMER_POS);
  raw_spin_lock(map + RB_LOCK);
  let pending = load<u64>(map, RB_PENDING_POS);
  const produced = load<u64>(map, RB_PRODUCER_POS);
  while (pending < produced) {
    const header = atomic.load<u32>(record_at(map, pending));
    if (header & <u32>RB_BUSY_BIT) break;
    pending += span(header);
  }
  store<u64>(map, pending, RB_PENDING_POS);
  const end = produced + len;
  let data: usize = 0;
  // Neither past what is not consumed yet, nor more than a ring beyond the oldest record still being written.
  if (end - consumed <= mask && end - pending <= mask) {
    const header = record_at(map, produced);
    store<u32>(header, 0, 4);
    atomic.store<u32>(header, <u32>size | <u32>RB_BUSY_BIT);
    atomic.store<u64>(map + RB_PRODUCER_POS, end);
    data = header + RB_HDR_SIZE;
  }
  raw_spin_unlock(map + RB_LOCK);
  return data;
}

function commit(data: usize, discard: bool): void {
  const header = data - RB_HDR_SIZE;
  let len = load<u32>(header) ^ <u32>RB_BUSY_BIT;
  if (discard) len |= <u32>RB_DISCARD_BIT;
  atomic.xchg<u32>(header, len);
}

export function bpf_ringbuf_reserve(map: usize, size: u64, flags: u64): usize {
  return flags ? 0 : reserve(map, size);
}

/** Flags choose whether to wake a consumer; here nobody sleeps. */
export function bpf_ringbuf_submit(data: usize, flags: u64): void {
  commit(data, false);
}

export function bpf_ringbuf_discard(data: usize, flags: u64): void {
  commit(data, true);
}

export function bpf_ringbuf_output(map: usize, data: usize, size: u64, flags: u64): i64 {
  if (flags & ~(NO_WAKEUP | FORCE_WAKEUP)) return -EINVAL;
  const record = reserve(map, size);
  if (!record) return -EAGAIN;
  memory.copy(record, data, <usize>size);
  commit(record, false);
  return 0;
}

/** BPF_RB_AVAIL_DATA, RING_SIZE, CONS_POS, PROD_POS; 0 for others. */
export function bpf_ringbuf_query(map: usize, flags: u64): u64 {
  const consumed = atomic.load<u64>(map + RB_CONSUMER_POS);
  const produced = atomic.load<u64>(map + RB_PRODUCER_POS);
  if (flags == 0) return produced - consumed;
  if (flags == 1) return <u64>load<u32>(map, RB_MASK) + 1;
  if (flags == 2) return consumed;
  return flags == 3 ? produced : 0;
}

/** Address of the oldest unconsumed record's data, 0 when there is none or it is still being written. */
export function ringbuf_peek(map: usize): usize {
  for (;;) {
    const consumed = atomic.load<u64>(map + RB_CONSUMER_POS);
    if (consumed >= atomic.load<u64>(map + RB_PRODUCER_POS)) return 0;
    const header = record_at(map, consumed);
    const len = atomic.load<u32>(header);
    if (len & <u32>RB_BUSY_BIT) return 0;
    if (!(len & <u32>RB_DISCARD_BIT)) return header + RB_HDR_SIZE;
    atomic.store<u64>(map + RB_CONSUMER_POS, consumed + span(len));
  }
  return 0;
}

/** Lets go of the record that ringbuf_peek showed. */
export function ringbuf_consume(map: usize): void {
  const consumed = atomic.load<u64>(map + RB_CONSUMER_POS);
  if (consumed >= atomic.load<u64>(map + RB_PRODUCER_POS)) return;
  atomic.store<u64>(map + RB_CONSUMER_POS, consumed + span(load<u32>(record_at(map, consumed))));
}

/** Space for a dynptr's record; see dynptr.ts. */
export function ringbuf_reserve_record(map: usize, size: u32): usize {
  return reserve(map, size);
}
