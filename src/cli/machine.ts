/** The machine that the shared options describe. */
import type { EngineName } from '../engine/engines.ts';
import type { Machine } from '../machine/machine.ts';
import { createMachine, type MachineOptions } from '../platform/create_machine.ts';
import { openKernel } from '../platform/node/user_profiles.ts';
import type { MachineFlags } from './options.ts';

/** Boots a machine from the options. */
export function openMachine(
  flags: MachineFlags & { readonly topology?: string } & Pick<MachineOptions, 'explorable' | 'ledger' | 'memoryLimit'>,
  engine?: EngineName,
): Machine {
  const { cpus, nrCpus, kernel = '6.18', btf, seed, topology, explorable, ledger, memoryLimit } = flags;
  const profile = openKernel(kernel, { btf, nrCpus });
  return createMachine({ cpus, topology, profile, seed, engine, explorable, ledger, memoryLimit });
}
