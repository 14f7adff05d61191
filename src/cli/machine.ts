/** The machine that the shared options describe. */
import type { EngineName } from '../engine/engines.ts';
import { InputError } from '../errors.ts';
import type { Release } from '../kernel/bpf/rows.ts';
import type { Machine } from '../machine/machine.ts';
import { createMachine, type MachineOptions } from '../platform/create_machine.ts';
import { openProfile } from '../platform/node/profile.ts';
import type { MachineFlags } from './options.ts';

/** A release as the user wrote it. @throws InputError when it does not look like one */
export function release(text: string): Release {
  if (!/^[0-9]+\.[0-9]+$/.test(text)) {
    throw new InputError('--kernel', '', `"${text}" is no release; write it as 6.18`);
  }
  return text as Release;
}

/** Boots a machine from the options. */
export function openMachine(
  flags: MachineFlags & { readonly topology?: string } & Pick<MachineOptions, 'explorable' | 'ledger' | 'memoryLimit'>,
  engine?: EngineName,
): Machine {
  const { cpus, nrCpus, kernel = '6.18', btf, seed, topology, explorable, ledger, memoryLimit } = flags;
  const profile = openProfile(release(kernel), {
    ...(btf === undefined ? {} : { btf }),
    ...(nrCpus === undefined ? {} : { nrCpus }),
  });
  return createMachine({ cpus, topology, profile, seed, engine, explorable, ledger, memoryLimit });
}
