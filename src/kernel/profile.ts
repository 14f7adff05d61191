/** A kernel release as data: its BTF, and what a loader asks of it. Rows of kfuncs and helpers carry their own releases. */
import type { ReleaseFile, Wording } from '../../profiles/release.ts';
import { Btf } from '../btf/btf.ts';
import { withStructSize } from '../btf/resize.ts';
import { NotSupported } from '../errors.ts';
import { kfuncByName } from './bpf/kfuncs/index.ts';
import { compareReleases, existsIn, protoAt, type Release } from './bpf/rows.ts';
import { RELEASES } from './generated/releases.ts';

/** What a release is, without its BTF. */
export interface ProfileRow {
  readonly release: Release;
  /** The version whose BTF comes with the package: what LINUX_KERNEL_VERSION says. */
  readonly version: readonly [number, number, number];
  /** File of the package with the BTF: the release's own, or the nearest that there is. */
  readonly btf: string;
  /** That BTF is this release's. */
  readonly ownBtf: boolean;
}

/** Kernel configuration as distributions build it: what `extern ... __kconfig` variables get. `y`, `n`, `m`, a number, or `"text"`. */
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

/** The name of something that kernels do from some release on: a row of profiles/. */
export type Feature = FeaturesOf<(typeof RELEASES)[number]>;
type FeaturesOf<R> = R extends { readonly features: infer F } ? keyof F : never;

const FILES: readonly ReleaseFile[] = RELEASES;

/** NR_CPUS of distribution kernels, and the most that x86 takes. */
const MAX_NR_CPUS = 8192;

/** The release whose words are in the tables of the verifier. */
const WORDED: Release = '6.18';

interface Rules {
  readonly features: ReadonlySet<string>;
  readonly words: Wording;
}

const rulesOf = new Map<Release, Rules>();

/** Everything that the files of profiles/ say of a release. */
function rules(release: Release): Rules {
  let known = rulesOf.get(release);
  if (!known) {
    const has = (file: ReleaseFile): boolean => compareReleases(file.release, release) <= 0;
    const worded = (file: ReleaseFile): boolean => compareReleases(file.release, WORDED) <= 0;
    const words: Record<string, unknown> = {};
    for (const file of FILES.filter((one) => has(one) && !worded(one))) {
      for (const [id, row] of Object.entries(file.words)) if ('is' in row) words[id] = row.is;
    }
    for (const file of FILES.filter((one) => !has(one) && worded(one)).reverse()) {
      for (const [id, row] of Object.entries(file.words)) if ('was' in row) words[id] = row.was;
    }
    const features = new Set(FILES.filter(has).flatMap((file) => Object.keys(file.features)));
    for (const name of Object.keys(FILES.find((file) => file.release === release)?.backports ?? {})) features.add(name);
    known = { features, words: words as Wording };
    rulesOf.set(release, known);
  }
  return known;
}

/** Does a release do that? */
export function releaseHas(release: Release, feature: Feature): boolean {
  return rules(release).features.has(feature);
}

/** A kernel that programs are loaded against. BTF is read when something first asks for it. */
export class Profile {
  readonly release: Release;
  /** KERNEL_VERSION(6, 18, 15). */
  readonly version: number;
  readonly config: Readonly<Record<string, string>>;
  /** Messages of the verifier that this release words otherwise than 6.18. */
  readonly words: Wording;
  private readonly features: ReadonlySet<string>;
  private parsed: Btf | undefined;
  /** NR_CPUS that the BTF's masks are made to fit. */
  private readonly asked: number | undefined;
  private cpus: number | undefined;

  constructor(
    readonly row: ProfileRow,
    private readonly readBtf: () => Uint8Array | Btf,
    nrCpus: number | undefined,
    private readonly what: string,
    /** The BTF is that of the kernel meant, so that it says which kfuncs there are; else the rows do. */
    private readonly ownBtf: boolean,
  ) {
    this.release = row.release;
    const [major, minor, patch] = row.version;
    this.version = (major << 16) | (minor << 8) | Math.min(patch, 255);
    this.config = DISTRIBUTION_CONFIG;
    const { features, words } = rules(row.release);
    this.features = features;
    this.words = words;
    this.asked = nrCpus;
    this.cpus = nrCpus;
  }

  /** The kernel's complete BTF. */
  get btf(): Btf {
    if (!this.parsed) {
      const btf = this.readBtf();
      this.parsed = this.built(btf instanceof Btf ? btf : Btf.parseLazily(btf, this.what));
    }
    return this.parsed;
  }

  /** NR_CPUS: bits of cpumask_t, unless it was overridden. */
  get nrCpus(): number {
    this.cpus ??= this.nrCpusOfBtf();
    return this.cpus;
  }

  /** Does this release do that? */
  has(feature: Feature): boolean {
    return this.features.has(feature);
  }

  /** Id of a kernel function in the BTF; 0 when this release does not have it. */
  kfunc(name: string): number {
    const row = this.ownBtf ? undefined : kfuncByName(name);
    return row && !existsIn(row, this.release) ? 0 : this.btf.find(name, 'func');
  }

  /** C prototype of a kfunc, where it may differ from what the BTF says; else null. */
  kfuncProto(name: string): string | null {
    const row = this.ownBtf ? undefined : kfuncByName(name);
    return row?.protos ? protoAt(row, this.release) : null;
  }

  /** The same kernel with another NR_CPUS; itself when that is undefined. */
  withNrCpus(nrCpus: number | undefined): Profile {
    return nrCpus === undefined ? this : new Profile(this.row, () => this.btf, nrCpus, this.what, this.ownBtf);
  }

  /** The BTF as the kernel would have it if it was built with the NR_CPUS that was asked for: masks have another size. */
  private built(btf: Btf): Btf {
    const { asked } = this;
    if (asked === undefined || asked > MAX_NR_CPUS || !btf.find('cpumask', 'struct')) return btf;
    return withStructSize(btf, 'cpumask', Math.ceil(asked / 64) * 8);
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
  /** Gives the BTF, raw or parsed; called once, and only when something needs it. */
  readonly readBtf: (row: ProfileRow) => Uint8Array | Btf;
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
  const file = checkRelease(release);
  const btf = `dist/${file.btf}.btf`;
  const row: ProfileRow = { release, version: file.version, btf, ownBtf: file.btf === file.release };
  return new Profile(row, () => readBtf(row), nrCpus, what ?? btf, row.ownBtf || what !== undefined);
}

/**
 * The file of a release.
 * @throws NotSupported when there is none
 */
export function checkRelease(release: Release): ReleaseFile {
  const file = FILES.find((candidate) => compareReleases(candidate.release, release) === 0);
  if (file) return file;
  throw new NotSupported(`kernel release ${release}; there are profiles for ${profileReleases().join(', ')}`);
}

/** Releases that have a profile, oldest first. */
export const profileReleases = (): Release[] => FILES.map((file) => file.release);
