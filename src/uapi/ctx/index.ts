/** Context tables by program type. Types that are absent have their arguments from BTF (tracing, lsm, struct_ops) or none. */
import type { ProgType } from '../bpf.ts';
import { cgroupDevice, cgroupSockopt, cgroupSysctl, sockAddr, sockOps } from './cgroup.ts';
import { nfCtx, skLookup, skMsgMd, skReuseportMd, xdpMd } from './net.ts';
import { cgroupSkb, flowDissectorSkb, lwtSkb, skFilterSkb, skSkb, tcSkb } from './skb.ts';
import { cgroupSock } from './sock.ts';
import { ACCESS_NARROW, ACCESS_NONE, type CtxTable, ctxTable, plainCtx } from './table.ts';

/** sizeof(struct pt_regs) on x86-64. */
const PT_REGS_SIZE = 168;
const PERF_MAX_TRACE_SIZE = 8192;
const MAX_BPF_FUNC_ARGS = 12;

const perfEvent = ctxTable(
  'bpf_perf_event_data',
  [
    ['regs', PT_REGS_SIZE],
    ['sample_period', 8],
    ['addr', 8],
  ],
  { read: ACCESS_NARROW | 8 },
  { regs: { read: 8 } },
);

const rawTp = plainCtx('bpf_raw_tracepoint_args', 0, 8 * MAX_BPF_FUNC_ARGS, false);
const rawTpWritable: CtxTable = {
  struct: rawTp.struct,
  fields: [
    { name: 'args[0]', off: 0, size: 8, read: 8, write: ACCESS_NONE, pointer: 'tp_buffer' },
    ...plainCtx('args', 8, 8 * MAX_BPF_FUNC_ARGS, false).fields,
  ],
};

export const ctxTables: Readonly<Partial<Record<ProgType, CtxTable>>> = {
  socket_filter: skFilterSkb,
  sched_cls: tcSkb,
  sched_act: tcSkb,
  xdp: xdpMd,
  cgroup_skb: cgroupSkb,
  cgroup_sock: cgroupSock,
  lwt_in: lwtSkb,
  lwt_out: lwtSkb,
  lwt_xmit: lwtSkb,
  lwt_seg6local: lwtSkb,
  sock_ops: sockOps,
  sk_skb: skSkb,
  sk_msg: skMsgMd,
  cgroup_device: cgroupDevice,
  cgroup_sock_addr: sockAddr,
  cgroup_sockopt: cgroupSockopt,
  cgroup_sysctl: cgroupSysctl,
  flow_dissector: flowDissectorSkb,
  sk_reuseport: skReuseportMd,
  sk_lookup: skLookup,
  netfilter: nfCtx,
  kprobe: plainCtx('pt_regs', 0, PT_REGS_SIZE, false),
  tracepoint: plainCtx('trace record', 8, PERF_MAX_TRACE_SIZE, false),
  raw_tracepoint: rawTp,
  raw_tracepoint_writable: rawTpWritable,
  perf_event: perfEvent,
  syscall: plainCtx('syscall context', 0, 0xffff, true),
  lirc_mode2: ctxTable('lirc sample', [['sample', 4]], { read: 4 }, {}),
};
