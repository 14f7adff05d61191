/** `profile build`: the kernel of a project, beside the releases that come with the package. `profile list` names all. */
import type { Command } from 'commander';
import { EXIT, InputError } from '../../errors.ts';
import type { Release } from '../../kernel/bpf/rows.ts';
import { profileReleases } from '../../kernel/profile.ts';
import { buildUserProfile, releaseOfKernel, userKernels } from '../../platform/node/user_profiles.ts';
import { print } from '../terminal.ts';

interface Flags {
  readonly btf?: string;
  readonly kernel?: string;
  readonly name?: string;
}

export function define(command: Command, done: (status: number) => void): void {
  command
    .argument('<action>', 'build or list')
    .option('--btf <file>', "the kernel's BTF: /sys/kernel/btf/vmlinux, a vmlinux, either as .br or .gz")
    .option('--kernel <release>', 'release whose rules hold')
    .option('--name <name>', 'what --kernel takes from then on; by default the release and "-own"')
    .addHelpText(
      'after',
      `
A built profile lies in .bpf-cpumask/profiles of the current folder, or of the nearest folder above that has one, and can be
committed. Every command takes it: --kernel NAME.

Examples:
  bpf-cpumask profile build --btf /sys/kernel/btf/vmlinux --kernel 6.18 --name fleet
  bpf-cpumask matrix scheduler.bpf.o --kernels 6.12,fleet`,
    )
    .action((action: string, flags: Flags) => {
      done(run(action, flags));
    });
}

function run(action: string, { btf, kernel, name }: Flags): number {
  if (action === 'list') {
    for (const release of profileReleases()) print(release);
    for (const own of userKernels()) print(`${own}  (rules of ${releaseOfKernel(own)})`);
    return EXIT.ok;
  }
  if (action !== 'build') throw new InputError(action, '', 'no such action; there are build, list');
  if (btf === undefined) throw new InputError('--btf', '', 'names the file with the BTF; it is missing');
  if (kernel === undefined) throw new InputError('--kernel', '', 'names the release whose rules hold; it is missing');
  const { files, types, nrCpus } = buildUserProfile(name ?? `${kernel}-own`, kernel as Release, btf);
  print(`${name ?? `${kernel}-own`}: rules of ${kernel}, ${types} types, NR_CPUS ${nrCpus}`);
  for (const file of files) print(`  ${file}`);
  return EXIT.ok;
}
