/**
 * What is known of a call before its arguments: the helper's prototype, the kfunc's row, callbacks, whether it may sleep.
 * Imports no check function, so that frames and control flow can use it.
 */
import { ARG_DONTCARE, RET_VOID } from '../kernel/bpf/bpf.ts';
import { type FuncProto, getFuncProto, helperById } from '../kernel/bpf/helpers/index.ts';
import { kfuncByName } from '../kernel/bpf/kfuncs/index.ts';
import { KF_SLEEPABLE } from '../kernel/bpf/rows.ts';
import type { Env, Insn } from './env.ts';
import { fetchKfuncMeta, type KfuncMeta } from './kfunc_meta.ts';

export { addKfuncCall, fetchKfuncMeta } from './kfunc_meta.ts';

const HELPER_CALL = 0x85;

export function isHelperCall(insn: Insn): boolean {
  return insn.code === HELPER_CALL && insn.src === 0;
}

export function isPseudoCall(insn: Insn): boolean {
  return insn.code === HELPER_CALL && insn.src === 1;
}

export function isKfuncCall(insn: Insn): boolean {
  return insn.code === HELPER_CALL && insn.src === 2;
}

export function isPseudoFunc(insn: Insn): boolean {
  return insn.code === 0x18 && insn.src === 4;
}

/** The prototype of helper `id` for this program; null: unknown or not allowed. */
export function helperProto(env: Env, id: number): FuncProto | null {
  const row = helperById(id);
  return row ? getFuncProto(row, env.helperQuery()) : null;
}

const FOR_EACH_MAP_ELEM = 164;
const TIMER_SET_CALLBACK = 170;
const FIND_VMA = 180;
const LOOP = 181;
const USER_RINGBUF_DRAIN = 209;
const SYNC_HELPERS: ReadonlySet<number> = new Set([FOR_EACH_MAP_ELEM, FIND_VMA, LOOP, USER_RINGBUF_DRAIN]);
const SYNC_KFUNCS: ReadonlySet<string> = new Set(['bpf_rbtree_add_impl']);
const ASYNC_KFUNCS: ReadonlySet<string> = new Set([
  'bpf_wq_set_callback_impl',
  'bpf_task_work_schedule_signal',
  'bpf_task_work_schedule_resume',
  'bpf_task_work_schedule_signal_impl',
  'bpf_task_work_schedule_resume_impl',
]);

/** Name under which the verifier knows what is special about a kfunc: its own, or that of the one whose place it took. */
export function kfuncLike(env: Env, insn: Insn): string {
  const name = kfuncName(env, insn);
  return kfuncByName(name)?.like ?? name;
}

/** Name for the log (disasm_kfunc_name). */
export function kfuncName(env: Env, insn: Insn): string {
  return (insn.off === 0 && insn.imm > 0 && insn.imm < env.vmlinux.nrTypes && env.vmlinux.name(insn.imm)) || '';
}

/** A helper or kfunc whose callback runs during the call. */
export function isSyncCallbackCallingInsn(env: Env, insn: Insn): boolean {
  if (isHelperCall(insn)) return SYNC_HELPERS.has(insn.imm);
  return isKfuncCall(insn) && SYNC_KFUNCS.has(kfuncLike(env, insn));
}

/** The same for callbacks that run later (timers, workqueues, task work). */
export function isAsyncCallbackCallingInsn(env: Env, insn: Insn): boolean {
  if (isHelperCall(insn)) return insn.imm === TIMER_SET_CALLBACK;
  return isKfuncCall(insn) && ASYNC_KFUNCS.has(kfuncLike(env, insn));
}

export function isBpfThrowKfunc(env: Env, insn: Insn): boolean {
  return isKfuncCall(insn) && insn.off === 0 && kfuncName(env, insn) === 'bpf_throw';
}

