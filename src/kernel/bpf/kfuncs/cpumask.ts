/** The cpumask kfuncs: kernel/bpf/cpumask.c, from 6.3 to 7.2. assembly/kernel/bpf/cpumask.ts has the functions. */
import type { ProgType } from '../../../uapi/bpf.ts';
import { KF_ACQUIRE, KF_KPTR_GET, KF_RCU, KF_RELEASE, KF_RET_NULL, KF_TRUSTED_ARGS, type KfuncRow } from '../rows.ts';

const TRACING: readonly ProgType[] = ['tracing', 'lsm', 'struct_ops'];
const WITH_SYSCALL: readonly ProgType[] = [...TRACING, 'syscall'];
const WITH_EVENTS: readonly ProgType[] = [...WITH_SYSCALL, 'tracepoint', 'perf_event'];

/** Who may call them: one set, registered for tracing, struct_ops and, later, syscall programs. */
const PROGRAMS: KfuncRow['programs'] = {
  '6.3': TRACING,
  '6.10': WITH_SYSCALL,
  '6.12': WITH_EVENTS,
  '7.0': [...WITH_EVENTS, 'raw_tracepoint', 'raw_tracepoint_writable'],
};

/** Queries and mutations: trusted arguments in 6.3, RCU ones since. */
const RCU_ARGS: KfuncRow['flags'] = { '6.3': KF_TRUSTED_ARGS, '6.4': KF_RCU };

type Facts = Pick<KfuncRow, 'proto' | 'summary' | 'returns'> & Partial<KfuncRow>;

function kfunc(name: string, facts: Facts): KfuncRow {
  return {
    name: `bpf_cpumask_${name}`,
    flags: RCU_ARGS,
    programs: PROGRAMS,
    since: '6.3',
    source: 'kernel/bpf/cpumask.c',
    run: 'call',
    ...facts,
  };
}

