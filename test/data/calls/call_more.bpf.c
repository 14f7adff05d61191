#include "calls.h"
#define P(sec,name) SEC(sec) int name(void *ctx)
struct tw { struct bpf_task_work w; long x; };
struct { __uint(type, BPF_MAP_TYPE_HASH); __type(key, int); __type(value, struct tw); __uint(max_entries, 4); } twm SEC(".maps");
struct { __uint(type, BPF_MAP_TYPE_HASH); __type(key, int); __type(value, struct tw); __uint(max_entries, 4); } twm2 SEC(".maps");
struct inner { __uint(type, BPF_MAP_TYPE_ARRAY); __type(key, int); __type(value, long); __uint(max_entries, 1); } in1 SEC(".maps");
struct { __uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS); __uint(max_entries, 2); __type(key, int); __array(values, struct inner); } oom SEC(".maps") = { .values = { &in1 } };
struct { __uint(type, BPF_MAP_TYPE_PROG_ARRAY); __uint(max_entries, 2); __uint(key_size, 4); __uint(value_size, 4); } jmp SEC(".maps");
struct { __uint(type, BPF_MAP_TYPE_QUEUE); __uint(max_entries, 2); __type(value, long); } q SEC(".maps");
struct { __uint(type, BPF_MAP_TYPE_PERCPU_ARRAY); __type(key, int); __type(value, long); __uint(max_entries, 4); } pca SEC(".maps");
struct { __uint(type, BPF_MAP_TYPE_LRU_HASH); __type(key, int); __type(value, long); __uint(max_entries, 4); } lru SEC(".maps");
struct { __uint(type, BPF_MAP_TYPE_BLOOM_FILTER); __type(value, long); __uint(max_entries, 4); } bloom SEC(".maps");
struct { __uint(type, BPF_MAP_TYPE_STACK_TRACE); __uint(max_entries, 4); __uint(key_size, 4); __uint(value_size, 64); } stk SEC(".maps");
struct { __uint(type, BPF_MAP_TYPE_SOCKMAP); __uint(max_entries, 4); __uint(key_size, 4); __uint(value_size, 4); } sm SEC(".maps");
struct { __uint(type, BPF_MAP_TYPE_XSKMAP); __uint(max_entries, 4); __uint(key_size, 4); __uint(value_size, 4); } xsk SEC(".maps");
struct { __uint(type, BPF_MAP_TYPE_DEVMAP); __uint(max_entries, 4); __uint(key_size, 4); __uint(value_size, 4); } dev SEC(".maps");
struct { __uint(type, BPF_MAP_TYPE_CGRP_STORAGE); __uint(map_flags, BPF_F_NO_PREALLOC); __type(key, int); __type(value, long); } cgs SEC(".maps");
struct { __uint(type, BPF_MAP_TYPE_SK_STORAGE); __uint(map_flags, BPF_F_NO_PREALLOC); __type(key, int); __type(value, long); } sks SEC(".maps");
struct { __uint(type, BPF_MAP_TYPE_CGROUP_ARRAY); __uint(max_entries, 4); __uint(key_size, 4); __uint(value_size, 4); } cga SEC(".maps");
static int twcb(struct bpf_map *m, void *k, void *v) { return 7; }
P("syscall", tw_ok) { int k = 0; struct tw *v = bpf_map_lookup_elem(&twm, &k); if (!v) return 0; return bpf_task_work_schedule_signal_impl(bpf_get_current_task_btf(), &v->w, &twm, twcb, 0) != 0; }
P("syscall", tw_map) { int k = 0; struct tw *v = bpf_map_lookup_elem(&twm, &k); if (!v) return 0; return bpf_task_work_schedule_signal_impl(bpf_get_current_task_btf(), &v->w, &twm2, twcb, 0); }
P("syscall", tw_off) { int k = 0; struct tw *v = bpf_map_lookup_elem(&twm, &k); if (!v) return 0; return bpf_task_work_schedule_signal_impl(bpf_get_current_task_btf(), (void *)&v->x, &twm, twcb, 0); }
P("syscall", tw_stack) { struct bpf_task_work w; return bpf_task_work_schedule_signal_impl(bpf_get_current_task_btf(), &w, &twm, twcb, 0); }
P("syscall", oom_ok) { int k = 0; void *i = bpf_map_lookup_elem(&oom, &k); long *v; if (!i) return 0; v = bpf_map_lookup_elem(i, &k); if (!v) return 0; return *v; }
P("syscall", oom_nonull) { int k = 0; void *i = bpf_map_lookup_elem(&oom, &k); long *v = bpf_map_lookup_elem(i, &k); return v != 0; }
P("syscall", oom_upd) { int k = 0; long v = 0; return bpf_map_update_elem(&oom, &k, &v, 0); }
P("tc", tail) { bpf_tail_call(ctx, &jmp, 0); return 0; }
P("tc", tail_ref) { struct task_struct *t = bpf_task_from_pid(1); bpf_tail_call(ctx, &jmp, 0); if (t) bpf_task_release(t); return 0; }
P("tc", tail_rcu) { bpf_rcu_read_lock(); bpf_tail_call(ctx, &jmp, 0); bpf_rcu_read_unlock(); return 0; }
P("tc", tail_pre) { bpf_preempt_disable(); bpf_tail_call(ctx, &jmp, 0); bpf_preempt_enable(); return 0; }
P("tc", tail_irq) { unsigned long f; bpf_local_irq_save(&f); bpf_tail_call(ctx, &jmp, 0); bpf_local_irq_restore(&f); return 0; }
P("tc", jmp_lookup) { int k = 0; return bpf_map_lookup_elem(&jmp, &k) != 0; }
P("tc", q_push) { long v = 1; bpf_map_push_elem(&q, &v, 0); bpf_map_pop_elem(&q, &v); return bpf_map_peek_elem(&q, &v); }
P("tc", q_lookup) { int k = 0; return bpf_map_lookup_elem(&q, &k) != 0; }
P("tc", q_pop_uninit) { long v; bpf_map_pop_elem(&q, &v); return v; }
P("tc", pca_ok) { int k = 1; long *v = bpf_map_lookup_percpu_elem(&pca, &k, 0); if (v) return *v; return 0; }
P("tc", pca_elide) { int k = 1; long *v = bpf_map_lookup_elem(&pca, &k); return *v; }
P("tc", pca_hash) { int k = 1; long *v = bpf_map_lookup_percpu_elem(&lru, &k, 0); if (v) return *v; return 0; }
P("tc", lru_ok) { int k = 1; long *v = bpf_map_lookup_elem(&lru, &k); if (v) return *v; return bpf_map_delete_elem(&lru, &k); }
P("tc", lru_nonull) { int k = 1; long *v = bpf_map_lookup_elem(&lru, &k); return *v; }
P("tc", bl_ok) { long v = 1; return bpf_map_peek_elem(&bloom, &v) + bpf_map_push_elem(&bloom, &v, 0); }
P("tc", bl_pop) { long v = 1; return bpf_map_pop_elem(&bloom, &v); }
P("tc", stk_l) { int k = 0; return bpf_map_lookup_elem(&stk, &k) != 0; }
P("tc", sm_l) { int k = 0; struct bpf_sock *s = bpf_map_lookup_elem(&sm, &k); if (s) bpf_sk_release(s); return 0; }
P("tc", sm_leak) { int k = 0; struct bpf_sock *s = bpf_map_lookup_elem(&sm, &k); return s != 0; }
SEC("tc") int sm_upd(struct __sk_buff *s) { int k = 0; struct bpf_sock *sk = s->sk; if (!sk) return 0; return bpf_map_update_elem(&sm, &k, sk, 0); }
SEC("xdp") int xsk_l(struct xdp_md *x) { int k = 0; struct bpf_xdp_sock *s = bpf_map_lookup_elem(&xsk, &k); if (s) return s->queue_id; return bpf_redirect_map(&xsk, 0, 0); }
SEC("xdp") int dev_r(struct xdp_md *x) { return bpf_redirect_map(&dev, 0, 0); }
SEC("xdp") int dev_bad(struct xdp_md *x) { return bpf_redirect_map(&lru, 0, 0); }
SEC("tp_btf/task_newtask") int BPF_PROG(cg_ok, struct task_struct *t, u64 f) { long *v; bpf_rcu_read_lock(); v = bpf_cgrp_storage_get(&cgs, t->cgroups->dfl_cgrp, 0, 1); if (v) *v = 1; bpf_rcu_read_unlock(); return 0; }
P("syscall", cg_norcu) { long *v = bpf_cgrp_storage_get(&cgs, bpf_get_current_task_btf()->cgroups->dfl_cgrp, 0, 1); return v != 0; }
SEC("tc") int sks_ok(struct __sk_buff *s) { struct bpf_sock *sk = s->sk; long *v; if (!sk) return 0; v = bpf_sk_storage_get(&sks, sk, 0, 1); if (v) *v = 1; return 0; }
SEC("tc") int sks_null(struct __sk_buff *s) { struct bpf_sock *sk = s->sk; long *v = bpf_sk_storage_get(&sks, sk, 0, 1); return v != 0; }
SEC("tc") int undercg(struct __sk_buff *s) { return bpf_skb_under_cgroup(s, &cga, 0) + bpf_current_task_under_cgroup(&cga, 0); }
SEC("tc") int undercg_bad(struct __sk_buff *s) { return bpf_skb_under_cgroup(s, &lru, 0); }
__noinline int ecb(u64 c) { return c == 1; }
SEC("tc") __attribute__((btf_decl_tag("exception_callback:ecb"))) int ex_cb(struct __sk_buff *s) { if (s->len) bpf_throw(3); return 0; }
__noinline static int sub_throw(int x) { if (x) bpf_throw(x); return x; }
P("tc", ex_sub) { return sub_throw(bpf_get_prandom_u32()); }
P("tc", ex_sub_ref) { struct task_struct *t = bpf_task_from_pid(1); int r = sub_throw(bpf_get_prandom_u32()); if (t) bpf_task_release(t); return r; }
static long lthrow(u32 i, void *c) { bpf_throw(i); return 0; }
P("tc", ex_loop) { bpf_loop(2, lthrow, 0, 0); return 0; }
P("tc", ex_loop_ref) { struct task_struct *t = bpf_task_from_pid(1); bpf_loop(2, lthrow, 0, 0); if (t) bpf_task_release(t); return 0; }
SEC("cgroup_skb/egress") int ex_ret(struct __sk_buff *s) { bpf_throw(64); return 1; }
P("tc", strn) { char b[8] = "abc"; return bpf_strncmp(b, 8, "abc"); }
P("tc", strn_ro) { char b[8] = "abc", c[4] = "abc"; return bpf_strncmp(b, 8, c); }
P("tc", strn_var) { char b[8] = "abc"; return bpf_strncmp(b, bpf_get_prandom_u32(), "abc"); }
P("tc", csum) { char b[8] = {}; return bpf_csum_diff((void *)b, 8, 0, 0, 0); }
P("tc", csum2) { char b[8] = {}; return bpf_csum_diff(0, 8, (void *)b, 8, 0); }
P("syscall", cfu) { char b[8]; if (bpf_copy_from_user(b, 8, 0)) return 0; return b[7]; }
P("syscall", cfu_oob) { char b[8]; return bpf_copy_from_user(b, 16, 0); }
P("syscall", cfut) { char b[8]; return bpf_copy_from_user_task(b, 8, 0, bpf_get_current_task_btf(), 0); }
P("syscall", cfut_bad) { char b[8]; return bpf_copy_from_user_task(b, 8, 0, (void *)bpf_get_current_task(), 0); }
P("syscall", ptr_regs) { struct pt_regs *r = (void *)bpf_task_pt_regs(bpf_get_current_task_btf()); return r->ip; }
P("syscall", mlen) { char b[8] = {}; int n = bpf_get_prandom_u32(); if (n > 8) return 0; return bpf_probe_read_kernel(b, n, 0); }
P("syscall", mlen2) { char b[8] = {}; unsigned n = bpf_get_prandom_u32(); if (n > 8) return 0; return bpf_probe_read_kernel(b, n, 0) + b[n & 7]; }
P("syscall", spk) { char b[64]; return bpf_trace_printk(b, 64); }
P("syscall", upd_uninit) { int k; long v; return bpf_map_update_elem(&lru, &k, &v, 0); }
P("syscall", upd_short) { int k = 0; int v = 0; return bpf_map_update_elem(&lru, &k, &v, 0); }
P("syscall", key_map) { int k = 0; long *v = bpf_map_lookup_elem(&lru, &k); if (!v) return 0; v = bpf_map_lookup_elem(&lru, v); return v != 0; }
P("syscall", key_var) { long a[4] = {}; int i = bpf_get_prandom_u32() & 3; return bpf_map_lookup_elem(&lru, &a[i]) != 0; }
