/**
 * Kfuncs that came after 6.18, of every set. That 7.2 has them, and their prototypes, is in its BTF; since when, and their flags, in the
 * kernel's history.
 */
import { KF_ACQUIRE, KF_RCU, KF_RCU_PROTECTED, KF_RELEASE, KF_RET_NULL, KF_SLEEPABLE, type KfuncRow } from '../rows.ts';
import {
  HOOK_ALL,
  HOOK_GENERIC,
  HOOK_LSM,
  HOOK_OPS_SYSCALL,
  HOOK_SCX_ANY,
  HOOK_STRUCT_OPS,
  HOOK_SYSCALL,
  kfunc,
} from './hooks.ts';

const HELPERS = 'kernel/bpf/helpers.c';
const EXT = 'kernel/sched/ext.c';
const MEMCG = 'mm/bpf_memcontrol.c';

/** What was `NAME_impl`: the verifier hides what it adds to the arguments. */
function renamed(row: KfuncRow): KfuncRow {
  return { ...row, like: `${row.name}_impl` };
}

export const RECENT_KFUNCS: readonly KfuncRow[] = [
  // Objects, lists and trees without hidden arguments
  renamed(kfunc('bpf_obj_new', 'void *(u64 local_type_id__k)', '7.1', KF_ACQUIRE | KF_RET_NULL, HOOK_GENERIC, HELPERS)),
  renamed(kfunc('bpf_obj_drop', 'void (void *p__alloc)', '7.1', KF_RELEASE, HOOK_GENERIC, HELPERS)),
  renamed(
    kfunc('bpf_percpu_obj_new', 'void *(u64 local_type_id__k)', '7.1', KF_ACQUIRE | KF_RET_NULL, HOOK_GENERIC, HELPERS),
  ),
  renamed(kfunc('bpf_percpu_obj_drop', 'void (void *p__alloc)', '7.1', KF_RELEASE, HOOK_GENERIC, HELPERS)),
  renamed(
    kfunc(
      'bpf_refcount_acquire',
      'void *(void *p__refcounted_kptr)',
      '7.1',
      KF_ACQUIRE | KF_RET_NULL | KF_RCU,
      HOOK_GENERIC,
      HELPERS,
    ),
  ),
  renamed(
    kfunc(
      'bpf_list_push_front',
      'int (struct bpf_list_head *head, struct bpf_list_node *node)',
      '7.1',
      0,
      HOOK_GENERIC,
      HELPERS,
    ),
  ),
  renamed(
    kfunc(
      'bpf_list_push_back',
      'int (struct bpf_list_head *head, struct bpf_list_node *node)',
      '7.1',
      0,
      HOOK_GENERIC,
      HELPERS,
    ),
  ),
  renamed(
    kfunc(
      'bpf_rbtree_add',
      'int (struct bpf_rb_root *root, struct bpf_rb_node *node, bool (*less)(struct bpf_rb_node *a, const struct bpf_rb_node *b))',
      '7.1',
      0,
      HOOK_GENERIC,
      HELPERS,
    ),
  ),
  kfunc(
    'bpf_list_add',
    'int (struct bpf_list_head *head, struct bpf_list_node *new, struct bpf_list_node *prev__nonown_allowed)',
    '7.2',
    0,
    HOOK_GENERIC,
    HELPERS,
  ),
  kfunc(
    'bpf_list_del',
    'struct bpf_list_node *(struct bpf_list_head *head, struct bpf_list_node *node__nonown_allowed)',
    '7.2',
    KF_ACQUIRE | KF_RET_NULL,
    HOOK_GENERIC,
    HELPERS,
  ),
  kfunc('bpf_list_empty', 'bool (struct bpf_list_head *head)', '7.2', 0, HOOK_GENERIC, HELPERS),
  kfunc(
    'bpf_list_is_first',
    'bool (struct bpf_list_head *head, struct bpf_list_node *node__nonown_allowed)',
    '7.2',
    0,
    HOOK_GENERIC,
    HELPERS,
  ),
  kfunc(
    'bpf_list_is_last',
    'bool (struct bpf_list_head *head, struct bpf_list_node *node__nonown_allowed)',
    '7.2',
    0,
    HOOK_GENERIC,
    HELPERS,
  ),
  // Common
  renamed(
    kfunc(
      'bpf_wq_set_callback',
      'int (struct bpf_wq *wq, int (*callback_fn)(void *map, int *key, void *value), unsigned int flags)',
      '7.0',
      0,
      HOOK_ALL,
      HELPERS,
    ),
  ),
  renamed(
    kfunc(
      'bpf_task_work_schedule_signal',
      'int (struct task_struct *task, struct bpf_task_work *tw, void *map__map, bpf_task_work_callback_t callback)',
      '7.0',
      0,
      HOOK_ALL,
      HELPERS,
    ),
  ),
  renamed(
    kfunc(
      'bpf_task_work_schedule_resume',
      'int (struct task_struct *task, struct bpf_task_work *tw, void *map__map, bpf_task_work_callback_t callback)',
      '7.0',
      0,
      HOOK_ALL,
      HELPERS,
    ),
  ),
  renamed(
    kfunc(
      'bpf_stream_vprintk',
      'int (int stream_id, const char *fmt__str, const void *args, u32 len__sz)',
      '7.0',
      0,
      HOOK_ALL,
      'kernel/bpf/stream.c',
    ),
  ),
  kfunc('bpf_stream_print_stack', 'int (int stream_id)', '7.1', 0, HOOK_ALL, 'kernel/bpf/stream.c'),
  kfunc('bpf_timer_cancel_async', 'int (struct bpf_timer *timer)', '7.0', 0, HOOK_ALL, HELPERS),
  kfunc('bpf_strcasestr', 'int (const char *s1__ign, const char *s2__ign)', '6.19', 0, HOOK_ALL, HELPERS),
  kfunc('bpf_strncasestr', 'int (const char *s1__ign, const char *s2__ign, size_t len)', '6.19', 0, HOOK_ALL, HELPERS),
  kfunc('bpf_strncasecmp', 'int (const char *s1__ign, const char *s2__ign, size_t len)', '7.0', 0, HOOK_ALL, HELPERS),
  kfunc(
    'bpf_dynptr_from_file',
    'int (struct file *file, u32 flags, struct bpf_dynptr *ptr__uninit)',
    '6.19',
    0,
    HOOK_ALL,
    HELPERS,
  ),
  kfunc('bpf_dynptr_file_discard', 'int (struct bpf_dynptr *dynptr)', '6.19', 0, HOOK_ALL, HELPERS),
  // Memory cgroups
  kfunc('bpf_get_root_mem_cgroup', 'struct mem_cgroup *(void)', '7.0', KF_ACQUIRE | KF_RET_NULL, HOOK_ALL, MEMCG),
  kfunc(
    'bpf_get_mem_cgroup',
    'struct mem_cgroup *(struct cgroup_subsys_state *css)',
    '7.0',
    KF_ACQUIRE | KF_RET_NULL | KF_RCU,
    HOOK_ALL,
    MEMCG,
  ),
  kfunc('bpf_put_mem_cgroup', 'void (struct mem_cgroup *memcg)', '7.0', KF_RELEASE, HOOK_ALL, MEMCG),
  kfunc(
    'bpf_mem_cgroup_vm_events',
    'unsigned long (struct mem_cgroup *memcg, enum vm_event_item event)',
    '7.0',
    0,
    HOOK_ALL,
    MEMCG,
  ),
  kfunc(
    'bpf_mem_cgroup_memory_events',
    'unsigned long (struct mem_cgroup *memcg, enum memcg_memory_event event)',
    '7.0',
    0,
    HOOK_ALL,
    MEMCG,
  ),
  kfunc('bpf_mem_cgroup_usage', 'unsigned long (struct mem_cgroup *memcg)', '7.0', 0, HOOK_ALL, MEMCG),
  kfunc('bpf_mem_cgroup_page_state', 'unsigned long (struct mem_cgroup *memcg, int idx)', '7.0', 0, HOOK_ALL, MEMCG),
  kfunc('bpf_mem_cgroup_flush_stats', 'void (struct mem_cgroup *memcg)', '7.0', KF_SLEEPABLE, HOOK_ALL, MEMCG),
  // sched_ext
  kfunc(
    '__scx_bpf_dsq_insert_vtime',
    'bool (struct task_struct *p, struct scx_bpf_dsq_insert_vtime_args *args)',
    '6.19',
    KF_RCU,
    HOOK_STRUCT_OPS,
    EXT,
  ),
  kfunc(
    '__scx_bpf_select_cpu_and',
    's32 (struct task_struct *p, const struct cpumask *cpus_allowed, struct scx_bpf_select_cpu_and_args *args)',
    '6.19',
    KF_RCU,
    HOOK_OPS_SYSCALL,
    'kernel/sched/ext_idle.c',
  ),
  kfunc(
    'scx_bpf_dsq_peek',
    'struct task_struct *(u64 dsq_id)',
    '6.19',
    KF_RCU_PROTECTED | KF_RET_NULL,
    HOOK_SCX_ANY,
    EXT,
  ),
  kfunc('scx_bpf_reenqueue_local___v2', 'void (void)', '6.19', 0, HOOK_SCX_ANY, EXT),
  kfunc('scx_bpf_dsq_move_to_local___v2', 'bool (u64 dsq_id, u64 enq_flags)', '7.1', 0, HOOK_STRUCT_OPS, EXT),
  kfunc('scx_bpf_dsq_reenq', 'void (u64 dsq_id, u64 reenq_flags)', '7.1', 0, HOOK_SCX_ANY, EXT),
  kfunc('scx_bpf_sub_dispatch', 'bool (u64 cgroup_id)', '7.1', 0, HOOK_STRUCT_OPS, EXT),
  kfunc(
    'scx_bpf_tid_to_task',
    'struct task_struct *(u64 tid)',
    '7.2',
    KF_RCU_PROTECTED | KF_RET_NULL,
    HOOK_SCX_ANY,
    EXT,
  ),
  kfunc('scx_bpf_cid_curr', 'struct task_struct *(s32 cid)', '7.2', KF_RCU_PROTECTED | KF_RET_NULL, HOOK_SCX_ANY, EXT),
  kfunc('scx_bpf_cid_override', 'void (const s32 *cpu_to_cid, u32 cpu_to_cid__sz)', '7.2', 0, HOOK_STRUCT_OPS, EXT),
  kfunc('scx_bpf_cid_to_cpu', 's32 (s32 cid)', '7.2', 0, HOOK_SCX_ANY, EXT),
  kfunc('scx_bpf_cpu_to_cid', 's32 (s32 cpu)', '7.2', 0, HOOK_SCX_ANY, EXT),
  kfunc('scx_bpf_cid_topo', 'void (s32 cid, struct scx_cid_topo *out, size_t out__sz)', '7.2', 0, HOOK_SCX_ANY, EXT),
  kfunc('scx_bpf_cidperf_cap', 'u32 (s32 cid)', '7.2', 0, HOOK_SCX_ANY, EXT),
  kfunc('scx_bpf_cidperf_cur', 'u32 (s32 cid)', '7.2', 0, HOOK_SCX_ANY, EXT),
  kfunc('scx_bpf_cidperf_set', 'void (s32 cid, u32 perf)', '7.2', 0, HOOK_SCX_ANY, EXT),
  kfunc('scx_bpf_nr_cids', 'u32 (void)', '7.2', 0, HOOK_SCX_ANY, EXT),
  kfunc('scx_bpf_nr_online_cids', 'u32 (void)', '7.2', 0, HOOK_SCX_ANY, EXT),
  kfunc('scx_bpf_task_cid', 's32 (const struct task_struct *p)', '7.2', KF_RCU, HOOK_SCX_ANY, EXT),
  kfunc('scx_bpf_this_cid', 's32 (void)', '7.2', 0, HOOK_SCX_ANY, EXT),
  // Others
  kfunc('bpf_real_data_inode', 'struct inode *(struct file *file)', '7.2', KF_RET_NULL, HOOK_LSM, 'fs/bpf_fs_kfuncs.c'),
  kfunc('bpf_wakeup_sources_get_head', 'void *(void)', '7.1', 0, HOOK_SYSCALL, 'drivers/base/power/wakeup.c'),
  kfunc(
    'bpf_wakeup_sources_read_lock',
    'struct bpf_ws_lock *(void)',
    '7.1',
    KF_ACQUIRE | KF_SLEEPABLE | KF_RET_NULL,
    HOOK_SYSCALL,
    'drivers/base/power/wakeup.c',
  ),
  kfunc(
    'bpf_wakeup_sources_read_unlock',
    'void (struct bpf_ws_lock *lock)',
    '7.1',
    KF_RELEASE | KF_SLEEPABLE,
    HOOK_SYSCALL,
    'drivers/base/power/wakeup.c',
  ),
  kfunc(
    'bpf_io_uring_get_region',
    '__u8 *(struct iou_ctx *loop_ctx, __u32 region_id, const size_t rdwr_buf_size)',
    '7.2',
    KF_RET_NULL,
    HOOK_STRUCT_OPS,
    'io_uring/bpf-ops.c',
  ),
  kfunc(
    'bpf_io_uring_submit_sqes',
    'int (struct iou_ctx *loop_ctx, u32 nr)',
    '7.2',
    KF_SLEEPABLE,
    HOOK_STRUCT_OPS,
    'io_uring/bpf-ops.c',
  ),
  kfunc('cubictcp_cwnd_event_tx_start', 'void (struct sock *sk)', '7.2', 0, HOOK_STRUCT_OPS, 'net/ipv4/tcp_cubic.c'),
];
