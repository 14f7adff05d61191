import { describe, expect, it } from 'vitest';
import { BPF_F_SLEEPABLE, BPF_F_XDP_HAS_FRAGS } from '../uapi/bpf.ts';
import { findSection, sectionRows } from './sections.ts';

describe('SEC()', () => {
  it.each<[string, string | undefined, string | null, number]>([
    ['tp_btf/task_newtask', 'tracing', 'trace_raw_tp', 0],
    ['tp_btf', 'tracing', 'trace_raw_tp', 0],
    ['tp_btfx', undefined, null, 0],
    ['fentry.s/foo', 'tracing', 'trace_fentry', BPF_F_SLEEPABLE],
    ['lsm.s/file_open', 'lsm', 'lsm_mac', BPF_F_SLEEPABLE],
    ['syscall', 'syscall', null, BPF_F_SLEEPABLE],
    ['syscall/x', undefined, null, 0],
    ['xdp', 'xdp', 'xdp', 0],
    ['xdp.frags', 'xdp', 'xdp', BPF_F_XDP_HAS_FRAGS],
    ['xdp.frags/cpumap', 'xdp', 'xdp_cpumap', BPF_F_XDP_HAS_FRAGS],
    ['tc', 'sched_cls', null, 0],
    ['tc/ingress', 'sched_cls', 'tcx_ingress', 0],
    ['sk_reuseport/migrate', 'sk_reuseport', 'sk_reuseport_select_or_migrate', 0],
    ['struct_ops.s/init', 'struct_ops', null, BPF_F_SLEEPABLE],
    ['kprobe.session/do_*', 'kprobe', 'trace_kprobe_session', 0],
    ['raw_tp.w/x', 'raw_tracepoint_writable', null, 0],
    ['cgroup/connect4', 'cgroup_sock_addr', 'cgroup_inet4_connect', 0],
    ['.text', undefined, null, 0],
  ])('%s', (section, type, attachType, flags) => {
    const row = findSection(section);
    expect(row?.type).toBe(type);
    if (row) expect([row.attachType, row.flags]).toEqual([attachType, flags]);
  });

  it('has no row that another one hides', () => {
    for (const row of sectionRows) expect(findSection(row.prefix.replace('+', ''))).toBe(row);
  });
});
