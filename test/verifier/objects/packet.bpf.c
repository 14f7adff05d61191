// SPDX-License-Identifier: MIT
// Packets: bounds before access, and what invalidates them.
#include "common.h"

struct __sk_buff {
	u32 len, pkt_type, mark, queue_mapping, protocol, vlan_present, vlan_tci, vlan_proto, priority;
	u32 ingress_ifindex, ifindex, tc_index, cb[5], hash, tc_classid, data, data_end, napi_id;
	u32 family, remote_ip4, local_ip4, remote_ip6[4], local_ip6[4], remote_port, local_port, data_meta;
};
struct xdp_md { u32 data, data_end, data_meta, ingress_ifindex, rx_queue_index, egress_ifindex; };

static long (*const bpf_skb_store_bytes)(void *skb, u32 offset, const void *from, u32 len, u64 flags) = (void *)9;
static long (*const bpf_skb_load_bytes)(const void *skb, u32 offset, void *to, u32 len) = (void *)26;
static long (*const bpf_skb_pull_data)(void *skb, u32 len) = (void *)39;
static long (*const bpf_xdp_adjust_head)(void *xdp, int delta) = (void *)44;
static s64 (*const bpf_csum_diff)(u32 *from, u32 from_size, u32 *to, u32 to_size, u32 seed) = (void *)28;

#define DATA(ctx) ((void *)(long)(ctx)->data)
#define END(ctx) ((void *)(long)(ctx)->data_end)
#define META(ctx) ((void *)(long)(ctx)->data_meta)

u64 sink;
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 8);
	__type(key, u32);
	__type(value, u64);
} seen SEC(".maps");

SEC("tc") int checked(struct __sk_buff *skb)
{
	u8 *p = DATA(skb);

	if (p + 14 > (u8 *)END(skb))
		return 0;
	return p[13];
}

SEC("tc") int unchecked(struct __sk_buff *skb)
{
	u8 *p = DATA(skb);

	return p[0];
}

SEC("tc") int one_too_far(struct __sk_buff *skb)
{
	u8 *p = DATA(skb);

	if (p + 14 > (u8 *)END(skb))
		return 0;
	return p[14];
}

SEC("tc") int reversed_check(struct __sk_buff *skb)
{
	u8 *p = DATA(skb);

	if ((u8 *)END(skb) >= p + 14)
		return p[13];
	return 0;
}

SEC("tc") int strict_check(struct __sk_buff *skb)
{
	u8 *p = DATA(skb);

	if (p + 14 < (u8 *)END(skb))
		return p[14];
	return 0;
}

SEC("tc") int wrong_branch(struct __sk_buff *skb)
{
	u8 *p = DATA(skb);

	if (p + 14 > (u8 *)END(skb))
		return p[0];
	return 0;
}

SEC("tc") int variable_offset(struct __sk_buff *skb)
{
	u8 *p = DATA(skb);
	u32 n = skb->len & 63;

	p += n;
	if (p + 4 > (u8 *)END(skb))
		return 0;
	return p[3];
}

SEC("tc") int variable_offset_unbounded(struct __sk_buff *skb)
{
	u8 *p = DATA(skb);

	p += skb->len;
	if (p + 4 > (u8 *)END(skb))
		return 0;
	return p[3];
}

SEC("tc") int ip_header_length(struct __sk_buff *skb)
{
	u8 *p = DATA(skb), *ip, *l4;

	if (p + 34 > (u8 *)END(skb))
		return 0;
	ip = p + 14;
	l4 = ip + (ip[0] & 15) * 4;
	if (l4 + 8 > (u8 *)END(skb))
		return 0;
	return l4[7];
}

SEC("tc") int loop_over_bytes(struct __sk_buff *skb)
{
	u8 *p = DATA(skb), *end = END(skb);
	u32 sum = 0;

	for (int i = 0; i < 32; i++) {
		if (p + i + 1 > end)
			break;
		sum += p[i];
	}
	return sum;
}

SEC("tc") int stale_after_pull(struct __sk_buff *skb)
{
	u8 *p = DATA(skb);

	if (p + 14 > (u8 *)END(skb))
		return 0;
	bpf_skb_pull_data(skb, 20);
	return p[0];
}

