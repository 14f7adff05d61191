/** What this machine can do with the live kernel: one finding a line, each with how to get what is missing. */
import { release } from 'node:os';
import { Btf } from '../../btf/btf.ts';
import { NotSupported } from '../../errors.ts';
import { CPUMASK_KFUNCS } from '../../kernel/bpf/kfuncs/cpumask.ts';
import { existsIn, type Release } from '../../kernel/bpf/rows.ts';
import { BPF_F_SLEEPABLE, type ProgType, progTypes } from '../../uapi/bpf.ts';
import { errnoName } from '../../uapi/errno.ts';
import { BpfSyscall } from './bpf_syscall.ts';
import { liveKernel, mayLoadPrograms, readVmlinuxBtf } from './live_kernel.ts';
import { openNative } from './native.ts';
import { hostCpus, readLine } from './sched_affinity.ts';

export interface Finding {
  readonly what: string;
  readonly ok: boolean;
  /** What was found, in a few words. */
  readonly found: string;
  /** How to get it where it is missing; empty when all is well. */
  readonly how: string;
}

const good = (what: string, found: string): Finding => ({ what, ok: true, found, how: '' });
const bad = (what: string, found: string, how: string): Finding => ({ what, ok: false, found, how });

/** Looks at this machine. Never throws for something that is missing. */
export function doctor(): Finding[] {
  const findings = [platform(), koffi(), privileges(), cpus()];
  const btf = vmlinuxBtf();
  findings.push(btf.finding);
  if (btf.btf) findings.push(nrCpus(btf.btf), kfuncs(btf.btf));
  if (!liveKernel().missing) findings.push(...programTypes());
  return findings;
}

function platform(): Finding {
  const found = `${process.platform} ${release()} ${process.arch}`;
  if (process.platform === 'linux') return good('kernel', found);
  return bad('kernel', found, 'the live engine needs Linux; everything else works here');
}

function koffi(): Finding {
  try {
    openNative();
    return good('koffi', 'calls libc');
  } catch (error) {
    if (!(error instanceof NotSupported)) throw error;
    return bad('koffi', 'not there', process.platform === 'linux' ? 'npm install koffi' : 'only of use on Linux');
  }
}

function privileges(): Finding {
  if (process.platform !== 'linux') return bad('privileges', 'none to look at', 'only of use on Linux');
  if (mayLoadPrograms()) return good('privileges', 'may load programs');
  return bad('privileges', 'no CAP_BPF and CAP_PERFMON', 'run as root, or setcap cap_bpf,cap_perfmon+ep on node');
}

function cpus(): Finding {
  try {
    const { possible, online, isolated, cpuset } = hostCpus();
    const rest = [isolated && `isolated ${isolated}`, cpuset && `cpuset ${cpuset}`].filter(Boolean);
    return good('CPUs', [`possible ${possible}`, `online ${online}`, ...rest].join(', '));
  } catch (error) {
    if (!(error instanceof NotSupported)) throw error;
    return bad('CPUs', error.feature, 'give --cpus');
  }
}

function vmlinuxBtf(): { finding: Finding; btf: Btf | null } {
  const how = 'a kernel built with CONFIG_DEBUG_INFO_BTF, or --btf FILE of it';
  try {
    const bytes = readVmlinuxBtf();
    const btf = Btf.parse(bytes, null, '/sys/kernel/btf/vmlinux');
    return { finding: good('BTF', `/sys/kernel/btf/vmlinux, ${btf.nrTypes} types`), btf };
  } catch {
    return { finding: bad('BTF', 'no /sys/kernel/btf/vmlinux that can be read', how), btf: null };
  }
}

function nrCpus(btf: Btf): Finding {
  const id = btf.find('cpumask', 'struct');
  if (!id) return bad('NR_CPUS', 'no struct cpumask in BTF', 'a kernel with CONFIG_SMP');
  const highest = (readLine('/sys/devices/system/cpu/possible') ?? '0').split(/[-,]/).at(-1);
  return good('NR_CPUS', `${btf.size(id) * 8}, nr_cpu_ids ${Number(highest) + 1}`);
}

function kfuncs(btf: Btf): Finding {
  const [major = '0', minor = '0'] = release().split('.');
  const expected = CPUMASK_KFUNCS.filter((row) => existsIn(row, `${Number(major)}.${Number(minor)}` as Release));
  const missing = expected.filter(({ name }) => !btf.find(name, 'func')).map(({ name }) => name);
  const found = `${expected.length - missing.length} of the ${expected.length} of ${major}.${minor}`;
  if (!missing.length && expected.length) return good('cpumask kfuncs', found);
  if (!expected.length) return bad('cpumask kfuncs', 'none before Linux 6.3', 'a kernel from 6.3 on');
  return bad('cpumask kfuncs', found, `missing: ${missing.join(', ')}`);
}

/** Types whose smallest program loads without an attach target. */
const PROBED: readonly ProgType[] = ['syscall', 'tracepoint', 'perf_event', 'raw_tracepoint', 'sched_cls', 'xdp'];

function programTypes(): Finding[] {
  const bpf = new BpfSyscall();
  // r0 = 0; exit
  const insns = Uint8Array.of(0xb7, 0, 0, 0, 0, 0, 0, 0, 0x95, 0, 0, 0, 0, 0, 0, 0);
  const refused: string[] = [];
  for (const type of PROBED) {
    const flags = type === 'syscall' ? BPF_F_SLEEPABLE : 0;
    const common = { insns, license: 'GPL', name: 'doctor', attachBtfId: 0, logLevel: 0, expectedAttachType: 0 };
    const { prog, errno } = bpf.progLoad({ ...common, type: progTypes.indexOf(type), flags });
    prog?.close();
    if (!prog) refused.push(`${type} (${errnoName(errno)})`);
  }
  const loads = PROBED.length - refused.length;
  if (!refused.length) return [good('program types', PROBED.join(', '))];
  return [bad('program types', `${loads} of ${PROBED.length} load`, `refused: ${refused.join(', ')}`)];
}
