/** struct bpf_verifier_env: one verification, and what it has found out about each instruction and function. */
import type { Btf } from '../btf/btf.ts';
import type { HelperQuery } from '../kernel/bpf/helpers/index.ts';
import type { Release } from '../kernel/bpf/rows.ts';
import type { StructMetas } from '../kernel/bpf/struct_metas.ts';
import type { Feature } from '../kernel/profile.ts';
import type { KernelProgram } from '../kernel/program.ts';
import type { LineSpec } from '../loader/spec.ts';
import type { ProgType } from '../uapi/bpf.ts';
import type { Errno } from '../uapi/errno.ts';
import { Insns } from '../uapi/insn.ts';
import { callParams } from './call_info.ts';
import type { FuncState } from './func_state.ts';
import { InsnAuxTable } from './insn_aux.ts';
import { BPF_COMPLEXITY_LIMIT_INSNS, MAX_CALL_FRAMES } from './limits.ts';
import { StackLiveness } from './liveness.ts';
import { Log } from './log_buffer.ts';
import type { VerifierMap } from './maps.ts';
import type { Messages } from './messages.ts';
import { RegState } from './reg_state.ts';
import type { JmpHistoryEntry, VerifierState } from './verifier_state.ts';

/** What a kernel is to the verifier; a profile (kernel/profile.ts) has these and more. */
export interface VerifierProfile {
  readonly release: Release;
  /** The kernel's complete BTF. */
  readonly btf: Btf;
  /** Messages that the release words otherwise than 6.18. */
  readonly words: Partial<Messages>;
  /** C prototype of a kfunc, where it may differ from what the BTF says; else null. */
  kfuncProto(name: string): string | null;
  /** Does the release do that? */
  has(feature: Feature): boolean;
}

/** One decoded instruction slot (struct bpf_insn). The second slot of ld_imm64 is one too, with code 0. */
export class Insn {
  constructor(
    readonly code: number,
    readonly dst: number,
    readonly src: number,
    /** s16 */
    readonly off: number,
    /** s32 */
    readonly imm: number,
  ) {}
}

/** struct bpf_subprog_arg_info. */
export interface SubprogArg {
  readonly argType: number;
  /** Size of memory, or BTF id. */
  readonly memSize: number;
  readonly btfId: number;
}

/** struct bpf_subprog_info. */
export class SubprogInfo {
  stackDepth = 0;
  stackExtra = 0;
  fastcallStackOff = 0;
  hasTailCall = false;
  tailCallReachable = false;
  hasLdAbs = false;
  isCb = false;
  isAsyncCb = false;
  isExceptionCb = false;
  argsCached = false;
  keepFastcallStack = false;
  changesPktData = false;
  mightSleep = false;
  privStack = 0;
  args: SubprogArg[] = [];
  /** Index in Env.prog.funcs, whose typeId and linkage belong to it; -1 without func_info. */
  funcIndex = -1;
  /** func_info_aux. */
  isGlobal = false;
  unreliable = false;
  called = false;
  verified = false;
  postorderStart = 0;

  constructor(
    /** First instruction. */
    public start: number,
    public name: string,
  ) {}
}

/**
 * Thrown to end the verification with an errno; the message has been logged. Caught in verify(), and where the kernel goes on after
 * a check that failed: often, so it is no Error, whose stack trace costs more than the check.
 */
export class Reject {
  constructor(
    readonly errno: Errno,
    /** Instruction at fault, where known. */
    readonly insnIdx: number,
  ) {}
}

/** struct bpf_verifier_state_list. */
export interface ExploredState {
  readonly state: VerifierState;
  missCnt: number;
  hitCnt: number;
}

/** struct bpf_scc_visit: a walk through a loop, entered at `entryState`, with the states that ended it by convergence. */
export interface SccVisit {
  entryState: VerifierState | null;
  backedges: VerifierState[];
}

/** Where the search goes next (struct bpf_verifier_stack_elem). */
export interface StackElem {
  readonly state: VerifierState;
  readonly insnIdx: number;
  readonly prevInsnIdx: number;
  /** Log length at the time; the log is cut back to it unless level 2 is on. */
  readonly logPos: number;
}

export interface VerifyOptions {
  /** BPF_LOG_LEVEL1 | BPF_LOG_LEVEL2 | BPF_LOG_STATS (1, 2, 4). Default 4. */
  readonly logLevel?: number;
  /** Capabilities of the loading process: all, or CAP_BPF alone. Default 'all'. */
  readonly caps?: 'all' | 'bpf';
  /** Possible CPUs (nr_cpu_ids), which bound bpf_get_smp_processor_id(). Default 8. */
  readonly cpus?: number;
  /** Instructions processed until a program is too large; default the kernel's million. */
  readonly complexityLimit?: number | undefined;
  /** Characters of the log that are kept, its last; default 16 Mi. */
  readonly logSize?: number;
}

