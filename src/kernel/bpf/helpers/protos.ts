/**
 * What the verifier checks of each helper (struct bpf_func_proto): argument and return types, and who may call it. One
 * helper can have several, by program type; sets.ts says which. The comments name the kernel's source files.
 */
import {
  ARG_ANYTHING,
  ARG_CONST_ALLOC_SIZE_OR_ZERO,
  ARG_CONST_MAP_PTR,
  ARG_CONST_SIZE,
  ARG_CONST_SIZE_OR_ZERO,
  ARG_KPTR_XCHG_DEST,
  ARG_PTR_TO_BTF_ID,
  ARG_PTR_TO_BTF_ID_OR_NULL,
  ARG_PTR_TO_BTF_ID_SOCK_COMMON,
  ARG_PTR_TO_CONST_STR,
  ARG_PTR_TO_CTX,
  ARG_PTR_TO_CTX_OR_NULL,
  ARG_PTR_TO_DYNPTR,
  ARG_PTR_TO_FIXED_SIZE_MEM,
  ARG_PTR_TO_FUNC,
  ARG_PTR_TO_MAP_KEY,
  ARG_PTR_TO_MAP_VALUE,
  ARG_PTR_TO_MAP_VALUE_OR_NULL,
  ARG_PTR_TO_MEM,
  ARG_PTR_TO_MEM_OR_NULL,
  ARG_PTR_TO_PERCPU_BTF_ID,
  ARG_PTR_TO_RINGBUF_MEM,
  ARG_PTR_TO_SOCK_COMMON,
  ARG_PTR_TO_SOCKET_OR_NULL,
  ARG_PTR_TO_SPIN_LOCK,
  ARG_PTR_TO_STACK_OR_NULL,
  ARG_PTR_TO_TIMER,
  ARG_PTR_TO_UNINIT_MEM,
  DYNPTR_TYPE_LOCAL,
  DYNPTR_TYPE_RINGBUF,
  MEM_ALIGNED,
  MEM_RDONLY,
  MEM_UNINIT,
  MEM_WRITE,
  OBJ_RELEASE,
  PTR_MAYBE_NULL,
  RET_INTEGER,
  RET_PTR_TO_BTF_ID,
  RET_PTR_TO_BTF_ID_OR_NULL,
  RET_PTR_TO_BTF_ID_TRUSTED,
  RET_PTR_TO_DYNPTR_MEM_OR_NULL,
  RET_PTR_TO_MAP_VALUE,
  RET_PTR_TO_MAP_VALUE_OR_NULL,
  RET_PTR_TO_MEM_OR_BTF_ID,
  RET_PTR_TO_RINGBUF_MEM_OR_NULL,
  RET_PTR_TO_SOCK_COMMON_OR_NULL,
  RET_PTR_TO_SOCKET_OR_NULL,
  RET_PTR_TO_TCP_SOCK_OR_NULL,
  RET_VOID,
} from '../bpf.ts';
import type { HelperQuery } from './sets.ts';

export interface FuncProto {
  /** RET_ type with its flags. */
  readonly ret: number;
  /** ARG_ types with their flags; arguments after the last are not looked at. */
  readonly args: readonly number[];
  readonly gplOnly: boolean;
  /** Packet pointers may be passed as memory. */
  readonly pktAccess: boolean;
  readonly mightSleep: boolean;
  readonly allowFastcall: boolean;
  /** Argument number (1 to 5) -> kernel struct it must point to; `poison`: the check sets it by the other arguments. */
  readonly argBtfIds: Readonly<Record<number, string>>;
  /** Argument number -> size of an ARG_PTR_TO_FIXED_SIZE_MEM. */
  readonly argSizes: Readonly<Record<number, number>>;
  readonly retBtfId: string | null;
  /** "helper call is not allowed in probe" unless it says true; null: always allowed. */
  readonly allowed: ((query: HelperQuery) => boolean) | null;
}

function proto(ret: number, args: readonly number[], more: Partial<FuncProto> = {}): FuncProto {
  return {
    ret,
    args,
    gplOnly: false,
    pktAccess: false,
    mightSleep: false,
    allowFastcall: false,
    argBtfIds: {},
    argSizes: {},
    retBtfId: null,
    allowed: null,
    ...more,
  };
}

/** Functions outside LSM whose path argument bpf_d_path may read. */
const D_PATH_FUNCTIONS: ReadonlySet<string> = new Set([
  'security_file_permission',
  'security_inode_getattr',
  'security_file_open',
  'security_path_truncate',
  'vfs_truncate',
  'vfs_fallocate',
  'dentry_open',
  'vfs_getattr',
  'filp_close',
]);

function dPathAllowed(query: HelperQuery): boolean {
  if (query.type === 'tracing' && query.attachType === 'trace_iter') return true;
  if (query.type === 'lsm') return query.sleepableHook;
  return D_PATH_FUNCTIONS.has(query.attachName);
}

function sleepableHookAllowed(query: HelperQuery): boolean {
  return query.sleepableHook;
}

/** A program that traces the storage functions must not call them. */
function skStorageTracingAllowed(query: HelperQuery): boolean {
  if (query.attachType === 'trace_iter' || query.attachType === 'trace_raw_tp') return true;
  if (query.attachType !== 'trace_fentry' && query.attachType !== 'trace_fexit') return false;
  return !query.attachName.startsWith('bpf_sk_storage');
}