SEC("tc") int stale_after_store(struct __sk_buff *skb)
{
	u8 *p = DATA(skb);
	u32 zero = 0;

	if (p + 14 > (u8 *)END(skb))
		return 0;
	bpf_skb_store_bytes(skb, 0, &zero, 4, 0);
	return p[0];
}

SEC("tc") int fresh_after_pull(struct __sk_buff *skb)
{
	u8 *p;

	bpf_skb_pull_data(skb, 20);
	p = DATA(skb);
	if (p + 14 > (u8 *)END(skb))
		return 0;
	return p[0];
}

static __noinline int pulls(struct __sk_buff *skb) { return bpf_skb_pull_data(skb, 20); }

SEC("tc") int stale_after_function(struct __sk_buff *skb)
{
	u8 *p = DATA(skb);

	if (p + 14 > (u8 *)END(skb))
		return 0;
	pulls(skb);
	return p[0];
}

__noinline int pulls_global(struct __sk_buff *skb) { return bpf_skb_pull_data(skb, 20); }

SEC("tc") int stale_after_global_function(struct __sk_buff *skb)
{
	u8 *p = DATA(skb);

	if (p + 14 > (u8 *)END(skb))
		return 0;
	pulls_global(skb);
	return p[0];
}

SEC("tc") int written(struct __sk_buff *skb)
{
	u8 *p = DATA(skb);

	if (p + 14 > (u8 *)END(skb))
		return 0;
	p[0] = 1;
	return 0;
}

SEC("socket") int socket_direct(struct __sk_buff *skb)
{
	u8 *p = DATA(skb);

	if (p + 14 > (u8 *)END(skb))
		return 0;
	return p[0];
}

SEC("socket") int socket_load_bytes(struct __sk_buff *skb)
{
	u32 v = 0;

	bpf_skb_load_bytes(skb, 0, &v, sizeof(v));
	return v;
}

SEC("tc") int meta_checked(struct __sk_buff *skb)
{
	u8 *m = META(skb);

	if (m + 4 > (u8 *)DATA(skb))
		return 0;
	return m[3];
}

SEC("tc") int meta_against_end(struct __sk_buff *skb)
{
	u8 *m = META(skb);

	if (m + 4 > (u8 *)END(skb))
		return 0;
	return m[3];
}

SEC("tc") int end_written(struct __sk_buff *skb)
{
	u8 *e = END(skb);

	return e[-1];
}

SEC("tc") int end_moved(struct __sk_buff *skb)
{
	u8 *p = DATA(skb), *e = END(skb);

	barrier_var(e);
	e += 4;
	barrier_var(e);
	if (p + 14 > e)
		return 0;
	return p[0];
}

SEC("tc") int as_map_key(struct __sk_buff *skb)
{
	u8 *p = DATA(skb);
	u64 *n;

	if (p + 14 > (u8 *)END(skb))
		return 0;
	n = bpf_map_lookup_elem(&seen, p);
	return n ? *n : 0;
}

SEC("tc") int as_map_key_unchecked(struct __sk_buff *skb)
{
	bpf_map_lookup_elem(&seen, DATA(skb));
	return 0;
}

SEC("tc") int csum(struct __sk_buff *skb)
{
	u8 *p = DATA(skb);

	if (p + 16 > (u8 *)END(skb))
		return 0;
	return bpf_csum_diff((void *)p, 16, NULL, 0, 0);
}

SEC("tc") int packet_pointer_stored(struct __sk_buff *skb)
{
	sink = (u64)DATA(skb);
	return 0;
}

SEC("xdp") int xdp_checked(struct xdp_md *xdp)
{
	u8 *p = DATA(xdp);

	if (p + 14 > (u8 *)END(xdp))
		return 2;
	p[0] ^= 1;
	return 2;
}

SEC("xdp") int xdp_stale(struct xdp_md *xdp)
{
	u8 *p = DATA(xdp);

	if (p + 14 > (u8 *)END(xdp))
		return 2;
	bpf_xdp_adjust_head(xdp, 4);
	return p[0] ? 2 : 1;
}

SEC("xdp") int xdp_ctx_written(struct xdp_md *xdp)
{
	xdp->ingress_ifindex = 1;
	return 2;
}

SEC("xdp") int xdp_ctx_narrow(struct xdp_md *xdp)
{
	return *(volatile u8 *)&xdp->ingress_ifindex;
}

