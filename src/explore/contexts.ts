/** Who may go on where several share a CPU: interrupts come before softirqs, and these before programs and workers. */
import * as x from '../../assembly/kernel/explore_layout.ts';
import type { ProgType } from '../uapi/bpf.ts';
import type { Space } from './space.ts';

const PROCESS = 0;
const SOFTIRQ = 1;
const HARDIRQ = 2;

/** Programs that the kernel runs in a softirq, or with softirqs off: no timer interrupts them. */
const RUN_IN_SOFTIRQ: ReadonlySet<ProgType> = new Set([
  'xdp',
  'sched_cls',
  'sched_act',
  'socket_filter',
  'cgroup_skb',
  'lwt_in',
  'lwt_out',
  'lwt_xmit',
]);

function levelOf(space: Space, p: number): number {
  const thread = space.threads[p];
  if (!thread) return space.callbacks.kind(space.callback(p)) === 'timer' ? SOFTIRQ : PROCESS;
  if (thread.irq) return HARDIRQ;
  return RUN_IN_SOFTIRQ.has(thread.program.type) ? SOFTIRQ : PROCESS;
}

/** Is it one of the programs of a CPU, which run in their order? */
const isProgram = (space: Space, p: number) => p < space.rcu && !space.threads[p]?.irq;

/** Does the CPU of process `p`, which has something to do, let it go on? */
export function mayRun(space: Space, p: number): boolean {
  const cpu = space.cpuOf(p);
  const level = levelOf(space, p);
  const begins = space.state(p) === x.XT_NEW;
  if (begins && !isProgram(space, p) && level > PROCESS && !space.irqsOn(cpu)) return false;
  for (let q = 0; q < space.processes; q++) {
    if (q === p || q === space.rcu) continue;
    const state = space.state(q);
    if (isProgram(space, p) && isProgram(space, q)) {
      if (q < p && state < x.XT_EXITED && space.cpuOf(q) === cpu) return false;
    } else if (state === x.XT_RUNNING && space.cpuOf(q) === cpu) {
      const other = levelOf(space, q);
      if (other > level || (other === level && begins)) return false;
    }
  }
  return space.callback(p) < 0 || !begins || isFirst(space, space.callback(p));
}

/** Is there no callback that has to come before a pending one? */
function isFirst({ callbacks }: Space, i: number): boolean {
  for (let other = 0; other < callbacks.length; other++) {
    if (other !== i && callbacks.state(other) === x.XT_NEW && callbacks.precedes(other, i)) return false;
  }
  return true;
}
