/** bpf_check(): a program in, a verdict out. */
import { InvariantError } from '../errors.ts';
import type { KernelProgram } from '../kernel/program.ts';
import type { ProgType } from '../uapi/bpf.ts';
import { errno } from '../uapi/errno.ts';
import { resetBacktrack } from './backtrack.ts';
import { isHelperCall } from './call_info.ts';
import { checkAttachBtfId, checkBtfInfo } from './check_attach.ts';
import { checkCfg } from './check_cfg.ts';
import { resolvePseudoLdimm64 } from './check_ld.ts';
import { Env, Reject, type VerifierProfile, type VerifyOptions } from './env.ts';
import { collectFixups } from './fixups.ts';
import { computeLiveRegisters, computePostorder, computeScc, computeSuccessors } from './flow.ts';
import { SEEN } from './insn_aux.ts';
import { BPF_COMPLEXITY_LIMIT_INSNS } from './limits.ts';
import { insnStr } from './log.ts';
import { BPF_LOG_STATS } from './log_buffer.ts';
import { msg, speak } from './messages.ts';
import { walkedPath } from './path.ts';
import { createMaps, loadProgramBtf } from './program_maps.ts';
import { range } from './range.ts';
import {
  addSubprogAndKfunc,
  checkCallbacksLive,
  checkMaxStackDepth,
  checkSubprogs,
  growStacksForRewrites,
  liveSubprogs,
  markFastcallPatterns,
  removeFastcallSpills,
} from './subprogs.ts';
import type { Verdict, VerdictStats } from './verdict.ts';
import { doCheckMain, doCheckSubprogs } from './verifier.ts';
import { VerifierState } from './verifier_state.ts';

/** Program types that take CAP_NET_ADMIN, or CAP_PERFMON, besides CAP_BPF. */
const BEYOND_CAP_BPF: ReadonlySet<ProgType> = new Set<ProgType>([
  ...(['sched_cls', 'sched_act', 'xdp', 'lwt_in', 'lwt_out', 'lwt_xmit', 'lwt_seg6local', 'sk_skb', 'sk_msg'] as const),
  ...(['flow_dissector', 'cgroup_device', 'cgroup_sock', 'cgroup_sock_addr', 'cgroup_sockopt'] as const),
  ...(['cgroup_sysctl', 'sock_ops', 'netfilter', 'kprobe', 'tracepoint', 'perf_event', 'raw_tracepoint'] as const),
  ...(['raw_tracepoint_writable', 'tracing', 'lsm', 'struct_ops', 'ext'] as const),
]);

/** A kernel's BTF has a struct with a member for each program type that it was built with. */
function isProgTypeBuilt(env: Env): boolean {
  const { vmlinux, progType } = env;
  const id = vmlinux.find('bpf_ctx_convert', 'struct');
  if (!id) return true;
  const type = vmlinux.type(id);
  const name = `BPF_PROG_TYPE_${progType.toUpperCase()}_prog`;
  return type.kind === 'struct' && type.members.some((member) => member.name === name);
}

/** What bpf_prog_load looks at, then the passes of bpf_check, in the kernel's order. */
function check(env: Env): void {
  if (!isProgTypeBuilt(env)) throw new Reject(errno.EINVAL, 0);
  if (env.options.caps === 'bpf' && BEYOND_CAP_BPF.has(env.progType)) throw new Reject(errno.EPERM, 0);
  addSubprogAndKfunc(env);
  checkSubprogs(env);
  checkBtfInfo(env);
  resolvePseudoLdimm64(env);
  computeSuccessors(env);
  checkCfg(env);
  computePostorder(env);
  checkAttachBtfId(env);
  computeScc(env);
  computeLiveRegisters(env, (idx) => insnStr(env, idx));
  markFastcallPatterns(env);
  env.walking = true;
  doCheckMain(env);
  doCheckSubprogs(env);
  env.walking = false;
  removeFastcallSpills(env);
  checkMaxStackDepth(env);
  checkTailCallMaps(env);
  growStacksForRewrites(env);
  checkCallbacksLive(env);
}

