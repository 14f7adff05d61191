// bpf_trace_printk, bpf_trace_vprintk, bpf_snprintf. Lines go to a buffer of the machine that TypeScript empties; when it is
// full, further lines are counted and lost.
import { ALLOC_BUFFER, M_CLOCK_NS, PC_CPU } from '../../layout';
import { raw_spin_lock, raw_spin_unlock } from '../../lib/spinlock';
import { kmalloc } from '../../mm/slab';
import { EINVAL } from '../errno';
import { this_cpu } from '../gs';
import { round_up8 } from './addr';
import { SCRATCH_TEXT, bprintf, scratch } from './bprintf';
import {
  M_PRINTK, M_PRINTK_LOCK, M_PRINTK_LOST, M_PRINTK_SIZE, M_PRINTK_USED, PC_PRINTK_ARGS, PK_CPU, PK_LEN, PK_PID, PK_TEXT,
  PK_TIME,
} from './map_layout';
import { current, task_pid } from './task';

const RING_SIZE: u32 = 256 * 1024;
const MAX_BPRINTF_BUF: u32 = 1024;
const MAX_BPRINTF_VARARGS: u32 = 12;

function log(text: usize, length: u32): void {
  raw_spin_lock(M_PRINTK_LOCK);
  if (!load<u32>(M_PRINTK)) {
    const ring = kmalloc(RING_SIZE, ALLOC_BUFFER);
    store<u32>(M_PRINTK, <u32>ring);
    store<u32>(M_PRINTK_SIZE, ring ? RING_SIZE : 0);
  }
  const used = load<u32>(M_PRINTK_USED);
  const need = <u32>PK_TEXT + round_up8(length);
  if (used + need > load<u32>(M_PRINTK_SIZE)) {
    store<u32>(M_PRINTK_LOST, load<u32>(M_PRINTK_LOST) + 1);
  } else {
    const at = <usize>load<u32>(M_PRINTK) + used;
    const task = current();
    store<u32>(at, length, PK_LEN);
    store<u32>(at, load<u32>(this_cpu(), PC_CPU), PK_CPU);
    store<u32>(at, task ? task_pid(task) : 0, PK_PID);
    store<u64>(at, load<u64>(M_CLOCK_NS), PK_TIME);
    memory.copy(at + PK_TEXT, text, length);
    store<u32>(M_PRINTK_USED, used + need);
  }
  raw_spin_unlock(M_PRINTK_LOCK);
}

function print(fmt: usize, fmt_size: u32, args: usize, nargs: u32): i64 {
  const text = scratch() + SCRATCH_TEXT;
  const length = bprintf(text, MAX_BPRINTF_BUF, fmt, fmt_size, args, nargs);
  if (length >= 0) log(text, min<u32>(length, MAX_BPRINTF_BUF - 1));
  return length;
}

export function bpf_trace_printk(fmt: usize, fmt_size: u32, arg1: u64, arg2: u64, arg3: u64): i64 {
  const args = this_cpu() + PC_PRINTK_ARGS;
  store<u64>(args, arg1);
  store<u64>(args, arg2, 8);
  store<u64>(args, arg3, 16);
  return print(fmt, fmt_size, args, 3);
}

export function bpf_trace_vprintk(fmt: usize, fmt_size: u32, args: usize, data_len: u32): i64 {
  if (data_len & 7 || data_len > MAX_BPRINTF_VARARGS * 8 || (data_len && !args)) return -EINVAL;
  return print(fmt, fmt_size, args, data_len >> 3);
}

/** Length with the terminator. */
export function bpf_snprintf(str: usize, str_size: u32, fmt: usize, args: usize, data_len: u32): i64 {
  if (data_len & 7 || data_len > MAX_BPRINTF_VARARGS * 8 || (data_len && !args)) return -EINVAL;
  const length = bprintf(str, str_size, fmt, 0xffffffff, args, data_len >> 3);
  return length < 0 ? length : <i64>length + 1;
}
