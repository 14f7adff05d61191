// SPDX-License-Identifier: MIT
/* As random.bpf.c, with two timers and two work items. */
#include "deferred.h"

SEC("syscall")
int set_up(void *ctx)
{
	int err = set_up_mask(0x1);

	for (u32 key = 0; key < 2 && !err; key++)
		err = init_timer(key) ?: init_work(key);
	return err;
}

static int work(void *map, int *key, void *value)
{
	return 0;
}

SEC("syscall")
int kfuncs(void *ctx)
{
	struct bpf_cpumask *mask = mask_of(0);
	unsigned long flags;
	u32 key = 0;
	struct job *job = bpf_map_lookup_elem(&jobs, &key);

	if (job) {
		bpf_wq_set_callback_impl(&job->work, work, 0, NULL);
		bpf_wq_start(&job->work, 0);
	}
	if (!mask)
		return -ENOMEM;
	bpf_cpumask_clear_cpu(0, mask);
	bpf_cpumask_or(mask, view(mask), view(mask));
	bpf_local_irq_save(&flags);
	bpf_local_irq_restore(&flags);
	bpf_rcu_read_lock();
	bpf_rcu_read_unlock();
	bpf_cpumask_release(mask);
	return 0;
}

LICENSE("Dual MIT/GPL");
