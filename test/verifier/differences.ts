/** What is known to differ from the live kernel: a part of docs/parity/verifier.md. */

interface Difference {
  readonly what: string;
  readonly ours: string;
  readonly kernel: string;
  readonly why: string;
}

export const DIFFERENCES: readonly Difference[] = [
  {
    what: '`&variable` of the kernel (ksym) where it was built without CONFIG_KALLSYMS_ALL',
    ours: 'judged as by a kernel with it',
    kernel: 'ENOENT, `ldimm64 failed to find the address for kernel symbol`',
    why: 'BTF does not say which symbols /proc/kallsyms has',
  },
  {
    what: '`bpf_probe_write_user` under lockdown',
    ours: 'allowed for tracing programs',
    kernel: 'EINVAL, `program of this type cannot use helper bpf_probe_write_user#36`',
    why: 'a state of the running kernel',
  },
  {
    what: 'LSM, fentry, fexit and fmod_ret programs where a policy forbids them',
    ours: 'judged',
    kernel: 'EPERM with an empty log',
    why: 'a security policy, before the verifier runs',
  },
  {
    what: 'an arena that nobody has mapped',
    ours: 'judged as libbpf loads it, which maps it first',
    kernel: "EINVAL, `arena's user address must be set via map_extra or mmap()`",
    why: 'the live engine does not map arenas',
  },
  {
    what: 'addresses, map uids and times in logs',
    ours: 'our own',
    kernel: 'its own',
    why: 'they differ from run to run',
  },
];
