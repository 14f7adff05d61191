/**
 * Kernels that there are not: BTF with types and prototypes that no kernel at hand has, for messages that no other shows. Names are
 * those of kfuncs, tracepoints and structs that the verifier knows; what would be said is known from the kernel's source alone.
 */
import type { Btf } from '../../src/btf/btf.ts';
import { BtfBuilder } from '../btf_builder.ts';
import type { DocumentedCase } from './documented.ts';

type Params = readonly (readonly [name: string, type: number])[];

interface Types {
  readonly b: BtfBuilder;
  readonly int: number;
  readonly long: number;
  readonly member: (name: string, type: number, offset: number) => { name: string; type: number; offset: number };
  readonly func: (name: string, returns: number, params: Params) => number;
  /** A tracepoint's typedef: its prototype begins with a pointer that programs do not see. */
  readonly tracepoint: (name: string, params: Params) => number;
}

/** A kernel with the types that `make` writes. */
function kernel(make: (types: Types) => void): () => Btf {
  return () => {
    const b = new BtfBuilder();
    const int = b.int('int', 4, 1);
    const long = b.int('unsigned long', 8);
    const func = (name: string, returns: number, params: Params) => b.func(name, b.proto(returns, params), 0);
    const tracepoint = (name: string, params: Params) =>
      b.ref('typedef', b.ptr(b.proto(0, [['__data', b.ptr(0)], ...params])), `btf_trace_${name}`);
    make({ b, int, long, func, tracepoint, member: (n, type, offset) => ({ name: n, type, offset }) });
    return b.build();
  };
}

const leave = 'r0 = 0; exit';
const first = (params: (types: Types) => Params, returns = (types: Types) => types.int) =>
  kernel((types) => types.func('bpf_cpumask_first', returns(types), params(types)));
const call = `r1 = 1; r2 = 2; call bpf_cpumask_first; ${leave}`;
const raw = { type: 'tracing', attach: 'trace_raw_tp', to: 'btf_trace_made_up' } as const;

/** A variable of a type without a size. */
const variable = (percpu: boolean) =>
  kernel(({ b }) => {
    const id = b.variable('made_up', b.fwd('unknown'));
    b.datasec(percpu ? '.data..percpu' : '.data', 8, [{ type: id, offset: 0, size: 8 }]);
  });
const address = '.insn(0x18, 1, 3, 0, btf_id(made_up)); .insn(0, 0, 0, 0, 0)';

