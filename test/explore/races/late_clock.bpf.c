// SPDX-License-Identifier: MIT
/* What has passed since another CPU looked at the clock is less than nothing, when that CPU looked later and was done earlier. */
#include "race.h"

static u64 (*const bpf_ktime_get_ns)(void) = (void *)5;

u32 err;
u64 last;

static __always_inline int account(bool clamped)
{
	u64 now = bpf_ktime_get_ns(), before = *(volatile u64 *)&last;
	u64 passed = now - before;

	if (clamped && now < before)
		passed = 0;
	/* A time slice that is never used up. */
	if (passed > 1ULL << 62)
		err = 1;
	*(volatile u64 *)&last = now;
	return 0;
}

SEC("syscall")
int account_wrong(void *ctx)
{
	return account(false);
}

SEC("syscall")
int account_right(void *ctx)
{
	return account(true);
}

LICENSE("Dual MIT/GPL");
