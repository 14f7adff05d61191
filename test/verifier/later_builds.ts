/**
 * Builds of one release differ: some of 6.18.44 have rules that the one our rules were measured on does not have. Whoever compares with a
 * running kernel counts what these rules explain apart; they are part of docs/parity/verifier.md.
 */

export interface LaterRule {
  readonly what: string;
  readonly ours: string;
  readonly kernel: string;
  /** What a kernel with the rule says. */
  readonly says: RegExp;
  /** What it says without, and what programs of the kind call, where `says` alone would explain too much. */
  readonly instead?: RegExp;
  readonly calls?: string;
}

export const LATER_RULES: readonly LaterRule[] = [
  {
    what: 'stack, map values, ring buffer records and scalars as the reference that a kfunc acquires or releases',
    ours: 'taken as memory of the right size, or refused by type',
    kernel: 'EINVAL, `R1 must be referenced or trusted`, `arg#0 is ringbuf_mem expected mem or socket`',
    says: /^R\d must be referenced or trusted$|^arg#\d is \S+ expected \S+ or socket$/,
  },
  {
    what: 'RCU pointers, NULL and kernel structs for arguments of global functions',
    ours: 'EACCES, or taken for `__arg_trusted` and for memory',
    kernel: 'EINVAL, `Caller passes invalid args into func#1`',
    says: /^Caller passes invalid args into func#\d+ /,
  },
  {
    what: 'what `bpf_cpumask_populate()` fills',
    ours: 'a `struct cpumask`',
    kernel: 'a `struct bpf_cpumask`, as its BTF says',
    says: /^invalid read from stack R1 off=-32 size=40$|bpf_cpumask_populate args#0 expected pointer to STRUCT bpf_cpumask /,
  },
  {
    what: 'a loop around an iterator that needs RCU, in which a read section ends',
    ours: 'ends where the iterator was before, whether or not RCU still protects it',
    kernel: 'EPROTO, `expected an RCU CS when using bpf_iter_task_next`',
    says: /^expected an RCU CS when using bpf_iter_\w+$/,
  },
  {
    what: '`fp + 0` where an iterator or saved interrupt flags should go, with no stack in use',
    ours: 'EACCES, `invalid write to stack R1 off=0 size=8`',
    kernel: 'EINVAL, `expected uninitialized irq flag as arg#0`',
    says: /^expected uninitialized .* as arg ?#\d$/,
    instead: /^invalid write to stack R\d off=0 size=8$/,
  },
  {
    what: 'a pointer moved by more than 2^29 in two steps',
    ours: '`value N makes map_value pointer be out of bounds`',
    kernel: '`map_value pointer offset N is not allowed`',
    says: / pointer offset -?\d+ is not allowed$/,
    instead: / makes \S+ pointer be out of bounds$/,
  },
  {
    what: 'an atomic load through a context pointer, into the register of the pointer or where another path has another pointer',
    ours: 'looked at after the load: accepted, or EINVAL, `same insn cannot be used with different pointers`',
    kernel: 'EACCES, `BPF_ATOMIC loads from R6 ctx is not allowed`',
    says: /^BPF_ATOMIC loads from R\d \S+ is not allowed$/,
    instead: /^(same insn cannot be used with different pointers)?$/,
  },
  {
    what: 'a pointer read from a kernel struct, on which no rule gives trust',
    ours: 'plain, `ptr_task_struct`',
    kernel: '`untrusted_ptr_task_struct`',
    says: /untrusted_ptr_/,
    instead: /(?<!untrusted_)ptr_/,
  },
  {
    what: 'a work item that is initialised with another map',
    ours: 'not noticed',
    kernel: "EINVAL, `workqueue pointer in R1 map_uid=0 doesn't match map pointer in R2 map_uid=0`",
    says: /^workqueue pointer in R1 map_uid=\d+ doesn't match map pointer in R2 map_uid=\d+$/,
  },
  {
    what: 'a pointer that may be NULL, for a kfunc that asks for no trust',
    ours: 'refused for its type',
    kernel: 'EACCES, `Possibly NULL pointer passed to trusted arg1`',
    says: /^Possibly NULL pointer passed to trusted arg\d$/,
    instead: /^arg#?\d .*(expected pointer|doesn't point) to|^dereference of modified/,
  },
  {
    what: 'a slice of a dynptr in a buffer on the stack that is written again',
    ours: 'stays valid',
    kernel: "ends: EACCES, `R9 invalid mem access 'scalar'`",
    says: /^R\d invalid mem access 'scalar'$/,
    instead: /^(?!R\d invalid mem access)/,
    calls: 'bpf_dynptr_slice',
  },
];

/** What a verifier answers: 0 and '' where it accepts. */
export interface Answer {
  readonly errno: number | string;
  readonly message: string | null;
}

/** The rule that explains why the running kernel does not answer as ours does. `text`: of the program, where there is one. */
export function laterRule(kernel: Answer, ours: Answer, text = ''): LaterRule | undefined {
  const [theirs = '', instead = ''] = [kernel.message, ours.message].map((message) => (message ?? '').trim());
  if (kernel.errno === ours.errno && theirs === instead) return undefined;
  return LATER_RULES.find(
    (rule) =>
      rule.says.test(theirs) && (!rule.instead || rule.instead.test(instead)) && text.includes(rule.calls ?? ''),
  );
}
