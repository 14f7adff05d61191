/** Contexts of cgroup programs other than packet and socket ones (net/core/filter.c, kernel/bpf/cgroup.c). */
import type { AttachType } from '../bpf.ts';
import { ACCESS_NARROW, ACCESS_NONE, ACCESS_START, ACCESS_WIDE, type CtxTable, ctxTable } from './table.ts';

const V4: readonly AttachType[] = [
  'cgroup_inet4_bind',
  'cgroup_inet4_connect',
  'cgroup_inet4_getpeername',
  'cgroup_inet4_getsockname',
  'cgroup_udp4_sendmsg',
  'cgroup_udp4_recvmsg',
];
const V6: readonly AttachType[] = [
  'cgroup_inet6_bind',
  'cgroup_inet6_connect',
  'cgroup_inet6_getpeername',
  'cgroup_inet6_getsockname',
  'cgroup_udp6_sendmsg',
  'cgroup_udp6_recvmsg',
];

export const sockAddr: CtxTable = ctxTable(
  'bpf_sock_addr',
  [
    ['user_family', 4],
    ['user_ip4', 4],
    ['user_ip6', 16],
    ['user_port', 4],
    ['family', 4],
    ['type', 4],
    ['protocol', 4],
    ['msg_src_ip4', 4],
    ['msg_src_ip6', 16],
    ['sk', 8, 8],
  ],
  { read: 4 },
  {
    user_ip4: { read: ACCESS_NARROW | 4, write: 4, attach: V4 },
    user_ip6: { read: ACCESS_NARROW | ACCESS_WIDE | 4, write: ACCESS_WIDE | 4, attach: V6 },
    user_port: { read: ACCESS_NARROW | 4, write: 4 },
    msg_src_ip4: { read: ACCESS_NARROW | 4, write: 4, attach: ['cgroup_udp4_sendmsg'] },
    msg_src_ip6: { read: ACCESS_NARROW | ACCESS_WIDE | 4, write: ACCESS_WIDE | 4, attach: ['cgroup_udp6_sendmsg'] },
    sk: { read: 8, pointer: 'socket' },
  },
);

const words = (names: string): (readonly [string, number])[] => names.split(' ').map((name) => [name, 4] as const);

export const sockOps: CtxTable = ctxTable(
  'bpf_sock_ops',
  [
    ['op', 4],
    ['reply', 4],
    ['replylong', 12],
    ['family', 4],
    ['remote_ip4', 4],
    ['local_ip4', 4],
    ['remote_ip6', 16],
    ['local_ip6', 16],
    ...words('remote_port local_port is_fullsock snd_cwnd srtt_us bpf_sock_ops_cb_flags state rtt_min snd_ssthresh'),
    ...words('rcv_nxt snd_nxt snd_una mss_cache ecn_flags rate_delivered rate_interval_us packets_out retrans_out'),
    ...words('total_retrans segs_in data_segs_in segs_out data_segs_out lost_out sacked_out sk_txhash'),
    ['bytes_received', 8, 8],
    ['bytes_acked', 8, 8],
    ['sk', 8, 8],
    ['skb_data', 8, 8],
    ['skb_data_end', 8, 8],
    ['skb_len', 4],
    ['skb_tcp_flags', 4],
    ['skb_hwtstamp', 8, 8],
  ],
  { read: 4 },
  {
    reply: { read: 4, write: 4 },
    sk_txhash: { read: 4, write: 4 },
    bytes_received: { read: 8 },
    bytes_acked: { read: 8 },
    sk: { read: 8, pointer: 'socket_or_null' },
    skb_data: { read: 8, pointer: 'packet' },
    skb_data_end: { read: 8, pointer: 'packet_end' },
    skb_tcp_flags: { read: ACCESS_START | 4 },
    skb_hwtstamp: { read: 8 },
  },
);

export const cgroupSockopt: CtxTable = ctxTable(
  'bpf_sockopt',
  [
    ['sk', 8, 8],
    ['optval', 8, 8],
    ['optval_end', 8, 8],
    ['level', 4],
    ['optname', 4],
    ['optlen', 4],
    ['retval', 4],
  ],
  { read: 4 },
  {
    sk: { read: 8, pointer: 'socket' },
    optval: { read: 8, pointer: 'packet' },
    optval_end: { read: 8, pointer: 'packet_end' },
    level: { read: 4, write: 4, writeAttach: ['cgroup_setsockopt'] },
    optname: { read: 4, write: 4, writeAttach: ['cgroup_setsockopt'] },
    optlen: { read: 4, write: 4 },
    retval: { read: 4, write: 4, attach: ['cgroup_getsockopt'] },
  },
);

export const cgroupDevice: CtxTable = ctxTable(
  'bpf_cgroup_dev_ctx',
  words('access_type major minor'),
  { read: 4 },
  { access_type: { read: ACCESS_NARROW | 4 } },
);

export const cgroupSysctl: CtxTable = ctxTable(
  'bpf_sysctl',
  words('write file_pos'),
  { read: ACCESS_NONE },
  { write: { read: ACCESS_NARROW | 4 }, file_pos: { read: ACCESS_NARROW | 4, write: 4 } },
);
