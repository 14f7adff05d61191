/** A kernel release as data: its BTF, and what a loader asks of it. Rows of kfuncs and helpers carry their own releases. */
import { Btf } from '../btf/btf.ts';
import { NotSupported } from '../errors.ts';
import { compareReleases, type Release } from './bpf/rows.ts';

/** What a release of ours is, without its BTF. */
export interface ProfileRow {
  readonly release: Release;
  /** The version whose BTF comes with the package: what LINUX_KERNEL_VERSION says. */
  readonly version: readonly [number, number, number];
  /** File of the package with the BTF (profiles/, unpacked by the build); null when --btf has to give one. */
  readonly btf: string | null;
  /** Kernel configuration as distributions build it: what `extern ... __kconfig` variables get. `y`, `n`, `m`, a number, or `"text"`. */
  readonly config: Readonly<Record<string, string>>;
}

const DISTRIBUTION_CONFIG: Readonly<Record<string, string>> = {
  CONFIG_64BIT: 'y',
  CONFIG_X86_64: 'y',
  CONFIG_SMP: 'y',
  CONFIG_HAVE_EFFICIENT_UNALIGNED_ACCESS: 'y',
  CONFIG_HAVE_ARCH_JUMP_LABEL: 'y',
  CONFIG_X86: 'y',
  CONFIG_NUMA: 'y',
  CONFIG_HZ: '1000',
  CONFIG_HZ_1000: 'y',
  CONFIG_HZ_250: 'n',
  CONFIG_HZ_100: 'n',
  CONFIG_NO_HZ: 'y',
  CONFIG_PREEMPT: 'y',
  CONFIG_PREEMPT_DYNAMIC: 'y',
  CONFIG_PREEMPT_RCU: 'y',
  CONFIG_PREEMPT_RT: 'n',
  CONFIG_CGROUPS: 'y',
  CONFIG_CGROUP_SCHED: 'y',
  CONFIG_FAIR_GROUP_SCHED: 'y',
  CONFIG_CPUSETS: 'y',
  CONFIG_CPUMASK_OFFSTACK: 'y',
  CONFIG_SCHED_CLASS_EXT: 'y',
  CONFIG_SCHED_CORE: 'y',
  CONFIG_SCHED_SMT: 'y',
  CONFIG_SCHED_MC: 'y',
  CONFIG_BPF: 'y',
  CONFIG_BPF_SYSCALL: 'y',
  CONFIG_BPF_JIT: 'y',
  CONFIG_BPF_JIT_ALWAYS_ON: 'y',
  CONFIG_BPF_LSM: 'y',
  CONFIG_BPF_EVENTS: 'y',
  CONFIG_CGROUP_BPF: 'y',
  CONFIG_DEBUG_INFO_BTF: 'y',
  CONFIG_DEBUG_INFO_BTF_MODULES: 'y',
  CONFIG_KALLSYMS: 'y',
  CONFIG_KALLSYMS_ALL: 'y',
  CONFIG_MODULES: 'y',
  CONFIG_NET: 'y',
  CONFIG_INET: 'y',
  CONFIG_FTRACE: 'y',
  CONFIG_FUNCTION_TRACER: 'y',
  CONFIG_KPROBES: 'y',
  CONFIG_UPROBES: 'y',
  CONFIG_DEFAULT_HOSTNAME: '"(none)"',
};

const profileRows: readonly ProfileRow[] = [
  { release: '6.18', version: [6, 18, 15], btf: 'dist/6.18.btf', config: DISTRIBUTION_CONFIG },
];

/** A kernel that programs are loaded against. BTF is read when something first asks for it. */
export class Profile {
  readonly release: Release;
  /** KERNEL_VERSION(6, 18, 15). */
  readonly version: number;
  readonly config: Readonly<Record<string, string>>;
  private parsed: Btf | undefined;
  private cpus: number | undefined;

  constructor(
    readonly row: ProfileRow,
    private readonly readBtf: () => Uint8Array,
    nrCpus: number | undefined,
    private readonly what: string,
  ) {
    this.release = row.release;
    const [major, minor, patch] = row.version;
    this.version = (major << 16) | (minor << 8) | Math.min(patch, 255);
    this.config = row.config;
    this.cpus = nrCpus;
  }

  /** The kernel's complete BTF. */
  get btf(): Btf {
    this.parsed ??= Btf.parseLazily(this.readBtf(), this.what);
    return this.parsed;
  }

  /** NR_CPUS: bits of cpumask_t, unless it was overridden. */
  get nrCpus(): number {
    this.cpus ??= this.nrCpusOfBtf();
    return this.cpus;
  }

  /** The same kernel with another NR_CPUS; itself when that is undefined. */
  withNrCpus(nrCpus: number | undefined): Profile {
    return nrCpus === undefined ? this : new Profile(this.row, () => this.btf.bytes, nrCpus, this.what);
  }

  /** NR_CPUS as the BTF's struct cpumask has it; 8192 when it has none. */
  private nrCpusOfBtf(): number {
    const id = this.btf.find('cpumask', 'struct');
    return id ? this.btf.size(id) * 8 : 8192;
  }
}

export interface ProfileOptions {
  /** Release whose rules hold. */
  readonly release: Release;
  /** Gives the decompressed BTF; called once, and only when something needs it. */
  readonly readBtf: (row: ProfileRow) => Uint8Array;
  /** Overrides NR_CPUS. */
  readonly nrCpus?: number | undefined;
  /** What errors call the BTF: the file's name. */
  readonly what?: string | undefined;
}

/**
 * The profile of a release.
 * @throws NotSupported when no rules are known for it
 */
export function loadProfile({ release, readBtf, nrCpus, what }: ProfileOptions): Profile {
  const row = profileRows.find((candidate) => compareReleases(candidate.release, release) === 0);
  if (!row) throw new NotSupported(`kernel release ${release}; there are profiles for ${profileReleases().join(', ')}`);
  return new Profile(row, () => readBtf(row), nrCpus, what ?? row.btf ?? release);
}

/** Releases that have a profile. */
export const profileReleases = (): Release[] => profileRows.map((row) => row.release);