/** A helper that may sleep, or a kfunc with KF_SLEEPABLE. */
export function callMightSleep(env: Env, insn: Insn): boolean {
  if (isHelperCall(insn)) return helperProto(env, insn.imm)?.mightSleep ?? false;
  if (!isKfuncCall(insn)) return false;
  const meta = fetchKfuncMeta(env, insn);
  return meta !== null && (meta.flags & KF_SLEEPABLE) !== 0;
}

const CHANGES_PKT_DATA: ReadonlySet<string> = new Set([
  'bpf_clone_redirect',
  'bpf_l3_csum_replace',
  'bpf_l4_csum_replace',
  'bpf_lwt_push_encap',
  'bpf_lwt_seg6_action',
  'bpf_lwt_seg6_adjust_srh',
  'bpf_lwt_seg6_store_bytes',
  'bpf_msg_pop_data',
  'bpf_msg_pull_data',
  'bpf_msg_push_data',
  'bpf_skb_adjust_room',
  'bpf_skb_change_head',
  'bpf_skb_change_proto',
  'bpf_skb_change_tail',
  'bpf_skb_pull_data',
  'bpf_skb_store_bytes',
  'bpf_skb_vlan_pop',
  'bpf_skb_vlan_push',
  'bpf_store_hdr_opt',
  'bpf_tail_call',
  'bpf_xdp_adjust_head',
  'bpf_xdp_adjust_meta',
  'bpf_xdp_adjust_tail',
]);

/** bpf_helper_changes_pkt_data */
export function helperChangesPktData(id: number): boolean {
  return CHANGES_PKT_DATA.has(helperById(id)?.name ?? '');
}

const FASTCALL_KFUNCS: ReadonlySet<string> = new Set(['bpf_cast_to_kern_ctx', 'bpf_rdonly_cast']);
const ALL_CALLER_SAVED = 0x3f;
/** Fastcall helpers that verifier or x86 JIT inline. */
const INLINED_HELPERS: ReadonlySet<string> = new Set([
  'bpf_get_smp_processor_id',
  'bpf_get_current_task',
  'bpf_get_current_task_btf',
]);

/** Registers that a call clobbers, as a bit mask, and whether a bpf_fastcall of it is inlined; null: clobbers all. */
export function fastcallInfo(env: Env, insn: Insn): { readonly clobbered: number; readonly inlined: boolean } | null {
  if (isHelperCall(insn)) {
    const proto = helperProto(env, insn.imm);
    if (!proto) return null;
    let clobbered = proto.ret !== RET_VOID ? 1 : 0;
    proto.args.forEach((arg, i) => {
      if (arg !== ARG_DONTCARE) clobbered |= 2 << i;
    });
    const inlined = proto.allowFastcall && INLINED_HELPERS.has(helperById(insn.imm)?.name ?? '');
    return clobbered === ALL_CALLER_SAVED ? null : { clobbered, inlined };
  }
  const meta: KfuncMeta | null = isKfuncCall(insn) ? fetchKfuncMeta(env, insn) : null;
  if (!meta) return null;
  const proto = env.vmlinux.type(meta.protoId);
  if (proto.kind !== 'func_proto') return null;
  let clobbered = proto.type ? 1 : 0;
  for (let i = 0; i < proto.params.length; i++) clobbered |= 2 << i;
  return clobbered === ALL_CALLER_SAVED ? null : { clobbered, inlined: FASTCALL_KFUNCS.has(meta.name) };
}

/** Number of parameters (get_call_summary); null: unknown or a function of the program. */
export function callParams(env: Env, insn: Insn): number | null {
  if (isHelperCall(insn)) {
    const proto = helperProto(env, insn.imm);
    if (!proto) return null;
    const end = proto.args.indexOf(ARG_DONTCARE);
    return end < 0 ? proto.args.length : end;
  }
  const meta = isKfuncCall(insn) ? fetchKfuncMeta(env, insn) : null;
  return meta ? env.vmlinux.vlen(meta.protoId) : null;
}
