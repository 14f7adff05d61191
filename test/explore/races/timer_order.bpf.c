// SPDX-License-Identifier: MIT
/*
 * The consumer's timer takes longer than the producer's, so it expires later: not when it was started before that, since any time
 * may pass between the two starts.
 */
#include "deferred.h"

u32 produced, err;

static int produce(void *map, u32 *key, struct tick *tick)
{
	produced = 1;
	return 0;
}

static int consume(void *map, u32 *key, struct tick *tick)
{
	if (!produced)
		err = 1;
	return 0;
}

SEC("syscall")
int set_up(void *ctx)
{
	return init_timer(0) ?: init_timer(1);
}

SEC("syscall")
int start_wrong(void *ctx)
{
	return start_timer(1, consume, 2000) ?: start_timer(0, produce, 1000);
}

SEC("syscall")
int start_right(void *ctx)
{
	return start_timer(0, produce, 1000) ?: start_timer(1, consume, 2000);
}

LICENSE("Dual MIT/GPL");
