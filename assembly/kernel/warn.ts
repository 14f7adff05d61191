// Warnings: what the kernel would print with WARN or pr_warn, as records that TypeScript words.
import { M_WARNINGS, PC_CPU, PC_SITE, WARNING_SIZE, WARNINGS, WARNINGS_MAX } from '../layout';
import { this_cpu } from './gs';

/** Records a warning: its kind, the CPU and call site, and two arguments of the kind's meaning. */
export function warn(kind: u32, a: u32, b: u32): void {
  const cpu = this_cpu();
  const number = atomic.add<u32>(M_WARNINGS, 1);
  const at: usize = WARNINGS + (number % WARNINGS_MAX) * WARNING_SIZE;
  store<u32>(at, kind);
  store<u32>(at, load<u32>(cpu, PC_CPU), 4);
  store<u32>(at, load<u32>(cpu, PC_SITE), 8);
  store<u32>(at, number, 12);
  store<u32>(at, a, 16);
  store<u32>(at, b, 20);
}