/** do_misc_fixups: without CAP_PERFMON a tail call's index is masked, by the size of the one map that it uses. */
function checkTailCallMaps(env: Env): void {
  if (env.bypassSpecV1) return;
  for (let i = 0; i < env.insns.length; i++) {
    const insn = env.insn(i);
    if (isHelperCall(insn) && insn.imm === TAIL_CALL && env.aux.has(i, SEEN) && env.aux.find(i)?.mapPtr === 'poison') {
      env.reject(errno.EINVAL, msg.tailCallAbuse());
    }
  }
}
const TAIL_CALL = 12;

/**
 * What the kernel of `profile` would say of `program`.
 * @throws NotSupported naming a feature that this verifier does not know yet
 */
export function verify(program: KernelProgram, profile: VerifierProfile, options: VerifyOptions = {}): Verdict {
  const start = performance.now();
  speak(profile.words);
  range.reset();
  resetBacktrack();
  const env = new Env(program, profile, options, new VerifierState());
  const loaded = loadProgramBtf(program.btf, profile.btf);
  // check_btf_info: BTF counts for a program that says what its functions or lines are.
  env.btf = program.funcs.length || program.lines.length ? loaded.btf : null;
  env.structMetas = loaded.metas;
  env.maps.push(...createMaps(program.maps, loaded, profile.btf));
  let reject: Reject | null = null;
  try {
    check(env);
  } catch (error) {
    if (error instanceof Reject) reject = error;
    else if (error instanceof Error && error.name === 'TypeError') {
      throw new InvariantError(`verifier at instruction ${env.insnIdx}: ${error.message}\n${error.stack ?? ''}`);
    } else throw error;
  }
  const lines = reject ? reasonLines(env) : [];
  const stats = statistics(env, performance.now() - start);
  if (env.log.level) env.verbose(statsText(stats, (env.log.level & BPF_LOG_STATS) !== 0));
  return {
    verdict: reject ? 'reject' : 'accept',
    errno: reject?.errno ?? 0,
    message: reject ? reason(lines) : null,
    messageLines: lines,
    insn: reject && env.walking ? env.insnIdx : null,
    source: (reject && env.walking && env.findLinfo(env.insnIdx)) || null,
    path: reject && env.walking ? walkedPath(env) : [],
    held: reject && env.walking ? env.curState.refs.map((ref) => ref.insnIdx) : [],
    fixups: reject ? null : collectFixups(env),
    log: env.log.text(),
    stats,
  };
}

/** Trace lines that an instruction may print between its reason's. */
const TRACE = /^(mark_precise:|force_precise:|frame \d+: propagating|SCC |\()/;

/** What was written since the instruction at fault was begun. */
function reasonLines(env: Env): string[] {
  const text = env.log.since(env.walking ? env.insnLogStart : 0);
  return text.split('\n').filter((line) => line !== '' && !TRACE.test(line));
}

/** The last line, or the first of an infinite loop's three. */
function reason(lines: readonly string[]): string {
  const loop = lines.find((line) => line.startsWith('infinite loop detected'));
  return loop ?? lines[lines.length - 1] ?? '';
}

function statistics(env: Env, ms: number): VerdictStats {
  const functions = env.deadCodeRemoved ? liveSubprogs(env) : Array.from({ length: env.subprogCnt }, (_, i) => i);
  const depths = functions.map((i) => env.subprog(i).stackDepth);
  // bpf_throw without a callback of the program's own gets a hidden one.
  if (env.deadCodeRemoved && env.seenException && !env.exceptionCallbackSubprog) depths.push(0);
  return {
    insnsProcessed: env.insnProcessed,
    maxStatesPerInsn: env.maxStatesPerInsn,
    totalStates: env.totalStates,
    peakStates: env.peakStates,
    stackDepth: depths.join('+'),
    verificationTimeUs: Math.round(ms * 1000),
  };
}

/** print_verification_stats */
function statsText(stats: VerdictStats, long: boolean): string {
  const time = `verification time ${stats.verificationTimeUs} usec\nstack depth ${stats.stackDepth}\n`;
  return (
    (long ? time : '') +
    `processed ${stats.insnsProcessed} insns (limit ${BPF_COMPLEXITY_LIMIT_INSNS}) ` +
    `max_states_per_insn ${stats.maxStatesPerInsn} total_states ${stats.totalStates} ` +
    `peak_states ${stats.peakStates} mark_read 0\n`
  );
}
