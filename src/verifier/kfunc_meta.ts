/** What a kfunc call is before its arguments are looked at (add_kfunc_call, fetch_kfunc_meta). */
import { kfuncByName } from '../kernel/bpf/kfuncs/index.ts';
import { atRelease, existsIn, type KfuncFilter } from '../kernel/bpf/rows.ts';
import { errno } from '../uapi/errno.ts';
import type { Env, Insn } from './env.ts';
import { msg } from './messages.ts';

/** struct bpf_kfunc_call_arg_meta, the part that is known before the arguments. */
export interface KfuncMeta {
  readonly name: string;
  /** Name under which the verifier knows what is special about it: that of the kfunc whose place it took. */
  readonly like: string;
  /** KF_ flags in this release. */
  readonly flags: number;
  readonly funcId: number;
  readonly protoId: number;
}

const MAX_KFUNC_DESCS = 256;

const GPL_LICENSES: ReadonlySet<string> = new Set([
  'GPL',
  'GPL v2',
  'GPL and additional rights',
  'Dual BSD/GPL',
  'Dual MIT/GPL',
  'Dual MPL/GPL',
]);

/** license_is_gpl_compatible */
export function gplCompatible(license: string): boolean {
  return GPL_LICENSES.has(license);
}

/** Kfuncs that read metadata of a device, for programs bound to one. */
const DEVICE_BOUND: ReadonlySet<string> = new Set([
  'bpf_xdp_metadata_rx_timestamp',
  'bpf_xdp_metadata_rx_hash',
  'bpf_xdp_metadata_rx_vlan_tag',
]);

/** What has been found out about the kfuncs of one verification; null: not for this program. */
const metas = new WeakMap<Env, Map<number, KfuncMeta | null>>();

/** add_kfunc_call: finds the kfunc of a call while the program is scanned, or rejects. */
export function addKfuncCall(env: Env, insn: Insn): void {
  if (!gplCompatible(env.prog.license)) env.reject(errno.EINVAL, msg.kfuncNeedsGpl());
  if (insn.imm === 0 && insn.off === 0) return;
  if (insn.off !== 0) {
    if (insn.off < 0) env.reject(errno.EINVAL, msg.kfuncModuleOffset(insn.off), msg.kfuncNoBtf());
    env.reject(errno.EPROTO, msg.kfuncNoFdArray(), msg.kfuncNoBtf());
  }
  const known = metas.get(env) ?? new Map<number, KfuncMeta | null>();
  metas.set(env, known);
  if (known.has(insn.imm)) return;
  if (known.size === MAX_KFUNC_DESCS) env.reject(errno.E2BIG, msg.kfuncTooMany());
  const { vmlinux } = env;
  const type = insn.imm > 0 && insn.imm < vmlinux.nrTypes ? vmlinux.type(insn.imm) : null;
  if (type?.kind !== 'func') env.reject(errno.EINVAL, msg.kfuncNotFunction(insn.imm >>> 0));
  if (DEVICE_BOUND.has(type.name)) env.reject(errno.EINVAL, msg.kfuncDeviceBound());
  known.set(insn.imm, lookup(env, type.name, insn.imm, type.type));
}

/** fetch_kfunc_meta; null when this program may not call it, or when the call was left open by a weak symbol. */
export function fetchKfuncMeta(env: Env, insn: Insn): KfuncMeta | null {
  return (insn.off === 0 && metas.get(env)?.get(insn.imm)) || null;
}

function lookup(env: Env, name: string, funcId: number, protoId: number): KfuncMeta | null {
  const { release } = env.profile;
  const row = kfuncByName(name);
  if (!row || !existsIn(row, release)) return null;
  if (!atRelease(row.programs, release)?.includes(env.progType)) return null;
  if (row.onlyFor && !FILTERS[row.onlyFor](env)) return null;
  return { name, like: row.like ?? name, flags: atRelease(row.flags, release) ?? 0, funcId, protoId };
}

const FILTERS: Readonly<Record<KfuncFilter, (env: Env) => boolean>> = {
  iter: (env) => env.prog.attachType === 'trace_iter',
  session: (env) => env.prog.attachType === 'trace_kprobe_session' || env.prog.attachType === 'trace_uprobe_session',
  qdisc: (env) => env.vmlinux.name(env.prog.attachBtfId) === 'Qdisc_ops',
};
