#include "calls.h"
struct rl { struct bpf_res_spin_lock l; int v; };
struct { __uint(type, BPF_MAP_TYPE_ARRAY); __type(key, int); __type(value, struct rl); __uint(max_entries, 4); } ra SEC(".maps");
struct tmr { struct bpf_timer t; long x; };
struct wqv { struct bpf_wq w; long x; };
struct { __uint(type, BPF_MAP_TYPE_HASH); __type(key, int); __type(value, struct tmr); __uint(max_entries, 4); } tmap SEC(".maps");
struct { __uint(type, BPF_MAP_TYPE_HASH); __type(key, int); __type(value, struct wqv); __uint(max_entries, 4); } wmap SEC(".maps");
struct { __uint(type, BPF_MAP_TYPE_HASH); __type(key, int); __type(value, struct wqv); __uint(max_entries, 4); } wmap2 SEC(".maps");
struct { __uint(type, BPF_MAP_TYPE_RINGBUF); __uint(max_entries, 4096); } rb SEC(".maps");
struct { __uint(type, BPF_MAP_TYPE_USER_RINGBUF); __uint(max_entries, 4096); } urb SEC(".maps");
struct kp { struct task_struct __kptr *t; struct cgroup __kptr *c; };
struct { __uint(type, BPF_MAP_TYPE_ARRAY); __type(key, int); __type(value, struct kp); __uint(max_entries, 4); } kmap SEC(".maps");
struct pc { long a, b; };
struct pk { struct pc __percpu_kptr *p; };
struct { __uint(type, BPF_MAP_TYPE_ARRAY); __type(key, int); __type(value, struct pk); __uint(max_entries, 4); } pmap SEC(".maps");
struct { __uint(type, BPF_MAP_TYPE_ARRAY); __type(key, int); __type(value, long); __uint(max_entries, 4); } amap SEC(".maps");
struct { __uint(type, BPF_MAP_TYPE_TASK_STORAGE); __uint(map_flags, BPF_F_NO_PREALLOC); __type(key, int); __type(value, long); } tstor SEC(".maps");
private(Z) struct bpf_res_spin_lock zl;
private(Y) struct bpf_res_spin_lock yl;
#define P(sec,name) SEC(sec) int name(void *ctx)
P("tc", rl_ok) { if (bpf_res_spin_lock(&zl)) return 1; bpf_res_spin_unlock(&zl); return 0; }
P("tc", rl_nocheck) { bpf_res_spin_lock(&zl); bpf_res_spin_unlock(&zl); return 0; }
P("tc", rl_aa) { if (bpf_res_spin_lock(&zl)) return 1; if (!bpf_res_spin_lock(&zl)) bpf_res_spin_unlock(&zl); bpf_res_spin_unlock(&zl); return 0; }
P("tc", rl_two) { if (bpf_res_spin_lock(&zl)) return 1; if (!bpf_res_spin_lock(&yl)) bpf_res_spin_unlock(&yl); bpf_res_spin_unlock(&zl); return 0; }
P("tc", rl_ooo) { if (bpf_res_spin_lock(&zl)) return 1; if (bpf_res_spin_lock(&yl)) { bpf_res_spin_unlock(&zl); return 1;} bpf_res_spin_unlock(&zl); bpf_res_spin_unlock(&yl); return 0; }
P("tc", rl_leak) { if (bpf_res_spin_lock(&zl)) return 1; return 0; }
P("tc", rl_unlock) { bpf_res_spin_unlock(&zl); return 0; }
P("tc", rl_irq) { unsigned long f; if (bpf_res_spin_lock_irqsave(&zl, &f)) return 1; bpf_res_spin_unlock_irqrestore(&zl, &f); return 0; }
P("tc", rl_irq_mix) { unsigned long f; if (bpf_res_spin_lock_irqsave(&zl, &f)) return 1; bpf_local_irq_restore(&f); bpf_res_spin_unlock(&zl); return 0; }
P("tc", rl_irq_un) { unsigned long f; if (bpf_res_spin_lock_irqsave(&zl, &f)) return 1; bpf_res_spin_unlock(&zl); return 0; }
P("tc", rl_map) { int k = 1; struct rl *v = bpf_map_lookup_elem(&ra, &k); if (!v) return 0; if (bpf_res_spin_lock(&v->l)) return 1; v->v++; bpf_res_spin_unlock(&v->l); return 0; }
P("tc", rl_map_direct) { int k = 1; struct rl *v = bpf_map_lookup_elem(&ra, &k); if (!v) return 0; *(int *)&v->l = 1; return 0; }
P("tc", rl_helper) { if (bpf_res_spin_lock(&zl)) return 1; bpf_ktime_get_ns(); bpf_res_spin_unlock(&zl); return 0; }
P("tc", irq_ok) { unsigned long f; bpf_local_irq_save(&f); bpf_local_irq_restore(&f); return 0; }
P("tc", irq_nested) { unsigned long f, g; bpf_local_irq_save(&f); bpf_local_irq_save(&g); bpf_local_irq_restore(&g); bpf_local_irq_restore(&f); return 0; }
P("tc", irq_ooo) { unsigned long f, g; bpf_local_irq_save(&f); bpf_local_irq_save(&g); bpf_local_irq_restore(&f); bpf_local_irq_restore(&g); return 0; }
P("tc", irq_leak) { unsigned long f; bpf_local_irq_save(&f); return 0; }
P("tc", irq_uninit) { unsigned long f = 0; bpf_local_irq_restore(&f); return 0; }
P("tc", irq_twice) { unsigned long f; bpf_local_irq_save(&f); bpf_local_irq_save(&f); return 0; }
P("tc", irq_ow) { unsigned long f; bpf_local_irq_save(&f); f = 1; bpf_local_irq_restore(&f); return 0; }
P("syscall", irq_sleep) { unsigned long f; char b[8]; bpf_local_irq_save(&f); bpf_copy_from_user(b, 8, 0); bpf_local_irq_restore(&f); return 0; }
P("syscall", irq_sleepk) { unsigned long f; char b[8]; bpf_local_irq_save(&f); bpf_copy_from_user_str(b, 8, 0, 0); bpf_local_irq_restore(&f); return 0; }
P("syscall", pre_sleep) { char b[8]; bpf_preempt_disable(); bpf_copy_from_user(b, 8, 0); bpf_preempt_enable(); return 0; }
P("syscall", rcu_sleep) { char b[8]; bpf_rcu_read_lock(); bpf_copy_from_user(b, 8, 0); bpf_rcu_read_unlock(); return 0; }
P("syscall", pre_sleepk) { char b[8]; bpf_preempt_disable(); bpf_copy_from_user_str(b, 8, 0, 0); bpf_preempt_enable(); return 0; }
P("tc", pre_leak) { bpf_preempt_disable(); return 0; }
static int tcb(void *m, int *k, struct tmr *v) { v->x++; return 0; }
static int tcb1(void *m, int *k, struct tmr *v) { return 1; }
static int tcbk(void *m, int *k, struct tmr *v) { return *k; }
static int tcbw(void *m, int *k, struct tmr *v) { *k = 1; return 0; }
P("tc", timer_ok) { int k = 0; struct tmr *v = bpf_map_lookup_elem(&tmap, &k); if (!v) return 1; bpf_timer_init(&v->t, &tmap, 0); bpf_timer_set_callback(&v->t, tcb); bpf_timer_start(&v->t, 1, 0); bpf_timer_cancel(&v->t); return 0; }
P("tc", timer_map) { int k = 0; struct tmr *v = bpf_map_lookup_elem(&tmap, &k); if (!v) return 1; bpf_timer_init(&v->t, &wmap, 0); return 0; }
P("tc", timer_off) { int k = 0; struct tmr *v = bpf_map_lookup_elem(&tmap, &k); if (!v) return 1; bpf_timer_init((void *)&v->x, &tmap, 0); return 0; }
P("tc", timer_ret1) { int k = 0; struct tmr *v = bpf_map_lookup_elem(&tmap, &k); if (!v) return 1; bpf_timer_set_callback(&v->t, tcb1); return 0; }
P("tc", timer_retk) { int k = 0; struct tmr *v = bpf_map_lookup_elem(&tmap, &k); if (!v) return 1; bpf_timer_set_callback(&v->t, tcbk); return 0; }
P("tc", timer_wkey) { int k = 0; struct tmr *v = bpf_map_lookup_elem(&tmap, &k); if (!v) return 1; bpf_timer_set_callback(&v->t, tcbw); return 0; }
static int wcb(void *m, int *k, void *v) { return 0; }
static int wcb1(void *m, int *k, void *v) { return 1; }
static int wcbs(void *m, int *k, void *v) { char b[8]; bpf_copy_from_user(b, 8, 0); return 0; }
static int tcbs(void *m, int *k, struct tmr *v) { char b[8]; bpf_copy_from_user(b, 8, 0); return 0; }
P("tc", wq_ok) { int k = 0; struct wqv *v = bpf_map_lookup_elem(&wmap, &k); if (!v) return 1; bpf_wq_init(&v->w, &wmap, 0); bpf_wq_set_callback_impl(&v->w, (void *)wcb, 0, 0); bpf_wq_start(&v->w, 0); return 0; }
P("tc", wq_map) { int k = 0; struct wqv *v = bpf_map_lookup_elem(&wmap, &k); if (!v) return 1; bpf_wq_init(&v->w, &wmap2, 0); return 0; }
P("tc", wq_off) { int k = 0; struct wqv *v = bpf_map_lookup_elem(&wmap, &k); if (!v) return 1; bpf_wq_init((void *)&v->x, &wmap, 0); return 0; }
P("tc", wq_stack) { struct bpf_wq w; bpf_wq_init(&w, &wmap, 0); return 0; }
P("tc", wq_ret1) { int k = 0; struct wqv *v = bpf_map_lookup_elem(&wmap, &k); if (!v) return 1; bpf_wq_set_callback_impl(&v->w, (void *)wcb1, 0, 0); return 0; }
P("tc", wq_sleep) { int k = 0; struct wqv *v = bpf_map_lookup_elem(&wmap, &k); if (!v) return 1; bpf_wq_set_callback_impl(&v->w, (void *)wcbs, 0, 0); return 0; }
P("syscall", timer_sleep) { int k = 0; struct tmr *v = bpf_map_lookup_elem(&tmap, &k); if (!v) return 1; bpf_timer_set_callback(&v->t, tcbs); return 0; }
P("tc", dp_rb) { struct bpf_dynptr p; bpf_ringbuf_reserve_dynptr(&rb, 8, 0, &p); bpf_ringbuf_submit_dynptr(&p, 0); return 0; }
P("tc", dp_leak) { struct bpf_dynptr p; bpf_ringbuf_reserve_dynptr(&rb, 8, 0, &p); return 0; }
P("tc", dp_twice) { struct bpf_dynptr p; bpf_ringbuf_reserve_dynptr(&rb, 8, 0, &p); bpf_ringbuf_submit_dynptr(&p, 0); bpf_ringbuf_submit_dynptr(&p, 0); return 0; }
P("tc", dp_data) { struct bpf_dynptr p; long *d; bpf_ringbuf_reserve_dynptr(&rb, 8, 0, &p); d = bpf_dynptr_data(&p, 0, 8); if (d) *d = 1; bpf_ringbuf_discard_dynptr(&p, 0); return 0; }
P("tc", dp_data_after) { struct bpf_dynptr p; long *d; bpf_ringbuf_reserve_dynptr(&rb, 8, 0, &p); d = bpf_dynptr_data(&p, 0, 8); bpf_ringbuf_discard_dynptr(&p, 0); if (d) *d = 1; return 0; }
P("tc", dp_data_oob) { struct bpf_dynptr p; long *d; bpf_ringbuf_reserve_dynptr(&rb, 8, 0, &p); d = bpf_dynptr_data(&p, 0, 8); if (d) d[1] = 1; bpf_ringbuf_discard_dynptr(&p, 0); return 0; }
P("tc", dp_data_var) { struct bpf_dynptr p; long *d; bpf_ringbuf_reserve_dynptr(&rb, 8, 0, &p); d = bpf_dynptr_data(&p, 0, bpf_get_prandom_u32()); bpf_ringbuf_discard_dynptr(&p, 0); return 0; }
P("tc", dp_clone) { struct bpf_dynptr p, q; bpf_ringbuf_reserve_dynptr(&rb, 8, 0, &p); bpf_dynptr_clone(&p, &q); bpf_ringbuf_submit_dynptr(&q, 0); return 0; }
P("tc", dp_clone_use) { struct bpf_dynptr p, q; bpf_ringbuf_reserve_dynptr(&rb, 8, 0, &p); bpf_dynptr_clone(&p, &q); bpf_ringbuf_submit_dynptr(&q, 0); return bpf_dynptr_size(&p); }
P("tc", dp_uninit) { struct bpf_dynptr p; return bpf_dynptr_size(&p); }
P("tc", dp_overwrite) { struct bpf_dynptr p; bpf_ringbuf_reserve_dynptr(&rb, 8, 0, &p); *(volatile long *)&p = 1; bpf_ringbuf_submit_dynptr(&p, 0); return 0; }
P("tc", dp_mem_stack) { struct bpf_dynptr p; char b[8] = {}; bpf_dynptr_from_mem(b, 8, 0, &p); return 0; }
P("tc", dp_mem) { struct bpf_dynptr p; int k = 1; long *v = bpf_map_lookup_elem(&amap, &k); if (!v) return 0; bpf_dynptr_from_mem(v, 8, 0, &p); bpf_dynptr_write(&p, 0, &k, 4, 0); bpf_dynptr_read(&k, 4, &p, 0, 0); return k; }
SEC("tc") int dp_skb(struct __sk_buff *s) { struct bpf_dynptr p; char b[8] = {}; long *d; if (bpf_dynptr_from_skb(s, 0, &p)) return 1; d = bpf_dynptr_slice(&p, 0, b, 8); if (!d) return 1; return *d; }
SEC("tc") int dp_skb_null(struct __sk_buff *s) { struct bpf_dynptr p; long *d; if (bpf_dynptr_from_skb(s, 0, &p)) return 1; d = bpf_dynptr_slice(&p, 0, NULL, 8); if (!d) return 1; return *d; }
SEC("tc") int dp_skb_nonull(struct __sk_buff *s) { struct bpf_dynptr p; long *d; bpf_dynptr_from_skb(s, 0, &p); d = bpf_dynptr_slice(&p, 0, NULL, 8); return *d; }
SEC("tc") int dp_skb_wr(struct __sk_buff *s) { struct bpf_dynptr p; char b[8] = {}; long *d; if (bpf_dynptr_from_skb(s, 0, &p)) return 1; d = bpf_dynptr_slice(&p, 0, b, 8); if (!d) return 1; *d = 1; return 0; }
SEC("tc") int dp_skb_rdwr(struct __sk_buff *s) { struct bpf_dynptr p; char b[8] = {}; long *d; if (bpf_dynptr_from_skb(s, 0, &p)) return 1; d = bpf_dynptr_slice_rdwr(&p, 0, b, 8); if (!d) return 1; *d = 1; return 0; }
SEC("cgroup_skb/egress") int dp_cg_rdwr(struct __sk_buff *s) { struct bpf_dynptr p; char b[8] = {}; long *d; if (bpf_dynptr_from_skb(s, 0, &p)) return 1; d = bpf_dynptr_slice_rdwr(&p, 0, b, 8); if (!d) return 1; *d = 1; return 0; }
SEC("tc") int dp_skb_inval(struct __sk_buff *s) { struct bpf_dynptr p; char b[8] = {}; long *d; if (bpf_dynptr_from_skb(s, 0, &p)) return 1; d = bpf_dynptr_slice(&p, 0, b, 8); if (!d) return 1; bpf_skb_pull_data(s, 10); return *d; }
SEC("tc") int dp_skb_szvar(struct __sk_buff *s) { struct bpf_dynptr p; char b[8] = {}; long *d; if (bpf_dynptr_from_skb(s, 0, &p)) return 1; d = bpf_dynptr_slice(&p, 0, b, s->len & 7); return 0; }
SEC("xdp") int dp_xdp(struct xdp_md *s) { struct bpf_dynptr p; char b[8] = {}; long *d; if (bpf_dynptr_from_xdp(s, 0, &p)) return 1; d = bpf_dynptr_slice_rdwr(&p, 0, b, 8); if (!d) return 1; *d = 1; return 0; }
SEC("tc") int dp_skb_data(struct __sk_buff *s) { struct bpf_dynptr p; long *d; if (bpf_dynptr_from_skb(s, 0, &p)) return 1; d = bpf_dynptr_data(&p, 0, 8); if (d) return *d; return 0; }
static long udcb(struct bpf_dynptr *d, void *c) { long x; bpf_dynptr_read(&x, 8, d, 0, 0); return 0; }
static long udcbw(struct bpf_dynptr *d, void *c) { bpf_ringbuf_submit_dynptr(d, 0); return 0; }
static long udcb2(struct bpf_dynptr *d, void *c) { return 2; }
P("tc", ud) { return bpf_user_ringbuf_drain(&urb, udcb, 0, 0) & 1; }
P("tc", ud_w) { return bpf_user_ringbuf_drain(&urb, udcbw, 0, 0) & 1; }
P("tc", ud_2) { return bpf_user_ringbuf_drain(&urb, udcb2, 0, 0) & 1; }
P("tc", it_ok) { struct bpf_iter_num it; int *v, s = 0; bpf_iter_num_new(&it, 0, 10); while ((v = bpf_iter_num_next(&it))) s += *v; bpf_iter_num_destroy(&it); return s; }
P("tc", it_leak) { struct bpf_iter_num it; bpf_iter_num_new(&it, 0, 10); return 0; }
P("tc", it_nodest) { struct bpf_iter_num it; bpf_iter_num_next(&it); return 0; }
P("tc", it_twice) { struct bpf_iter_num it; bpf_iter_num_new(&it, 0, 10); bpf_iter_num_new(&it, 0, 10); bpf_iter_num_destroy(&it); return 0; }
P("tc", it_write) { struct bpf_iter_num it; int *v; bpf_iter_num_new(&it, 0, 10); v = bpf_iter_num_next(&it); if (v) *v = 1; bpf_iter_num_destroy(&it); return 0; }
P("tc", it_nonull) { struct bpf_iter_num it; int *v, x; bpf_iter_num_new(&it, 0, 10); v = bpf_iter_num_next(&it); x = *v; bpf_iter_num_destroy(&it); return x; }
P("tc", it_off) { struct bpf_iter_num it[2]; bpf_iter_num_new((void *)it + 4, 0, 10); return 0; }
P("tc", it_task) { struct bpf_iter_task it; struct task_struct *t; int n = 0; bpf_rcu_read_lock(); bpf_iter_task_new(&it, 0, 0); while ((t = bpf_iter_task_next(&it))) n += t->pid; bpf_iter_task_destroy(&it); bpf_rcu_read_unlock(); return n; }
P("syscall", it_task_norcu) { struct bpf_iter_task it; struct task_struct *t; int n = 0; bpf_iter_task_new(&it, 0, 0); while ((t = bpf_iter_task_next(&it))) n += t->pid; bpf_iter_task_destroy(&it); return n; }
P("syscall", it_task_rcu) { struct bpf_iter_task it; struct task_struct *t; int n = 0; bpf_rcu_read_lock(); bpf_iter_task_new(&it, 0, 0); while ((t = bpf_iter_task_next(&it))) n += t->pid; bpf_iter_task_destroy(&it); bpf_rcu_read_unlock(); return n; }
P("syscall", it_task_unl) { struct bpf_iter_task it; struct task_struct *t; int n = 0; bpf_rcu_read_lock(); bpf_iter_task_new(&it, 0, 0); bpf_rcu_read_unlock(); while ((t = bpf_iter_task_next(&it))) n += t->pid; bpf_iter_task_destroy(&it); return n; }
P("syscall", it_vma) { struct bpf_iter_task_vma it; struct vm_area_struct *v; int n = 0; struct task_struct *t = bpf_get_current_task_btf(); bpf_iter_task_vma_new(&it, t, 0); while ((v = bpf_iter_task_vma_next(&it))) n += v->vm_start; bpf_iter_task_vma_destroy(&it); return n; }
P("tc", it_bits) { struct bpf_iter_bits it; u64 w = 5; int *v, s = 0; bpf_iter_bits_new(&it, &w, 1); while ((v = bpf_iter_bits_next(&it))) s += *v; bpf_iter_bits_destroy(&it); return s; }
P("syscall", tk_ok) { struct task_struct *t = bpf_task_from_pid(1); if (!t) return 1; bpf_task_release(t); return 0; }
P("syscall", tk_leak) { struct task_struct *t = bpf_task_from_pid(1); return t != 0; }
P("syscall", tk_nonull) { struct task_struct *t = bpf_task_from_pid(1); bpf_task_release(t); return 0; }
P("syscall", tk_walk) { struct task_struct *t = bpf_get_current_task_btf(), *p; p = bpf_task_acquire(t->last_wakee); if (p) bpf_task_release(p); return 0; }
P("syscall", tk_untrusted) { struct task_struct *t = (void *)bpf_get_current_task(), *p; p = bpf_task_acquire(t); if (p) bpf_task_release(p); return 0; }
P("syscall", tk_fp) { struct task_struct *p; long x = 0; p = bpf_task_acquire((void *)&x); if (p) bpf_task_release(p); return 0; }
P("syscall", tk_rel_cur) { bpf_task_release(bpf_get_current_task_btf()); return 0; }
P("syscall", tk_kptr) { int k = 0; struct kp *v = bpf_map_lookup_elem(&kmap, &k); struct task_struct *t; if (!v) return 0; bpf_rcu_read_lock(); t = v->t; if (t) k = t->pid; bpf_rcu_read_unlock(); return k; }
P("syscall", tk_kptr_norcu) { int k = 0; struct kp *v = bpf_map_lookup_elem(&kmap, &k); struct task_struct *t, *a; if (!v) return 0; t = v->t; if (!t) return 0; a = bpf_task_acquire(t); if (a) bpf_task_release(a); return k; }
P("syscall", tk_kptr_acq) { int k = 0; struct kp *v = bpf_map_lookup_elem(&kmap, &k); struct task_struct *t, *a = 0; if (!v) return 0; bpf_rcu_read_lock(); t = v->t; if (t) a = bpf_task_acquire(t); bpf_rcu_read_unlock(); if (a) bpf_task_release(a); return k; }
P("syscall", tk_kptr_nonull) { int k = 0; struct kp *v = bpf_map_lookup_elem(&kmap, &k); struct task_struct *t, *a = 0; if (!v) return 0; bpf_rcu_read_lock(); t = v->t; a = bpf_task_acquire(t); bpf_rcu_read_unlock(); if (a) bpf_task_release(a); return k; }
P("syscall", cg_wrong) { int k = 0; struct kp *v = bpf_map_lookup_elem(&kmap, &k); struct cgroup *c = bpf_cgroup_from_id(1); struct task_struct *o; if (!c) return 0; if (!v) { bpf_cgroup_release(c); return 0; } o = bpf_kptr_xchg(&v->t, (void *)c); if (o) bpf_task_release(o); return 0; }
P("syscall", cg_anc) { struct cgroup *c = bpf_cgroup_from_id(1), *a; if (!c) return 0; a = bpf_cgroup_ancestor(c, 1); bpf_cgroup_release(c); if (a) bpf_cgroup_release(a); return 0; }
P("syscall", pc_ok) { int k = 0; struct pk *v = bpf_map_lookup_elem(&pmap, &k); struct pc __percpu_kptr *p; if (!v) return 0; p = bpf_percpu_obj_new(struct pc); if (!p) return 0; p = bpf_kptr_xchg(&v->p, p); if (p) bpf_percpu_obj_drop(p); return 0; }
P("syscall", pc_read) { int k = 0; struct pk *v = bpf_map_lookup_elem(&pmap, &k); struct pc __percpu_kptr *p; struct pc *e; if (!v) return 0; bpf_rcu_read_lock(); p = v->p; if (p) { e = bpf_per_cpu_ptr(p, 0); if (e) k = e->a; e = bpf_this_cpu_ptr(p); e->b = 1; } bpf_rcu_read_unlock(); return k; }
P("syscall", pc_direct) { int k = 0; struct pk *v = bpf_map_lookup_elem(&pmap, &k); struct pc *p; if (!v) return 0; bpf_rcu_read_lock(); p = (void *)v->p; if (p) k = p->a; bpf_rcu_read_unlock(); return k; }
P("syscall", pc_dropobj) { struct pc __percpu_kptr *p = bpf_percpu_obj_new(struct pc); if (!p) return 0; bpf_obj_drop(p); return 0; }
P("syscall", pc_leak) { struct pc __percpu_kptr *p = bpf_percpu_obj_new(struct pc); return p != 0; }
P("syscall", cast_ok) { struct task_struct *t = bpf_rdonly_cast((void *)bpf_get_current_task(), bpf_core_type_id_kernel(struct task_struct)); return t->pid; }
P("syscall", cast_void) { char *t = bpf_rdonly_cast((void *)bpf_get_current_task(), 0); return t[1]; }
P("syscall", cast_w) { char *t = bpf_rdonly_cast((void *)bpf_get_current_task(), 0); t[1] = 1; return 0; }
P("syscall", cast_bad) { char *t = bpf_rdonly_cast((void *)bpf_get_current_task(), 1); return t[1]; }
P("syscall", cast_huge) { char *t = bpf_rdonly_cast((void *)bpf_get_current_task(), 99999999); return t[1]; }
SEC("tc") int kctx(struct __sk_buff *s) { struct sk_buff *k = bpf_cast_to_kern_ctx(s); return k->len; }
SEC("tc") int kctx_bad(struct __sk_buff *s) { struct sk_buff *k = bpf_cast_to_kern_ctx((void *)s + 4); return k->len; }
P("syscall", key) { struct bpf_key *k = bpf_lookup_system_key(0); if (k) bpf_key_put(k); return 0; }
P("syscall", key_leak) { struct bpf_key *k = bpf_lookup_system_key(0); return 0; }
P("syscall", sum) { return bpf_map_sum_elem_count((void *)&amap); }
P("syscall", strc) { return bpf_strcmp("a", "b"); }
P("syscall", sig) { return bpf_send_signal_task(bpf_get_current_task_btf(), 9, PIDTYPE_PID, 0); }
P("syscall", tstg) { long *v = bpf_task_storage_get(&tstor, bpf_get_current_task_btf(), 0, 1); if (v) *v = 1; return 0; }
P("syscall", tstg_null) { long *v = bpf_task_storage_get(&tstor, 0, 0, 1); return v != 0; }
P("syscall", tstg_nocheck) { long *v = bpf_task_storage_get(&tstor, bpf_get_current_task_btf(), 0, 1); *v = 1; return 0; }
static long lcb(u32 i, void *c) { *(int *)c += i; return 0; }
static long lcb2(u32 i, void *c) { return 5; }
static long lcbr(u32 i, void *c) { struct task_struct *t = bpf_task_from_pid(1); return 0; }
P("syscall", loop_ok) { int s = 0; bpf_loop(10, lcb, &s, 0); return s; }
P("syscall", loop_ret) { int s = 0; bpf_loop(10, lcb2, &s, 0); return s; }
P("syscall", loop_ref) { int s = 0; bpf_loop(10, lcbr, &s, 0); return s; }
P("syscall", loop_null) { bpf_loop(10, lcb, 0, 0); return 0; }
static long ecb(struct bpf_map *m, u32 *k, long *v, void *c) { *v += *k; return 0; }
static long ecbd(struct bpf_map *m, u32 *k, long *v, void *c) { *k = 1; return 0; }
P("syscall", each) { return bpf_for_each_map_elem(&amap, ecb, 0, 0); }
P("syscall", each_w) { return bpf_for_each_map_elem(&amap, ecbd, 0, 0); }
P("syscall", each_rb) { return bpf_for_each_map_elem(&rb, ecb, 0, 0); }
static long vcb(struct task_struct *t, struct vm_area_struct *v, void *c) { return v->vm_flags & 1; }
static long vcbw(struct task_struct *t, struct vm_area_struct *v, void *c) { *(unsigned long *)&v->vm_flags = 1; return 0; }
P("syscall", fvma) { return bpf_find_vma(bpf_get_current_task_btf(), 0, vcb, 0, 0); }
P("syscall", fvma_w) { return bpf_find_vma(bpf_get_current_task_btf(), 0, vcbw, 0, 0); }
P("tc", thr) { bpf_throw(1); return 0; }
P("tc", thr_ref) { struct task_struct *t = bpf_task_from_pid(1); bpf_throw(1); return 0; }
P("tc", thr_rcu) { bpf_rcu_read_lock(); bpf_throw(1); bpf_rcu_read_unlock(); return 0; }
SEC("tp_btf/task_newtask") int BPF_PROG(tp_acq, struct task_struct *t, u64 f) { struct task_struct *p = bpf_task_acquire(t); if (p) bpf_task_release(p); return 0; }
SEC("tp_btf/task_newtask") int BPF_PROG(tp_par, struct task_struct *t, u64 f) { struct task_struct *p = bpf_task_acquire(t->real_parent); if (p) bpf_task_release(p); return 0; }
SEC("tp_btf/task_newtask") int BPF_PROG(tp_gl, struct task_struct *t, u64 f) { struct task_struct *p = bpf_task_acquire(t->group_leader); if (p) bpf_task_release(p); return 0; }
SEC("tp_btf/task_newtask") int BPF_PROG(tp_wk, struct task_struct *t, u64 f) { struct task_struct *p = bpf_task_acquire(t->last_wakee); if (p) bpf_task_release(p); return 0; }
SEC("tp_btf/task_newtask") int BPF_PROG(tp_cg, struct task_struct *t, u64 f) { struct cgroup *p = bpf_cgroup_acquire(t->cgroups->dfl_cgrp); if (p) bpf_cgroup_release(p); return 0; }
SEC("tp_btf/task_newtask") int BPF_PROG(tp_cmp, struct task_struct *t, u64 f) { char b[16]; bpf_get_current_comm(b, 16); return bpf_strncmp(b, 16, "x"); }
