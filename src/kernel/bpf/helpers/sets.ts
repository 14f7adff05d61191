/**
 * Which helpers a program may call, and with which prototype: one row per set, a set falls back to its base. The kernel
 * asks a program type's get_func_proto(), which ends in bpf_base_func_proto(); the rows are those functions.
 */
import type { AttachType, ProgType } from '../../../uapi/bpf.ts';
import { compareReleases, type Release } from '../rows.ts';
import type { ProtoName } from './protos.ts';

/** What decides about a helper besides its number. */
export interface HelperQuery {
  readonly release: Release;
  readonly type: ProgType;
  readonly attachType: AttachType | null;
  /** Has the kernel a function of that name? Some helpers depend on how it was built. */
  readonly hasFunction: (name: string) => boolean;
  /** Function, iterator target or struct_ops type it attaches to; empty when it names nothing. */
  readonly attachName: string;
  /** struct_ops: name of the member; else empty. */
  readonly attachMember: string;
  /** The LSM hook it attaches to may sleep. */
  readonly sleepableHook: boolean;
  readonly capPerfmon: boolean;
}

/** `name` where the prototype has the helper's name, `name=prototype` where not. */
type Entry = string;

interface HelperSet {
  readonly base: readonly string[];
  readonly helpers: readonly Entry[];
  /** Decided by more than the set; null: refused. */
  readonly rules?: Readonly<Record<string, (query: HelperQuery) => ProtoName | null>>;
  /** The set exists from this release on. */
  readonly since?: Release;
  /** First release in which the set is part of another. */
  readonly until?: Release;
  /** Only with CAP_PERFMON. */
  readonly perfmon?: boolean;
}

function names(text: string): readonly Entry[] {
  return text.trim().split(/\s+/);
}

const CONNECT: ReadonlySet<string> = new Set(['cgroup_inet4_connect', 'cgroup_inet6_connect']);

/** Hooks whose verdict is not a return value of a system call. */
const NO_RETVAL: ReadonlySet<string> = new Set([
  'cgroup_inet_ingress',
  'cgroup_inet_egress',
  'cgroup_sock_ops',
  'cgroup_udp4_recvmsg',
  'cgroup_udp6_recvmsg',
  'cgroup_unix_recvmsg',
  'cgroup_inet4_getpeername',
  'cgroup_inet6_getpeername',
  'cgroup_unix_getpeername',
  'cgroup_inet4_getsockname',
  'cgroup_inet6_getsockname',
  'cgroup_unix_getsockname',
]);

/** LSM_CGROUP hooks that run with the socket locked, and those that run without. */
const LOCKED_SOCKOPT_HOOKS: ReadonlySet<string> = new Set([
  'bpf_lsm_sock_graft',
  'bpf_lsm_inet_csk_clone',
  'bpf_lsm_inet_conn_established',
]);
const UNLOCKED_SOCKOPT_HOOKS: ReadonlySet<string> = new Set([
  'bpf_lsm_socket_post_create',
  'bpf_lsm_socket_socketpair',
]);

/** Iterators that hold the lock of the socket they show. */
const SOCKET_ITERATORS: ReadonlySet<string> = new Set(['bpf_iter_tcp', 'bpf_iter_unix']);

const TRAMPOLINE: ReadonlySet<string> = new Set(['trace_fentry', 'trace_fexit', 'modify_return', 'lsm_mac']);

/** bpf_prog_has_trampoline(): arguments and return value of the traced function are at hand. */
function hasTrampoline(query: HelperQuery): boolean {
  return TRAMPOLINE.has(query.attachType ?? '');
}

function whenTrampoline(proto: ProtoName): (query: HelperQuery) => ProtoName | null {
  return (query) => (hasTrampoline(query) ? proto : null);
}

function whenIter(proto: ProtoName): (query: HelperQuery) => ProtoName | null {
  return (query) => (query.attachType === 'trace_iter' ? proto : null);
}

/** get_func_ip and get_attach_cookie have a variant per way to attach a kprobe. */
function byKprobe(multi: ProtoName, uprobe: ProtoName, other: ProtoName): (query: HelperQuery) => ProtoName {
  return (query) => {
    if (query.attachType === 'trace_kprobe_multi' || query.attachType === 'trace_kprobe_session') return multi;
    return query.attachType === 'trace_uprobe_multi' || query.attachType === 'trace_uprobe_session' ? uprobe : other;
  };
}

