// SPDX-License-Identifier: MIT
/* One CO-RE relocation a program: the value that it becomes is what the program returns. */
#include "bpf_cpumask.h"

enum { BYTE_OFFSET, BYTE_SIZE, EXISTS, SIGNED, LSHIFT_U64, RSHIFT_U64 };
enum { LOCAL_ID, TARGET_ID };
enum { TYPE_EXISTS, TYPE_SIZE, TYPE_MATCHES };
enum { VALUE_EXISTS, VALUE };

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)
struct task_struct___mine {
	char comm[16];
	int tgid;
	unsigned sched_reset_on_fork : 1;
	struct task_struct___mine *group_leader;
	int no_such_member;
	struct { u32 normal_prio_of_nobody; };
};
/* A member of another width: reading it as this would give another number. */
struct task_struct___wide {
	u64 pid;
};
/* An unsigned one may be read narrower or wider. */
struct task_struct___flags {
	u64 flags;
};
struct no_such_struct {
	int a;
};
union thread_info {
	int syscall_work;
};
#pragma clang attribute pop

struct refcount_struct___alike {
	atomic_t refs;
};
struct refcount_struct___more {
	atomic_t refs;
	int other;
};
enum pid_type___mine {
	PIDTYPE_TGID___mine = 77,
	PIDTYPE_NOBODY = 78,
};

#define FIELD(name, type, member, kind)                                                                                \
	SEC("syscall")                                                                                                 \
	u64 name(void *ctx)                                                                                            \
	{                                                                                                              \
		struct type *at = NULL;                                                                                \
		return __builtin_preserve_field_info(at->member, kind);                                                \
	}
FIELD(offset_pid, task_struct, pid, BYTE_OFFSET)
FIELD(offset_flavour, task_struct___mine, tgid, BYTE_OFFSET)
FIELD(offset_element, task_struct___mine, comm[5], BYTE_OFFSET)
FIELD(offset_missing, task_struct___mine, no_such_member, BYTE_OFFSET)
FIELD(size_comm, task_struct, comm, BYTE_SIZE)
FIELD(size_mask, bpf_cpumask, cpumask, BYTE_SIZE)
FIELD(exists_pid, task_struct, pid, EXISTS)
FIELD(exists_missing, task_struct___mine, no_such_member, EXISTS)
FIELD(exists_no_struct, no_such_struct, a, EXISTS)
FIELD(signed_pid, task_struct, pid, SIGNED)
FIELD(signed_bits, task_struct___mine, sched_reset_on_fork, SIGNED)
FIELD(offset_bits, task_struct___mine, sched_reset_on_fork, BYTE_OFFSET)
FIELD(size_bits, task_struct___mine, sched_reset_on_fork, BYTE_SIZE)
FIELD(lshift_bits, task_struct___mine, sched_reset_on_fork, LSHIFT_U64)
FIELD(rshift_bits, task_struct___mine, sched_reset_on_fork, RSHIFT_U64)
FIELD(rshift_pid, task_struct, pid, RSHIFT_U64)

#define TYPE(name, type, kind)                                                                                         \
	SEC("syscall")                                                                                                 \
	u64 name(void *ctx)                                                                                            \
	{                                                                                                              \
		return __builtin_preserve_type_info(*(type *)0, kind);                                                 \
	}
TYPE(type_exists, struct task_struct, TYPE_EXISTS)
TYPE(type_missing, struct no_such_struct, TYPE_EXISTS)
TYPE(type_other_kind, union thread_info, TYPE_EXISTS)
TYPE(type_size, struct cpumask, TYPE_SIZE)
TYPE(type_size_missing, struct no_such_struct, TYPE_SIZE)
TYPE(type_matches, struct refcount_struct___alike, TYPE_MATCHES)
TYPE(type_has_more, struct refcount_struct___more, TYPE_MATCHES)

SEC("syscall")
u64 id_local(void *ctx)
{
	return __builtin_btf_type_id(*(struct task_struct *)0, LOCAL_ID);
}

SEC("syscall")
u64 id_target(void *ctx)
{
	return __builtin_btf_type_id(*(struct task_struct *)0, TARGET_ID);
}

SEC("syscall")
u64 value_of(void *ctx)
{
	return __builtin_preserve_enum_value(*(enum pid_type___mine *)PIDTYPE_TGID___mine, VALUE);
}

SEC("syscall")
u64 value_exists(void *ctx)
{
	return __builtin_preserve_enum_value(*(enum pid_type___mine *)PIDTYPE_TGID___mine, VALUE_EXISTS);
}

SEC("syscall")
u64 value_missing(void *ctx)
{
	return __builtin_preserve_enum_value(*(enum pid_type___mine *)PIDTYPE_NOBODY, VALUE_EXISTS);
}

SEC("syscall")
u64 value_of_missing(void *ctx)
{
	return __builtin_preserve_enum_value(*(enum pid_type___mine *)PIDTYPE_NOBODY, VALUE);
}

SEC("tp_btf/task_newtask")
int load_pid(u64 *ctx)
{
	return ((struct task_struct *)ctx[0])->pid;
}

SEC("tp_btf/task_newtask")
u64 load_wide(u64 *ctx)
{
	return ((struct task_struct___wide *)ctx[0])->pid;
}

SEC("tp_btf/task_newtask")
u64 load_flags(u64 *ctx)
{
	return ((struct task_struct___flags *)ctx[0])->flags;
}

SEC("tp_btf/task_newtask")
int load_missing(u64 *ctx)
{
	return ((struct task_struct___mine *)ctx[0])->no_such_member;
}

LICENSE("GPL");
