/** The BTF that verifier cases share: types of map values and local objects, and one prototype a function. */
import type { Btf } from '../../src/btf/btf.ts';
import { BtfBuilder } from '../btf_builder.ts';

/** Structs of map values that cases use, with their sizes. */
export const VALUE_TYPES = {
  /** { unsigned long x; struct bpf_cpumask __kptr *mask; } */
  kptr: 16,
  /** { struct bpf_cpumask __kptr_untrusted *mask; } */
  unref: 8,
  /** { struct bpf_spin_lock lock; int x; } */
  lock: 8,
  /** { struct bpf_res_spin_lock lock; int x; } */
  res_lock: 8,
  /** { struct bpf_timer t; } */
  timer: 16,
  wq: 16,
  /** { unsigned long x; bpf_cpumask __kptr *; task_struct __kptr *; bpf_cpumask __kptr_untrusted *; case_node __kptr *; case_leaf __percpu_kptr *; } */
  kptrs: 48,
  /** { struct bpf_spin_lock lock; struct bpf_list_head head __contains(case_node, link); unsigned long count; } */
  list: 32,
  /** { struct bpf_spin_lock lock; struct bpf_rb_root root __contains(case_node, branch); unsigned long count; } */
  tree: 32,
  /** { struct bpf_spin_lock lock; struct bpf_list_head head __contains(case_pair, first); unsigned long count; } */
  pairs: 32,
  /** { struct case_leaf __uptr *data; }, of a task storage */
  uptr: 8,
  /** { struct case_leaf __kptr *leaf; } */
  leaf: 8,
} as const;
export type ValueType = keyof typeof VALUE_TYPES;

/**
 * Structs that cases give to bpf_obj_new: `r1 = type_id(node)`; case_ before the name, since the kernel has a struct node.
 *
 * - node: { bpf_list_node link @0; bpf_refcount refs @24; unsigned long number @32; bpf_rb_node branch @40 }, 72 bytes
 * - leaf: { unsigned long number @0; unsigned long more @8 }
 * - big: 1024 bytes
 * - holder: { unsigned long number @0; bpf_cpumask __kptr *mask @8 }
 * - pair: { bpf_list_node first @0; bpf_list_node second @24 }
 */
export const LOCAL_TYPES = ['node', 'leaf', 'holder', 'big', 'pair'] as const;
type LocalType = (typeof LOCAL_TYPES)[number];

/** What a parameter of a function is: the type, and its tag where it has one. */
export const ARG_TYPES = {
  int: null,
  /** void *ctx __arg_ctx */
  ctx: 'ctx',
  /** void *p, no tag: for callbacks and static functions, which nobody looks at */
  pointer: null,
  /** unsigned long *p */
  mem: null,
  nonnull: 'nonnull',
  dynptr: null,
  task: 'trusted',
  nullable_task: 'trusted nullable',
  untrusted: 'untrusted',
  /** unsigned long __arena *p */
  arena: 'arena',
  /** void *ctx __arg_ctx __arg_nonnull */
  ctx_nonnull: 'ctx nonnull',
  /** struct task_struct *ctx __arg_ctx */
  ctx_task: 'ctx',
  /** int n __arg_nonnull */
  tagged_int: 'nonnull',
  /** unsigned long __arena *p __arg_nonnull */
  arena_nonnull: 'arena nonnull',
  /** struct { unsigned long x; } *ctx __arg_ctx */
  ctx_anonymous: 'ctx',
  /** struct cma *p __arg_untrusted, of which this BTF and the kernel's have a declaration alone */
  untrusted_declared: 'untrusted',
  /** A tag that there is not */
  odd: 'odd',
} as const;
export type ArgType = keyof typeof ARG_TYPES;

export interface FuncCase {
  readonly linkage: 'static' | 'global';
  readonly returns?: 'int' | 'void';
  readonly args: readonly ArgType[];
  /** Tags besides: those of ARG_TYPES are left out where the function is static. */
  readonly tagged?: boolean;
}

export interface CaseBtf {
  readonly btf: Btf;
  readonly int: number;
  readonly values: Readonly<Record<ValueType, number>>;
  readonly locals: Readonly<Record<LocalType, number>>;
  /** func ids by name. */
  readonly funcs: ReadonlyMap<string, number>;
}