const GPL_LICENSES = new Set([
  'GPL',
  'GPL v2',
  'GPL and additional rights',
  'Dual BSD/GPL',
  'Dual MIT/GPL',
  'Dual MPL/GPL',
]);

export class Env {
  /** Bytes of the context that the program looks at (prog->aux->max_ctx_offset). */
  maxCtxOffset = 0;
  readonly log: Log;
  readonly complexityLimit: number;
  readonly maxCallFrames: number;
  readonly insns: Insns;
  readonly aux: InsnAuxTable;
  readonly maps: VerifierMap[] = [];
  /** Functions in order of start; the last entry is a sentinel that starts at the end. */
  readonly subprogs: SubprogInfo[] = [];
  subprogCnt = 0;
  /** All checks of instructions are done: functions that no path reaches are gone. */
  deadCodeRemoved = false;
  insnIdx = 0;
  prevInsnIdx = 0;
  /** Instruction that was checked before, on this path. */
  walkedFrom = -1;
  /** The paths are being walked: insnIdx is the instruction at fault. */
  walking = false;
  /** Log length when the current instruction was begun. */
  insnLogStart = 0;
  curState: VerifierState;
  /** Pending branches; the top is explored next. */
  readonly stack: StackElem[] = [];
  idGen = 0;
  /** check_attach_btf_id's finding: name and type id of the traced function or member. */
  attachFuncName = '';
  /** For helper sets: struct_ops type, iterator target or function; struct_ops member; whether the LSM hook may sleep. */
  attachName = '';
  attachMember = '';
  sleepableHook = false;
  attachFuncProtoId = 0;
  /** prog->aux->attach_btf_trace: the prototype has a first argument that the program does not see. */
  attachBtfTrace = false;
  /** struct_ops: name of the struct. */
  structOpsName = '';
  exceptionCallbackSubprog = 0;
  seenException = false;
  seenDirectWrite = false;
  /** Privileges (env->allow_ptr_leaks, bpf_capable, ...). */
  readonly allowPtrLeaks: boolean;
  /** CAP_BPF is always there: without it nothing is loaded. */
  readonly bpfCapable = true;
  readonly allowUninitStack: boolean;
  readonly bypassSpecV1: boolean;
  /** Offsets are masked by what is known of them: states have to be equal to the bit to be taken for the same. */
  exploreAluLimits = false;
  readonly bypassSpecV4: boolean;
  readonly strictAlignment: boolean;
  readonly testStateFreq: boolean;
  /** The license allows GPL-only helpers and kernel structs (license_is_gpl_compatible). */
  readonly gplCompatible: boolean;
  readonly progType: ProgType;
  /** prog->sleepable. */
  readonly sleepable: boolean;
  /** The program's BTF as the kernel took it (program_maps.ts); null when there is none. */
  btf: Btf | null;
  /** Special fields of its structs. */
  structMetas: StructMetas = new Map();
  insnProcessed = 0;
  prevInsnProcessed = 0;
  jmpsProcessed = 0;
  prevJmpsProcessed = 0;
  totalStates = 0;
  peakStates = 0;
  maxStatesPerInsn = 0;
  exploredStatesSize = 0;
  freeListSize = 0;
  numBackedges = 0;
  /** Numbers (range.ts), some 70 MB, at which the next collection is due (collect.ts). */
  collectAt = 1_000_000;
  /** Instructions of all functions, each function's in post-order (compute_postorder). */
  insnPostorder: Int32Array = new Int32Array(0);
  readonly liveness: StackLiveness = new StackLiveness(this);
  /** History entry of the current instruction (cur_hist_ent). */
  curHist: JmpHistoryEntry | null = null;
  /** States at prune points, newest first, by instruction (explored_states). */
  readonly explored: ExploredState[][] = [];
  /** Instructions that may follow each (insnSuccessor in flow.ts). */
  successors: Int32Array = new Int32Array(0);
  /** struct_ops and LSM programs that asked for a private stack. */
  privStackRequested = false;
  readonly sccVisits = new Map<string, SccVisit>();
  /** What the log printed last, to put states behind instructions and source lines once. */
  prevLinfo: LineSpec | null = null;
  prevLogPos = 0;
  prevInsnPrintPos = 0;
  /** Index in KernelProgram.lines of the line that each instruction belongs to; -1: none. */
  private readonly lineOf: Int32Array;
  /** Registers and slots changed since the state was last printed. */
  scratchedRegs = 0;
  scratchedStackLo = 0;
  scratchedStackHi = 0;
  /** Temporaries for constants (env->fake_reg). */
  readonly fakeReg = [new RegState(), new RegState()];

