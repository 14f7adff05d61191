/** struct __sk_buff, as each program type that runs on packets may use it (net/core/filter.c). */
import {
  ACCESS_ANY,
  ACCESS_NARROW,
  ACCESS_NO_LDSX,
  ACCESS_NONE,
  type CtxTable,
  ctxTable,
  ctxVariant,
  type Layout,
  writableOnly,
} from './table.ts';

const LAYOUT: Layout = [
  ['len', 4],
  ['pkt_type', 4],
  ['mark', 4],
  ['queue_mapping', 4],
  ['protocol', 4],
  ['vlan_present', 4],
  ['vlan_tci', 4],
  ['vlan_proto', 4],
  ['priority', 4],
  ['ingress_ifindex', 4],
  ['ifindex', 4],
  ['tc_index', 4],
  ['cb', 20],
  ['hash', 4],
  ['tc_classid', 4],
  ['data', 4],
  ['data_end', 4],
  ['napi_id', 4],
  ['family', 4],
  ['remote_ip4', 4],
  ['local_ip4', 4],
  ['remote_ip6', 16],
  ['local_ip6', 16],
  ['remote_port', 4],
  ['local_port', 4],
  ['data_meta', 4],
  ['flow_keys', 8, 8],
  ['tstamp', 8, 8],
  ['wire_len', 4],
  ['gso_segs', 4],
  ['sk', 8, 8],
  ['gso_size', 4],
  ['tstamp_type', 1, 1],
  ['.pad', 3, 1],
  ['hwtstamp', 8, 8],
];

const NO = { read: ACCESS_NONE, write: ACCESS_NONE };
const WORD = { read: 4, write: 4 };
const PACKET = { read: 4 | ACCESS_NO_LDSX, write: 4 };

/** bpf_skb_is_valid_access: what the variants start from. */
const BASE = ctxTable(
  '__sk_buff',
  LAYOUT,
  { read: ACCESS_NARROW | 4, write: 4 },
  {
    cb: { read: ACCESS_ANY, write: ACCESS_ANY },
    data: PACKET,
    data_meta: PACKET,
    data_end: PACKET,
    remote_ip4: WORD,
    local_ip4: WORD,
    remote_ip6: WORD,
    local_ip6: WORD,
    flow_keys: NO,
    hwtstamp: { read: 8 },
    tstamp: { read: 8, write: 8 },
    sk: { read: 8, pointer: 'sock_common_or_null' },
    tstamp_type: NO,
  },
);

const FAMILY_TO_LOCAL_PORT = {
  family: NO,
  remote_ip4: NO,
  local_ip4: NO,
  remote_ip6: NO,
  local_ip6: NO,
  remote_port: NO,
  local_port: NO,
};

export const skFilterSkb: CtxTable = writableOnly(
  ctxVariant(BASE, {
    ...FAMILY_TO_LOCAL_PORT,
    tc_classid: NO,
    data: NO,
    data_meta: NO,
    data_end: NO,
    tstamp: NO,
    wire_len: NO,
    hwtstamp: NO,
  }),
  ['cb'],
);

const DATA = { data: { pointer: 'packet' }, data_end: { pointer: 'packet_end' } } as const;

export const cgroupSkb: CtxTable = writableOnly(
  ctxVariant(BASE, { ...DATA, tc_classid: NO, data_meta: NO, wire_len: NO }),
  ['mark', 'priority', 'cb', 'tstamp'],
);

export const lwtSkb: CtxTable = writableOnly(
  ctxVariant(BASE, {
    ...DATA,
    ...FAMILY_TO_LOCAL_PORT,
    tc_classid: NO,
    data_meta: NO,
    tstamp: NO,
    wire_len: NO,
    hwtstamp: NO,
  }),
  ['mark', 'priority', 'cb'],
);

export const tcSkb: CtxTable = writableOnly(
  ctxVariant(BASE, {
    ...DATA,
    ...FAMILY_TO_LOCAL_PORT,
    data_meta: { pointer: 'packet_meta' },
    tstamp_type: { read: 1 },
  }),
  ['mark', 'tc_index', 'priority', 'tc_classid', 'cb', 'tstamp', 'queue_mapping'],
);

export const skSkb: CtxTable = writableOnly(
  ctxVariant(BASE, { ...DATA, tc_classid: NO, data_meta: NO, tstamp: NO, wire_len: NO, hwtstamp: NO, mark: NO }),
  ['tc_index', 'priority'],
);

export const flowDissectorSkb: CtxTable = ctxTable('__sk_buff', LAYOUT, NO, {
  data: { read: 4 | ACCESS_NO_LDSX, pointer: 'packet' },
  data_end: { read: 4 | ACCESS_NO_LDSX, pointer: 'packet_end' },
  flow_keys: { read: 8, pointer: 'flow_keys' },
});
