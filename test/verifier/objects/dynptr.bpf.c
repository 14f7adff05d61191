// SPDX-License-Identifier: MIT
// Dynptrs: where they come from, what may be done with them, and what may not.
#include "common.h"

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 4096);
} ring SEC(".maps");
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, u64[8]);
} values SEC(".maps");

char buffer[64];
u64 sink;

static long use(u32 i, void *ctx) { return 0; }

SEC("syscall") int reserve_and_submit(void *ctx)
{
	struct bpf_dynptr p;

	bpf_ringbuf_reserve_dynptr(&ring, 16, 0, &p);
	bpf_dynptr_write(&p, 0, buffer, 16, 0);
	bpf_ringbuf_submit_dynptr(&p, 0);
	return 0;
}

SEC("syscall") int never_submitted(void *ctx)
{
	struct bpf_dynptr p;

	bpf_ringbuf_reserve_dynptr(&ring, 16, 0, &p);
	return 0;
}

SEC("syscall") int submitted_twice(void *ctx)
{
	struct bpf_dynptr p;

	bpf_ringbuf_reserve_dynptr(&ring, 16, 0, &p);
	bpf_ringbuf_submit_dynptr(&p, 0);
	bpf_ringbuf_submit_dynptr(&p, 0);
	return 0;
}

SEC("syscall") int reserved_twice(void *ctx)
{
	struct bpf_dynptr p;

	bpf_ringbuf_reserve_dynptr(&ring, 16, 0, &p);
	bpf_ringbuf_reserve_dynptr(&ring, 16, 0, &p);
	bpf_ringbuf_submit_dynptr(&p, 0);
	return 0;
}

SEC("syscall") int not_initialised(void *ctx)
{
	struct bpf_dynptr p;

	bpf_dynptr_read(buffer, 4, &p, 0, 0);
	return 0;
}

SEC("syscall") int written_over(void *ctx)
{
	struct bpf_dynptr p;

	bpf_ringbuf_reserve_dynptr(&ring, 16, 0, &p);
	*(volatile u8 *)&p = 0;
	bpf_ringbuf_submit_dynptr(&p, 0);
	return 0;
}

SEC("syscall") int local_written_over(void *ctx)
{
	struct bpf_dynptr p;

	bpf_dynptr_from_mem(buffer, sizeof(buffer), 0, &p);
	*(volatile u8 *)&p = 0;
	bpf_dynptr_read(buffer, 4, &p, 0, 0);
	return 0;
}

SEC("syscall") int read_directly(void *ctx)
{
	struct bpf_dynptr p;

	bpf_dynptr_from_mem(buffer, sizeof(buffer), 0, &p);
	return *(volatile u32 *)&p;
}

SEC("syscall") int into_the_middle(void *ctx)
{
	struct bpf_dynptr p[2];

	bpf_ringbuf_reserve_dynptr(&ring, 16, 0, &p[0]);
	bpf_ringbuf_submit_dynptr((void *)&p[0] + 8, 0);
	return 0;
}

SEC("syscall") int from_stack(void *ctx)
{
	struct bpf_dynptr p;
	u64 on_stack = 0;

	bpf_dynptr_from_mem(&on_stack, 8, 0, &p);
	return 0;
}

SEC("syscall") int from_value(void *ctx)
{
	struct bpf_dynptr p;
	u32 key = 0;
	void *value = bpf_map_lookup_elem(&values, &key);

	if (!value)
		return 0;
	bpf_dynptr_from_mem(value, 64, 0, &p);
	return bpf_dynptr_size(&p);
}

SEC("syscall") int from_value_too_big(void *ctx)
{
	struct bpf_dynptr p;
	u32 key = 0;
	void *value = bpf_map_lookup_elem(&values, &key);

	if (!value)
		return 0;
	bpf_dynptr_from_mem(value, 65, 0, &p);
	return 0;
}

SEC("syscall") int data_checked(void *ctx)
{
	struct bpf_dynptr p;
	u64 *data;

	bpf_ringbuf_reserve_dynptr(&ring, 16, 0, &p);
	data = bpf_dynptr_data(&p, 0, 8);
	if (data)
		*data = 1;
	bpf_ringbuf_discard_dynptr(&p, 0);
	return 0;
}

SEC("syscall") int data_unchecked(void *ctx)
{
	struct bpf_dynptr p;
	u64 *data;

	bpf_ringbuf_reserve_dynptr(&ring, 16, 0, &p);
	data = bpf_dynptr_data(&p, 0, 8);
	*data = 1;
	bpf_ringbuf_discard_dynptr(&p, 0);
	return 0;
}

SEC("syscall") int data_too_far(void *ctx)
{
	struct bpf_dynptr p;
	u64 *data;

	bpf_ringbuf_reserve_dynptr(&ring, 16, 0, &p);
	data = bpf_dynptr_data(&p, 0, 8);
	if (data)
		data[1] = 1;
	bpf_ringbuf_discard_dynptr(&p, 0);
	return 0;
}

SEC("syscall") int data_after_submit(void *ctx)
{
	struct bpf_dynptr p;
	u64 *data;

	bpf_ringbuf_reserve_dynptr(&ring, 16, 0, &p);
	data = bpf_dynptr_data(&p, 0, 8);
	bpf_ringbuf_submit_dynptr(&p, 0);
	if (data)
		*data = 1;
	return 0;
}

