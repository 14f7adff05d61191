import type { VerifierCase } from '../case.ts';

const zeros = '*(u64 *)(r10 - 8) = 0; *(u64 *)(r10 - 16) = 0; *(u64 *)(r10 - 24) = 0; *(u64 *)(r10 - 32) = 0;';
/** Rejected when the call may have changed the buffer. */
const tell = 'r1 = *(u64 *)(r10 - 32); if r1 == 0 goto out; r0 = r5; out: r0 = 0; exit';
const ro = { ro: { rodata: [65, 0, 0, 0, 0, 0, 0, 0] } } as const;
const iter = { type: 'tracing', attach: 'trace_iter', to: 'bpf_iter_task' } as const;

/** Which helpers change the memory that they are given. */
export const helperMemCases: readonly VerifierCase[] = [
  {
    name: 'changes memory: sysctl_get_name',
    type: 'cgroup_sysctl',
    asm: `${zeros} r2 = r10; r2 += -32; r3 = 32; r4 = 0; call bpf_sysctl_get_name; ${tell}`,
  },
  {
    name: 'changes memory: snprintf',
    maps: ro,
    asm: `${zeros} r1 = r10; r1 += -32; r2 = 32; r3 = map_value(ro, 0); r4 = 0; r5 = 0; call bpf_snprintf; ${tell}`,
  },
  {
    name: 'changes memory: snprintf_btf',
    ...iter,
    asm: `${zeros} r1 = r10; r1 += -32; r2 = 16; r3 = r10; r3 += -16; r4 = 16; r5 = 0; call bpf_snprintf_btf; ${tell}`,
  },
  {
    name: 'changes memory: read_branch_records',
    type: 'perf_event',
    asm: `${zeros} r2 = r10; r2 += -32; r3 = 32; r4 = 0; call bpf_read_branch_records; ${tell}`,
  },
  ...(['xdp', 'sched_cls'] as const).map(
    (type): VerifierCase => ({
      name: `changes memory: fib_lookup, ${type}`,
      type,
      asm: `${zeros} r2 = r10; r2 += -32; r3 = 32; r4 = 0; call bpf_fib_lookup; ${tell}`,
    }),
  ),
  ...(['xdp', 'sched_cls'] as const).map(
    (type): VerifierCase => ({
      name: `changes memory: tcp_raw_gen_syncookie_ipv4, ${type}`,
      type,
      asm: `${zeros} *(u64 *)(r10 - 40) = 0; *(u64 *)(r10 - 48) = 0; *(u64 *)(r10 - 56) = 0;
      r1 = r10; r1 += -56; r2 = r10; r2 += -32; r3 = 32; call bpf_tcp_raw_gen_syncookie_ipv4; ${tell}`,
    }),
  ),
  {
    name: 'changes memory: tcp_raw_check_syncookie_ipv4',
    type: 'xdp',
    asm: `${zeros} *(u64 *)(r10 - 40) = 0; *(u64 *)(r10 - 48) = 0; *(u64 *)(r10 - 56) = 0;
      r1 = r10; r1 += -56; r2 = r10; r2 += -32; call bpf_tcp_raw_check_syncookie_ipv4; ${tell}`,
  },
  {
    name: 'changes memory: check_mtu',
    type: 'xdp',
    asm: `${zeros} r2 = 0; r3 = r10; r3 += -32; r4 = 0; r5 = 0; call bpf_check_mtu; ${tell}`,
  },
  ...(['tcp_gen_syncookie', 'tcp_check_syncookie'] as const).map(
    (name): VerifierCase => ({
      name: `changes memory: ${name}`,
      type: 'xdp',
      asm: `${zeros} r6 = r1; r2 = r10; r2 += -32; r3 = 12; r4 = 0; r5 = 0; call bpf_skc_lookup_tcp; if r0 == 0 goto none; r6 = r0;
      r1 = r0; r2 = r10; r2 += -32; r3 = 20; r4 = r10; r4 += -32; r5 = 20; call bpf_${name}; r1 = r6; call bpf_sk_release;
      r1 = *(u64 *)(r10 - 32); if r1 == 0 goto none; r0 = r5; none: r0 = 0; exit`,
    }),
  ),
  {
    name: 'changes memory: strtol',
    type: 'cgroup_sysctl',
    asm: `${zeros} r1 = r10; r1 += -16; r2 = 8; r3 = 0; r4 = r10; r4 += -32; call bpf_strtol; ${tell}`,
  },
  {
    name: 'changes memory: csum_diff',
    type: 'sched_cls',
    asm: `${zeros} r1 = r10; r1 += -32; r2 = 16; r3 = r10; r3 += -16; r4 = 16; r5 = 0; call bpf_csum_diff; ${tell}`,
  },
  {
    name: 'changes memory: d_path',
    type: 'tracing',
    attach: 'trace_iter',
    to: 'bpf_iter_task_file',
    asm: `${zeros} r1 = *(u64 *)(r1 + 24); if r1 == 0 goto out; r1 += 64; r2 = r10; r2 += -32; r3 = 32; call bpf_d_path; ${tell}`,
  },
  {
    name: 'changes memory: load_hdr_opt',
    type: 'sock_ops',
    asm: `${zeros} r2 = r10; r2 += -32; r3 = 32; r4 = 0; call bpf_load_hdr_opt; ${tell}`,
  },
  {
    name: 'changes memory: getsockopt',
    type: 'sock_ops',
    asm: `${zeros} r2 = 0; r3 = 0; r4 = r10; r4 += -32; r5 = 32; call bpf_getsockopt; ${tell}`,
  },
  ...(['sysctl_get_name', 'sysctl_get_current_value'] as const).map(
    (name): VerifierCase => ({
      name: `unset memory: ${name}`,
      type: 'cgroup_sysctl',
      asm: `r2 = r10; r2 += -32; r3 = 32; r4 = 0; call bpf_${name}; r0 = 0; exit`,
    }),
  ),
  {
    name: 'unset memory: fib_lookup',
    type: 'xdp',
    asm: 'r2 = r10; r2 += -32; r3 = 32; r4 = 0; call bpf_fib_lookup; r0 = 0; exit',
  },
  {
    name: 'read-only memory: snprintf',
    maps: ro,
    asm: 'r1 = map_value(ro, 0); r2 = 8; r3 = map_value(ro, 0); r4 = 0; r5 = 0; call bpf_snprintf; r0 = 0; exit',
  },
];
