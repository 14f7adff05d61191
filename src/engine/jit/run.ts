/** Runs of compiled programs, by this thread: it has its own stack, its own words of the run, its own table for tail calls. */
import * as layout from '../../../assembly/kernel/bpf/prog_layout.ts';
import { ALLOC_PROG, ALLOC_STACK } from '../../../assembly/layout.ts';
import { InputError } from '../../errors.ts';
import type { KernelMemory } from '../../kernel/memory.ts';
import type { ProgramFacts, RunOptions, RunOutcome } from '../engine.ts';
import { type Fault, type FaultKind, faultKinds } from '../fault.ts';

const NO_BUDGET = 2 ** 40;
/** Bytes of the stack that the frames of a run share, and those above it that plain programs may touch. */
const STACK_BYTES = 64 << 10;
const STACK_ABOVE = 64;
/** Instructions between two looks at the clock, where a run has a time limit. */
const SLICE = 1 << 20;

type BpfFunction = (r1: bigint, r2: bigint, r3: bigint, r4: bigint, r5: bigint, frame: number) => bigint;

/** Thrown through compiled code when a run ends before its program does. */
class Stopped {
  constructor(
    readonly kind: FaultKind,
    readonly insn: number,
    readonly left: bigint,
  ) {}
}

/** bpf_throw: unwinds to the program's exception callback. */
class Thrown {
  constructor(
    readonly cookie: bigint,
    readonly left: bigint,
    readonly program: CompiledProgram,
  ) {}
}

interface CompiledProgram {
  readonly facts: ProgramFacts;
  readonly functionAt: (entry: number) => BpfFunction;
}

/** A compiled program that can run here. */
export interface CompiledRuns {
  run(options: RunOptions): RunOutcome;
  /** Takes it out of the table. */
  dispose(): void;
}

export class JitRuns {
  readonly #memory: KernelMemory;
  /** Programs by the number in BP_ENTRY: what tail calls go through. */
  readonly #programs = new WebAssembly.Table({ element: 'anyfunc', initial: 0 });
  #run = 0;
  #stackTop = 0;
  /** Of the run that goes on: what it was given, what it may have in all, and until when. */
  #granted = 0;
  #budget = NO_BUDGET;
  #deadline = Number.POSITIVE_INFINITY;

  constructor(memory: KernelMemory) {
    this.#memory = memory;
  }

  /** Memory that all programs share: the run's words, then the stack. */
  #reserve(): void {
    if (this.#run !== 0) return;
    this.#run = this.#memory.kmalloc(layout.JR_SIZE, ALLOC_PROG);
    this.#stackTop = this.#memory.kmalloc(STACK_BYTES + STACK_ABOVE, ALLOC_STACK) + STACK_BYTES;
  }

  /** Behind the stack of this thread. */
  get stackTop(): number {
    this.#reserve();
    return this.#stackTop;
  }

  /** A number for a program that tail calls may reach. */
  number(): number {
    return this.#programs.grow(1, null);
  }

  /**
   * @param prog - its struct bpf_prog
   * @param number - its number: of this thread, or of the one that compiled it
   */
  add(module: WebAssembly.Module, prog: number, facts: ProgramFacts, number: number): CompiledRuns {
    this.#reserve();
    const functions = new Map<number, BpfFunction>();
    const compiled: CompiledProgram = {
      facts,
      functionAt: (entry) => {
        const found = functions.get(entry);
        if (!found) throw new InputError(facts.name, `instruction ${entry}`, 'starts no function that can be called');
        return found;
      },
    };
    const { exports } = new WebAssembly.Instance(module, this.#imports(compiled));
    for (const [name, value] of Object.entries(exports)) functions.set(Number(name), value as unknown as BpfFunction);
    const missing = number + 1 - this.#programs.length;
    if (missing > 0) this.#programs.grow(missing, null);
    this.#programs.set(number, functions.get(0));
    return {
      run: (options) => this.#execute(compiled, prog, options),
      dispose: () => this.#programs.set(number, null),
    };
  }

  #imports(compiled: CompiledProgram): WebAssembly.Imports {
    const memory = this.#memory;
    return {
      env: { memory: memory.memory },
      worker: { gs: memory.gs },
      kernel: memory.exports as unknown as WebAssembly.ModuleImports,
      jit: {
        programs: this.#programs,
        run: this.#run,
        fault: (kind: number, insn: number, left: bigint) => {
          throw new Stopped(faultKinds[kind] ?? 'bad-opcode', insn, left);
        },
        budget: (left: bigint, insn: number) => this.#grant(left, insn),
        throw: (cookie: bigint, left: bigint) => {
          throw new Thrown(cookie, left, compiled);
        },
      },
    };
  }