function lsmSockopt(locked: ProtoName, unlocked: ProtoName): (query: HelperQuery) => ProtoName | null {
  return (query) => {
    if (query.attachType !== 'lsm_cgroup') return null;
    if (LOCKED_SOCKOPT_HOOKS.has(query.attachName)) return locked;
    return UNLOCKED_SOCKOPT_HOOKS.has(query.attachName) ? unlocked : null;
  };
}

const SETS: Readonly<Record<string, HelperSet>> = {
  base: {
    base: ['base_6_16', 'base_perfmon', 'base_perfmon_6_16'],
    helpers: names(`
      map_lookup_elem map_update_elem map_delete_elem map_push_elem map_pop_elem map_peek_elem map_lookup_percpu_elem
      get_prandom_u32 get_smp_processor_id=get_raw_smp_processor_id get_numa_node_id tail_call ktime_get_ns
      ktime_get_boot_ns ktime_get_tai_ns ringbuf_output ringbuf_reserve ringbuf_submit ringbuf_discard ringbuf_query
      strncmp strtol strtoul get_current_pid_tgid get_ns_current_pid_tgid spin_lock spin_unlock jiffies64 per_cpu_ptr
      this_cpu_ptr timer_init timer_set_callback timer_start timer_cancel kptr_xchg for_each_map_elem loop
      user_ringbuf_drain ringbuf_reserve_dynptr ringbuf_submit_dynptr ringbuf_discard_dynptr dynptr_from_mem dynptr_read
      dynptr_write dynptr_data cgrp_storage_get cgrp_storage_delete get_current_cgroup_id
      get_current_ancestor_cgroup_id`),
  },
  base_6_16: {
    base: [],
    since: '6.16',
    helpers: names(`current_task_under_cgroup get_cgroup_classid=get_cgroup_classid_curr get_current_uid_gid
      task_storage_get task_storage_delete`),
  },
  base_perfmon: {
    base: [],
    perfmon: true,
    helpers: names(`trace_printk get_current_task get_current_task_btf probe_read_user probe_read_kernel
      probe_read_user_str probe_read_kernel_str snprintf_btf snprintf task_pt_regs trace_vprintk`),
  },
  base_perfmon_6_16: {
    base: [],
    since: '6.16',
    perfmon: true,
    helpers: names(`get_current_comm perf_event_read perf_event_read_value send_signal send_signal_thread get_task_stack
      copy_from_user copy_from_user_task get_branch_snapshot find_vma`),
  },
  cgroup_common: {
    base: [],
    helpers: names('get_local_storage'),
    rules: {
      get_retval: (query) => (NO_RETVAL.has(hook(query)) ? null : 'get_retval'),
      set_retval: (query) => (NO_RETVAL.has(hook(query)) ? null : 'set_retval'),
    },
  },
  cgroup_current: {
    base: [],
    until: '6.16',
    helpers: names(`get_current_uid_gid get_current_comm get_cgroup_classid=get_cgroup_classid_curr
      current_task_under_cgroup`),
  },
  cgroup_device: {
    base: ['cgroup_common', 'cgroup_current', 'base'],
    helpers: names('perf_event_output=event_output_data'),
  },
  cgroup_sysctl: {
    base: ['cgroup_common', 'cgroup_current', 'base'],
    helpers: names(`sysctl_get_name sysctl_get_current_value sysctl_get_new_value sysctl_set_new_value
      ktime_get_coarse_ns perf_event_output=event_output_data`),
  },
  cgroup_sockopt: {
    base: ['cgroup_common', 'cgroup_current', 'base'],
    helpers: names(`get_netns_cookie=get_netns_cookie_sockopt sk_storage_get sk_storage_delete tcp_sock
      perf_event_output=event_output_data`),
    rules: {
      setsockopt: (query) => (query.attachType === 'cgroup_setsockopt' ? 'sk_setsockopt' : null),
      getsockopt: (query) => (query.attachType === 'cgroup_setsockopt' ? 'sk_getsockopt' : null),
    },
  },
  cgroup_sock: {
    base: ['cgroup_common', 'cgroup_current', 'base'],
    helpers: names(`get_socket_cookie=get_socket_cookie_sock get_netns_cookie=get_netns_cookie_sock
      perf_event_output=event_output_data sk_storage_get=sk_storage_get_cg_sock ktime_get_coarse_ns`),
  },
  cgroup_sock_addr: {
    base: ['cgroup_common', 'cgroup_current', 'sk_base'],
    helpers: names(`get_socket_cookie=get_socket_cookie_sock_addr get_netns_cookie=get_netns_cookie_sock_addr
      perf_event_output=event_output_data sk_lookup_tcp=sock_addr_sk_lookup_tcp sk_lookup_udp=sock_addr_sk_lookup_udp
      sk_release skc_lookup_tcp=sock_addr_skc_lookup_tcp sk_storage_get sk_storage_delete
      setsockopt=sock_addr_setsockopt getsockopt=sock_addr_getsockopt`),
    rules: {
      bind: (query) => (CONNECT.has(hook(query)) ? 'bind' : null),
    },
  },
  sk_base: { base: ['sk_base_perfmon', 'base'], helpers: names('ktime_get_coarse_ns') },
  sk_base_perfmon: {
    base: [],
    perfmon: true,
    helpers: names(`skc_to_tcp6_sock skc_to_tcp_sock skc_to_tcp_timewait_sock skc_to_tcp_request_sock skc_to_udp6_sock
      skc_to_unix_sock skc_to_mptcp_sock`),
  },
  sk_filter: {
    base: ['netns_cookie_6_13', 'sk_base'],
    helpers: names(`skb_load_bytes skb_load_bytes_relative get_socket_cookie get_socket_uid
      perf_event_output=skb_event_output`),
  },
  netns_cookie_6_13: { base: [], since: '6.13', helpers: names('get_netns_cookie') },
  cgroup_skb: {
    base: ['cgroup_common', 'sk_filter'],
    helpers: names(`sk_fullsock sk_storage_get sk_storage_delete skb_cgroup_id skb_ancestor_cgroup_id sk_cgroup_id
      sk_ancestor_cgroup_id sk_lookup_tcp sk_lookup_udp sk_release skc_lookup_tcp tcp_sock get_listener_sock
      skb_ecn_set_ce`),
  },
  tc_cls_act: {
    base: ['netns_cookie_6_13', 'sk_base'],
    helpers:
      names(`skb_store_bytes skb_load_bytes skb_load_bytes_relative skb_pull_data csum_diff csum_update csum_level
      l3_csum_replace l4_csum_replace clone_redirect get_cgroup_classid skb_vlan_push skb_vlan_pop skb_change_proto
      skb_change_type skb_adjust_room skb_change_tail skb_change_head skb_get_tunnel_key skb_set_tunnel_key
      skb_get_tunnel_opt skb_set_tunnel_opt redirect redirect_neigh redirect_peer get_route_realm get_hash_recalc
      set_hash_invalid set_hash perf_event_output=skb_event_output get_smp_processor_id skb_under_cgroup
      get_socket_cookie get_socket_uid fib_lookup=skb_fib_lookup check_mtu=skb_check_mtu sk_fullsock sk_storage_get
      sk_storage_delete skb_get_xfrm_state skb_cgroup_classid skb_cgroup_id skb_ancestor_cgroup_id
      sk_lookup_tcp=tc_sk_lookup_tcp sk_lookup_udp=tc_sk_lookup_udp sk_release tcp_sock get_listener_sock
      skc_lookup_tcp=tc_skc_lookup_tcp tcp_check_syncookie skb_ecn_set_ce tcp_gen_syncookie sk_assign skb_set_tstamp
      tcp_raw_gen_syncookie_ipv4 tcp_raw_gen_syncookie_ipv6 tcp_raw_check_syncookie_ipv4 tcp_raw_check_syncookie_ipv6`),
  },
  xdp: {
    base: ['sk_base'],
    helpers: names(`perf_event_output=xdp_event_output get_smp_processor_id csum_diff xdp_adjust_head xdp_adjust_meta
      redirect=xdp_redirect redirect_map=xdp_redirect_map xdp_adjust_tail xdp_get_buff_len xdp_load_bytes xdp_store_bytes
      fib_lookup=xdp_fib_lookup check_mtu=xdp_check_mtu sk_lookup_udp=xdp_sk_lookup_udp sk_lookup_tcp=xdp_sk_lookup_tcp
      sk_release skc_lookup_tcp=xdp_skc_lookup_tcp tcp_check_syncookie tcp_gen_syncookie tcp_raw_gen_syncookie_ipv4
      tcp_raw_gen_syncookie_ipv6 tcp_raw_check_syncookie_ipv4 tcp_raw_check_syncookie_ipv6`),
  },
  sock_ops: {
    base: ['cgroup_common', 'sk_base'],
    helpers: names(`setsockopt=sock_ops_setsockopt getsockopt=sock_ops_getsockopt sock_ops_cb_flags_set sock_map_update
      sock_hash_update get_socket_cookie=get_socket_cookie_sock_ops perf_event_output=event_output_data sk_storage_get
      sk_storage_delete get_netns_cookie=get_netns_cookie_sock_ops load_hdr_opt=sock_ops_load_hdr_opt
      store_hdr_opt=sock_ops_store_hdr_opt reserve_hdr_opt=sock_ops_reserve_hdr_opt tcp_sock`),
  },
  sk_msg: {
    base: ['sk_base'],
    helpers: names(`msg_redirect_map msg_redirect_hash msg_apply_bytes msg_cork_bytes msg_pull_data msg_push_data
      msg_pop_data perf_event_output=event_output_data get_current_uid_gid sk_storage_get sk_storage_delete
      get_netns_cookie=get_netns_cookie_sk_msg get_cgroup_classid=get_cgroup_classid_curr`),
  },
  sk_skb: {
    base: ['sk_base'],
    helpers: names(`skb_store_bytes skb_load_bytes skb_pull_data=sk_skb_pull_data skb_change_tail=sk_skb_change_tail
      skb_change_head=sk_skb_change_head skb_adjust_room=sk_skb_adjust_room get_socket_cookie get_socket_uid
      sk_redirect_map sk_redirect_hash perf_event_output=skb_event_output sk_lookup_tcp sk_lookup_udp sk_release
      skc_lookup_tcp`),
  },
  flow_dissector: { base: ['sk_base'], helpers: names('skb_load_bytes=flow_dissector_load_bytes') },
  lwt_out: {
    base: ['sk_base'],
    helpers: names(`skb_load_bytes skb_pull_data csum_diff get_cgroup_classid get_route_realm get_hash_recalc
      perf_event_output=skb_event_output get_smp_processor_id skb_under_cgroup`),
  },
  lwt_in: { base: ['lwt_out'], helpers: names('lwt_push_encap=lwt_in_push_encap') },
  lwt_xmit: {
    base: ['lwt_out'],
    helpers: names(`skb_get_tunnel_key skb_set_tunnel_key skb_get_tunnel_opt skb_set_tunnel_opt redirect clone_redirect
      skb_change_tail skb_change_head skb_store_bytes csum_update csum_level l3_csum_replace l4_csum_replace
      set_hash_invalid lwt_push_encap=lwt_xmit_push_encap`),
  },
  lwt_seg6local: {
    base: ['lwt_out'],
    helpers: names('lwt_seg6_store_bytes lwt_seg6_action lwt_seg6_adjust_srh'),
  },
  sk_reuseport: {
    base: ['base'],
    helpers: names(`sk_select_reuseport skb_load_bytes=sk_reuseport_load_bytes
      skb_load_bytes_relative=sk_reuseport_load_bytes_relative get_socket_cookie=get_socket_ptr_cookie
      ktime_get_coarse_ns`),
  },
  sk_lookup: {
    base: ['sk_base'],
    helpers: names('perf_event_output=event_output_data sk_assign=sk_lookup_assign sk_release'),
  },
  lirc_mode2: { base: ['base'], helpers: names('rc_repeat rc_keydown rc_pointer_rel') },
  bpf_tracing: {
    base: ['bpf_tracing_6_12', 'base'],
    helpers: names(`probe_write_user probe_read=probe_read_compat probe_read_str=probe_read_compat_str
      get_smp_processor_id get_func_ip=get_func_ip_tracing`),
  },
  bpf_tracing_6_12: {
    base: [],
    until: '6.16',
    helpers: names(`get_current_uid_gid get_current_comm perf_event_read perf_event_read_value
      current_task_under_cgroup send_signal send_signal_thread get_task_stack copy_from_user copy_from_user_task
      task_storage_get task_storage_delete get_branch_snapshot find_vma`),
  },
  kprobe: {
    base: ['bpf_tracing'],
    helpers: names('perf_event_output get_stackid get_stack'),
    rules: {
      override_return: (query) => (query.hasFunction('bpf_override_return') ? 'override_return' : null),
      get_func_ip: byKprobe('get_func_ip_kprobe_multi', 'get_func_ip_uprobe_multi', 'get_func_ip_kprobe'),
      get_attach_cookie: byKprobe('get_attach_cookie_kmulti', 'get_attach_cookie_umulti', 'get_attach_cookie_trace'),
    },
  },
  tracepoint: {
    base: ['bpf_tracing'],
    helpers: names(`perf_event_output=perf_event_output_tp get_stackid=get_stackid_tp get_stack=get_stack_tp
      get_attach_cookie=get_attach_cookie_trace`),
  },
  perf_event: {
    base: ['bpf_tracing'],
    helpers: names(`perf_event_output=perf_event_output_tp get_stackid=get_stackid_pe get_stack=get_stack_pe
      perf_prog_read_value read_branch_records get_attach_cookie=get_attach_cookie_pe`),
  },
  raw_tp: {
    base: ['bpf_tracing'],
    helpers: names(`perf_event_output=perf_event_output_raw_tp get_stackid=get_stackid_raw_tp
      get_stack=get_stack_raw_tp get_attach_cookie=get_attach_cookie_tracing`),
  },
  tracing: {
    base: ['tracing_iter', 'raw_tp'],
    helpers: names(`skb_output xdp_output skc_to_tcp6_sock skc_to_tcp_sock skc_to_tcp_timewait_sock
      skc_to_tcp_request_sock skc_to_udp6_sock skc_to_unix_sock skc_to_mptcp_sock sk_storage_get=sk_storage_get_tracing
      sk_storage_delete=sk_storage_delete_tracing sock_from_file get_socket_cookie=get_socket_ptr_cookie
      xdp_get_buff_len=xdp_get_buff_len_trace d_path`),
    rules: {
      seq_printf: whenIter('seq_printf'),
      seq_write: whenIter('seq_write'),
      seq_printf_btf: whenIter('seq_printf_btf'),
      get_func_arg: whenTrampoline('get_func_arg'),
      get_func_ret: whenTrampoline('get_func_ret'),
      get_func_arg_cnt: whenTrampoline('get_func_arg_cnt'),
      get_attach_cookie: (query) =>
        (query.type === 'tracing' && query.attachType === 'trace_raw_tp') || hasTrampoline(query)
          ? 'get_attach_cookie_tracing'
          : null,
    },
  },
  tracing_iter: {
    base: [],
    helpers: [],
    rules: {
      setsockopt: (query) => (SOCKET_ITERATORS.has(query.attachName) ? 'sk_setsockopt' : null),
      getsockopt: (query) => (SOCKET_ITERATORS.has(query.attachName) ? 'sk_getsockopt' : null),
    },
  },
  lsm: {
    base: ['tracing'],
    helpers: names(`inode_storage_get inode_storage_delete sk_storage_get sk_storage_delete spin_lock spin_unlock
      bprm_opts_set ima_inode_hash ima_file_hash`),
    rules: {
      get_attach_cookie: whenTrampoline('get_attach_cookie'),
      setsockopt: lsmSockopt('sk_setsockopt', 'unlocked_sk_setsockopt'),
      getsockopt: lsmSockopt('sk_getsockopt', 'unlocked_sk_getsockopt'),
    },
  },
  lsm_cgroup: { base: ['cgroup_common', 'lsm'], helpers: [] },
  syscall: {
    base: ['syscall_perfmon', 'tracing'],
    helpers: names('btf_find_by_name_kind sys_close kallsyms_lookup_name'),
  },
  syscall_perfmon: { base: [], perfmon: true, helpers: names('sys_bpf') },
  tcp_congestion_ops: {
    base: ['base'],
    helpers: names('tcp_send_ack sk_storage_get sk_storage_delete ktime_get_coarse_ns'),
    rules: {
      setsockopt: (query) => (query.attachMember === 'release' ? null : 'sk_setsockopt'),
      getsockopt: (query) => (query.attachMember === 'release' ? null : 'sk_getsockopt'),
    },
  },
  sched_ext_ops: { base: ['base'], helpers: names('task_storage_get task_storage_delete') },
  Qdisc_ops: { base: ['base'], helpers: [], rules: { tail_call: () => null } },
  bpf_dummy_ops: { base: [], helpers: [] },
  none: { base: [], helpers: [] },
};