/** @param exceptionCallback - function that main names as its exception callback */
export function buildCaseBtf(
  funcs: Readonly<Record<string, FuncCase>>,
  exceptionCallback: string | readonly string[] = [],
): CaseBtf {
  const b = new BtfBuilder();
  const int = b.int('int', 4, 1);
  const u64 = b.int('unsigned long', 8);
  const member = (name: string, type: number, offset: number) => ({ name, type, offset });
  const opaque = (name: string, size: number) => b.struct(name, size, [member('opaque', u64, 0)]);
  const contains = (struct: number, component: number, node: string) =>
    b.declTag(`contains:${node}`, struct, component);
  const lock = b.struct('bpf_spin_lock', 4, [member('val', int, 0)]);
  const resLock = b.struct('bpf_res_spin_lock', 4, [member('val', int, 0)]);
  const timer = opaque('bpf_timer', 16);
  const wq = opaque('bpf_wq', 16);
  const head = opaque('bpf_list_head', 16);
  const root = opaque('bpf_rb_root', 16);
  const mask = b.struct('bpf_cpumask', 40, [member('usage', int, 32)]);
  const task = b.struct('task_struct', 8, [member('pid', int, 0)]);
  const dynptr = opaque('bpf_dynptr', 16);
  const listNode = opaque('bpf_list_node', 24);
  const locals = {
    node: b.struct('case_node', 72, [
      member('link', listNode, 0),
      member('refs', b.struct('bpf_refcount', 4, [member('val', int, 0)]), 24),
      member('number', u64, 32),
      member('branch', opaque('bpf_rb_node', 32), 40),
    ]),
    leaf: b.struct('case_leaf', 16, [member('number', u64, 0), member('more', u64, 8)]),
    big: opaque('case_big', 1024),
    holder: b.struct('case_holder', 16, [member('number', u64, 0), member('mask', b.kptr(mask, 'kptr'), 8)]),
    pair: b.struct('case_pair', 48, [member('first', listNode, 0), member('second', listNode, 24)]),
  };
  const values: Record<ValueType, number> = {
    kptr: b.struct('v_kptr', 16, [member('x', u64, 0), member('mask', b.kptr(mask, 'kptr'), 8)]),
    unref: b.struct('v_unref', 8, [member('mask', b.kptr(mask, 'kptr_untrusted'), 0)]),
    lock: b.struct('v_lock', 8, [member('lock', lock, 0), member('x', int, 4)]),
    res_lock: b.struct('v_res_lock', 8, [member('lock', resLock, 0), member('x', int, 4)]),
    timer: b.struct('v_timer', 16, [member('t', timer, 0)]),
    wq: b.struct('v_wq', 16, [member('w', wq, 0)]),
    kptrs: b.struct('v_kptrs', 48, [
      member('x', u64, 0),
      member('mask', b.kptr(mask, 'kptr'), 8),
      member('task', b.kptr(task, 'kptr'), 16),
      member('raw', b.kptr(mask, 'kptr_untrusted'), 24),
      member('node', b.kptr(locals.node, 'kptr'), 32),
      member('leaf', b.kptr(locals.leaf, 'percpu_kptr'), 40),
    ]),
    list: b.struct('v_list', 32, [member('lock', lock, 0), member('head', head, 8), member('count', u64, 24)]),
    tree: b.struct('v_tree', 32, [member('lock', lock, 0), member('root', root, 8), member('count', u64, 24)]),
    pairs: b.struct('v_pairs', 32, [member('lock', lock, 0), member('head', head, 8), member('count', u64, 24)]),
    uptr: b.struct('v_uptr', 8, [member('data', b.kptr(locals.leaf, 'uptr'), 0)]),
    leaf: b.struct('v_leaf', 8, [member('leaf', b.kptr(locals.leaf, 'kptr'), 0)]),
  };
  contains(values.list, 1, 'case_node:link');
  contains(values.pairs, 1, 'case_pair:first');
  contains(values.tree, 1, 'case_node:branch');
  const args: Readonly<Record<ArgType, number>> = {
    int,
    ctx: b.ptr(0),
    pointer: b.ptr(0),
    mem: b.ptr(u64),
    nonnull: b.ptr(u64),
    dynptr: b.ptr(dynptr),
    task: b.ptr(task),
    nullable_task: b.ptr(task),
    untrusted: b.ptr(task),
    arena: b.ptr(u64),
    ctx_nonnull: b.ptr(0),
    ctx_task: b.ptr(task),
    tagged_int: int,
    odd: b.ptr(u64),
    arena_nonnull: b.ptr(u64),
    ctx_anonymous: b.ptr(b.struct('', 8, [member('x', u64, 0)])),
    untrusted_declared: b.ptr(b.fwd('cma')),
  };
  const ids = new Map<string, number>();
  for (const [name, { linkage, returns, args: types, tagged }] of Object.entries(funcs)) {
    const params = types.map((type, i): [string, number] => [i === 0 ? 'ctx' : `arg${i}`, args[type]]);
    const id = b.func(name, b.proto(returns === 'void' ? 0 : int, params), linkage === 'global' ? 1 : 0);
    ids.set(name, id);
    if (linkage === 'static' && !tagged) continue;
    types.forEach((type, i) => {
      for (const tag of ARG_TYPES[type]?.split(' ') ?? []) b.declTag(`arg:${tag}`, id, i);
    });
  }
  const main = ids.get('main');
  for (const name of [exceptionCallback].flat()) if (main) b.declTag(`exception_callback:${name}`, main);
  return { btf: b.build(), int, values, locals, funcs: ids };
}
