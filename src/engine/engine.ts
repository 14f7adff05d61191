/**
 * What runs programs. Three engines (interp, jit, live) behind one interface; the same specs run against each.
 */
import type { Fault } from './fault.ts';

/** A program's place in a machine: what links its instructions to maps, kfuncs and kernel variables. */
export interface LinkEnvironment {
  /** Offset of struct bpf_map of KernelProgram.maps[index]. */
  map(index: number): number;
  /** Offset of the value that a direct access to that map counts from. */
  mapValue(index: number): number;
  /** Name of the kfunc of that BTF id; undefined when there is none. `off` is the instruction's (which BTF: 0 is vmlinux). */
  kfunc(btfId: number, off: number): string | undefined;
  /** Address that `r = &variable` gives for the kernel variable of that BTF id; undefined when there is none. */
  ksym(btfId: number): bigint | undefined;
  /** What a ld_imm64 of a map's file descriptor gives; absent: such programs are NotSupported. */
  fd?(fd: number): bigint;
}

/** A program ready to be linked into a machine's memory. */
export interface LoadedProgram {
  /** 1 to 4095, unique in the machine: names the program in allocation sites. */
  readonly id: number;
  readonly name: string;
  /** 8 bytes an instruction, as KernelProgram.insns, or after the verifier's fix-ups. */
  readonly insns: Uint8Array;
  readonly environment: LinkEnvironment;
  /** Loads that read 0 where there is no memory (BPF_PROBE_MEM). */
  readonly probes?: ReadonlySet<number>;
  /** 1 for instructions that the verifier has reached; others may call what is not supported. Absent: all. */
  readonly reached?: Uint8Array;
  /** First instruction of the exception callback. */
  readonly exceptionCallback?: number | null;
  /** Context fields that are not plain memory, and the loads and stores that may be of them. */
  readonly context?: readonly ContextPointer[];
  readonly contextAccess?: ReadonlySet<number>;
  /** Bytes of stack of each function, by its first instruction. Absent: it was not verified, and any may be used. */
  readonly stackDepths?: ReadonlyMap<number, number>;
  /** Table of local types (LTT_), offset in memory. */
  readonly localTypes?: number;
  readonly cookie?: bigint;
  readonly funcIp?: bigint;
  readonly sleepable?: boolean;
}

/** What of a program its runs depend on, once an engine has it. */
export type ProgramFacts = Pick<LoadedProgram, 'id' | 'name' | 'context' | 'sleepable' | 'exceptionCallback'>;

export function factsOf({ id, name, context, sleepable, exceptionCallback }: LoadedProgram): ProgramFacts {
  return {
    id,
    name,
    ...(context && { context }),
    ...(sleepable !== undefined && { sleepable }),
    ...(exceptionCallback !== undefined && { exceptionCallback }),
  };
}

/**
 * A loaded program as other threads of its machine run it (adopt.ts): what the engine made of it lies in the memory that all
 * share, or in a module that can be posted. `number` is its place in the table of programs that tail calls go through.
 */
export type PortableProgram =
  | { readonly kind: 'interp'; readonly prog: number; readonly facts: ProgramFacts }
  | {
      readonly kind: 'jit';
      readonly prog: number;
      readonly facts: ProgramFacts;
      readonly module: WebAssembly.Module;
      readonly number: number;
    };

/** A context field whose load gives a hidden u64 instead: `__sk_buff.data`. */
export interface ContextPointer {
  /** Offset and bytes of the field as programs read it. */
  readonly off: number;
  readonly size: number;
  /** Offset of the u64 in the context object, behind what programs may read. */
  readonly hidden: number;
}

/** What a run starts with. */
export interface RunOptions {
  /** CPU to run on; default 0. */
  readonly cpu?: number;
  /** r1 to r5. A program gets its context's address in r1; callbacks more. */
  readonly args?: readonly bigint[];
  /** First instruction: that of a callback; default 0. */
  readonly entry?: number;
  /** Context object, where it has hidden fields. */
  readonly context?: number;
  /** Whether it may sleep, where that is not as the program says: a timer's callback may not, a work item's may. */
  readonly sleepable?: boolean;
  /** Packet that ld_abs and ld_ind read: offset and bytes. */
  readonly packet?: { readonly offset: number; readonly length: number };
  /** Bytes above r10, up to 32, that may be accessed too: some plain programs expect it. Default 0. */
  readonly stackSlack?: number;
  /** Instructions after which the run ends as a fault of kind `budget`; default 2^40. */
  readonly budget?: number;
  /** Milliseconds after which the run ends as a fault of kind `time-limit`; it may take a little longer. Default: none. */
  readonly timeLimitMs?: number;
}

/** How a run ended. */
export interface RunOutcome {
  /** Low 32 bits of r0. */
  readonly retval: number;
  readonly r0: bigint;
  /** Instructions executed; 0 where the engine does not count. */
  readonly insns: number;
  readonly fault: Fault | null;
}

/** A run that can be stepped. */
export interface Run {
  /** Executes up to `count` instructions. Returns whether there are more. */
  step(count: number): boolean;
  /** Instruction that runs next, or the one at fault. */
  readonly insn: number;
  /** Id of the program that runs now; not the one started after a tail call. */
  readonly program: number;
  /** Frames above the first. */
  readonly depth: number;
  /** Offset of the run's state in memory: struct interp (prog_layout.ts). */
  readonly state: number;
  /** Copy of r0 to r10. */
  registers(): BigUint64Array;
  /** How it ended; null while it goes on. */
  readonly outcome: RunOutcome | null;
  /** Gives its memory back. */
  dispose(): void;
}

export interface Runnable {
  run(options?: RunOptions): RunOutcome;
  /** Prepares a run for stepping; engines that cannot throw NotSupported. */
  start(options?: RunOptions): Run;
  /** Instruction that a callback's address (`r1 = func`) stands for; null when it is none of this program's. */
  entryOf(address: bigint): number | null;
  /** Offset of its struct bpf_prog (prog_layout.ts): what prog arrays hold. */
  readonly prog: number;
  /** What another thread needs to run it, as long as it is not disposed of. Throws NotSupported where none can. */
  portable(): PortableProgram;
  /** Gives the program's memory back. */
  dispose(): void;
}

export interface Engine {
  readonly name: 'interp' | 'jit' | 'live';
  load(program: LoadedProgram): Runnable;
}
