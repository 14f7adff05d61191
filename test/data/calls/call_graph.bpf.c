#include "calls.h"
struct nd { long key; long data; struct bpf_rb_node node; };
struct rn { long key; struct bpf_rb_node node; struct bpf_refcount ref; };
struct ln { long v; struct bpf_list_node node; };
struct lr { long v; struct bpf_list_node node; struct bpf_refcount ref; };
private(A) struct bpf_spin_lock glock;
private(A) struct bpf_rb_root groot __contains(nd, node);
private(B) struct bpf_spin_lock block;
private(B) struct bpf_list_head bhead __contains(ln, node);
private(C) struct bpf_spin_lock clock;
private(C) struct bpf_rb_root croot __contains(rn, node);
private(D) struct bpf_spin_lock dlock;
private(D) struct bpf_list_head dhead __contains(lr, node);
struct mv { struct bpf_spin_lock l; struct bpf_list_head h __contains(ln, node); struct nd __kptr *stash; long x; };
struct { __uint(type, BPF_MAP_TYPE_ARRAY); __type(key, int); __type(value, struct mv); __uint(max_entries, 4); } arr SEC(".maps");
static bool less(struct bpf_rb_node *a, const struct bpf_rb_node *b)
{ struct nd *x = container_of2(a, struct nd, node), *y = container_of2(b, struct nd, node); return x->key < y->key; }
static bool lessr(struct bpf_rb_node *a, const struct bpf_rb_node *b)
{ struct rn *x = container_of2(a, struct rn, node), *y = container_of2(b, struct rn, node); return x->key < y->key; }
SEC("tc") long add_ok(void *ctx) { struct nd *n = bpf_obj_new(struct nd); if (!n) return 1; n->key = 5; bpf_spin_lock(&glock); rbtree_add(&groot, &n->node, less); bpf_spin_unlock(&glock); return 0; }
SEC("tc") long add_nolock(void *ctx) { struct nd *n = bpf_obj_new(struct nd); if (!n) return 1; rbtree_add(&groot, &n->node, less); return 0; }
SEC("tc") long add_wrong_lock(void *ctx) { struct nd *n = bpf_obj_new(struct nd); if (!n) return 1; bpf_spin_lock(&block); rbtree_add(&groot, &n->node, less); bpf_spin_unlock(&block); return 0; }
SEC("tc") long leak(void *ctx) { struct nd *n = bpf_obj_new(struct nd); if (!n) return 1; n->key=1; return 0; }
SEC("tc") long nonull(void *ctx) { struct nd *n = bpf_obj_new(struct nd); n->key=1; bpf_obj_drop(n); return 0; }
SEC("tc") long add_twice(void *ctx) { struct nd *n = bpf_obj_new(struct nd); if (!n) return 1; bpf_spin_lock(&glock); rbtree_add(&groot, &n->node, less); rbtree_add(&groot, &n->node, less); bpf_spin_unlock(&glock); return 0; }
SEC("tc") long use_after_unlock(void *ctx) { struct nd *n = bpf_obj_new(struct nd); if (!n) return 1; bpf_spin_lock(&glock); rbtree_add(&groot, &n->node, less); bpf_spin_unlock(&glock); return n->key; }
SEC("tc") long use_in_lock(void *ctx) { struct nd *n = bpf_obj_new(struct nd); long k; if (!n) return 1; bpf_spin_lock(&glock); rbtree_add(&groot, &n->node, less); k = n->key; bpf_spin_unlock(&glock); return k; }
SEC("tc") long first_remove(void *ctx) { struct bpf_rb_node *r; bpf_spin_lock(&glock); r = bpf_rbtree_first(&groot); if (!r) { bpf_spin_unlock(&glock); return 1; } r = bpf_rbtree_remove(&groot, r); bpf_spin_unlock(&glock); if (!r) return 2; bpf_obj_drop(container_of2(r, struct nd, node)); return 0; }
SEC("tc") long first_nolock(void *ctx) { struct bpf_rb_node *r = bpf_rbtree_first(&groot); return r ? 1 : 0; }
SEC("tc") long remove_noref_check(void *ctx) { struct bpf_rb_node *r; bpf_spin_lock(&glock); r = bpf_rbtree_first(&groot); r = bpf_rbtree_remove(&groot, r); bpf_spin_unlock(&glock); if (r) bpf_obj_drop(container_of2(r, struct nd, node)); return 0; }
SEC("tc") long remove_leak(void *ctx) { struct bpf_rb_node *r; bpf_spin_lock(&glock); r = bpf_rbtree_first(&groot); if (r) r = bpf_rbtree_remove(&groot, r); bpf_spin_unlock(&glock); return 0; }
SEC("tc") long remove_owned(void *ctx) { struct nd *n = bpf_obj_new(struct nd); struct bpf_rb_node *r; if (!n) return 1; bpf_spin_lock(&glock); r = bpf_rbtree_remove(&groot, &n->node); bpf_spin_unlock(&glock); if (r) bpf_obj_drop(container_of2(r, struct nd, node)); return 0; }
SEC("tc") long left_right(void *ctx) { struct bpf_rb_node *r, *l; long k = 0; bpf_spin_lock(&glock); r = bpf_rbtree_root(&groot); if (!r) { bpf_spin_unlock(&glock); return 1;} l = bpf_rbtree_left(&groot, r); if (l) k = container_of2(l, struct nd, node)->key; l = bpf_rbtree_right(&groot, r); if (l) k += container_of2(l, struct nd, node)->key; bpf_spin_unlock(&glock); return k; }
SEC("tc") long left_null(void *ctx) { struct bpf_rb_node *r, *l; bpf_spin_lock(&glock); r = bpf_rbtree_root(&groot); l = bpf_rbtree_left(&groot, r); bpf_spin_unlock(&glock); return l != 0; }
static bool less_lock(struct bpf_rb_node *a, const struct bpf_rb_node *b) { bpf_spin_unlock(&glock); return 0; }
static bool less_first(struct bpf_rb_node *a, const struct bpf_rb_node *b) { struct bpf_rb_node *r = bpf_rbtree_first(&groot); bpf_rbtree_remove(&groot, a); return r != 0; }
static bool less_add(struct bpf_rb_node *a, const struct bpf_rb_node *b) { rbtree_add(&groot, a, less); return 0; }
SEC("tc") long cb_unlock(void *ctx) { struct nd *n = bpf_obj_new(struct nd); if (!n) return 1; bpf_spin_lock(&glock); rbtree_add(&groot, &n->node, less_lock); bpf_spin_unlock(&glock); return 0; }
SEC("tc") long cb_first(void *ctx) { struct nd *n = bpf_obj_new(struct nd); if (!n) return 1; bpf_spin_lock(&glock); rbtree_add(&groot, &n->node, less_first); bpf_spin_unlock(&glock); return 0; }
SEC("tc") long cb_add(void *ctx) { struct nd *n = bpf_obj_new(struct nd); if (!n) return 1; bpf_spin_lock(&glock); rbtree_add(&groot, &n->node, less_add); bpf_spin_unlock(&glock); return 0; }
SEC("tc") long wrong_root(void *ctx) { struct rn *n = bpf_obj_new(struct rn); if (!n) return 1; bpf_spin_lock(&glock); rbtree_add(&groot, &n->node, less); bpf_spin_unlock(&glock); return 0; }
SEC("tc") long wrong_off(void *ctx) { struct nd *n = bpf_obj_new(struct nd); if (!n) return 1; bpf_spin_lock(&glock); rbtree_add(&groot, (void *)&n->data, less); bpf_spin_unlock(&glock); return 0; }
SEC("tc") long list_ok(void *ctx) { struct ln *n = bpf_obj_new(struct ln); struct bpf_list_node *r; if (!n) return 1; bpf_spin_lock(&block); push_front(&bhead, &n->node); r = bpf_list_pop_back(&bhead); bpf_spin_unlock(&block); if (r) bpf_obj_drop(container_of2(r, struct ln, node)); return 0; }
SEC("tc") long list_nolock(void *ctx) { struct ln *n = bpf_obj_new(struct ln); if (!n) return 1; push_back(&bhead, &n->node); return 0; }
SEC("tc") long list_pop_leak(void *ctx) { bpf_spin_lock(&block); bpf_list_pop_front(&bhead); bpf_spin_unlock(&block); return 0; }
SEC("tc") long list_front(void *ctx) { struct bpf_list_node *r; long v = 0; bpf_spin_lock(&block); r = bpf_list_front(&bhead); if (r) v = container_of2(r, struct ln, node)->v; r = bpf_list_back(&bhead); if (r) v += container_of2(r, struct ln, node)->v; bpf_spin_unlock(&block); return v; }
SEC("tc") long list_front_after(void *ctx) { struct bpf_list_node *r; bpf_spin_lock(&block); r = bpf_list_front(&bhead); bpf_spin_unlock(&block); if (r) return container_of2(r, struct ln, node)->v; return 0; }
SEC("tc") long list_off(void *ctx) { struct ln *n = bpf_obj_new(struct ln); if (!n) return 1; bpf_spin_lock(&block); push_back(&bhead, (void *)n); bpf_spin_unlock(&block); return 0; }
SEC("tc") long list_head_off(void *ctx) { struct ln *n = bpf_obj_new(struct ln); if (!n) return 1; bpf_spin_lock(&block); push_back((void *)&bhead + 8, &n->node); bpf_spin_unlock(&block); return 0; }
SEC("tc") long list_map(void *ctx) { int k = 1; struct ln *n; struct mv *v = bpf_map_lookup_elem(&arr, &k); if (!v) return 1; n = bpf_obj_new(struct ln); if (!n) return 1; bpf_spin_lock(&v->l); push_back(&v->h, &n->node); bpf_spin_unlock(&v->l); return 0; }
SEC("tc") long list_map_other(void *ctx) { int k = bpf_get_prandom_u32(), k2 = bpf_get_prandom_u32(); struct ln *n; struct mv *v = bpf_map_lookup_elem(&arr, &k), *w; if (!v) return 1; w = bpf_map_lookup_elem(&arr, &k2); if (!w) return 1; n = bpf_obj_new(struct ln); if (!n) return 1; bpf_spin_lock(&w->l); push_back(&v->h, &n->node); bpf_spin_unlock(&w->l); return 0; }
SEC("tc") long stash(void *ctx) { int k = 1; struct nd *n, *o; struct mv *v = bpf_map_lookup_elem(&arr, &k); if (!v) return 1; n = bpf_obj_new(struct nd); if (!n) return 1; o = bpf_kptr_xchg(&v->stash, n); if (o) bpf_obj_drop(o); return 0; }
SEC("tc") long stash_leak(void *ctx) { int k = 1; struct nd *n, *o; struct mv *v = bpf_map_lookup_elem(&arr, &k); if (!v) return 1; n = bpf_obj_new(struct nd); if (!n) return 1; o = bpf_kptr_xchg(&v->stash, n); return o != 0; }
SEC("tc") long stash_wrong(void *ctx) { int k = 1; struct ln *n; struct nd *o; struct mv *v = bpf_map_lookup_elem(&arr, &k); if (!v) return 1; n = bpf_obj_new(struct ln); if (!n) return 1; o = bpf_kptr_xchg(&v->stash, (void *)n); if (o) bpf_obj_drop(o); return 0; }
SEC("tc") long stash_read(void *ctx) { int k = 1; struct nd *n; struct mv *v = bpf_map_lookup_elem(&arr, &k); if (!v) return 1; n = v->stash; if (n) return n->key; return 0; }
SEC("tc") long ref_ok(void *ctx) { struct rn *n = bpf_obj_new(struct rn), *m; if (!n) return 1; m = bpf_refcount_acquire(n); bpf_spin_lock(&clock); rbtree_add(&croot, &n->node, lessr); bpf_spin_unlock(&clock); m->key = 2; bpf_obj_drop(m); return 0; }
SEC("tc") long ref_leak(void *ctx) { struct rn *n = bpf_obj_new(struct rn), *m; if (!n) return 1; m = bpf_refcount_acquire(n); bpf_obj_drop(n); return m->key; }
SEC("tc") long ref_none(void *ctx) { struct nd *n = bpf_obj_new(struct nd), *m; if (!n) return 1; m = bpf_refcount_acquire(n); bpf_obj_drop(n); if (m) bpf_obj_drop(m); return 0; }
SEC("tc") long ref_nonown(void *ctx) { struct bpf_rb_node *r; struct rn *m; bpf_spin_lock(&clock); r = bpf_rbtree_first(&croot); if (!r) { bpf_spin_unlock(&clock); return 0; } m = bpf_refcount_acquire(container_of2(r, struct rn, node)); bpf_spin_unlock(&clock); if (!m) return 1; bpf_obj_drop(m); return 0; }
SEC("tc") long ref_nonown_nonull(void *ctx) { struct bpf_rb_node *r; struct rn *m; bpf_spin_lock(&clock); r = bpf_rbtree_first(&croot); if (!r) { bpf_spin_unlock(&clock); return 0; } m = bpf_refcount_acquire(container_of2(r, struct rn, node)); bpf_spin_unlock(&clock); bpf_obj_drop(m); return 0; }
SEC("tc") long drop_twice(void *ctx) { struct nd *n = bpf_obj_new(struct nd); if (!n) return 1; bpf_obj_drop(n); bpf_obj_drop(n); return 0; }
SEC("tc") long use_after_drop(void *ctx) { struct nd *n = bpf_obj_new(struct nd); if (!n) return 1; bpf_obj_drop(n); return n->key; }
SEC("tc") long drop_off(void *ctx) { struct nd *n = bpf_obj_new(struct nd); if (!n) return 1; bpf_obj_drop(&n->data); return 0; }
SEC("tc") long drop_map(void *ctx) { int k = 1; struct mv *v = bpf_map_lookup_elem(&arr, &k); if (!v) return 1; bpf_obj_drop(v); return 0; }
SEC("tc") long node_direct(void *ctx) { struct nd *n = bpf_obj_new(struct nd); if (!n) return 1; *(long *)&n->node = 1; bpf_obj_drop(n); return 0; }
SEC("tc") long beyond(void *ctx) { struct nd *n = bpf_obj_new(struct nd); if (!n) return 1; ((long *)n)[20] = 1; bpf_obj_drop(n); return 0; }
SEC("tc") long lock_exit(void *ctx) { bpf_spin_lock(&glock); return 0; }
SEC("tc") long lock_twice(void *ctx) { bpf_spin_lock(&glock); bpf_spin_lock(&block); bpf_spin_unlock(&block); bpf_spin_unlock(&glock); return 0; }
SEC("tc") long unlock_only(void *ctx) { bpf_spin_unlock(&glock); return 0; }
SEC("tc") long unlock_other(void *ctx) { bpf_spin_lock(&glock); bpf_spin_unlock(&block); return 0; }
SEC("tc") long lock_call(void *ctx) { bpf_spin_lock(&glock); bpf_ktime_get_ns(); bpf_spin_unlock(&glock); return 0; }
SEC("tc") long lock_objnew(void *ctx) { struct nd *n; bpf_spin_lock(&glock); n = bpf_obj_new(struct nd); bpf_spin_unlock(&glock); if (n) bpf_obj_drop(n); return 0; }
SEC("tc") long lock_off(void *ctx) { bpf_spin_lock((void *)&glock + 4); bpf_spin_unlock((void *)&glock + 4); return 0; }
SEC("tc") long kptr_map_lock_diff(void *ctx) { int k = bpf_get_prandom_u32(); struct mv *v = bpf_map_lookup_elem(&arr, &k), *w; if (!v) return 1; w = bpf_map_lookup_elem(&arr, &k); if (!w) return 1; bpf_spin_lock(&v->l); bpf_spin_unlock(&w->l); return 0; }
SEC("syscall") int rbt_sys(void *ctx) { struct bpf_rb_node *r; long k; bpf_rcu_read_lock(); bpf_spin_lock(&clock); r = bpf_rbtree_first(&croot); if (!r) { bpf_spin_unlock(&clock); bpf_rcu_read_unlock(); return 0; } bpf_spin_unlock(&clock); k = container_of2(r, struct rn, node)->key; bpf_rcu_read_unlock(); return k; }
