/** What to do about a rejection, where the message tells the cause. One row a cause; the first that matches is said. */

interface Suggestion {
  readonly when: RegExp;
  readonly say: string;
}

const SUGGESTIONS: readonly Suggestion[] = [
  {
    when: /reference leak|^Unreleased reference/,
    say: 'Release it on this path too (bpf_cpumask_release() for a mask), or hand it over with bpf_kptr_xchg().',
  },
  {
    when: /Possibly NULL pointer passed|_or_null'|type=\S*_or_null\S* expected/,
    say: 'Compare the pointer with NULL before this use: what returned it may have failed.',
  },
  {
    when: /must be a rcu pointer|must be referenced|must be trusted/,
    say:
      'A pointer read from memory is only good inside bpf_rcu_read_lock() .. bpf_rcu_read_unlock(); to keep it, take a ' +
      'reference (bpf_cpumask_acquire()) or take it out with bpf_kptr_xchg().',
  },
  {
    when: /^calling kernel function \S+ is not allowed/,
    say: 'This program type may not call it. `bpf-cpumask kfuncs` lists the types that may (tracing, struct_ops, syscall ...).',
  },
  {
    when: /program of this type cannot use helper|unknown func|helper call is not allowed/,
    say: 'This program type has no such helper; another SEC() may, or a kfunc does the same.',
  },
  {
    when: /type=scalar expected=/,
    say:
      'The register is no pointer any more: it was released, exchanged into a map, lost its RCU section, or is an integer. ' +
      'Use it before that, or get it again.',
  },
  {
    when: /^nested rcu read lock/,
    say: 'This release does not nest RCU read locks (6.19 does); non-sleepable programs are in a read section already.',
  },
  {
    when: /rcu_read_lock-ed region|rcu_read_unlock is missing/,
    say: 'Call bpf_rcu_read_unlock() on every path before this point.',
  },
  {
    when: /preempt_disable-ed region|preempt_enable/,
    say: 'Call bpf_preempt_enable() on every path before this point.',
  },
  { when: /spin_lock-ed region|spin_unlock is missing|while holding a lock/, say: 'Unlock first, on every path.' },
  {
    when: /local_irq_save-ed region|irq/i,
    say: 'Restore the irq flags in the opposite order of saving, on every path.',
  },
  {
    when: /(min|max) value is outside of the allowed memory range|unbounded memory access|unbounded min value|invalid variable offset/,
    say:
      'Bound the index right before the access (if (i >= N) return 0; or i &= N - 1): the compiler may have checked ' +
      'another copy of it.',
  },
  {
    when: /store to referenced kptr disallowed|kptr (access|cannot)/,
    say: 'A kptr field is written with bpf_kptr_xchg() only, and read as a whole, aligned pointer.',
  },
  {
    when: /doesn't point to kptr|has no valid kptr|must have BTF/,
    say: 'The map value needs a BTF type with this field as `__kptr`, and its struct complete in the object.',
  },
  {
    when: /^only read is supported/,
    say: 'Kernel objects are read-only for programs; cast with bpf_rdonly_cast() to read others, use kfuncs to change them.',
  },
  {
    when: /!read_ok/,
    say: 'The register has no value on this path: a variable is not set, or R1 to R5 are used after a call.',
  },
  {
    when: /infinite loop detected|program is too large|jumps is too complex/,
    say: 'Bound the loop, or use bpf_for(), bpf_loop() or may_goto, which converge.',
  },
  {
    when: /combined stack size|stack size of subprog|invalid write to stack|out of stack/,
    say: 'The stack is 512 bytes for all frames together; move large data into a map (per-CPU array) or global variable.',
  },
  {
    when: /sleepable|might.?sleep/,
    say: 'Sleeping needs a sleepable program (SEC("...s/") or syscall) outside of RCU, lock and preempt-disabled regions.',
  },
  {
    when: /GPL/,
    say: 'Declare `char _license[] SEC("license") = "GPL";`.',
  },
  {
    when: /leaks addr|pointer comparison|pointer arithmetic|variable stack access prohibited/,
    say: 'Without CAP_PERFMON addresses may not leave the program; load with more capabilities (--caps all).',
  },
  {
    when: /invalid bpf_context access/,
    say: 'The context of this program type has no such field, or not at this width.',
  },
  {
    when: /memory, len pair|invalid indirect|invalid access to map value/,
    say: 'The buffer is smaller than the size passed.',
  },
  {
    when: /func_proto .* incompatible with vmlinux/,
    say: "The object declares this kfunc with another prototype than the kernel has; take it from the kernel's vmlinux.h.",
  },
  {
    when: /extern .* not found|failed to find|invalid kernel function call/,
    say: 'This kernel has no such function; make the extern __weak and test it with bpf_ksym_exists().',
  },
  {
    when: /Caller passes invalid args/,
    say: 'A global function is checked by its prototype alone: add __arg_trusted, __arg_nonnull or __arg_ctx, or make it static.',
  },
];

/** A suggestion for the first of `lines`, last first, that tells its cause; null where none does. */
export function suggest(lines: readonly string[]): string | null {
  for (const line of [...lines].reverse()) {
    const found = SUGGESTIONS.find((row) => row.when.test(line));
    if (found) return found.say;
  }
  return null;
}
