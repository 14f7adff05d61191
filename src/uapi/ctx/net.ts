/** Contexts of XDP, sk_msg, sk_reuseport, sk_lookup and netfilter programs (net/core/filter.c). */
import { ACCESS_NARROW, ACCESS_NO_LDSX, type CtxTable, ctxTable } from './table.ts';

const PACKET = 4 | ACCESS_NO_LDSX;

export const xdpMd: CtxTable = ctxTable(
  'xdp_md',
  [
    ['data', 4],
    ['data_end', 4],
    ['data_meta', 4],
    ['ingress_ifindex', 4],
    ['rx_queue_index', 4],
    ['egress_ifindex', 4],
  ],
  { read: 4 },
  {
    data: { read: PACKET, pointer: 'packet' },
    data_end: { read: PACKET, pointer: 'packet_end' },
    data_meta: { read: PACKET, pointer: 'packet_meta' },
    egress_ifindex: { read: 4, attach: ['xdp_devmap'] },
  },
);

export const skMsgMd: CtxTable = ctxTable(
  'sk_msg_md',
  [
    ['data', 8, 8],
    ['data_end', 8, 8],
    ['family', 4],
    ['remote_ip4', 4],
    ['local_ip4', 4],
    ['remote_ip6', 16],
    ['local_ip6', 16],
    ['remote_port', 4],
    ['local_port', 4],
    ['size', 4],
    ['sk', 8, 8],
  ],
  { read: 4 },
  {
    data: { read: 8, pointer: 'packet' },
    data_end: { read: 8, pointer: 'packet_end' },
    sk: { read: 8, pointer: 'socket' },
  },
);

/** eth_protocol: no single bytes, as the kernel's field has two (see skReuseportAccess in verifier/ctx_access.ts). */
export const skReuseportMd: CtxTable = ctxTable(
  'sk_reuseport_md',
  [
    ['data', 8, 8],
    ['data_end', 8, 8],
    ['len', 4],
    ['eth_protocol', 4],
    ['ip_protocol', 4],
    ['bind_inany', 4],
    ['hash', 4],
    ['.pad', 4],
    ['sk', 8, 8],
    ['migrating_sk', 8, 8],
  ],
  { read: ACCESS_NARROW | 4 },
  {
    data: { read: 8, pointer: 'packet' },
    data_end: { read: 8, pointer: 'packet_end' },
    hash: { read: 4 },
    sk: { read: 8, pointer: 'socket' },
    migrating_sk: { read: 8, pointer: 'sock_common_or_null' },
  },
);

/** remote_port: 2 bytes that may be read as 1, 2 or 4; the padding after it may be read too. */
export const skLookup: CtxTable = ctxTable(
  'bpf_sk_lookup',
  [
    ['sk', 8, 8],
    ['family', 4],
    ['protocol', 4],
    ['remote_ip4', 4],
    ['remote_ip6', 16],
    ['remote_port', 2, 2],
    ['.pad', 2, 2],
    ['local_ip4', 4],
    ['local_ip6', 16],
    ['local_port', 4],
    ['ingress_ifindex', 4],
  ],
  { read: ACCESS_NARROW | 4 },
  {
    sk: { read: 8, pointer: 'socket_or_null' },
    '.pad': { read: ACCESS_NARROW | 2 },
  },
);

export const nfCtx: CtxTable = ctxTable(
  'bpf_nf_ctx',
  [
    ['state', 8, 8],
    ['skb', 8, 8],
  ],
  { read: 8 },
  { state: { read: 8, pointer: 'nf_hook_state' }, skb: { read: 8, pointer: 'sk_buff' } },
);