  /** More instructions for a run that has used up what it was given. */
  #grant(left: bigint, insn: number): bigint {
    const more = Math.min(SLICE, this.#budget - this.#granted);
    if (more <= 0) throw new Stopped('budget', insn, left);
    if (performance.now() >= this.#deadline) throw new Stopped('time-limit', insn, left);
    this.#granted += more;
    return left + BigInt(more);
  }

  #execute(compiled: CompiledProgram, prog: number, options: RunOptions): RunOutcome {
    const memory = this.#memory;
    const { exports } = memory;
    const { cpu = 0, args = [], packet, budget = NO_BUDGET, timeLimitMs } = options;
    const sleepable = Number(options.sleepable ?? compiled.facts.sleepable ?? false);
    const entry = compiled.functionAt(options.entry ?? 0);
    if (!(cpu >= 0 && cpu < memory.nrCpuIds)) memory.setCpu(cpu);
    const [run, stackTop] = [this.#run, this.#stackTop];
    this.#budget = budget;
    this.#granted = budget;
    this.#deadline = Number.POSITIVE_INFINITY;
    if (timeLimitMs !== undefined) {
      this.#deadline = performance.now() + timeLimitMs;
      this.#granted = Math.min(SLICE, budget);
    }
    exports.jit_enter(run, prog, cpu, sleepable, this.#granted, packet?.offset ?? 0, packet?.length ?? 0);
    let r0 = 0n;
    let fault: Fault | null = null;
    try {
      r0 = BigInt.asUintN(
        64,
        entry(args[0] ?? 0n, args[1] ?? 0n, args[2] ?? 0n, args[3] ?? 0n, args[4] ?? 0n, stackTop),
      );
    } catch (error) {
      ({ r0, fault } = this.#endEarly(compiled, error));
    }
    const left = exports.jit_exit(run, cpu, sleepable, Number(fault !== null));
    return { r0, retval: Number(r0 & 0xffffffffn), insns: this.#granted - left, fault };
  }

  /** What a run ends with whose program did not return. */
  #endEarly(compiled: CompiledProgram, error: unknown): { r0: bigint; fault: Fault | null } {
    if (error instanceof Thrown) return this.#handle(error);
    const fault = (kind: FaultKind, insn: number, detail: string): { r0: bigint; fault: Fault } => ({
      r0: 0n,
      fault: { kind, site: { program: compiled.facts.id, insn }, access: null, object: null, detail },
    });
    if (error instanceof Stopped) {
      this.#setLeft(error.left);
      return fault(error.kind, error.insn, '');
    }
    if (error instanceof WebAssembly.RuntimeError) return fault('trap', 0, error.message);
    throw error;
  }

  #setLeft(left: bigint): void {
    this.#memory.dv().setBigInt64(this.#run + layout.JR_LEFT, left, true);
  }

  #handle({ cookie, left, program }: Thrown): { r0: bigint; fault: Fault | null } {
    this.#setLeft(left);
    const callback = program.facts.exceptionCallback ?? null;
    if (callback === null) return { r0: BigInt.asUintN(64, cookie), fault: null };
    try {
      const r0 = program.functionAt(callback)(cookie, 0n, 0n, 0n, 0n, this.#stackTop);
      return { r0: BigInt.asUintN(64, r0), fault: null };
    } catch (error) {
      return this.#endEarly(program, error);
    }
  }
}