/** The set of each program type; struct_ops types are found by the name of their struct. */
const SET_OF_TYPE: Readonly<Record<ProgType, string>> = {
  unspec: 'none',
  socket_filter: 'sk_filter',
  kprobe: 'kprobe',
  sched_cls: 'tc_cls_act',
  sched_act: 'tc_cls_act',
  tracepoint: 'tracepoint',
  xdp: 'xdp',
  perf_event: 'perf_event',
  cgroup_skb: 'cgroup_skb',
  cgroup_sock: 'cgroup_sock',
  lwt_in: 'lwt_in',
  lwt_out: 'lwt_out',
  lwt_xmit: 'lwt_xmit',
  sock_ops: 'sock_ops',
  sk_skb: 'sk_skb',
  cgroup_device: 'cgroup_device',
  sk_msg: 'sk_msg',
  raw_tracepoint: 'raw_tp',
  cgroup_sock_addr: 'cgroup_sock_addr',
  lwt_seg6local: 'lwt_seg6local',
  lirc_mode2: 'lirc_mode2',
  sk_reuseport: 'sk_reuseport',
  flow_dissector: 'flow_dissector',
  cgroup_sysctl: 'cgroup_sysctl',
  raw_tracepoint_writable: 'raw_tp',
  cgroup_sockopt: 'cgroup_sockopt',
  tracing: 'tracing',
  struct_ops: 'base',
  ext: 'none',
  lsm: 'lsm',
  sk_lookup: 'sk_lookup',
  syscall: 'syscall',
  netfilter: 'base',
};