SEC("syscall") int data_of_variable_length(void *ctx)
{
	struct bpf_dynptr p;
	u32 length = bpf_get_prandom_u32();

	bpf_ringbuf_reserve_dynptr(&ring, 16, 0, &p);
	sink = (u64)bpf_dynptr_data(&p, 0, length);
	bpf_ringbuf_discard_dynptr(&p, 0);
	return 0;
}

SEC("syscall") int clone_and_submit(void *ctx)
{
	struct bpf_dynptr p, c;

	bpf_ringbuf_reserve_dynptr(&ring, 16, 0, &p);
	bpf_dynptr_clone(&p, &c);
	bpf_ringbuf_submit_dynptr(&c, 0);
	bpf_dynptr_read(buffer, 4, &p, 0, 0);
	return 0;
}

SEC("syscall") int clone_of_nothing(void *ctx)
{
	struct bpf_dynptr p, c;

	bpf_dynptr_clone(&p, &c);
	return 0;
}

SEC("syscall") int slice_checked(void *ctx)
{
	struct bpf_dynptr p;
	u64 room[2] = {}, *data;

	bpf_dynptr_from_mem(buffer, sizeof(buffer), 0, &p);
	data = bpf_dynptr_slice(&p, 0, room, sizeof(room));
	return data ? data[1] : 0;
}

SEC("syscall") int slice_written(void *ctx)
{
	struct bpf_dynptr p;
	u64 room[2] = {}, *data;

	bpf_dynptr_from_mem(buffer, sizeof(buffer), 0, &p);
	data = bpf_dynptr_slice(&p, 0, room, sizeof(room));
	if (data)
		data[0] = 1;
	return 0;
}

SEC("syscall") int slice_rdwr_written(void *ctx)
{
	struct bpf_dynptr p;
	u64 room[2] = {}, *data;

	bpf_dynptr_from_mem(buffer, sizeof(buffer), 0, &p);
	data = bpf_dynptr_slice_rdwr(&p, 0, room, sizeof(room));
	if (data)
		data[0] = 1;
	return 0;
}

SEC("syscall") int slice_unchecked(void *ctx)
{
	struct bpf_dynptr p;
	u64 room[2] = {}, *data;

	bpf_dynptr_from_mem(buffer, sizeof(buffer), 0, &p);
	data = bpf_dynptr_slice(&p, 0, room, sizeof(room));
	return data[0];
}

SEC("syscall") int slice_of_variable_size(void *ctx)
{
	struct bpf_dynptr p;
	u64 room[2] = {};
	u32 size = bpf_get_prandom_u32() & 15;

	bpf_dynptr_from_mem(buffer, sizeof(buffer), 0, &p);
	sink = (u64)bpf_dynptr_slice(&p, 0, room, size);
	return 0;
}

SEC("syscall") int adjusted(void *ctx)
{
	struct bpf_dynptr p;

	bpf_dynptr_from_mem(buffer, sizeof(buffer), 0, &p);
	bpf_dynptr_adjust(&p, 4, 8);
	return bpf_dynptr_size(&p) + bpf_dynptr_is_null(&p);
}

static __noinline int takes(const struct bpf_dynptr *p) { return bpf_dynptr_size(p); }

SEC("syscall") int to_function(void *ctx)
{
	struct bpf_dynptr p;

	bpf_dynptr_from_mem(buffer, sizeof(buffer), 0, &p);
	return takes(&p);
}

__noinline int takes_global(const struct bpf_dynptr *p) { return bpf_dynptr_size(p); }

SEC("syscall") int to_global_function(void *ctx)
{
	struct bpf_dynptr p;

	bpf_dynptr_from_mem(buffer, sizeof(buffer), 0, &p);
	return takes_global(&p);
}

SEC("syscall") int uninit_to_global_function(void *ctx)
{
	struct bpf_dynptr p;

	return takes_global(&p);
}

SEC("syscall") int slot_reused(void *ctx)
{
	struct bpf_dynptr p;

	bpf_dynptr_from_mem(buffer, 8, 0, &p);
	bpf_dynptr_from_mem(buffer, 16, 0, &p);
	return bpf_dynptr_size(&p);
}

SEC("syscall") int record_too_small(void *ctx)
{
	u64 *r = bpf_ringbuf_reserve(&ring, 8, 0);

	if (!r)
		return 0;
	r[1] = 0;
	bpf_ringbuf_submit(r, 0);
	return 0;
}

SEC("syscall") int record_moved(void *ctx)
{
	u64 *r = bpf_ringbuf_reserve(&ring, 16, 0);

	if (!r)
		return 0;
	bpf_ringbuf_submit(r + 1, 0);
	return 0;
}

SEC("syscall") int record_of_variable_size(void *ctx)
{
	u64 *r = bpf_ringbuf_reserve(&ring, bpf_get_prandom_u32(), 0);

	if (r)
		bpf_ringbuf_discard(r, 0);
	return 0;
}

SEC("syscall") int loop_inside(void *ctx)
{
	struct bpf_dynptr p;

	bpf_dynptr_from_mem(buffer, 8, 0, &p);
	bpf_loop(3, use, &p, 0);
	return bpf_dynptr_size(&p);
}

LICENSE("GPL");
