// How the JIT's runs begin and end (src/engine/jit): one call each, since every step into wasm costs as much as a small program.
import { M_PERCPU, PC_SITE, PERCPU_SIZE } from '../../layout';
import { set_this_cpu, this_cpu } from '../gs';
import { bpf_prog_enter, bpf_prog_exit } from '../rcu/read_side';
import { enter_prog } from './frames';
import { JR_LEFT, JR_PACKET, JR_PACKET_LEN, JR_SAVED, JR_TAIL_CALLS } from './prog_layout';
import { prog_save, prog_unwind } from './unwind';

// @ts-ignore: decorator
@inline
function on_cpu(cpu: u32): void {
  set_this_cpu(<usize>load<u32>(M_PERCPU) + <usize>cpu * PERCPU_SIZE);
}

/** Prepares a run of `prog` on a CPU. */
export function jit_enter(
  run: usize, prog: usize, cpu: u32, sleepable: u32, budget: f64, packet: usize, length: u32,
): void {
  on_cpu(cpu);
  store<i64>(run, <i64>budget, JR_LEFT);
  store<u32>(run, 0, JR_TAIL_CALLS);
  store<u32>(run, <u32>packet, JR_PACKET);
  store<u32>(run, length, JR_PACKET_LEN);
  prog_save(run + JR_SAVED);
  bpf_prog_enter(sleepable != 0);
  enter_prog(prog);
}

/** Ends it; what is left of the budget. `stopped`: not by its own exit, so that it may have left something locked. */
export function jit_exit(run: usize, cpu: u32, sleepable: u32, stopped: u32): f64 {
  on_cpu(cpu);
  store<u32>(this_cpu(), 0, PC_SITE);
  bpf_prog_exit(sleepable != 0);
  if (stopped) prog_unwind(run + JR_SAVED);
  return <f64>load<i64>(run, JR_LEFT);
}