export const CPUMASK_KFUNCS: readonly KfuncRow[] = [
  kfunc('create', {
    proto: 'struct bpf_cpumask *(void)',
    flags: { '6.3': KF_ACQUIRE | KF_RET_NULL },
    summary: 'Allocate an empty mask with one reference. Never blocks.',
    returns: 'the mask, or NULL when there is no memory at hand',
  }),
  kfunc('release', {
    proto: 'void (struct bpf_cpumask *cpumask)',
    flags: { '6.3': KF_RELEASE | KF_TRUSTED_ARGS, '6.4': KF_RELEASE },
    summary: 'Give a reference back; the last one frees the mask after a grace period.',
    returns: 'nothing',
  }),
  kfunc('acquire', {
    proto: 'struct bpf_cpumask *(struct bpf_cpumask *cpumask)',
    flags: { '6.3': KF_ACQUIRE | KF_TRUSTED_ARGS, '7.0': KF_ACQUIRE },
    summary: 'Take another reference to a mask.',
    returns: 'the mask',
  }),
  kfunc('kptr_get', {
    proto: 'struct bpf_cpumask *(struct bpf_cpumask **cpumaskp)',
    flags: { '6.3': KF_ACQUIRE | KF_KPTR_GET | KF_RET_NULL },
    until: '6.4',
    summary: 'Take a reference to the mask that a map value points to.',
    returns: 'the mask, or NULL when there is none or it is being freed',
  }),
  kfunc('first', {
    proto: 'u32 (const struct cpumask *cpumask)',
    summary: 'Find the first CPU that is set.',
    returns: 'the CPU; >= nr_cpu_ids when the mask is empty',
  }),
  kfunc('first_zero', {
    proto: 'u32 (const struct cpumask *cpumask)',
    summary: 'Find the first CPU that is not set.',
    returns: 'the CPU; >= nr_cpu_ids when all are set',
  }),
  kfunc('first_and', {
    proto: 'u32 (const struct cpumask *src1, const struct cpumask *src2)',
    flags: { '6.5': KF_RCU },
    since: '6.5',
    summary: 'Find the first CPU that is set in both masks.',
    returns: 'the CPU; >= nr_cpu_ids when they have none in common',
  }),
  kfunc('set_cpu', {
    proto: 'void (u32 cpu, struct bpf_cpumask *cpumask)',
    summary: 'Atomically set a CPU; cpu >= nr_cpu_ids changes nothing.',
    returns: 'nothing',
  }),
  kfunc('clear_cpu', {
    proto: 'void (u32 cpu, struct bpf_cpumask *cpumask)',
    summary: 'Atomically clear a CPU; cpu >= nr_cpu_ids changes nothing.',
    returns: 'nothing',
  }),
  kfunc('test_cpu', {
    proto: 'bool (u32 cpu, const struct cpumask *cpumask)',
    summary: 'Tell whether a CPU is set.',
    returns: 'the bit; false when cpu >= nr_cpu_ids',
  }),
  kfunc('test_and_set_cpu', {
    proto: 'bool (u32 cpu, struct bpf_cpumask *cpumask)',
    summary: 'Atomically set a CPU and tell whether it was set before.',
    returns: 'the old bit; false when cpu >= nr_cpu_ids, and nothing changes',
  }),
  kfunc('test_and_clear_cpu', {
    proto: 'bool (u32 cpu, struct bpf_cpumask *cpumask)',
    summary: 'Atomically clear a CPU and tell whether it was set before.',
    returns: 'the old bit; false when cpu >= nr_cpu_ids, and nothing changes',
  }),
  kfunc('setall', {
    proto: 'void (struct bpf_cpumask *cpumask)',
    wholeMask: { fills: true },
    summary: 'Set every CPU. With NR_CPUS > 64 whole words are filled, bits above nr_cpu_ids too.',
    returns: 'nothing',
  }),
  kfunc('clear', {
    proto: 'void (struct bpf_cpumask *cpumask)',
    wholeMask: { fills: true, large: true },
    summary: 'Clear every CPU.',
    returns: 'nothing',
  }),
  kfunc('and', {
    proto: 'bool (struct bpf_cpumask *dst, const struct cpumask *src1, const struct cpumask *src2)',
    summary: 'dst = src1 & src2. Not atomic.',
    returns: 'whether any CPU is left',
  }),
  kfunc('or', {
    proto: 'void (struct bpf_cpumask *dst, const struct cpumask *src1, const struct cpumask *src2)',
    summary: 'dst = src1 | src2. Not atomic.',
    returns: 'nothing',
  }),
  kfunc('xor', {
    proto: 'void (struct bpf_cpumask *dst, const struct cpumask *src1, const struct cpumask *src2)',
    summary: 'dst = src1 ^ src2. Not atomic.',
    returns: 'nothing',
  }),
  kfunc('equal', {
    proto: 'bool (const struct cpumask *src1, const struct cpumask *src2)',
    summary: 'Compare two masks.',
    returns: 'whether they have the same CPUs',
  }),
  kfunc('intersects', {
    proto: 'bool (const struct cpumask *src1, const struct cpumask *src2)',
    summary: 'Look for common CPUs.',
    returns: 'whether the masks have a CPU in common',
  }),
  kfunc('subset', {
    proto: 'bool (const struct cpumask *src1, const struct cpumask *src2)',
    summary: 'Look whether one mask holds another.',
    returns: 'whether every CPU of src1 is in src2',
  }),
  kfunc('empty', {
    proto: 'bool (const struct cpumask *cpumask)',
    summary: 'Look whether no CPU is set.',
    returns: 'whether the mask is empty',
  }),
  kfunc('full', {
    proto: 'bool (const struct cpumask *cpumask)',
    summary: 'Look whether every CPU below nr_cpu_ids is set.',
    returns: 'whether the mask is full',
  }),
  kfunc('copy', {
    proto: 'void (struct bpf_cpumask *dst, const struct cpumask *src)',
    wholeMask: { large: true },
    summary: 'Copy a mask, bits above nr_cpu_ids included. Not atomic.',
    returns: 'nothing',
  }),
  kfunc('any', {
    proto: 'u32 (const struct cpumask *cpumask)',
    until: '6.5',
    summary: 'Find a CPU that is set: the first. any_distribute since 6.5.',
    returns: 'the CPU; >= nr_cpu_ids when the mask is empty',
  }),
  kfunc('any_and', {
    proto: 'u32 (const struct cpumask *src1, const struct cpumask *src2)',
    until: '6.5',
    summary: 'Find a CPU that is set in both masks: the first. any_and_distribute since 6.5.',
    returns: 'the CPU; >= nr_cpu_ids when they have none in common',
  }),
  kfunc('any_distribute', {
    proto: 'u32 (const struct cpumask *cpumask)',
    flags: { '6.5': KF_RCU },
    since: '6.5',
    summary: 'Find the next CPU after the last one that this CPU was given by a distributing search, from any mask.',
    returns: 'the CPU; >= nr_cpu_ids when the mask is empty',
  }),
  kfunc('any_and_distribute', {
    proto: 'u32 (const struct cpumask *src1, const struct cpumask *src2)',
    flags: { '6.5': KF_RCU },
    since: '6.5',
    summary: 'As any_distribute, among the CPUs set in both masks.',
    returns: 'the CPU; >= nr_cpu_ids when they have none in common',
  }),
  kfunc('weight', {
    proto: 'u32 (const struct cpumask *cpumask)',
    flags: { '6.8': KF_RCU },
    since: '6.8',
    summary: 'Count the CPUs that are set.',
    returns: 'the count',
  }),
  kfunc('release_dtor', {
    proto: 'void (void *cpumask)',
    flags: {},
    programs: {},
    since: '6.8',
    summary: 'What the kernel calls for a mask left in a map value; programs cannot.',
    returns: 'nothing',
  }),
  kfunc('populate', {
    proto: 'int (struct cpumask *cpumask, void *src, size_t src__sz)',
    protos: { '7.2': 'int (struct bpf_cpumask *cpumask, void *src, size_t src__sz)' },
    wholeMask: { sized: true },
    flags: { '6.15': KF_RCU },
    since: '6.15',
    summary: 'Copy a mask from memory: the whole words that hold nr_cpu_ids bits.',
    returns: '0; -EACCES when src__sz is less than these words take',
  }),
];
