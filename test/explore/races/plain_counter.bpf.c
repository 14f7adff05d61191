// SPDX-License-Identifier: MIT
/* claims++ is a load and a store. */
#include "race.h"

u32 claims;

SEC("syscall")
int count_wrong(void *ctx)
{
	*(volatile u32 *)&claims += 1;
	return 0;
}

SEC("syscall")
int count_right(void *ctx)
{
	__sync_fetch_and_add(&claims, 1);
	return 0;
}

SEC("syscall")
int check(void *ctx)
{
	return claims != 2;
}

LICENSE("Dual MIT/GPL");
