#include "calls.h"
#define __arg_ctx __attribute__((btf_decl_tag("arg:ctx")))
#define __arg_nonnull __attribute__((btf_decl_tag("arg:nonnull")))
#define __arg_nullable __attribute__((btf_decl_tag("arg:nullable")))
#define __arg_trusted __attribute__((btf_decl_tag("arg:trusted")))
#define __arg_untrusted __attribute__((btf_decl_tag("arg:untrusted")))
#define __arg_bogus __attribute__((btf_decl_tag("arg:bogus")))
struct S { long a; int b; };
struct big { char x[600]; };
struct flex; 
struct { __uint(type, BPF_MAP_TYPE_ARRAY); __type(key, int); __type(value, struct S); __uint(max_entries, 4); } m SEC(".maps");
struct { __uint(type, BPF_MAP_TYPE_RINGBUF); __uint(max_entries, 4096); } rb SEC(".maps");
private(L) struct bpf_spin_lock lk;
__noinline int g_int(int x) { return x + 1; }
__noinline int g_s(struct S *s) { if (!s) return 0; return s->b; }
__noinline int g_s_nocheck(struct S *s) { return s->b; }
__noinline int g_s_nn(struct S *s __arg_nonnull) { return s->b; }
__noinline int g_w(struct S *s) { if (s) s->a = 1; return 0; }
__noinline void *g_ptr(int x) { return (void *)(long)x; }
__noinline void g_void(int x) { asm volatile("" ::: "memory"); }
__noinline int g_flex(struct flex *f) { return f != 0; }
__noinline int g_voidp(void *f) { return f != 0; }
__noinline int g_pp(int **f) { return f && *f; }
__noinline int g_six(int a, int b, int c, int d, int e) { return a + b + c + d + e; }
__noinline int g_ctx(struct __sk_buff *s) { return s->len; }
__noinline int g_ctxv(void *s __arg_ctx) { return s != 0; }
__noinline int g_ctxs(struct S *s __arg_ctx) { return s != 0; }
__noinline int g_task(struct task_struct *t __arg_trusted) { return t->pid; }
__noinline int g_taskn(struct task_struct *t __arg_trusted __arg_nullable) { if (!t) return 0; return t->pid; }
__noinline int g_taskn_nocheck(struct task_struct *t __arg_trusted __arg_nullable) { return t->pid; }
__noinline int g_task_nn(struct task_struct *t __arg_trusted __arg_nonnull) { return t->pid; }
__noinline int g_tasku(struct task_struct *t __arg_untrusted) { return t->pid; }
__noinline int g_untr_s(struct S *t __arg_untrusted) { return t->b; }
__noinline int g_untr_v(void *t __arg_untrusted) { return *(int *)t; }
__noinline int g_untr_w(char *t __arg_untrusted) { *t = 1; return 0; }
__noinline int g_bogus(struct S *t __arg_bogus) { return t != 0; }
__noinline int g_nullable(struct S *t __arg_nullable) { return t != 0; }
__noinline int g_inttag(int t __arg_nonnull) { return t; }
__noinline int g_dyn(struct bpf_dynptr *d) { return bpf_dynptr_size(d); }
__noinline int g_byval(struct S s) { return s.b; }
__noinline int g_sleep(int x) { char b[8]; bpf_copy_from_user(b, 8, 0); return b[0]; }
__noinline int g_pull(struct __sk_buff *s) { return bpf_skb_pull_data(s, 0); }
__noinline int g_leak(int x) { struct task_struct *t = bpf_task_from_pid(x); return 0; }
__noinline long g_enum(enum pid_type t) { return t; }
__noinline int g_rec2(int x);
__noinline int g_rec(int x) { return x > 5 ? g_rec2(x) : 1; }
__noinline int g_rec2(int x) { return g_rec(x - 1); }
#define TC(n) SEC("tc") int n(struct __sk_buff *ctx)
TC(c_int) { return g_int(ctx->len); }
TC(c_int_ptr) { return g_int((long)ctx); }
TC(c_s) { struct S s = {}; return g_s(&s); }
TC(c_s_null) { return g_s(0); }
TC(c_s_small) { int x = 0; return g_s((void *)&x); }
TC(c_s_map) { int k = bpf_get_prandom_u32(); return g_s(bpf_map_lookup_elem(&m, &k)); }
TC(c_s_ctx) { return g_s((void *)ctx); }
TC(c_s_scalar) { return g_s((void *)(long)ctx->len); }
TC(c_nocheck) { struct S s = {}; return g_s_nocheck(&s); }
TC(c_nn) { struct S s = {}; return g_s_nn(&s); }
TC(c_nn_null) { return g_s_nn(0); }
TC(c_nn_map) { int k = bpf_get_prandom_u32(); return g_s_nn(bpf_map_lookup_elem(&m, &k)); }
TC(c_w) { struct S s = {}; return g_w(&s); }
TC(c_ptr) { return g_ptr(1) != 0; }
TC(c_void) { g_void(1); return 0; }
TC(c_flex) { return g_flex(0); }
TC(c_voidp) { return g_voidp(0); }
TC(c_pp) { return g_pp(0); }
TC(c_six) { return g_six(1,2,3,4,5); }
TC(c_ctx) { return g_ctx(ctx); }
TC(c_ctx_bad) { struct S s = {}; return g_ctx((void *)&s); }
TC(c_ctx_off) { return g_ctx((void *)ctx + 4); }
TC(c_ctxv) { return g_ctxv(ctx); }
TC(c_ctxs) { return g_ctxs((void *)ctx); }
TC(c_bogus) { return g_bogus(0); }
TC(c_nullable) { return g_nullable(0); }
TC(c_inttag) { return g_inttag(1); }
TC(c_dyn) { struct bpf_dynptr d; int r; bpf_ringbuf_reserve_dynptr(&rb, 8, 0, &d); r = g_dyn(&d); bpf_ringbuf_submit_dynptr(&d, 0); return r; }
TC(c_dyn_un) { struct bpf_dynptr d; return g_dyn(&d); }
TC(c_byval) { struct S s = {}; return g_byval(s); }
TC(c_pull) { void *d = (void *)(long)ctx->data, *e = (void *)(long)ctx->data_end; g_pull(ctx); if (d + 8 > e) return 0; return *(int *)d; }
TC(c_leak) { return g_leak(1); }
TC(c_lock) { int r; bpf_spin_lock(&lk); r = g_int(1); bpf_spin_unlock(&lk); return r; }
TC(c_pre) { int r; bpf_preempt_disable(); r = g_int(1); bpf_preempt_enable(); return r; }
TC(c_enum) { return g_enum(1); }
TC(c_rec) { return g_rec(7); }
TC(c_ref) { struct task_struct *t = bpf_task_from_pid(1); int r; if (!t) return 0; r = g_task(t); bpf_task_release(t); return r; }
TC(c_ref_mb) { struct task_struct *t = bpf_task_from_pid(1); int r; r = g_task(t); if (t) bpf_task_release(t); return r; }
TC(c_refn) { struct task_struct *t = bpf_task_from_pid(1); int r; r = g_taskn(t); if (t) bpf_task_release(t); return r; }
TC(c_refn0) { return g_taskn(0); }
TC(c_refn_nc) { return g_taskn_nocheck(0); }
TC(c_task_nn) { return g_task_nn(bpf_get_current_task_btf()); }
TC(c_task_s) { struct S s = {}; return g_task((void *)&s); }
TC(c_tasku) { return g_tasku((void *)bpf_get_current_task()); }
TC(c_tasku2) { return g_tasku(bpf_get_current_task_btf()); }
TC(c_untr_s) { return g_untr_s((void *)bpf_get_current_task()); }
TC(c_untr_v) { return g_untr_v((void *)bpf_get_current_task()); }
TC(c_untr_w) { return g_untr_w((void *)bpf_get_current_task()); }
SEC("syscall") int s_sleep(void *ctx) { return g_sleep(1); }
SEC("syscall") int s_sleep_rcu(void *ctx) { int r; bpf_rcu_read_lock(); r = g_sleep(1); bpf_rcu_read_unlock(); return r; }
TC(c_sleep) { return g_sleep(1); }
SEC("syscall") int s_irq(void *ctx) { unsigned long f; int r; bpf_local_irq_save(&f); r = g_sleep(1); bpf_local_irq_restore(&f); return r; }
SEC("tc") int sk_ok(struct __sk_buff *s) { struct bpf_sock_tuple t = {}; struct bpf_sock *k = bpf_sk_lookup_tcp(s, &t, sizeof(t.ipv4), -1, 0); if (k) bpf_sk_release(k); return 0; }
SEC("tc") int sk_leak(struct __sk_buff *s) { struct bpf_sock_tuple t = {}; struct bpf_sock *k = bpf_sk_lookup_tcp(s, &t, sizeof(t.ipv4), -1, 0); return k != 0; }
SEC("tc") int sk_nonull(struct __sk_buff *s) { struct bpf_sock_tuple t = {}; struct bpf_sock *k = bpf_sk_lookup_tcp(s, &t, sizeof(t.ipv4), -1, 0); bpf_sk_release(k); return 0; }
SEC("tc") int sk_twice(struct __sk_buff *s) { struct bpf_sock_tuple t = {}; struct bpf_sock *k = bpf_sk_lookup_tcp(s, &t, sizeof(t.ipv4), -1, 0); if (k) { bpf_sk_release(k); bpf_sk_release(k);} return 0; }
SEC("tc") int sk_use(struct __sk_buff *s) { struct bpf_sock_tuple t = {}; int r = 0; struct bpf_sock *k = bpf_sk_lookup_tcp(s, &t, sizeof(t.ipv4), -1, 0); if (k) { bpf_sk_release(k); r = k->type; } return r; }
SEC("tc") int sk_cast(struct __sk_buff *s) { struct bpf_sock_tuple t = {}; int r = 0; struct bpf_tcp_sock *tp; struct bpf_sock *k = bpf_sk_lookup_tcp(s, &t, sizeof(t.ipv4), -1, 0); if (k) { tp = bpf_tcp_sock(k); if (tp) r = tp->snd_cwnd; bpf_sk_release(k); } return r; }
SEC("tc") int sk_cast_after(struct __sk_buff *s) { struct bpf_sock_tuple t = {}; int r = 0; struct bpf_tcp_sock *tp; struct bpf_sock *k = bpf_sk_lookup_tcp(s, &t, sizeof(t.ipv4), -1, 0); if (k) { tp = bpf_tcp_sock(k); bpf_sk_release(k); if (tp) r = tp->snd_cwnd; } return r; }
SEC("tc") int sk_skbsk(struct __sk_buff *s) { struct bpf_sock *k = s->sk; if (!k) return 0; bpf_sk_release(k); return 0; }
SEC("tc") int sk_full(struct __sk_buff *s) { struct bpf_sock *k = s->sk; if (!k) return 0; k = bpf_sk_fullsock(k); if (!k) return 0; return k->type; }
SEC("tc") int sk_skc(struct __sk_buff *s) { struct bpf_sock *k = s->sk; struct tcp_sock *t; if (!k) return 0; t = bpf_skc_to_tcp_sock(k); if (!t) return 0; return t->snd_cwnd; }
SEC("tc") int rb_ok(struct __sk_buff *s) { long *p = bpf_ringbuf_reserve(&rb, 8, 0); if (!p) return 0; *p = 1; bpf_ringbuf_submit(p, 0); return 0; }
SEC("tc") int rb_off(struct __sk_buff *s) { long *p = bpf_ringbuf_reserve(&rb, 16, 0); if (!p) return 0; bpf_ringbuf_submit(p + 1, 0); return 0; }
SEC("tc") int rb_oob(struct __sk_buff *s) { long *p = bpf_ringbuf_reserve(&rb, 8, 0); if (!p) return 0; p[1] = 1; bpf_ringbuf_submit(p, 0); return 0; }
SEC("tc") int rb_var(struct __sk_buff *s) { long *p = bpf_ringbuf_reserve(&rb, s->len, 0); if (p) bpf_ringbuf_submit(p, 0); return 0; }
SEC("tc") int rb_stack(struct __sk_buff *s) { long x = 0; bpf_ringbuf_submit(&x, 0); return 0; }
SEC("tc") int snpr(struct __sk_buff *s) { char b[32]; static const char f[] = "%d %s"; u64 a[2] = {1, 2}; return bpf_snprintf(b, 32, f, a, 16); }
SEC("tc") int snpr_bad(struct __sk_buff *s) { char b[32]; static const char f[] = "%d %y"; u64 a[2] = {1, 2}; return bpf_snprintf(b, 32, f, a, 16); }
SEC("tc") int snpr_few(struct __sk_buff *s) { char b[32]; static const char f[] = "%d %d"; u64 a[1] = {1}; return bpf_snprintf(b, 32, f, a, 8); }
SEC("tc") int snpr_odd(struct __sk_buff *s) { char b[32]; static const char f[] = "%d"; u64 a[1] = {1}; return bpf_snprintf(b, 32, f, a, 7); }
SEC("tc") int snpr_stack(struct __sk_buff *s) { char b[32]; char f[] = "%d"; u64 a[1] = {1}; return bpf_snprintf(b, 32, f, a, 8); }
SEC("tc") int stl(struct __sk_buff *s) { long r; char b[8] = "12"; return bpf_strtol(b, 8, 0, &r) + r; }
SEC("tc") int rdstr(struct __sk_buff *s) { char b[8]; long n = bpf_probe_read_kernel_str(b, 8, 0); if (n > 0) return b[n - 1]; return 0; }
SEC("tc") int cpuid(struct __sk_buff *s) { char b[8] = {}; int c = bpf_get_smp_processor_id(); return b[c & 7]; }
SEC("tp_btf/task_newtask") int BPF_PROG(psg, struct task_struct *t, u64 f) { char b[64]; long n = bpf_get_task_stack(t, b, 64, 0); if (n > 0 && n <= 64) return b[n - 1]; return 0; }
