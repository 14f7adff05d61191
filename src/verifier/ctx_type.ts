/** Names of context types: which struct a program's argument has to be called (btf_is_prog_ctx_type ...). */
import type { Btf, BtfStruct } from '../btf/btf.ts';
import type { ProgType } from '../uapi/bpf.ts';
import { errno } from '../uapi/errno.ts';
import type { Env } from './env.ts';
import { msg } from './messages.ts';

/** What struct bpf_ctx_convert says of a program type: BTF ids of the context as programs see it, and as the kernel has it. */
interface CtxConvert {
  readonly prog: number;
  readonly kern: number;
}

const converts = new WeakMap<Btf, ReadonlyMap<string, CtxConvert>>();

/** Members of bpf_ctx_convert come in pairs, named after the program type. */
function ctxConvert(vmlinux: Btf, type: ProgType): CtxConvert | undefined {
  let known = converts.get(vmlinux);
  if (!known) {
    const made = new Map<string, CtxConvert>();
    const id = vmlinux.find('bpf_ctx_convert', 'struct');
    const members = id ? (vmlinux.type(id) as BtfStruct).members : [];
    for (let i = 0; i + 1 < members.length; i += 2) {
      const name = (members[i]?.name ?? '').replace(/^BPF_PROG_TYPE_/, '').replace(/_prog$/, '');
      made.set(name.toLowerCase(), { prog: members[i]?.type ?? 0, kern: members[i + 1]?.type ?? 0 });
    }
    known = made;
    converts.set(vmlinux, known);
  }
  return known.get(type);
}

/** btf_is_projection_of: programs see the second struct as the first. */
export function isProjectionOf(projection: string, name: string): boolean {
  return (projection === '__sk_buff' && name === 'sk_buff') || (projection === 'xdp_md' && name === 'xdp_buff');
}

function isStruct(btf: Btf, id: number): boolean {
  const kind = btf.kind(id);
  return kind === 'struct' || kind === 'union';
}

/** The typedef that kprobe programs may name, below qualifiers. */
function isUserPtRegs(btf: Btf, id: number): boolean {
  const typedef = btf.skipQualifiers(id);
  return btf.kind(typedef) === 'typedef' && btf.name(typedef) === 'bpf_user_pt_regs_t';
}

/** btf_is_prog_ctx_type: is a pointer to `target` (a type in `btf`) the context of this program type? */
export function isProgCtxType(env: Env, btf: Btf, target: number, type: ProgType): boolean {
  if (type === 'kprobe' && isUserPtRegs(btf, target)) return true;
  const id = btf.skipMods(target);
  if (!isStruct(btf, id)) return false;
  const name = btf.name(id);
  const { vmlinux } = env;
  let ctx = ctxConvert(vmlinux, type)?.prog ?? 0;
  for (;;) {
    const ctxName = ctx ? vmlinux.name(ctx) : '';
    if (ctxName === '') return false;
    if (ctxName === name || isProjectionOf(ctxName, name)) return true;
    const below = vmlinux.skipMods(ctx);
    if (below === ctx) return false;
    ctx = below;
  }
}

/** get_kern_ctx_btf_id: the kernel's own struct behind the context. */
export function kernCtxBtfId(env: Env): number {
  const id = ctxConvert(env.vmlinux, env.progType)?.kern ?? 0;
  if (!isStruct(env.vmlinux, id)) env.reject(errno.EINVAL, msg.kernCtxNotStruct(id));
  return id;
}

const U64_CONTEXT: ReadonlySet<string> = new Set(['trace_raw_tp', 'trace_fentry', 'trace_fexit', 'modify_return']);

/** Special cases of btf_validate_prog_ctx_type: structs and integers that stand for a context of the program type. */
function isSpecialCtx(env: Env, btf: Btf, id: number): boolean {
  const { type, attachType } = env.prog;
  const name = isStruct(btf, id) ? btf.name(id) : '';
  const found = btf.type(id);
  const isU64 = found.kind === 'int' && found.size === 8;
  switch (type) {
    case 'kprobe':
    case 'perf_event':
      return name === 'pt_regs';
    case 'raw_tracepoint':
    case 'raw_tracepoint_writable':
    case 'lsm':
    case 'struct_ops':
      return isU64;
    case 'tracing':
      if (attachType === 'trace_iter') return name.startsWith('bpf_iter__');
      if (attachType === 'trace_raw_tp' && name === 'bpf_raw_tracepoint_args') return true;
      return isU64 && U64_CONTEXT.has(attachType ?? '');
    case 'tracepoint':
    case 'syscall':
    case 'ext':
      return true;
    default:
      return false;
  }
}

/** btf_validate_prog_ctx_type: an argument that is tagged `ctx` points to `target`; rejects what cannot be the context. */
export function validateProgCtxType(env: Env, btf: Btf, target: number, arg: number): void {
  const { type } = env.prog;
  if ((type === 'kprobe' || type === 'perf_event') && isUserPtRegs(btf, target)) return;
  const id = btf.skipMods(target);
  if (id === 0) return;
  const name = btf.name(id);
  if (name === '') env.reject(errno.EINVAL, msg.ctxNoName(arg));
  if (isSpecialCtx(env, btf, id)) return;
  const ctx = env.vmlinux.skipMods(ctxConvert(env.vmlinux, type)?.prog ?? 0);
  if (!isStruct(env.vmlinux, ctx)) env.reject(errno.EINVAL, msg.ctxVoid(arg));
  const want = env.vmlinux.name(ctx);
  if (!isStruct(btf, id) || want !== name) env.reject(errno.EINVAL, msg.ctxStruct(arg, want));
}
