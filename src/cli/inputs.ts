/** Options of what programs are given: the current task, a context, a packet, a tracepoint. */
import { type Command, Option } from 'commander';
import type { Machine } from '../machine/machine.ts';
import type { Program, ProgramRunOptions } from '../machine/run.ts';
import { count, hexBytes } from './options.ts';

export interface InputFlags {
  readonly pid?: number;
  readonly affinity?: string;
  readonly topology?: string;
  readonly ctx?: Uint8Array;
  readonly data?: Uint8Array;
  readonly fire?: string;
}

/** Adds them, with the same meaning everywhere. */
export function inputOptions(command: Command): Command {
  return command
    .addOption(new Option('--pid <n>', 'pid of the current task (default: 1)').argParser(count('--pid', 1, 0x7fffffff)))
    .option('--affinity <cpus>', "the current task's CPUs, as a cpulist; children inherit them")
    .option('--topology <text>', 'hwloc synthetic string: "numa:2 l3:2 core:4 pu:2"')
    .addOption(new Option('--ctx <hex>', 'context of a syscall program').argParser(hexBytes('--ctx')))
    .addOption(new Option('--data <hex>', 'packet of a tc, XDP or socket program').argParser(hexBytes('--data')))
    .option('--fire <tracepoint>', 'fire this tracepoint instead of the one that the program names');
}

/** What of them a program takes: a tracing program its tracepoint, a syscall program the context, others the packet. */
export function inputOf(
  program: Program,
  { ctx, data, fire }: InputFlags,
): Pick<ProgramRunOptions, 'ctx' | 'data' | 'tracepoint'> {
  if (program.isTraced) return { tracepoint: fire };
  return program.type === 'syscall' ? { ctx } : { data };
}

/** Makes the current task the one that the options describe. */
export function setUpTask(machine: Machine, { pid, affinity }: InputFlags): void {
  if (pid !== undefined && pid !== machine.current.pid) {
    machine.current = machine.tasks.create({ pid, comm: `task-${pid}`, parent: machine.current });
  }
  if (affinity !== undefined) machine.current.setAffinity(affinity);
}
