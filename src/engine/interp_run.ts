/** Runs of linked programs in the interpreter of kernel.wasm, by this thread. */
import * as layout from '../../assembly/kernel/bpf/prog_layout.ts';
import { SHADOW_CTX, SHADOW_FULL, SHADOW_REDZONE } from '../../assembly/layout.ts';
import { InputError } from '../errors.ts';
import type { KernelMemory } from '../kernel/memory.ts';
import type { ContextPointer, ProgramFacts, Run, RunOptions, RunOutcome } from './engine.ts';
import { type Fault, readFault, type Site } from './fault.ts';

/** Instructions of one call into wasm: V8 replaces baseline code by optimised code only between calls. */
const SLICE = 1 << 16;
const NO_BUDGET = 2 ** 40;

class InterpRun implements Run {
  readonly #memory: KernelMemory;
  readonly #options: RunOptions;
  readonly #ic: number;
  readonly #release: () => void;
  /** Which read side the run is in (__bpf_prog_enter): that of tasks trace for programs that may sleep. */
  readonly #sleepable: number;
  #outcome: RunOutcome | null = null;

  constructor(
    memory: KernelMemory,
    prog: number,
    ic: number,
    options: RunOptions,
    { context: pointers = [], sleepable = false }: ProgramFacts,
    release: () => void,
  ) {
    this.#memory = memory;
    this.#sleepable = Number(options.sleepable ?? sleepable);
    this.#options = options;
    this.#ic = ic;
    this.#release = release;
    memory.setCpu(options.cpu ?? 0);
    memory.exports.prog_save(ic + layout.IC_SAVED);
    memory.exports.bpf_prog_enter(this.#sleepable);
    const args = options.args ?? [];
    memory.setU32(ic + layout.IC_STACK_SLACK, options.stackSlack ?? 0);
    memory.exports.interp_start(ic, prog, options.entry ?? 0, args[0] ?? 0n);
    for (let i = 1; i < args.length; i++) this.#setRegister(i + 1, args[i] ?? 0n);
    if (options.context !== undefined) this.#markContext(options.context, pointers);
    if (options.packet) {
      memory.setU32(ic + layout.IC_PACKET, options.packet.offset);
      memory.setU32(ic + layout.IC_PACKET_LEN, options.packet.length);
    }
  }

  /** Fields that stand for a hidden u64 take the slow path of loads; programs cannot reach the hidden part itself. */
  #markContext(context: number, pointers: readonly ContextPointer[]): void {
    const { exports } = this.#memory;
    this.#memory.setU32(this.#ic + layout.IC_CTX, context);
    if (context === 0) return;
    for (const { off, hidden } of pointers) {
      exports.kasan_poison(context + (off & ~7), 8, SHADOW_FULL | SHADOW_CTX);
      exports.kasan_poison(context + hidden, 8, SHADOW_REDZONE);
    }
  }

  #setRegister(index: number, value: bigint): void {
    this.#memory.dv().setBigUint64(this.#ic + layout.IC_REGS + index * 8, BigInt.asUintN(64, value), true);
  }

  get #prog(): number {
    return this.#memory.u32At(this.#ic + layout.IC_PROG);
  }

  get program(): number {
    return this.#memory.u32At(this.#prog + layout.BP_ID);
  }

  get insn(): number {
    const first = this.#memory.u32At(this.#prog + layout.BP_INSNS);
    return (this.#memory.u32At(this.#ic + layout.IC_PC) - first) >> layout.INSN_SHIFT;
  }

  get depth(): number {
    return this.#memory.u32At(this.#ic + layout.IC_DEPTH);
  }

  get state(): number {
    return this.#ic;
  }

  get outcome(): RunOutcome | null {
    return this.#outcome;
  }

  get #insns(): number {
    return Number(this.#memory.dv().getBigUint64(this.#ic + layout.IC_INSNS, true));
  }

  registers(): BigUint64Array {
    const registers = new BigUint64Array(11);
    const dv = this.#memory.dv();
    for (let i = 0; i < 11; i++) registers[i] = dv.getBigUint64(this.#ic + layout.IC_REGS + i * 8, true);
    return registers;
  }

  #end(fault: Fault | null): false {
    this.#memory.setCpu(this.#options.cpu ?? 0);
    const { exports } = this.#memory;
    exports.bpf_prog_exit(this.#sleepable);
    const exited = this.#memory.u32At(this.#ic + layout.IC_STATUS) === layout.INTERP_EXITED;
    if (!exited) exports.prog_unwind(this.#ic + layout.IC_SAVED);
    const r0 = this.#memory.dv().getBigUint64(this.#ic + layout.IC_REGS, true);
    this.#outcome = { retval: Number(r0 & 0xffffffffn), r0, insns: this.#insns, fault };
    return false;
  }

  #site(): Site {
    return { program: this.program, insn: this.insn };
  }

  step(count: number): boolean {
    if (this.#outcome) return false;
    const { exports } = this.#memory;
    this.#memory.setCpu(this.#options.cpu ?? 0);
    let status: number;
    try {
      status = exports.interp_run(this.#ic, count);
    } catch (error) {
      if (!(error instanceof WebAssembly.RuntimeError)) throw error;
      return this.#end({ kind: 'trap', site: this.#site(), access: null, object: null, detail: error.message });
    }
    if (status === layout.INTERP_RUNNING) return true;
    return this.#end(status === layout.INTERP_FAULT ? readFault(this.#memory, this.#ic, this.#site()) : null);
  }

  /** Runs to the end, or until the budget or the time is used up. */
  finish(): RunOutcome {
    const { budget, timeLimitMs } = this.#options;
    const deadline = timeLimitMs === undefined ? Number.POSITIVE_INFINITY : performance.now() + timeLimitMs;
    let left = budget ?? NO_BUDGET;
    let late = false;
    while (left > 0 && !late && this.step(Math.min(left, SLICE))) {
      left -= SLICE;
      late = performance.now() >= deadline;
    }
    const kind = left > 0 ? 'time-limit' : 'budget';
    if (!this.#outcome) this.#end({ kind, site: this.#site(), access: null, object: null, detail: '' });
    return this.#outcome as unknown as RunOutcome;
  }

  dispose(): void {
    if (!this.#outcome) this.#end(null);
    this.#release();
  }
}

/** Starts runs, and keeps what they ran on for the next. */
export class InterpRuns {
  readonly #memory: KernelMemory;
  /** struct interps that no run uses now. */
  readonly #spare: number[] = [];

  constructor(memory: KernelMemory) {
    this.#memory = memory;
  }

  /** @param prog - offset of a linked struct bpf_prog */
  start(prog: number, program: ProgramFacts, options: RunOptions): Run {
    return this.#start(prog, program, options);
  }

  /** Runs it to its end. */
  run(prog: number, program: ProgramFacts, options: RunOptions): RunOutcome {
    const run = this.#start(prog, program, options);
    const outcome = run.finish();
    run.dispose();
    return outcome;
  }

  #start(prog: number, program: ProgramFacts, options: RunOptions): InterpRun {
    const ic = this.#context();
    return new InterpRun(this.#memory, prog, ic, options, program, () => {
      this.#spare.push(ic);
    });
  }

  #context(): number {
    const ic = this.#spare.pop() ?? this.#memory.exports.interp_new() >>> 0;
    if (ic) return ic;
    throw new InputError('machine', 'memoryLimit', 'no memory is left for the stack of another run');
  }
}