export const madeUpCases: readonly DocumentedCase[] = [
  {
    name: 'made up: kfunc of six arguments',
    kernel: first(({ int }) => ['a', 'b', 'c', 'd', 'e', 'f'].map((name) => [name, int])),
    asm: call,
    says: 'EINVAL Function bpf_cpumask_first has 6 > 5 args',
    source: 'check_kfunc_args',
  },
  {
    name: 'made up: kfunc of two constants',
    kernel: first(({ int }) => [
      ['a__k', int],
      ['b__k', int],
    ]),
    asm: call,
    says: 'EFAULT only one constant argument permitted',
    source: 'check_kfunc_args',
  },
  {
    name: 'made up: kfunc of two buffer sizes',
    kernel: first(({ int }) => [
      ['rdonly_buf_size', int],
      ['rdwr_buf_size', int],
    ]),
    asm: call,
    says: 'EINVAL 2 or more rdonly/rdwr_buf_size parameters for kfunc',
    source: 'check_kfunc_args',
  },
  {
    name: 'made up: kfunc of an unknown buffer size',
    kernel: first(({ long }) => [['rdwr_buf_size', long]]),
    asm: `call bpf_get_prandom_u32; r1 = r0; call bpf_cpumask_first; ${leave}`,
    says: 'EINVAL R1 is not a const',
    source: 'check_kfunc_args',
  },
  {
    name: 'made up: kfunc of a buffer size beyond 32 bits',
    kernel: first(({ long }) => [['rdonly_buf_size', long]]),
    asm: `r1 = 0x100000000 ll; call bpf_cpumask_first; ${leave}`,
    says: 'EINVAL R1 rdonly/rdwr_buf_size exceeds u32 max',
    source: 'check_kfunc_args',
  },
  {
    name: 'made up: kfunc that takes a struct by value',
    kernel: first(({ b, int, member }) => [['s', b.struct('pair', 8, [member('x', int, 0), member('y', int, 4)])]]),
    asm: call,
    says: 'EINVAL Unrecognized arg#0 type STRUCT',
    source: 'check_kfunc_args',
  },
  {
    name: 'made up: kfunc that acquires a number',
    kernel: kernel(({ b, int, func }) => func('bpf_cpumask_create', b.ptr(int), [])),
    asm: `call bpf_cpumask_create; ${leave}`,
    says: 'EINVAL acquire kernel function does not return PTR_TO_BTF_ID',
    source: 'check_kfunc_call',
  },
  {
    name: 'made up: kfunc that returns a pointer to nobody knows what',
    kernel: first(
      () => [],
      ({ b }) => b.ptr(b.fwd('unknown')),
    ),
    asm: call,
    says: 'EINVAL kernel function bpf_cpumask_first returns pointer type FWD unknown is not supported',
    source: 'check_kfunc_call',
  },
  {
    name: 'made up: kfunc that reads a packet dynptr it does not make',
    type: 'sched_cls',
    maps: { m: {} },
    kernel: kernel(({ b, int, long, func, member }) => {
      const dynptr = b.struct('bpf_dynptr', 16, [member('__opaque', long, 0)]);
      func('bpf_dynptr_from_skb', int, [['ptr', b.ptr(dynptr)]]);
    }),
    asm: `r1 = map_value(m, 0); r2 = 8; r3 = 0; r4 = r10; r4 += -16; call bpf_dynptr_from_mem; r1 = r10; r1 += -16; call bpf_dynptr_from_skb; ${leave}`,
    says: 'EINVAL Expected a dynptr of type skb as arg #0',
    source: 'process_dynptr_func',
  },
  {
    name: 'made up: iterator that is no iterator',
    kernel: kernel(({ b, int, long, func, member }) =>
      func('bpf_iter_num_new', int, [['it', b.ptr(b.struct('counter', 8, [member('x', long, 0)]))]]),
    ),
    asm: `r1 = r10; r1 += -8; r2 = 0; r3 = 1; call bpf_iter_num_new; ${leave}`,
    says: 'EINVAL expected valid iter pointer as arg #0',
    source: 'process_iter_arg',
  },
  {
    name: 'made up: crash with CAP_BPF alone',
    caps: 'bpf',
    kernel: kernel(({ func }) => func('crash_kexec', 0, [])),
    asm: `call crash_kexec; ${leave}`,
    says: 'EACCES destructive kfunc calls require CAP_SYS_BOOT capability',
    source: 'check_kfunc_call',
  },
  {
    name: 'made up: map whose struct is not known',
    kernel: kernel(() => undefined),
    maps: { m: {} },
    asm: `r1 = map(m); r0 = *(u32 *)(r1 + 0); ${leave}`,
    says: 'ENOTSUPP map_ptr access not supported for map type 2',
    source: 'check_ptr_to_map_access',
  },
  {
    name: 'made up: variable without a size',
    kernel: variable(false),
    asm: `${address}; ${leave}`,
    says: "EINVAL ldimm64 unable to resolve the size of type 'unknown': -22",
    source: 'check_pseudo_btf_id',
  },
  {
    name: 'made up: per-CPU variable without a size',
    kernel: variable(true),
    asm: `${address}; call bpf_this_cpu_ptr; ${leave}`,
    says: "EINVAL unable to resolve the size of type 'unknown': -22",
    source: 'check_helper_call',
  },
  {
    name: 'made up: member without a size',
    ...raw,
    kernel: kernel(({ b, long, member, tracepoint }) => {
      const struct = b.struct('thing', 16, [member('odd', b.fwd('unknown'), 0), member('x', long, 8)]);
      tracepoint('made_up', [['thing', b.ptr(struct)]]);
    }),
    asm: `r1 = *(u64 *)(r1 + 0); r0 = *(u64 *)(r1 + 8); ${leave}`,
    says: "EFAULT field odd doesn't have size",
    source: 'btf_struct_walk',
  },
  {
    name: 'made up: tracepoint that passes an array',
    ...raw,
    kernel: kernel(({ b, int, tracepoint }) => tracepoint('made_up', [['list', b.array(int, 2)]])),
    asm: `r1 = *(u64 *)(r1 + 0); ${leave}`,
    says: 'EACCES invalid bpf_context access off=0 size=8',
    logs: "func 'made_up' arg0 '' has type ARRAY. Only pointer access is allowed",
    source: 'btf_ctx_access',
  },
  {
    name: 'made up: tracepoint that passes a pointer to a pointer',
    ...raw,
    kernel: kernel(({ b, int, tracepoint }) => tracepoint('made_up', [['list', b.ptr(b.ptr(int))]])),
    asm: `r1 = *(u64 *)(r1 + 0); ${leave}`,
    says: 'EACCES invalid bpf_context access off=0 size=8',
    logs: "func 'made_up' arg0 type PTR is not a struct",
    source: 'btf_ctx_access',
  },
  {
    name: 'made up: security hook that returns a pointer',
    type: 'tracing',
    attach: 'modify_return',
    to: 'security_made_up',
    kernel: kernel(({ b, int, func }) => func('security_made_up', b.ptr(int), [['x', int]])),
    asm: `r0 = *(u64 *)(r1 + 8); ${leave}`,
    says: 'EACCES invalid bpf_context access off=8 size=8',
    logs: 'ret type PTR not allowed for fmod_ret',
    source: 'btf_ctx_access',
  },
  {
    name: 'made up: tracepoint that passes memory of user space',
    ...raw,
    kernel: kernel(({ b, long, member, tracepoint }) =>
      tracepoint('made_up', [['list', b.kptr(b.struct('thing', 8, [member('x', long, 0)]), 'user')]]),
    ),
    asm: `r1 = *(u64 *)(r1 + 0); r0 = *(u64 *)(r1 + 0); ${leave}`,
    says: 'EACCES R1 is ptr_thing access user memory: off=0',
    source: 'check_ptr_to_btf_access',
  },
  {
    name: 'made up: iterator over pointers',
    type: 'tracing',
    attach: 'trace_iter',
    to: 'bpf_iter_task',
    kernel: kernel(({ b, int, func }) =>
      func('bpf_iter_task', int, [
        ['meta', b.ptr(0)],
        ['task', b.ptr(b.ptr(int))],
      ]),
    ),
    asm: `r1 = *(u64 *)(r1 + 8); if r1 == 0 goto out; r0 = *(u64 *)(r1 + 0); out: ${leave}`,
    says: "EINVAL Type '(anon)' is not a struct",
    source: 'btf_struct_walk',
  },
  {
    name: 'made up: packet of a queue read after it was dropped',
    type: 'struct_ops',
    to: 'Qdisc_ops.enqueue',
    kernel: kernel(({ b, int, long, func, member }) => {
      const skb = b.struct('sk_buff', 8, [member('next', long, 0)]);
      const params = [['skb__ref', b.ptr(skb)]] as const;
      const ops = b.struct('Qdisc_ops', 8, [member('enqueue', b.ptr(b.proto(int, params)), 0)]);
      b.struct('bpf_struct_ops_Qdisc_ops', 16, [member('common', long, 0), member('data', ops, 8)]);
      func('Qdisc_ops__enqueue', int, params);
      func('bpf_kfree_skb', 0, [['skb', b.ptr(skb)]]);
    }),
    asm: `r6 = r1; r1 = *(u64 *)(r6 + 0); call bpf_kfree_skb; r1 = *(u64 *)(r6 + 0); ${leave}`,
    says: 'EACCES invalid bpf_context access off=0. Reference may already be released',
    source: 'check_ctx_access',
  },
];