  constructor(
    readonly prog: KernelProgram,
    readonly profile: VerifierProfile,
    readonly options: VerifyOptions,
    state: VerifierState,
  ) {
    const all = options.caps !== 'bpf';
    this.log = new Log(options.logLevel ?? 4, options.logSize);
    this.maxCallFrames = profile.has('deep_call_stack') ? MAX_CALL_FRAMES : 8;
    this.complexityLimit = options.complexityLimit ?? BPF_COMPLEXITY_LIMIT_INSNS;
    this.curState = state;
    this.allowPtrLeaks = all;
    this.allowUninitStack = all;
    this.bypassSpecV1 = all;
    this.bypassSpecV4 = all;
    this.strictAlignment = (prog.flags & 1) !== 0;
    this.testStateFreq = (prog.flags & 8) !== 0;
    this.gplCompatible = GPL_LICENSES.has(prog.license);
    this.progType = prog.type;
    this.sleepable = (prog.flags & 16) !== 0;
    this.btf = prog.btf;
    this.insns = new Insns(prog.insns);
    this.aux = new InsnAuxTable(this.insns.length);
    this.lineOf = new Int32Array(this.insns.length);
    let next = 0;
    for (let i = 0; i < this.lineOf.length; i++) {
      while (next < prog.lines.length && (prog.lines[next] as LineSpec).insn <= i) next++;
      this.lineOf[i] = next - 1;
    }
  }

  /** find_linfo: the source line that instruction belongs to. */
  findLinfo(insnIdx: number): LineSpec | undefined {
    return this.btf ? this.prog.lines[this.lineOf[insnIdx] ?? -1] : undefined;
  }

  /** What decides about a helper besides its number. */
  helperQuery(): HelperQuery {
    return {
      release: this.profile.release,
      type: this.progType,
      attachType: this.prog.attachType,
      attachName: this.attachName,
      attachMember: this.attachMember,
      sleepableHook: this.sleepableHook,
      capPerfmon: this.allowPtrLeaks,
      hasFunction: (name) => this.vmlinux.find(name, 'func') !== 0,
    };
  }

  /** Does the kernel's release do that? */
  has(feature: Feature): boolean {
    return this.profile.has(feature);
  }

  /** Number of parameters of a helper or kfunc; null: unknown, then R1 to R5 count as read. */
  callParams(insn: Insn): number | null {
    return callParams(this, insn);
  }

  /** find_subprog: index of the function that starts at `insnIdx`; -1: none. */
  findSubprog(insnIdx: number): number {
    for (let i = 0; i < this.subprogCnt; i++) if (this.subprog(i).start === insnIdx) return i;
    return -1;
  }

  /** Index of the function that `insnIdx` lies in. */
  containingSubprog(insnIdx: number): number {
    let i = this.subprogCnt - 1;
    while (i > 0 && this.subprog(i).start > insnIdx) i--;
    return i;
  }

  get nrCpuIds(): number {
    return this.options.cpus ?? 8;
  }

  /** The kernel's BTF. */
  get vmlinux(): Btf {
    return this.profile.btf;
  }

  /** The frame that runs. */
  curFunc(): FuncState {
    return this.curState.frame[this.curState.curframe] as FuncState;
  }

  /** Its registers. */
  curRegs(): RegState[] {
    return this.curFunc().regs;
  }

  /** Instruction `idx`, taken apart. */
  insn(idx: number): Insn {
    const { code, dst, src, off, imm } = this.insns;
    return new Insn(
      code[idx] as number,
      dst[idx] as number,
      src[idx] as number,
      off[idx] as number,
      imm[idx] as number,
    );
  }

  subprog(i: number): SubprogInfo {
    return this.subprogs[i] as SubprogInfo;
  }

  /** Appends text to the log as the kernel's verbose() does: no newline is added. */
  verbose(text: string): void {
    this.log.write(text);
  }

  /** Logs `lines`, each ended by a newline, and ends the verification. */
  reject(errno: Errno, ...lines: readonly string[]): never {
    for (const line of lines) this.log.write(`${line}\n`);
    throw new Reject(errno, this.insnIdx);
  }

  markRegScratched(regno: number): void {
    this.scratchedRegs |= 1 << regno;
  }

  markStackSlotScratched(spi: number): void {
    if (spi < 32) this.scratchedStackLo |= 1 << spi;
    else this.scratchedStackHi |= 1 << (spi - 32);
  }
}
