/** struct bpf_sock and its kin: the context of cgroup socket programs, and what socket pointers give (net/core/filter.c). */
import { ACCESS_NARROW, ACCESS_NONE, ACCESS_START, type CtxTable, ctxTable, ctxVariant, type Layout } from './table.ts';

const SOCK: Layout = [
  ['bound_dev_if', 4],
  ['family', 4],
  ['type', 4],
  ['protocol', 4],
  ['mark', 4],
  ['priority', 4],
  ['src_ip4', 4],
  ['src_ip6', 16],
  ['src_port', 4],
  ['dst_port', 2, 2],
  ['.pad', 2, 2],
  ['dst_ip4', 4],
  ['dst_ip6', 16],
  ['state', 4],
  ['rx_queue_mapping', 4],
];

const START = { read: ACCESS_START | 4, write: ACCESS_START | 4 };
const NARROW = { read: ACCESS_NARROW | 4, write: ACCESS_NARROW | 4 };

/** bpf_sock_is_valid_access. dst_port: 2 bytes that may be read as 1, 2 or 4 (see sockAccess in verifier/ctx_access.ts). */
export const sockTable: CtxTable = ctxTable(
  'bpf_sock',
  SOCK,
  { read: 4, write: 4 },
  {
    state: START,
    family: START,
    type: START,
    protocol: START,
    src_port: START,
    rx_queue_mapping: START,
    src_ip4: NARROW,
    src_ip6: NARROW,
    dst_ip4: NARROW,
    dst_ip6: NARROW,
    dst_port: { read: ACCESS_NARROW | 4, write: ACCESS_NARROW | 4 },
  },
);

const NO = { read: ACCESS_NONE, write: ACCESS_NONE };

/** bpf_sock_common_is_valid_access. */
export const sockCommonTable: CtxTable = ctxVariant(sockTable, { type: NO, protocol: NO, mark: NO, priority: NO });

const FULL = ['cgroup_inet_sock_create', 'cgroup_inet_sock_release'] as const;
const FULL_RULE = { attach: FULL } as const;
const V4 = ['cgroup_inet4_post_bind'] as const;
const V6 = ['cgroup_inet6_post_bind'] as const;
const READ_ONLY = { write: ACCESS_NONE };

/** sock_filter_is_valid_access: the context of cgroup/sock programs. */
export const cgroupSock: CtxTable = ctxVariant(sockTable, {
  bound_dev_if: FULL_RULE,
  mark: FULL_RULE,
  priority: FULL_RULE,
  src_ip4: { attach: V4, ...READ_ONLY },
  src_ip6: { attach: V6, ...READ_ONLY },
  src_port: { attach: [...V4, ...V6], ...READ_ONLY },
  family: READ_ONLY,
  type: READ_ONLY,
  protocol: READ_ONLY,
  dst_port: READ_ONLY,
  dst_ip4: READ_ONLY,
  dst_ip6: READ_ONLY,
  state: READ_ONLY,
  rx_queue_mapping: READ_ONLY,
});

const TCP_U32_1 = [
  'snd_cwnd',
  'srtt_us',
  'rtt_min',
  'snd_ssthresh',
  'rcv_nxt',
  'snd_nxt',
  'snd_una',
  'mss_cache',
  'ecn_flags',
  'rate_delivered',
  'rate_interval_us',
  'packets_out',
  'retrans_out',
  'total_retrans',
  'segs_in',
  'data_segs_in',
  'segs_out',
  'data_segs_out',
  'lost_out',
  'sacked_out',
];
const TCP_U32_2 = ['dsack_dups', 'delivered', 'delivered_ce', 'icsk_retransmits'];
const u32s = (names: readonly string[]): Layout => names.map((name) => [name, 4] as const);

/** bpf_tcp_sock_is_valid_access. The upper half of a 64-bit counter is a word of its own there. */
export const tcpSockTable: CtxTable = ctxTable(
  'bpf_tcp_sock',
  [
    ...u32s(TCP_U32_1),
    ['bytes_received', 4],
    ['bytes_received.hi', 4],
    ['bytes_acked', 4],
    ['bytes_acked.hi', 4],
    ...u32s(TCP_U32_2),
  ],
  { read: 4, write: 4 },
  { bytes_received: { read: 8, write: 8 }, bytes_acked: { read: 8, write: 8 } },
);

export const xdpSockTable: CtxTable = ctxTable('bpf_xdp_sock', [['queue_id', 4]], { read: 4, write: 4 }, {});