export const FUNC_PROTOS = {
  // drivers/media/rc/bpf-lirc.c
  rc_repeat: proto(RET_INTEGER, [ARG_PTR_TO_CTX], { gplOnly: true }),
  rc_keydown: proto(RET_INTEGER, [ARG_PTR_TO_CTX, ARG_ANYTHING, ARG_ANYTHING, ARG_ANYTHING], { gplOnly: true }),
  rc_pointer_rel: proto(RET_INTEGER, [ARG_PTR_TO_CTX, ARG_ANYTHING, ARG_ANYTHING], { gplOnly: true }),
  // kernel/bpf/bpf_cgrp_storage.c
  cgrp_storage_get: proto(
    RET_PTR_TO_MAP_VALUE_OR_NULL,
    [ARG_CONST_MAP_PTR, ARG_PTR_TO_BTF_ID_OR_NULL, ARG_PTR_TO_MAP_VALUE_OR_NULL, ARG_ANYTHING],
    { argBtfIds: { 2: 'cgroup' } },
  ),
  cgrp_storage_delete: proto(RET_INTEGER, [ARG_CONST_MAP_PTR, ARG_PTR_TO_BTF_ID_OR_NULL], {
    argBtfIds: { 2: 'cgroup' },
  }),
  // kernel/bpf/bpf_inode_storage.c
  inode_storage_get: proto(
    RET_PTR_TO_MAP_VALUE_OR_NULL,
    [ARG_CONST_MAP_PTR, ARG_PTR_TO_BTF_ID_OR_NULL, ARG_PTR_TO_MAP_VALUE_OR_NULL, ARG_ANYTHING],
    { argBtfIds: { 2: 'inode' } },
  ),
  inode_storage_delete: proto(RET_INTEGER, [ARG_CONST_MAP_PTR, ARG_PTR_TO_BTF_ID_OR_NULL], {
    argBtfIds: { 2: 'inode' },
  }),
  // kernel/bpf/bpf_iter.c
  for_each_map_elem: proto(RET_INTEGER, [ARG_CONST_MAP_PTR, ARG_PTR_TO_FUNC, ARG_PTR_TO_STACK_OR_NULL, ARG_ANYTHING]),
  loop: proto(RET_INTEGER, [ARG_ANYTHING, ARG_PTR_TO_FUNC, ARG_PTR_TO_STACK_OR_NULL, ARG_ANYTHING]),
  // kernel/bpf/bpf_lsm.c
  bprm_opts_set: proto(RET_INTEGER, [ARG_PTR_TO_BTF_ID, ARG_ANYTHING], { argBtfIds: { 1: 'linux_binprm' } }),
  ima_inode_hash: proto(RET_INTEGER, [ARG_PTR_TO_BTF_ID, ARG_PTR_TO_UNINIT_MEM, ARG_CONST_SIZE], {
    mightSleep: true,
    argBtfIds: { 1: 'inode' },
    allowed: sleepableHookAllowed,
  }),
  ima_file_hash: proto(RET_INTEGER, [ARG_PTR_TO_BTF_ID, ARG_PTR_TO_UNINIT_MEM, ARG_CONST_SIZE], {
    mightSleep: true,
    argBtfIds: { 1: 'file' },
    allowed: sleepableHookAllowed,
  }),
  get_attach_cookie: proto(RET_INTEGER, [ARG_PTR_TO_CTX]),
  // kernel/bpf/bpf_task_storage.c
  task_storage_get_recur: proto(
    RET_PTR_TO_MAP_VALUE_OR_NULL,
    [ARG_CONST_MAP_PTR, ARG_PTR_TO_BTF_ID_OR_NULL, ARG_PTR_TO_MAP_VALUE_OR_NULL, ARG_ANYTHING],
    { argBtfIds: { 2: 'task_struct' } },
  ),
  task_storage_get: proto(
    RET_PTR_TO_MAP_VALUE_OR_NULL,
    [ARG_CONST_MAP_PTR, ARG_PTR_TO_BTF_ID_OR_NULL, ARG_PTR_TO_MAP_VALUE_OR_NULL, ARG_ANYTHING],
    { argBtfIds: { 2: 'task_struct' } },
  ),
  task_storage_delete_recur: proto(RET_INTEGER, [ARG_CONST_MAP_PTR, ARG_PTR_TO_BTF_ID_OR_NULL], {
    argBtfIds: { 2: 'task_struct' },
  }),
  task_storage_delete: proto(RET_INTEGER, [ARG_CONST_MAP_PTR, ARG_PTR_TO_BTF_ID_OR_NULL], {
    argBtfIds: { 2: 'task_struct' },
  }),
  // kernel/bpf/btf.c
  btf_find_by_name_kind: proto(RET_INTEGER, [ARG_PTR_TO_MEM | MEM_RDONLY, ARG_CONST_SIZE, ARG_ANYTHING, ARG_ANYTHING], {
    mightSleep: true,
  }),
  // kernel/bpf/cgroup.c
  get_local_storage: proto(RET_PTR_TO_MAP_VALUE, [ARG_CONST_MAP_PTR, ARG_ANYTHING]),
  get_retval: proto(RET_INTEGER, []),
  set_retval: proto(RET_INTEGER, [ARG_ANYTHING]),
  sysctl_get_name: proto(RET_INTEGER, [ARG_PTR_TO_CTX, ARG_PTR_TO_MEM | MEM_WRITE, ARG_CONST_SIZE, ARG_ANYTHING]),
  sysctl_get_current_value: proto(RET_INTEGER, [ARG_PTR_TO_CTX, ARG_PTR_TO_UNINIT_MEM, ARG_CONST_SIZE]),
  sysctl_get_new_value: proto(RET_INTEGER, [ARG_PTR_TO_CTX, ARG_PTR_TO_UNINIT_MEM, ARG_CONST_SIZE]),
  sysctl_set_new_value: proto(RET_INTEGER, [ARG_PTR_TO_CTX, ARG_PTR_TO_MEM | MEM_RDONLY, ARG_CONST_SIZE]),
  get_netns_cookie_sockopt: proto(RET_INTEGER, [ARG_PTR_TO_CTX_OR_NULL]),
  // kernel/bpf/core.c
  tail_call: proto(RET_VOID, [ARG_PTR_TO_CTX, ARG_CONST_MAP_PTR, ARG_ANYTHING]),
  // kernel/bpf/helpers.c
  map_lookup_elem: proto(RET_PTR_TO_MAP_VALUE_OR_NULL, [ARG_CONST_MAP_PTR, ARG_PTR_TO_MAP_KEY], { pktAccess: true }),
  map_update_elem: proto(RET_INTEGER, [ARG_CONST_MAP_PTR, ARG_PTR_TO_MAP_KEY, ARG_PTR_TO_MAP_VALUE, ARG_ANYTHING], {
    pktAccess: true,
  }),
  map_delete_elem: proto(RET_INTEGER, [ARG_CONST_MAP_PTR, ARG_PTR_TO_MAP_KEY], { pktAccess: true }),
  map_push_elem: proto(RET_INTEGER, [ARG_CONST_MAP_PTR, ARG_PTR_TO_MAP_VALUE, ARG_ANYTHING], { pktAccess: true }),
  map_pop_elem: proto(RET_INTEGER, [ARG_CONST_MAP_PTR, ARG_PTR_TO_MAP_VALUE | MEM_UNINIT | MEM_WRITE]),
  map_peek_elem: proto(RET_INTEGER, [ARG_CONST_MAP_PTR, ARG_PTR_TO_MAP_VALUE | MEM_UNINIT | MEM_WRITE]),
  map_lookup_percpu_elem: proto(RET_PTR_TO_MAP_VALUE_OR_NULL, [ARG_CONST_MAP_PTR, ARG_PTR_TO_MAP_KEY, ARG_ANYTHING], {
    pktAccess: true,
  }),
  get_prandom_u32: proto(RET_INTEGER, []),
  get_smp_processor_id: proto(RET_INTEGER, [], { allowFastcall: true }),
  get_numa_node_id: proto(RET_INTEGER, []),
  ktime_get_ns: proto(RET_INTEGER, []),
  ktime_get_boot_ns: proto(RET_INTEGER, []),
  ktime_get_coarse_ns: proto(RET_INTEGER, []),
  ktime_get_tai_ns: proto(RET_INTEGER, []),
  get_current_pid_tgid: proto(RET_INTEGER, []),
  get_current_uid_gid: proto(RET_INTEGER, []),
  get_current_comm: proto(RET_INTEGER, [ARG_PTR_TO_UNINIT_MEM, ARG_CONST_SIZE]),
  spin_lock: proto(RET_VOID, [ARG_PTR_TO_SPIN_LOCK], { argBtfIds: { 1: 'poison' } }),
  spin_unlock: proto(RET_VOID, [ARG_PTR_TO_SPIN_LOCK], { argBtfIds: { 1: 'poison' } }),
  jiffies64: proto(RET_INTEGER, []),
  get_current_cgroup_id: proto(RET_INTEGER, []),
  get_current_ancestor_cgroup_id: proto(RET_INTEGER, [ARG_ANYTHING]),
  strtol: proto(
    RET_INTEGER,
    [
      ARG_PTR_TO_MEM | MEM_RDONLY,
      ARG_CONST_SIZE,
      ARG_ANYTHING,
      ARG_PTR_TO_FIXED_SIZE_MEM | MEM_UNINIT | MEM_WRITE | MEM_ALIGNED,
    ],
    { argSizes: { 4: 8 } },
  ),
  strtoul: proto(
    RET_INTEGER,
    [
      ARG_PTR_TO_MEM | MEM_RDONLY,
      ARG_CONST_SIZE,
      ARG_ANYTHING,
      ARG_PTR_TO_FIXED_SIZE_MEM | MEM_UNINIT | MEM_WRITE | MEM_ALIGNED,
    ],
    { argSizes: { 4: 8 } },
  ),
  strncmp: proto(RET_INTEGER, [ARG_PTR_TO_MEM | MEM_RDONLY, ARG_CONST_SIZE, ARG_PTR_TO_CONST_STR]),
  get_ns_current_pid_tgid: proto(RET_INTEGER, [ARG_ANYTHING, ARG_ANYTHING, ARG_PTR_TO_UNINIT_MEM, ARG_CONST_SIZE]),
  get_raw_smp_processor_id: proto(RET_INTEGER, []),
  event_output_data: proto(
    RET_INTEGER,
    [ARG_PTR_TO_CTX, ARG_CONST_MAP_PTR, ARG_ANYTHING, ARG_PTR_TO_MEM | MEM_RDONLY, ARG_CONST_SIZE_OR_ZERO],
    { gplOnly: true },
  ),
  copy_from_user: proto(RET_INTEGER, [ARG_PTR_TO_UNINIT_MEM, ARG_CONST_SIZE_OR_ZERO, ARG_ANYTHING], {
    mightSleep: true,
  }),
  copy_from_user_task: proto(
    RET_INTEGER,
    [ARG_PTR_TO_UNINIT_MEM, ARG_CONST_SIZE_OR_ZERO, ARG_ANYTHING, ARG_PTR_TO_BTF_ID, ARG_ANYTHING],
    { gplOnly: true, mightSleep: true, argBtfIds: { 4: 'task_struct' } },
  ),
  per_cpu_ptr: proto(RET_PTR_TO_MEM_OR_BTF_ID | PTR_MAYBE_NULL | MEM_RDONLY, [ARG_PTR_TO_PERCPU_BTF_ID, ARG_ANYTHING]),
  this_cpu_ptr: proto(RET_PTR_TO_MEM_OR_BTF_ID | MEM_RDONLY, [ARG_PTR_TO_PERCPU_BTF_ID]),
  snprintf: proto(
    RET_INTEGER,
    [
      ARG_PTR_TO_MEM_OR_NULL | MEM_WRITE,
      ARG_CONST_SIZE_OR_ZERO,
      ARG_PTR_TO_CONST_STR,
      ARG_PTR_TO_MEM | PTR_MAYBE_NULL | MEM_RDONLY,
      ARG_CONST_SIZE_OR_ZERO,
    ],
    { gplOnly: true },
  ),
  timer_init: proto(RET_INTEGER, [ARG_PTR_TO_TIMER, ARG_CONST_MAP_PTR, ARG_ANYTHING], { gplOnly: true }),
  timer_set_callback: proto(RET_INTEGER, [ARG_PTR_TO_TIMER, ARG_PTR_TO_FUNC], { gplOnly: true }),
  timer_start: proto(RET_INTEGER, [ARG_PTR_TO_TIMER, ARG_ANYTHING, ARG_ANYTHING], { gplOnly: true }),
  timer_cancel: proto(RET_INTEGER, [ARG_PTR_TO_TIMER], { gplOnly: true }),
  kptr_xchg: proto(RET_PTR_TO_BTF_ID_OR_NULL, [ARG_KPTR_XCHG_DEST, ARG_PTR_TO_BTF_ID_OR_NULL | OBJ_RELEASE], {
    argBtfIds: { 2: 'poison' },
    retBtfId: 'poison',
  }),
  dynptr_from_mem: proto(RET_INTEGER, [
    ARG_PTR_TO_UNINIT_MEM,
    ARG_CONST_SIZE_OR_ZERO,
    ARG_ANYTHING,
    ARG_PTR_TO_DYNPTR | DYNPTR_TYPE_LOCAL | MEM_UNINIT | MEM_WRITE,
  ]),
  dynptr_read: proto(RET_INTEGER, [
    ARG_PTR_TO_UNINIT_MEM,
    ARG_CONST_SIZE_OR_ZERO,
    ARG_PTR_TO_DYNPTR | MEM_RDONLY,
    ARG_ANYTHING,
    ARG_ANYTHING,
  ]),
  dynptr_write: proto(RET_INTEGER, [
    ARG_PTR_TO_DYNPTR | MEM_RDONLY,
    ARG_ANYTHING,
    ARG_PTR_TO_MEM | MEM_RDONLY,
    ARG_CONST_SIZE_OR_ZERO,
    ARG_ANYTHING,
  ]),
  dynptr_data: proto(RET_PTR_TO_DYNPTR_MEM_OR_NULL, [
    ARG_PTR_TO_DYNPTR | MEM_RDONLY,
    ARG_ANYTHING,
    ARG_CONST_ALLOC_SIZE_OR_ZERO,
  ]),
  current_task_under_cgroup: proto(RET_INTEGER, [ARG_CONST_MAP_PTR, ARG_ANYTHING]),
  // kernel/bpf/ringbuf.c
  ringbuf_reserve: proto(RET_PTR_TO_RINGBUF_MEM_OR_NULL, [
    ARG_CONST_MAP_PTR,
    ARG_CONST_ALLOC_SIZE_OR_ZERO,
    ARG_ANYTHING,
  ]),
  ringbuf_submit: proto(RET_VOID, [ARG_PTR_TO_RINGBUF_MEM | OBJ_RELEASE, ARG_ANYTHING]),
  ringbuf_discard: proto(RET_VOID, [ARG_PTR_TO_RINGBUF_MEM | OBJ_RELEASE, ARG_ANYTHING]),
  ringbuf_output: proto(RET_INTEGER, [
    ARG_CONST_MAP_PTR,
    ARG_PTR_TO_MEM | MEM_RDONLY,
    ARG_CONST_SIZE_OR_ZERO,
    ARG_ANYTHING,
  ]),
  ringbuf_query: proto(RET_INTEGER, [ARG_CONST_MAP_PTR, ARG_ANYTHING]),
  ringbuf_reserve_dynptr: proto(RET_INTEGER, [
    ARG_CONST_MAP_PTR,
    ARG_ANYTHING,
    ARG_ANYTHING,
    ARG_PTR_TO_DYNPTR | DYNPTR_TYPE_RINGBUF | MEM_UNINIT | MEM_WRITE,
  ]),
  ringbuf_submit_dynptr: proto(RET_VOID, [ARG_PTR_TO_DYNPTR | DYNPTR_TYPE_RINGBUF | OBJ_RELEASE, ARG_ANYTHING]),
  ringbuf_discard_dynptr: proto(RET_VOID, [ARG_PTR_TO_DYNPTR | DYNPTR_TYPE_RINGBUF | OBJ_RELEASE, ARG_ANYTHING]),
  user_ringbuf_drain: proto(RET_INTEGER, [ARG_CONST_MAP_PTR, ARG_PTR_TO_FUNC, ARG_PTR_TO_STACK_OR_NULL, ARG_ANYTHING]),
  // kernel/bpf/stackmap.c
  get_stackid: proto(RET_INTEGER, [ARG_PTR_TO_CTX, ARG_CONST_MAP_PTR, ARG_ANYTHING], { gplOnly: true }),
  get_stackid_pe: proto(RET_INTEGER, [ARG_PTR_TO_CTX, ARG_CONST_MAP_PTR, ARG_ANYTHING]),
  get_stack: proto(RET_INTEGER, [ARG_PTR_TO_CTX, ARG_PTR_TO_UNINIT_MEM, ARG_CONST_SIZE_OR_ZERO, ARG_ANYTHING], {
    gplOnly: true,
  }),
  get_stack_sleepable: proto(
    RET_INTEGER,
    [ARG_PTR_TO_CTX, ARG_PTR_TO_UNINIT_MEM, ARG_CONST_SIZE_OR_ZERO, ARG_ANYTHING],
    { gplOnly: true, mightSleep: true },
  ),
  get_task_stack: proto(RET_INTEGER, [ARG_PTR_TO_BTF_ID, ARG_PTR_TO_UNINIT_MEM, ARG_CONST_SIZE_OR_ZERO, ARG_ANYTHING], {
    argBtfIds: { 1: 'task_struct' },
  }),
  get_task_stack_sleepable: proto(
    RET_INTEGER,
    [ARG_PTR_TO_BTF_ID, ARG_PTR_TO_UNINIT_MEM, ARG_CONST_SIZE_OR_ZERO, ARG_ANYTHING],
    { mightSleep: true, argBtfIds: { 1: 'task_struct' } },
  ),
  get_stack_pe: proto(RET_INTEGER, [ARG_PTR_TO_CTX, ARG_PTR_TO_UNINIT_MEM, ARG_CONST_SIZE_OR_ZERO, ARG_ANYTHING], {
    gplOnly: true,
  }),
  // kernel/bpf/syscall.c
  sys_bpf: proto(RET_INTEGER, [ARG_ANYTHING, ARG_PTR_TO_MEM | MEM_RDONLY, ARG_CONST_SIZE], { mightSleep: true }),
  sys_close: proto(RET_INTEGER, [ARG_ANYTHING], { mightSleep: true }),
  kallsyms_lookup_name: proto(
    RET_INTEGER,
    [
      ARG_PTR_TO_MEM | MEM_RDONLY,
      ARG_CONST_SIZE_OR_ZERO,
      ARG_ANYTHING,
      ARG_PTR_TO_FIXED_SIZE_MEM | MEM_UNINIT | MEM_WRITE | MEM_ALIGNED,
    ],
    { argSizes: { 4: 8 } },
  ),
  // kernel/bpf/task_iter.c
  find_vma: proto(
    RET_INTEGER,
    [ARG_PTR_TO_BTF_ID, ARG_ANYTHING, ARG_PTR_TO_FUNC, ARG_PTR_TO_STACK_OR_NULL, ARG_ANYTHING],
    { argBtfIds: { 1: 'task_struct' } },
  ),
  // kernel/trace/bpf_trace.c
  override_return: proto(RET_INTEGER, [ARG_PTR_TO_CTX, ARG_ANYTHING], { gplOnly: true }),
  probe_read_user: proto(RET_INTEGER, [ARG_PTR_TO_UNINIT_MEM, ARG_CONST_SIZE_OR_ZERO, ARG_ANYTHING], { gplOnly: true }),
  probe_read_user_str: proto(RET_INTEGER, [ARG_PTR_TO_UNINIT_MEM, ARG_CONST_SIZE_OR_ZERO, ARG_ANYTHING], {
    gplOnly: true,
  }),
  probe_read_kernel: proto(RET_INTEGER, [ARG_PTR_TO_UNINIT_MEM, ARG_CONST_SIZE_OR_ZERO, ARG_ANYTHING], {
    gplOnly: true,
  }),
  probe_read_kernel_str: proto(RET_INTEGER, [ARG_PTR_TO_UNINIT_MEM, ARG_CONST_SIZE_OR_ZERO, ARG_ANYTHING], {
    gplOnly: true,
  }),
  probe_read_compat: proto(RET_INTEGER, [ARG_PTR_TO_UNINIT_MEM, ARG_CONST_SIZE_OR_ZERO, ARG_ANYTHING], {
    gplOnly: true,
  }),
  probe_read_compat_str: proto(RET_INTEGER, [ARG_PTR_TO_UNINIT_MEM, ARG_CONST_SIZE_OR_ZERO, ARG_ANYTHING], {
    gplOnly: true,
  }),
  probe_write_user: proto(RET_INTEGER, [ARG_ANYTHING, ARG_PTR_TO_MEM | MEM_RDONLY, ARG_CONST_SIZE], { gplOnly: true }),
  trace_printk: proto(RET_INTEGER, [ARG_PTR_TO_MEM | MEM_RDONLY, ARG_CONST_SIZE], { gplOnly: true }),
  trace_vprintk: proto(
    RET_INTEGER,
    [ARG_PTR_TO_MEM | MEM_RDONLY, ARG_CONST_SIZE, ARG_PTR_TO_MEM | PTR_MAYBE_NULL | MEM_RDONLY, ARG_CONST_SIZE_OR_ZERO],
    { gplOnly: true },
  ),
  seq_printf: proto(
    RET_INTEGER,
    [
      ARG_PTR_TO_BTF_ID,
      ARG_PTR_TO_MEM | MEM_RDONLY,
      ARG_CONST_SIZE,
      ARG_PTR_TO_MEM | PTR_MAYBE_NULL | MEM_RDONLY,
      ARG_CONST_SIZE_OR_ZERO,
    ],
    { gplOnly: true, argBtfIds: { 1: 'seq_file' } },
  ),
  seq_write: proto(RET_INTEGER, [ARG_PTR_TO_BTF_ID, ARG_PTR_TO_MEM | MEM_RDONLY, ARG_CONST_SIZE_OR_ZERO], {
    gplOnly: true,
    argBtfIds: { 1: 'seq_file' },
  }),
  seq_printf_btf: proto(
    RET_INTEGER,
    [ARG_PTR_TO_BTF_ID, ARG_PTR_TO_MEM | MEM_RDONLY, ARG_CONST_SIZE_OR_ZERO, ARG_ANYTHING],
    { gplOnly: true, argBtfIds: { 1: 'seq_file' } },
  ),
  perf_event_read: proto(RET_INTEGER, [ARG_CONST_MAP_PTR, ARG_ANYTHING], { gplOnly: true }),
  perf_event_read_value: proto(RET_INTEGER, [ARG_CONST_MAP_PTR, ARG_ANYTHING, ARG_PTR_TO_UNINIT_MEM, ARG_CONST_SIZE], {
    gplOnly: true,
  }),
  perf_event_output: proto(
    RET_INTEGER,
    [ARG_PTR_TO_CTX, ARG_CONST_MAP_PTR, ARG_ANYTHING, ARG_PTR_TO_MEM | MEM_RDONLY, ARG_CONST_SIZE_OR_ZERO],
    { gplOnly: true },
  ),
  get_current_task: proto(RET_INTEGER, [], { gplOnly: true }),
  get_current_task_btf: proto(RET_PTR_TO_BTF_ID_TRUSTED, [], { gplOnly: true, retBtfId: 'task_struct' }),
  task_pt_regs: proto(RET_PTR_TO_BTF_ID, [ARG_PTR_TO_BTF_ID], {
    gplOnly: true,
    argBtfIds: { 1: 'task_struct' },
    retBtfId: 'pt_regs',
  }),
  send_signal: proto(RET_INTEGER, [ARG_ANYTHING]),
  send_signal_thread: proto(RET_INTEGER, [ARG_ANYTHING]),
  d_path: proto(RET_INTEGER, [ARG_PTR_TO_BTF_ID, ARG_PTR_TO_MEM | MEM_WRITE, ARG_CONST_SIZE_OR_ZERO], {
    argBtfIds: { 1: 'path' },
    allowed: dPathAllowed,
  }),
  snprintf_btf: proto(RET_INTEGER, [
    ARG_PTR_TO_MEM | MEM_WRITE,
    ARG_CONST_SIZE,
    ARG_PTR_TO_MEM | MEM_RDONLY,
    ARG_CONST_SIZE,
    ARG_ANYTHING,
  ]),
  get_func_ip_tracing: proto(RET_INTEGER, [ARG_PTR_TO_CTX], { gplOnly: true }),
  get_func_ip_kprobe: proto(RET_INTEGER, [ARG_PTR_TO_CTX], { gplOnly: true }),
  get_func_ip_kprobe_multi: proto(RET_INTEGER, [ARG_PTR_TO_CTX]),
  get_attach_cookie_kmulti: proto(RET_INTEGER, [ARG_PTR_TO_CTX]),
  get_func_ip_uprobe_multi: proto(RET_INTEGER, [ARG_PTR_TO_CTX]),
  get_attach_cookie_umulti: proto(RET_INTEGER, [ARG_PTR_TO_CTX]),
  get_attach_cookie_trace: proto(RET_INTEGER, [ARG_PTR_TO_CTX]),
  get_attach_cookie_pe: proto(RET_INTEGER, [ARG_PTR_TO_CTX]),
  get_attach_cookie_tracing: proto(RET_INTEGER, [ARG_PTR_TO_CTX]),
  get_branch_snapshot: proto(RET_INTEGER, [ARG_PTR_TO_UNINIT_MEM, ARG_CONST_SIZE_OR_ZERO], { gplOnly: true }),
  get_func_arg: proto(
    RET_INTEGER,
    [ARG_PTR_TO_CTX, ARG_ANYTHING, ARG_PTR_TO_FIXED_SIZE_MEM | MEM_UNINIT | MEM_WRITE | MEM_ALIGNED],
    { argSizes: { 3: 8 } },
  ),
  get_func_ret: proto(RET_INTEGER, [ARG_PTR_TO_CTX, ARG_PTR_TO_FIXED_SIZE_MEM | MEM_UNINIT | MEM_WRITE | MEM_ALIGNED], {
    argSizes: { 2: 8 },
  }),
  get_func_arg_cnt: proto(RET_INTEGER, [ARG_PTR_TO_CTX]),
  perf_event_output_tp: proto(
    RET_INTEGER,
    [ARG_PTR_TO_CTX, ARG_CONST_MAP_PTR, ARG_ANYTHING, ARG_PTR_TO_MEM | MEM_RDONLY, ARG_CONST_SIZE_OR_ZERO],
    { gplOnly: true },
  ),
  get_stackid_tp: proto(RET_INTEGER, [ARG_PTR_TO_CTX, ARG_CONST_MAP_PTR, ARG_ANYTHING], { gplOnly: true }),
  get_stack_tp: proto(RET_INTEGER, [ARG_PTR_TO_CTX, ARG_PTR_TO_UNINIT_MEM, ARG_CONST_SIZE_OR_ZERO, ARG_ANYTHING], {
    gplOnly: true,
  }),
  perf_prog_read_value: proto(RET_INTEGER, [ARG_PTR_TO_CTX, ARG_PTR_TO_UNINIT_MEM, ARG_CONST_SIZE], { gplOnly: true }),
  read_branch_records: proto(
    RET_INTEGER,
    [ARG_PTR_TO_CTX, ARG_PTR_TO_MEM_OR_NULL | MEM_WRITE, ARG_CONST_SIZE_OR_ZERO, ARG_ANYTHING],
    { gplOnly: true },
  ),
  perf_event_output_raw_tp: proto(
    RET_INTEGER,
    [ARG_PTR_TO_CTX, ARG_CONST_MAP_PTR, ARG_ANYTHING, ARG_PTR_TO_MEM | MEM_RDONLY, ARG_CONST_SIZE_OR_ZERO],
    { gplOnly: true },
  ),
  get_stackid_raw_tp: proto(RET_INTEGER, [ARG_PTR_TO_CTX, ARG_CONST_MAP_PTR, ARG_ANYTHING], { gplOnly: true }),
  get_stack_raw_tp: proto(
    RET_INTEGER,
    [ARG_PTR_TO_CTX, ARG_PTR_TO_MEM | MEM_RDONLY, ARG_CONST_SIZE_OR_ZERO, ARG_ANYTHING],
    { gplOnly: true },
  ),
  // net/core/bpf_sk_storage.c
  sk_storage_get: proto(RET_PTR_TO_MAP_VALUE_OR_NULL, [
    ARG_CONST_MAP_PTR,
    ARG_PTR_TO_BTF_ID_SOCK_COMMON,
    ARG_PTR_TO_MAP_VALUE_OR_NULL,
    ARG_ANYTHING,
  ]),
  sk_storage_get_cg_sock: proto(RET_PTR_TO_MAP_VALUE_OR_NULL, [
    ARG_CONST_MAP_PTR,
    ARG_PTR_TO_CTX,
    ARG_PTR_TO_MAP_VALUE_OR_NULL,
    ARG_ANYTHING,
  ]),
  sk_storage_delete: proto(RET_INTEGER, [ARG_CONST_MAP_PTR, ARG_PTR_TO_BTF_ID_SOCK_COMMON]),
  sk_storage_get_tracing: proto(
    RET_PTR_TO_MAP_VALUE_OR_NULL,
    [ARG_CONST_MAP_PTR, ARG_PTR_TO_BTF_ID_OR_NULL, ARG_PTR_TO_MAP_VALUE_OR_NULL, ARG_ANYTHING],
    { argBtfIds: { 2: 'sock_common' }, allowed: skStorageTracingAllowed },
  ),
  sk_storage_delete_tracing: proto(RET_INTEGER, [ARG_CONST_MAP_PTR, ARG_PTR_TO_BTF_ID_OR_NULL], {
    argBtfIds: { 2: 'sock_common' },
    allowed: skStorageTracingAllowed,
  }),
  // net/core/filter.c
  get_netns_cookie: proto(RET_INTEGER, [ARG_PTR_TO_CTX_OR_NULL]),
  sk_skb_pull_data: proto(RET_INTEGER, [ARG_PTR_TO_CTX, ARG_ANYTHING]),
  sk_skb_change_tail: proto(RET_INTEGER, [ARG_PTR_TO_CTX, ARG_ANYTHING, ARG_ANYTHING]),
  sk_skb_change_head: proto(RET_INTEGER, [ARG_PTR_TO_CTX, ARG_ANYTHING, ARG_ANYTHING]),
  sk_skb_adjust_room: proto(RET_INTEGER, [ARG_PTR_TO_CTX, ARG_ANYTHING, ARG_ANYTHING, ARG_ANYTHING]),
  sk_select_reuseport: proto(RET_INTEGER, [ARG_PTR_TO_CTX, ARG_CONST_MAP_PTR, ARG_PTR_TO_MAP_KEY, ARG_ANYTHING]),
  sk_reuseport_load_bytes: proto(RET_INTEGER, [ARG_PTR_TO_CTX, ARG_ANYTHING, ARG_PTR_TO_UNINIT_MEM, ARG_CONST_SIZE]),
  sk_reuseport_load_bytes_relative: proto(RET_INTEGER, [
    ARG_PTR_TO_CTX,
    ARG_ANYTHING,
    ARG_PTR_TO_UNINIT_MEM,
    ARG_CONST_SIZE,
    ARG_ANYTHING,
  ]),
  skb_store_bytes: proto(RET_INTEGER, [
    ARG_PTR_TO_CTX,
    ARG_ANYTHING,
    ARG_PTR_TO_MEM | MEM_RDONLY,
    ARG_CONST_SIZE,
    ARG_ANYTHING,
  ]),
  skb_load_bytes: proto(RET_INTEGER, [ARG_PTR_TO_CTX, ARG_ANYTHING, ARG_PTR_TO_UNINIT_MEM, ARG_CONST_SIZE]),
  flow_dissector_load_bytes: proto(RET_INTEGER, [ARG_PTR_TO_CTX, ARG_ANYTHING, ARG_PTR_TO_UNINIT_MEM, ARG_CONST_SIZE]),
  skb_load_bytes_relative: proto(RET_INTEGER, [
    ARG_PTR_TO_CTX,
    ARG_ANYTHING,
    ARG_PTR_TO_UNINIT_MEM,
    ARG_CONST_SIZE,
    ARG_ANYTHING,
  ]),
  skb_pull_data: proto(RET_INTEGER, [ARG_PTR_TO_CTX, ARG_ANYTHING]),
  sk_fullsock: proto(RET_PTR_TO_SOCKET_OR_NULL, [ARG_PTR_TO_SOCK_COMMON]),
  l3_csum_replace: proto(RET_INTEGER, [ARG_PTR_TO_CTX, ARG_ANYTHING, ARG_ANYTHING, ARG_ANYTHING, ARG_ANYTHING]),
  l4_csum_replace: proto(RET_INTEGER, [ARG_PTR_TO_CTX, ARG_ANYTHING, ARG_ANYTHING, ARG_ANYTHING, ARG_ANYTHING]),
  csum_diff: proto(
    RET_INTEGER,
    [
      ARG_PTR_TO_MEM | PTR_MAYBE_NULL | MEM_RDONLY,
      ARG_CONST_SIZE_OR_ZERO,
      ARG_PTR_TO_MEM | PTR_MAYBE_NULL | MEM_RDONLY,
      ARG_CONST_SIZE_OR_ZERO,
      ARG_ANYTHING,
    ],
    { pktAccess: true },
  ),
  csum_update: proto(RET_INTEGER, [ARG_PTR_TO_CTX, ARG_ANYTHING]),
  csum_level: proto(RET_INTEGER, [ARG_PTR_TO_CTX, ARG_ANYTHING]),
  clone_redirect: proto(RET_INTEGER, [ARG_PTR_TO_CTX, ARG_ANYTHING, ARG_ANYTHING]),
  redirect: proto(RET_INTEGER, [ARG_ANYTHING, ARG_ANYTHING]),
  redirect_peer: proto(RET_INTEGER, [ARG_ANYTHING, ARG_ANYTHING]),
  redirect_neigh: proto(RET_INTEGER, [
    ARG_ANYTHING,
    ARG_PTR_TO_MEM | PTR_MAYBE_NULL | MEM_RDONLY,
    ARG_CONST_SIZE_OR_ZERO,
    ARG_ANYTHING,
  ]),
  msg_apply_bytes: proto(RET_INTEGER, [ARG_PTR_TO_CTX, ARG_ANYTHING]),
  msg_cork_bytes: proto(RET_INTEGER, [ARG_PTR_TO_CTX, ARG_ANYTHING]),
  msg_pull_data: proto(RET_INTEGER, [ARG_PTR_TO_CTX, ARG_ANYTHING, ARG_ANYTHING, ARG_ANYTHING]),
  msg_push_data: proto(RET_INTEGER, [ARG_PTR_TO_CTX, ARG_ANYTHING, ARG_ANYTHING, ARG_ANYTHING]),
  msg_pop_data: proto(RET_INTEGER, [ARG_PTR_TO_CTX, ARG_ANYTHING, ARG_ANYTHING, ARG_ANYTHING]),
  get_cgroup_classid_curr: proto(RET_INTEGER, []),
  skb_cgroup_classid: proto(RET_INTEGER, [ARG_PTR_TO_CTX]),
  get_cgroup_classid: proto(RET_INTEGER, [ARG_PTR_TO_CTX]),
  get_route_realm: proto(RET_INTEGER, [ARG_PTR_TO_CTX]),
  get_hash_recalc: proto(RET_INTEGER, [ARG_PTR_TO_CTX]),
  set_hash_invalid: proto(RET_INTEGER, [ARG_PTR_TO_CTX]),
  set_hash: proto(RET_INTEGER, [ARG_PTR_TO_CTX, ARG_ANYTHING]),
  skb_vlan_push: proto(RET_INTEGER, [ARG_PTR_TO_CTX, ARG_ANYTHING, ARG_ANYTHING]),
  skb_vlan_pop: proto(RET_INTEGER, [ARG_PTR_TO_CTX]),
  skb_change_proto: proto(RET_INTEGER, [ARG_PTR_TO_CTX, ARG_ANYTHING, ARG_ANYTHING]),
  skb_change_type: proto(RET_INTEGER, [ARG_PTR_TO_CTX, ARG_ANYTHING]),
  skb_adjust_room: proto(RET_INTEGER, [ARG_PTR_TO_CTX, ARG_ANYTHING, ARG_ANYTHING, ARG_ANYTHING]),
  skb_change_tail: proto(RET_INTEGER, [ARG_PTR_TO_CTX, ARG_ANYTHING, ARG_ANYTHING]),
  skb_change_head: proto(RET_INTEGER, [ARG_PTR_TO_CTX, ARG_ANYTHING, ARG_ANYTHING]),
  xdp_get_buff_len: proto(RET_INTEGER, [ARG_PTR_TO_CTX]),
  xdp_get_buff_len_trace: proto(RET_INTEGER, [ARG_PTR_TO_BTF_ID], { argBtfIds: { 1: 'xdp_buff' } }),
  xdp_adjust_head: proto(RET_INTEGER, [ARG_PTR_TO_CTX, ARG_ANYTHING]),
  xdp_load_bytes: proto(RET_INTEGER, [ARG_PTR_TO_CTX, ARG_ANYTHING, ARG_PTR_TO_UNINIT_MEM, ARG_CONST_SIZE]),
  xdp_store_bytes: proto(RET_INTEGER, [ARG_PTR_TO_CTX, ARG_ANYTHING, ARG_PTR_TO_MEM | MEM_RDONLY, ARG_CONST_SIZE]),
  xdp_adjust_tail: proto(RET_INTEGER, [ARG_PTR_TO_CTX, ARG_ANYTHING]),
  xdp_adjust_meta: proto(RET_INTEGER, [ARG_PTR_TO_CTX, ARG_ANYTHING]),
  xdp_redirect: proto(RET_INTEGER, [ARG_ANYTHING, ARG_ANYTHING]),
  xdp_redirect_map: proto(RET_INTEGER, [ARG_CONST_MAP_PTR, ARG_ANYTHING, ARG_ANYTHING]),
  skb_event_output: proto(
    RET_INTEGER,
    [ARG_PTR_TO_CTX, ARG_CONST_MAP_PTR, ARG_ANYTHING, ARG_PTR_TO_MEM | MEM_RDONLY, ARG_CONST_SIZE_OR_ZERO],
    { gplOnly: true },
  ),
  skb_output: proto(
    RET_INTEGER,
    [ARG_PTR_TO_BTF_ID, ARG_CONST_MAP_PTR, ARG_ANYTHING, ARG_PTR_TO_MEM | MEM_RDONLY, ARG_CONST_SIZE_OR_ZERO],
    { gplOnly: true, argBtfIds: { 1: 'sk_buff' } },
  ),
  skb_get_tunnel_key: proto(RET_INTEGER, [ARG_PTR_TO_CTX, ARG_PTR_TO_UNINIT_MEM, ARG_CONST_SIZE, ARG_ANYTHING]),
  skb_get_tunnel_opt: proto(RET_INTEGER, [ARG_PTR_TO_CTX, ARG_PTR_TO_UNINIT_MEM, ARG_CONST_SIZE]),
  skb_set_tunnel_key: proto(RET_INTEGER, [ARG_PTR_TO_CTX, ARG_PTR_TO_MEM | MEM_RDONLY, ARG_CONST_SIZE, ARG_ANYTHING]),
  skb_set_tunnel_opt: proto(RET_INTEGER, [ARG_PTR_TO_CTX, ARG_PTR_TO_MEM | MEM_RDONLY, ARG_CONST_SIZE]),
  skb_under_cgroup: proto(RET_INTEGER, [ARG_PTR_TO_CTX, ARG_CONST_MAP_PTR, ARG_ANYTHING]),
  skb_cgroup_id: proto(RET_INTEGER, [ARG_PTR_TO_CTX]),
  skb_ancestor_cgroup_id: proto(RET_INTEGER, [ARG_PTR_TO_CTX, ARG_ANYTHING]),
  sk_cgroup_id: proto(RET_INTEGER, [ARG_PTR_TO_BTF_ID_SOCK_COMMON]),
  sk_ancestor_cgroup_id: proto(RET_INTEGER, [ARG_PTR_TO_BTF_ID_SOCK_COMMON, ARG_ANYTHING]),
  xdp_event_output: proto(
    RET_INTEGER,
    [ARG_PTR_TO_CTX, ARG_CONST_MAP_PTR, ARG_ANYTHING, ARG_PTR_TO_MEM | MEM_RDONLY, ARG_CONST_SIZE_OR_ZERO],
    { gplOnly: true },
  ),
  xdp_output: proto(
    RET_INTEGER,
    [ARG_PTR_TO_BTF_ID, ARG_CONST_MAP_PTR, ARG_ANYTHING, ARG_PTR_TO_MEM | MEM_RDONLY, ARG_CONST_SIZE_OR_ZERO],
    { gplOnly: true, argBtfIds: { 1: 'xdp_buff' } },
  ),
  get_socket_cookie: proto(RET_INTEGER, [ARG_PTR_TO_CTX]),
  get_socket_cookie_sock_addr: proto(RET_INTEGER, [ARG_PTR_TO_CTX]),
  get_socket_cookie_sock: proto(RET_INTEGER, [ARG_PTR_TO_CTX]),
  get_socket_ptr_cookie: proto(RET_INTEGER, [ARG_PTR_TO_BTF_ID_SOCK_COMMON | PTR_MAYBE_NULL]),
  get_socket_cookie_sock_ops: proto(RET_INTEGER, [ARG_PTR_TO_CTX]),
  get_netns_cookie_sock: proto(RET_INTEGER, [ARG_PTR_TO_CTX_OR_NULL]),
  get_netns_cookie_sock_addr: proto(RET_INTEGER, [ARG_PTR_TO_CTX_OR_NULL]),
  get_netns_cookie_sock_ops: proto(RET_INTEGER, [ARG_PTR_TO_CTX_OR_NULL]),
  get_netns_cookie_sk_msg: proto(RET_INTEGER, [ARG_PTR_TO_CTX_OR_NULL]),
  get_socket_uid: proto(RET_INTEGER, [ARG_PTR_TO_CTX]),
  sk_setsockopt: proto(RET_INTEGER, [
    ARG_PTR_TO_BTF_ID_SOCK_COMMON,
    ARG_ANYTHING,
    ARG_ANYTHING,
    ARG_PTR_TO_MEM | MEM_RDONLY,
    ARG_CONST_SIZE,
  ]),
  sk_getsockopt: proto(RET_INTEGER, [
    ARG_PTR_TO_BTF_ID_SOCK_COMMON,
    ARG_ANYTHING,
    ARG_ANYTHING,
    ARG_PTR_TO_UNINIT_MEM,
    ARG_CONST_SIZE,
  ]),
  unlocked_sk_setsockopt: proto(RET_INTEGER, [
    ARG_PTR_TO_BTF_ID_SOCK_COMMON,
    ARG_ANYTHING,
    ARG_ANYTHING,
    ARG_PTR_TO_MEM | MEM_RDONLY,
    ARG_CONST_SIZE,
  ]),
  unlocked_sk_getsockopt: proto(RET_INTEGER, [
    ARG_PTR_TO_BTF_ID_SOCK_COMMON,
    ARG_ANYTHING,
    ARG_ANYTHING,
    ARG_PTR_TO_UNINIT_MEM,
    ARG_CONST_SIZE,
  ]),
  sock_addr_setsockopt: proto(RET_INTEGER, [
    ARG_PTR_TO_CTX,
    ARG_ANYTHING,
    ARG_ANYTHING,
    ARG_PTR_TO_MEM | MEM_RDONLY,
    ARG_CONST_SIZE,
  ]),
  sock_addr_getsockopt: proto(RET_INTEGER, [
    ARG_PTR_TO_CTX,
    ARG_ANYTHING,
    ARG_ANYTHING,
    ARG_PTR_TO_UNINIT_MEM,
    ARG_CONST_SIZE,
  ]),
  sock_ops_setsockopt: proto(RET_INTEGER, [
    ARG_PTR_TO_CTX,
    ARG_ANYTHING,
    ARG_ANYTHING,
    ARG_PTR_TO_MEM | MEM_RDONLY,
    ARG_CONST_SIZE,
  ]),
  sock_ops_getsockopt: proto(RET_INTEGER, [
    ARG_PTR_TO_CTX,
    ARG_ANYTHING,
    ARG_ANYTHING,
    ARG_PTR_TO_UNINIT_MEM,
    ARG_CONST_SIZE,
  ]),
  sock_ops_cb_flags_set: proto(RET_INTEGER, [ARG_PTR_TO_CTX, ARG_ANYTHING]),
  bind: proto(RET_INTEGER, [ARG_PTR_TO_CTX, ARG_PTR_TO_MEM | MEM_RDONLY, ARG_CONST_SIZE]),
  skb_get_xfrm_state: proto(RET_INTEGER, [
    ARG_PTR_TO_CTX,
    ARG_ANYTHING,
    ARG_PTR_TO_UNINIT_MEM,
    ARG_CONST_SIZE,
    ARG_ANYTHING,
  ]),
  xdp_fib_lookup: proto(RET_INTEGER, [ARG_PTR_TO_CTX, ARG_PTR_TO_MEM | MEM_WRITE, ARG_CONST_SIZE, ARG_ANYTHING], {
    gplOnly: true,
  }),
  skb_fib_lookup: proto(RET_INTEGER, [ARG_PTR_TO_CTX, ARG_PTR_TO_MEM | MEM_WRITE, ARG_CONST_SIZE, ARG_ANYTHING], {
    gplOnly: true,
  }),
  skb_check_mtu: proto(
    RET_INTEGER,
    [ARG_PTR_TO_CTX, ARG_ANYTHING, ARG_PTR_TO_FIXED_SIZE_MEM | MEM_WRITE | MEM_ALIGNED, ARG_ANYTHING, ARG_ANYTHING],
    { gplOnly: true, argSizes: { 3: 4 } },
  ),
  xdp_check_mtu: proto(
    RET_INTEGER,
    [ARG_PTR_TO_CTX, ARG_ANYTHING, ARG_PTR_TO_FIXED_SIZE_MEM | MEM_WRITE | MEM_ALIGNED, ARG_ANYTHING, ARG_ANYTHING],
    { gplOnly: true, argSizes: { 3: 4 } },
  ),
  lwt_in_push_encap: proto(RET_INTEGER, [ARG_PTR_TO_CTX, ARG_ANYTHING, ARG_PTR_TO_MEM | MEM_RDONLY, ARG_CONST_SIZE]),
  lwt_xmit_push_encap: proto(RET_INTEGER, [ARG_PTR_TO_CTX, ARG_ANYTHING, ARG_PTR_TO_MEM | MEM_RDONLY, ARG_CONST_SIZE]),
  lwt_seg6_store_bytes: proto(RET_INTEGER, [ARG_PTR_TO_CTX, ARG_ANYTHING, ARG_PTR_TO_MEM | MEM_RDONLY, ARG_CONST_SIZE]),
  lwt_seg6_action: proto(RET_INTEGER, [ARG_PTR_TO_CTX, ARG_ANYTHING, ARG_PTR_TO_MEM | MEM_RDONLY, ARG_CONST_SIZE]),
  lwt_seg6_adjust_srh: proto(RET_INTEGER, [ARG_PTR_TO_CTX, ARG_ANYTHING, ARG_ANYTHING]),
  skc_lookup_tcp: proto(
    RET_PTR_TO_SOCK_COMMON_OR_NULL,
    [ARG_PTR_TO_CTX, ARG_PTR_TO_MEM | MEM_RDONLY, ARG_CONST_SIZE_OR_ZERO, ARG_ANYTHING, ARG_ANYTHING],
    { pktAccess: true },
  ),
  sk_lookup_tcp: proto(
    RET_PTR_TO_SOCKET_OR_NULL,
    [ARG_PTR_TO_CTX, ARG_PTR_TO_MEM | MEM_RDONLY, ARG_CONST_SIZE_OR_ZERO, ARG_ANYTHING, ARG_ANYTHING],
    { pktAccess: true },
  ),
  sk_lookup_udp: proto(
    RET_PTR_TO_SOCKET_OR_NULL,
    [ARG_PTR_TO_CTX, ARG_PTR_TO_MEM | MEM_RDONLY, ARG_CONST_SIZE_OR_ZERO, ARG_ANYTHING, ARG_ANYTHING],
    { pktAccess: true },
  ),
  tc_skc_lookup_tcp: proto(
    RET_PTR_TO_SOCK_COMMON_OR_NULL,
    [ARG_PTR_TO_CTX, ARG_PTR_TO_MEM | MEM_RDONLY, ARG_CONST_SIZE_OR_ZERO, ARG_ANYTHING, ARG_ANYTHING],
    { pktAccess: true },
  ),
  tc_sk_lookup_tcp: proto(
    RET_PTR_TO_SOCKET_OR_NULL,
    [ARG_PTR_TO_CTX, ARG_PTR_TO_MEM | MEM_RDONLY, ARG_CONST_SIZE_OR_ZERO, ARG_ANYTHING, ARG_ANYTHING],
    { pktAccess: true },
  ),
  tc_sk_lookup_udp: proto(
    RET_PTR_TO_SOCKET_OR_NULL,
    [ARG_PTR_TO_CTX, ARG_PTR_TO_MEM | MEM_RDONLY, ARG_CONST_SIZE_OR_ZERO, ARG_ANYTHING, ARG_ANYTHING],
    { pktAccess: true },
  ),
  sk_release: proto(RET_INTEGER, [ARG_PTR_TO_BTF_ID_SOCK_COMMON | OBJ_RELEASE]),
  xdp_sk_lookup_udp: proto(
    RET_PTR_TO_SOCKET_OR_NULL,
    [ARG_PTR_TO_CTX, ARG_PTR_TO_MEM | MEM_RDONLY, ARG_CONST_SIZE_OR_ZERO, ARG_ANYTHING, ARG_ANYTHING],
    { pktAccess: true },
  ),
  xdp_skc_lookup_tcp: proto(
    RET_PTR_TO_SOCK_COMMON_OR_NULL,
    [ARG_PTR_TO_CTX, ARG_PTR_TO_MEM | MEM_RDONLY, ARG_CONST_SIZE_OR_ZERO, ARG_ANYTHING, ARG_ANYTHING],
    { pktAccess: true },
  ),
  xdp_sk_lookup_tcp: proto(
    RET_PTR_TO_SOCKET_OR_NULL,
    [ARG_PTR_TO_CTX, ARG_PTR_TO_MEM | MEM_RDONLY, ARG_CONST_SIZE_OR_ZERO, ARG_ANYTHING, ARG_ANYTHING],
    { pktAccess: true },
  ),
  sock_addr_skc_lookup_tcp: proto(RET_PTR_TO_SOCK_COMMON_OR_NULL, [
    ARG_PTR_TO_CTX,
    ARG_PTR_TO_MEM | MEM_RDONLY,
    ARG_CONST_SIZE_OR_ZERO,
    ARG_ANYTHING,
    ARG_ANYTHING,
  ]),
  sock_addr_sk_lookup_tcp: proto(RET_PTR_TO_SOCKET_OR_NULL, [
    ARG_PTR_TO_CTX,
    ARG_PTR_TO_MEM | MEM_RDONLY,
    ARG_CONST_SIZE_OR_ZERO,
    ARG_ANYTHING,
    ARG_ANYTHING,
  ]),
  sock_addr_sk_lookup_udp: proto(RET_PTR_TO_SOCKET_OR_NULL, [
    ARG_PTR_TO_CTX,
    ARG_PTR_TO_MEM | MEM_RDONLY,
    ARG_CONST_SIZE_OR_ZERO,
    ARG_ANYTHING,
    ARG_ANYTHING,
  ]),
  tcp_sock: proto(RET_PTR_TO_TCP_SOCK_OR_NULL, [ARG_PTR_TO_SOCK_COMMON]),
  get_listener_sock: proto(RET_PTR_TO_SOCKET_OR_NULL, [ARG_PTR_TO_SOCK_COMMON]),
  skb_ecn_set_ce: proto(RET_INTEGER, [ARG_PTR_TO_CTX]),
  tcp_check_syncookie: proto(
    RET_INTEGER,
    [
      ARG_PTR_TO_BTF_ID_SOCK_COMMON,
      ARG_PTR_TO_MEM | MEM_RDONLY,
      ARG_CONST_SIZE,
      ARG_PTR_TO_MEM | MEM_RDONLY,
      ARG_CONST_SIZE,
    ],
    { gplOnly: true, pktAccess: true },
  ),
  tcp_gen_syncookie: proto(
    RET_INTEGER,
    [
      ARG_PTR_TO_BTF_ID_SOCK_COMMON,
      ARG_PTR_TO_MEM | MEM_RDONLY,
      ARG_CONST_SIZE,
      ARG_PTR_TO_MEM | MEM_RDONLY,
      ARG_CONST_SIZE,
    ],
    { gplOnly: true, pktAccess: true },
  ),
  sk_assign: proto(RET_INTEGER, [ARG_PTR_TO_CTX, ARG_PTR_TO_BTF_ID_SOCK_COMMON, ARG_ANYTHING]),
  sock_ops_load_hdr_opt: proto(RET_INTEGER, [ARG_PTR_TO_CTX, ARG_PTR_TO_MEM | MEM_WRITE, ARG_CONST_SIZE, ARG_ANYTHING]),
  sock_ops_store_hdr_opt: proto(RET_INTEGER, [
    ARG_PTR_TO_CTX,
    ARG_PTR_TO_MEM | MEM_RDONLY,
    ARG_CONST_SIZE,
    ARG_ANYTHING,
  ]),
  sock_ops_reserve_hdr_opt: proto(RET_INTEGER, [ARG_PTR_TO_CTX, ARG_ANYTHING, ARG_ANYTHING]),
  skb_set_tstamp: proto(RET_INTEGER, [ARG_PTR_TO_CTX, ARG_ANYTHING, ARG_ANYTHING]),
  tcp_raw_gen_syncookie_ipv4: proto(
    RET_INTEGER,
    [ARG_PTR_TO_FIXED_SIZE_MEM | MEM_RDONLY, ARG_PTR_TO_MEM, ARG_CONST_SIZE_OR_ZERO],
    {
      gplOnly: true,
      pktAccess: true,
      argSizes: { 1: 20 },
    },
  ),
  tcp_raw_gen_syncookie_ipv6: proto(
    RET_INTEGER,
    [ARG_PTR_TO_FIXED_SIZE_MEM | MEM_RDONLY, ARG_PTR_TO_MEM, ARG_CONST_SIZE_OR_ZERO],
    {
      gplOnly: true,
      pktAccess: true,
      argSizes: { 1: 40 },
    },
  ),
  tcp_raw_check_syncookie_ipv4: proto(
    RET_INTEGER,
    [ARG_PTR_TO_FIXED_SIZE_MEM | MEM_RDONLY, ARG_PTR_TO_FIXED_SIZE_MEM | MEM_RDONLY],
    {
      gplOnly: true,
      pktAccess: true,
      argSizes: { 1: 20, 2: 20 },
    },
  ),
  tcp_raw_check_syncookie_ipv6: proto(
    RET_INTEGER,
    [ARG_PTR_TO_FIXED_SIZE_MEM | MEM_RDONLY, ARG_PTR_TO_FIXED_SIZE_MEM | MEM_RDONLY],
    {
      gplOnly: true,
      pktAccess: true,
      argSizes: { 1: 40, 2: 20 },
    },
  ),
  sk_lookup_assign: proto(RET_INTEGER, [ARG_PTR_TO_CTX, ARG_PTR_TO_SOCKET_OR_NULL, ARG_ANYTHING]),
  skc_to_tcp6_sock: proto(RET_PTR_TO_BTF_ID_OR_NULL, [ARG_PTR_TO_BTF_ID_SOCK_COMMON], { retBtfId: 'tcp6_sock' }),
  skc_to_tcp_sock: proto(RET_PTR_TO_BTF_ID_OR_NULL, [ARG_PTR_TO_BTF_ID_SOCK_COMMON], { retBtfId: 'tcp_sock' }),
  skc_to_tcp_timewait_sock: proto(RET_PTR_TO_BTF_ID_OR_NULL, [ARG_PTR_TO_BTF_ID_SOCK_COMMON], {
    retBtfId: 'tcp_timewait_sock',
  }),
  skc_to_tcp_request_sock: proto(RET_PTR_TO_BTF_ID_OR_NULL, [ARG_PTR_TO_BTF_ID_SOCK_COMMON], {
    retBtfId: 'tcp_request_sock',
  }),
  skc_to_udp6_sock: proto(RET_PTR_TO_BTF_ID_OR_NULL, [ARG_PTR_TO_BTF_ID_SOCK_COMMON], { retBtfId: 'udp6_sock' }),
  skc_to_unix_sock: proto(RET_PTR_TO_BTF_ID_OR_NULL, [ARG_PTR_TO_BTF_ID_SOCK_COMMON], { retBtfId: 'unix_sock' }),
  skc_to_mptcp_sock: proto(RET_PTR_TO_BTF_ID_OR_NULL, [ARG_PTR_TO_SOCK_COMMON], { retBtfId: 'mptcp_sock' }),
  sock_from_file: proto(RET_PTR_TO_BTF_ID_OR_NULL, [ARG_PTR_TO_BTF_ID], {
    argBtfIds: { 1: 'file' },
    retBtfId: 'socket',
  }),
  // net/core/sock_map.c
  sock_map_update: proto(RET_INTEGER, [ARG_PTR_TO_CTX, ARG_CONST_MAP_PTR, ARG_PTR_TO_MAP_KEY, ARG_ANYTHING], {
    pktAccess: true,
  }),
  sk_redirect_map: proto(RET_INTEGER, [ARG_PTR_TO_CTX, ARG_CONST_MAP_PTR, ARG_ANYTHING, ARG_ANYTHING]),
  msg_redirect_map: proto(RET_INTEGER, [ARG_PTR_TO_CTX, ARG_CONST_MAP_PTR, ARG_ANYTHING, ARG_ANYTHING]),
  sock_hash_update: proto(RET_INTEGER, [ARG_PTR_TO_CTX, ARG_CONST_MAP_PTR, ARG_PTR_TO_MAP_KEY, ARG_ANYTHING], {
    pktAccess: true,
  }),
  sk_redirect_hash: proto(RET_INTEGER, [ARG_PTR_TO_CTX, ARG_CONST_MAP_PTR, ARG_PTR_TO_MAP_KEY, ARG_ANYTHING]),
  msg_redirect_hash: proto(RET_INTEGER, [ARG_PTR_TO_CTX, ARG_CONST_MAP_PTR, ARG_PTR_TO_MAP_KEY, ARG_ANYTHING]),
  // net/ipv4/bpf_tcp_ca.c
  tcp_send_ack: proto(RET_INTEGER, [ARG_PTR_TO_BTF_ID, ARG_ANYTHING], { argBtfIds: { 1: 'tcp_sock' } }),
} satisfies Record<string, FuncProto>;

export type ProtoName = keyof typeof FUNC_PROTOS;
