// SPDX-License-Identifier: MIT
/* Variables of many types, for what reads and writes them by name from outside; and a mask that is leaked on purpose. */
#include "bpf_cpumask.h"

enum mood { CALM = 1, BUSY = 2, WILD = 0x7fffffff };

struct point {
	s32 x, y;
	union {
		u64 tag;
		char name[8];
	};
};

parameter bool enabled = true;
parameter u64 limit = 1000;
parameter char greeting[16] = "hello";

bool flag;
u8 byte = 200;
signed char negative = -5;
short shorts[3] = { 1, -2, 3 };
int number = -7;
u64 huge = 0xffffffffffffffffULL;
long long small_number = -9000000000LL;
enum mood mood = BUSY;
struct point point = { 1, -2, { .tag = 0x6968 } };
char text[8] = "abc";
u32 grid[2][2] = { { 1, 2 }, { 3, 4 } };
struct {
	u32 low : 4;
	u32 high : 12;
} bits = { 5, 300 };
static int hidden = 11;

SEC("syscall")
int read_all(void *ctx)
{
	static u32 calls = 100;
	char fmt[] = "limit %llu on CPU %d\n";

	if (++calls > 1000)
		hidden = 0;
	flag = enabled;
	if (limit > 5)
		number++;
	hidden += greeting[0];
	bpf_trace_printk(fmt, sizeof(fmt), limit, bpf_get_smp_processor_id());
	return hidden;
}

SEC("tp_btf/sched_switch")
int on_switch(u64 *ctx)
{
	struct task_struct *prev = (struct task_struct *)ctx[1], *next = (struct task_struct *)ctx[2];

	number = prev->pid * 1000 + next->pid;
	return 0;
}

SEC("xdp")
int packet(void *ctx)
{
	return 2;
}

LICENSE("Dual MIT/GPL");
