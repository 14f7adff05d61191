/** What programs printed with bpf_trace_printk and bpf_trace_vprintk. */
import * as map from '../../assembly/kernel/bpf/map_layout.ts';
import type { KernelMemory } from './memory.ts';

export interface PrintkRecord {
  /** Without the newline at its end. */
  readonly text: string;
  readonly cpu: number;
  readonly pid: number;
  /** Monotonic clock, nanoseconds. */
  readonly time: bigint;
}

/** Takes the records out of the ring, oldest first. */
export function drainPrintk(memory: KernelMemory): PrintkRecord[] {
  const records: PrintkRecord[] = [];
  const start = memory.u32At(map.M_PRINTK);
  const end = start + memory.u32At(map.M_PRINTK_USED);
  for (let at = start; start !== 0 && at < end; ) {
    const length = memory.u32At(at + map.PK_LEN);
    const text = new TextDecoder().decode(memory.read(at + map.PK_TEXT, length));
    records.push({
      text: text.replace(/\n$/, ''),
      cpu: memory.u32At(at + map.PK_CPU),
      pid: memory.u32At(at + map.PK_PID) | 0,
      time: memory.dv().getBigUint64(at + map.PK_TIME, true),
    });
    at += map.PK_TEXT + Math.ceil(length / 8) * 8;
  }
  memory.setU32(map.M_PRINTK_USED, 0);
  return records;
}

/** Records that did not fit since the machine was made. */
export function lostPrintk(memory: KernelMemory): number {
  return memory.u32At(map.M_PRINTK_LOST);
}
