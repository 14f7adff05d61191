/** What the arguments of iterators and struct_ops members are, where their prototype does not say all (bpf_ctx_arg_aux). */
import type { Btf, BtfFuncProto } from '../btf/btf.ts';
import {
  MEM_RDONLY,
  PTR_MAYBE_NULL,
  PTR_TO_BTF_ID,
  PTR_TO_BTF_ID_OR_NULL,
  PTR_TO_BUF,
  PTR_TRUSTED,
} from '../kernel/bpf/bpf.ts';
import type { Env } from './env.ts';
import { acquireReference } from './refs.ts';

/** struct bpf_ctx_arg_aux. */
export interface CtxArgInfo {
  readonly offset: number;
  readonly regType: number;
  /** A buffer: no type behind it. */
  readonly isBuf: boolean;
  readonly btf: Btf;
  readonly btfId: number;
  /** Reference that the program owns from the start (`__ref`). */
  refObjId: number;
}

const NULLABLE = PTR_TO_BTF_ID_OR_NULL;
const TRUSTED = PTR_TO_BTF_ID_OR_NULL | PTR_TRUSTED;
const BUF = PTR_TO_BUF | PTR_MAYBE_NULL;

/** Iterator targets: argument number (0 is the meta) -> type. Targets that are absent have trusted arguments. */
const ITERATORS: Readonly<Record<string, Readonly<Record<number, number>>>> = {
  task: { 1: TRUSTED },
  task_file: { 1: NULLABLE, 3: NULLABLE },
  task_vma: { 1: NULLABLE, 2: NULLABLE },
  bpf_map: { 1: TRUSTED },
  bpf_map_elem: { 2: BUF | MEM_RDONLY, 3: BUF },
  bpf_prog: { 1: NULLABLE },
  bpf_link: { 1: NULLABLE },
  cgroup: { 1: TRUSTED },
  netlink: { 1: NULLABLE },
  ipv6_route: { 1: NULLABLE },
  tcp: { 1: TRUSTED },
  udp: { 1: TRUSTED },
  unix: { 1: TRUSTED },
  ksym: { 1: NULLABLE },
  bpf_sk_storage_map: { 2: NULLABLE, 3: BUF },
  sockmap: { 2: BUF | MEM_RDONLY, 3: TRUSTED },
  kmem_cache: { 1: TRUSTED },
  dmabuf: { 1: TRUSTED },
};

const known = new WeakMap<Env, CtxArgInfo[]>();

/** The argument at an offset of the context, if something is known of it. */
export function ctxArgInfo(env: Env, off: number): CtxArgInfo | undefined {
  return ctxArgs(env).find((arg) => arg.offset === off);
}

/** All of them, found once. */
export function ctxArgs(env: Env): readonly CtxArgInfo[] {
  let args = known.get(env);
  if (!args) {
    args = findArgs(env);
    known.set(env, args);
  }
  return args;
}

/** References that a struct_ops program holds from the start, for arguments named `__ref`. */
export function acquireCtxReferences(env: Env): void {
  for (const arg of ctxArgs(env)) if (arg.refObjId < 0) arg.refObjId = acquireReference(env, 0);
}

function findArgs(env: Env): CtxArgInfo[] {
  if (env.progType === 'tracing' && env.prog.attachType === 'trace_iter') return iteratorArgs(env);
  return env.progType === 'struct_ops' ? structOpsArgs(env) : [];
}

/** Offset of each argument: each takes whole words. */
function offsets(btf: Btf, proto: BtfFuncProto): number[] {
  let off = 0;
  return proto.params.map((param) => {
    const at = off;
    off += Math.max(8, Math.ceil(btf.size(param.type) / 8) * 8);
    return at;
  });
}

function iteratorArgs(env: Env): CtxArgInfo[] {
  const types = ITERATORS[env.attachFuncName.replace(/^bpf_iter_/, '')];
  const btf = env.vmlinux;
  if (!types || !env.attachFuncProtoId) return [];
  const proto = btf.type(env.attachFuncProtoId) as BtfFuncProto;
  const at = offsets(btf, proto);
  return proto.params.flatMap((param, i) => {
    const regType = types[i];
    return regType === undefined ? [] : [argInfo(btf, param.type, at[i] ?? 0, regType, 0)];
  });
}

function argInfo(btf: Btf, typeId: number, offset: number, regType: number, refObjId: number): CtxArgInfo {
  const type = btf.type(btf.skipMods(typeId));
  const target = type.kind === 'ptr' ? btf.skipMods(type.type) : 0;
  return { offset, regType, isBuf: (regType & 0xff) === PTR_TO_BUF, btf, btfId: target, refObjId };
}

/** prepare_arg_info: the stub `OPS__member` names its arguments with __nullable and __ref. */
function structOpsArgs(env: Env): CtxArgInfo[] {
  const btf = env.vmlinux;
  const stub = btf.find(`${env.structOpsName}__${env.attachFuncName}`, 'func');
  if (!stub || !env.attachFuncProtoId) return [];
  const func = btf.type(stub);
  if (func.kind !== 'func') return [];
  const names = (btf.type(func.type) as BtfFuncProto).params;
  const proto = btf.type(env.attachFuncProtoId) as BtfFuncProto;
  const at = offsets(btf, proto);
  return proto.params.flatMap((param, i) => {
    const name = names[i]?.name ?? '';
    const base = PTR_TO_BTF_ID | PTR_TRUSTED;
    if (name.endsWith('__nullable')) return [argInfo(btf, param.type, at[i] ?? 0, base | PTR_MAYBE_NULL, 0)];
    if (name.endsWith('__ref')) return [argInfo(btf, param.type, at[i] ?? 0, base, -1)];
    return [];
  });
}