/** The attach type as the kernel's table sees it: 0 is cgroup_inet_ingress. */
function hook(query: HelperQuery): string {
  return query.attachType ?? 'cgroup_inet_ingress';
}

function setOf(query: HelperQuery): string {
  if (query.type === 'struct_ops' && query.attachName in SETS) return query.attachName;
  if (query.type === 'lsm' && query.attachType === 'lsm_cgroup') return 'lsm_cgroup';
  return SET_OF_TYPE[query.type];
}

/** Helper -> prototype of one set, its bases not looked at. */
const ownProtos = new Map<string, ReadonlyMap<string, ProtoName>>();
for (const [name, set] of Object.entries(SETS)) {
  const own = new Map<string, ProtoName>();
  for (const entry of set.helpers) {
    const [helper = '', proto = helper] = entry.split('=');
    own.set(helper, proto as ProtoName);
  }
  ownProtos.set(name, own);
}

/** `undefined`: this set says nothing, its base decides. */
function lookup(setName: string, helper: string, query: HelperQuery): ProtoName | null | undefined {
  const set = SETS[setName];
  if (!set) return undefined;
  if (set.since && compareReleases(query.release, set.since) < 0) return undefined;
  if (set.until && compareReleases(query.release, set.until) >= 0) return undefined;
  if (set.perfmon && !query.capPerfmon) return undefined;
  const rule = set.rules?.[helper];
  if (rule) {
    const proto = rule(query);
    if (proto !== null || setName !== 'cgroup_common') return proto ?? (setName === 'tracing_iter' ? undefined : null);
    return undefined;
  }
  const own = ownProtos.get(setName)?.get(helper);
  if (own) return own;
  for (const base of set.base) {
    const found = lookup(base, helper, query);
    if (found !== undefined) return found;
  }
  return undefined;
}

/** Prototype with which the program may call the helper (name without `bpf_`); null when it may not. */
export function protoName(helper: string, query: HelperQuery): ProtoName | null {
  return lookup(setOf(query), helper, query) ?? null;
}