SEC("xdp") int xdp_data_narrow(struct xdp_md *xdp)
{
	return *(volatile u16 *)&xdp->data;
}

SEC("tc") int skb_fields(struct __sk_buff *skb)
{
	skb->mark = skb->len + skb->protocol;
	skb->cb[4] = 1;
	skb->priority = skb->hash;
	return skb->ifindex;
}

SEC("tc") int skb_len_written(struct __sk_buff *skb) { skb->len = 1; return 0; }
SEC("tc") int skb_cb_beyond(struct __sk_buff *skb) { return *(volatile u32 *)((void *)skb + 66); }
SEC("tc") int skb_beyond(struct __sk_buff *skb) { return *(volatile u32 *)((void *)skb + 400); }
SEC("tc") int skb_misaligned(struct __sk_buff *skb) { return *(volatile u32 *)((void *)skb + 2); }
SEC("tc") int skb_narrow(struct __sk_buff *skb) { return *(volatile u8 *)&skb->protocol; }
SEC("tc") int skb_narrow_write(struct __sk_buff *skb) { *(volatile u8 *)&skb->mark = 1; return 0; }
SEC("tc") int skb_family(struct __sk_buff *skb) { return skb->family; }
SEC("socket") int socket_mark_written(struct __sk_buff *skb) { skb->mark = 1; return 0; }
SEC("socket") int socket_tc_classid(struct __sk_buff *skb) { return skb->tc_classid; }
SEC("cgroup_skb/egress") int cgroup_returns_two(struct __sk_buff *skb) { return skb->len & 1 ? 1 : 4; }
SEC("cgroup_skb/ingress") int cgroup_ok(struct __sk_buff *skb) { return skb->family == 2; }
SEC("cgroup/sock_create") int sock_create_returns_two(void *ctx) { return 2; }
SEC("cgroup/sock_create") int sock_create_ok(void *ctx) { return *(u32 *)(ctx + 4) == 2; }
SEC("cgroup/dev") int dev_ok(u32 *ctx) { return ctx[1] == 1; }
SEC("cgroup/dev") int dev_written(u32 *ctx) { ctx[1] = 1; return 1; }
SEC("cgroup/bind4") int bind_family(u32 *ctx) { return ctx[0] == 2; }
SEC("cgroup/bind4") int bind_ip6_read(u32 *ctx) { return ctx[2] == 2; }
SEC("cgroup/connect4") int connect_returns_two(u32 *ctx) { return 2; }
SEC("cgroup/sysctl") int sysctl_write(u32 *ctx) { return ctx[0]; }
SEC("cgroup/getsockopt") int getsockopt_level(u32 *ctx) { return ctx[6] == 1; }
SEC("sockops") int sockops_op(u32 *ctx) { return ctx[0] & 1; }
SEC("sk_msg") int msg_family(u32 *ctx) { return ctx[4] == 2; }
SEC("sk_lookup") int lookup_protocol(u32 *ctx) { return ctx[3] == 6; }
SEC("sk_reuseport") int reuseport_len(u32 *ctx) { return ctx[4] & 1; }
SEC("flow_dissector") int dissect(struct __sk_buff *skb) { return skb->vlan_tci & 1 ? 0 : 2; }
SEC("lwt_in") int lwt(struct __sk_buff *skb) { return skb->tc_classid; }
SEC("perf_event") int perf(u64 *ctx) { return ctx[0] != 0; }
SEC("perf_event") int perf_narrow(u64 *ctx) { return *(volatile u32 *)((void *)ctx + 168); }
SEC("raw_tp/sched_switch") int raw_tp_args(u64 *ctx) { return ctx[0] != 0; }
SEC("raw_tp/sched_switch") int raw_tp_written(u64 *ctx) { ctx[0] = 0; return 0; }
SEC("raw_tp/sched_switch") int raw_tp_far(u64 *ctx) { return ctx[12] != 0; }
SEC("tp/sched/sched_switch") int tp_record(u64 *ctx) { return ctx[1] != 0; }
SEC("tp/sched/sched_switch") int tp_record_far(u64 *ctx) { return ctx[1024] != 0; }
SEC("kprobe/nothing") int kprobe_regs(u64 *ctx) { return ctx[14] != 0; }
SEC("kprobe/nothing") int kprobe_narrow(u64 *ctx) { return *(volatile u16 *)ctx; }

LICENSE("GPL");
