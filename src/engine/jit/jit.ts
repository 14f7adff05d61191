/** The JIT: compiles verified programs to WebAssembly over the machine's memory, and runs them. It trusts the verifier. */
import * as layout from '../../../assembly/kernel/bpf/prog_layout.ts';
import { ALLOC_PROG, ALLOC_STACK } from '../../../assembly/layout.ts';
import { InputError, NotSupported } from '../../errors.ts';
import type { KernelMemory } from '../../kernel/memory.ts';
import type { Engine, LoadedProgram, Runnable, RunOptions, RunOutcome } from '../engine.ts';
import { type Fault, type FaultKind, faultKinds } from '../fault.ts';
import { Interpreter } from '../interp.ts';
import { type CallResolver, createProg } from '../link.ts';
import { CALLBACK_MASK, CALLBACK_SHIFT } from './calls.ts';
import { compileProgram, TooLarge } from './compile.ts';
import { type DecodedProgram, decodeProgram } from './decode.ts';

const NO_BUDGET = 2 ** 40;
/** Bytes of the stack that the frames of a run share, and those above it that plain programs may touch. */
const STACK_BYTES = 64 << 10;
const STACK_ABOVE = 64;
/** Upper half of callbacks' addresses: kernel text, where nothing can be read. */
const CALLBACK_HIGH = 0xffffffa0;
/** Instructions between two looks at the clock, where a run has a time limit. */
const SLICE = 1 << 24;

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
  readonly loaded: LoadedProgram;
  readonly functionAt: (entry: number) => BpfFunction;
}

/** Compiles programs of one machine; each worker has one of its own. */
export class Jit implements Engine {
  readonly name = 'jit';
  readonly #memory: KernelMemory;
  readonly #callOf: CallResolver;
  readonly #shared: boolean;
  readonly #counts: boolean;
  /** Programs by the number in BP_ENTRY: what tail calls go through. */
  readonly #programs = new WebAssembly.Table({ element: 'anyfunc', initial: 0 });
  #run = 0;
  #stackTop = 0;
  /** Of the run that goes on: what it was given, what it may have in all, and until when. */
  #granted = 0;
  #budget = NO_BUDGET;
  #deadline = Number.POSITIVE_INFINITY;

  /**
   * @param callOf - what calls reach: `callOf` of calls.ts, unless the programs are not a machine's
   * @param counts - whether instructions are counted, so that a budget stops programs
   */
  constructor(memory: KernelMemory, callOf: CallResolver, counts = true) {
    this.#counts = counts;
    this.#memory = memory;
    this.#callOf = callOf;
    this.#shared = typeof SharedArrayBuffer === 'function' && memory.memory.buffer instanceof SharedArrayBuffer;
  }

  /** Memory that all programs share: the run's words, then the stack. */
  #reserve(): void {
    if (this.#run !== 0) return;
    this.#run = this.#memory.kmalloc(layout.JR_SIZE, ALLOC_PROG);
    this.#stackTop = this.#memory.kmalloc(STACK_BYTES + STACK_ABOVE, ALLOC_STACK) + STACK_BYTES;
  }

  load(program: LoadedProgram): Runnable {
    this.#reserve();
    const memory = this.#memory;
    const decoded = decodeProgram(memory, program, this.#callOf);
    const prog = createProg(memory, program);
    const callbackBase = { high: CALLBACK_HIGH, low: program.id << 20 };
    const bytes = this.#compile(decoded, prog, callbackBase);
    if (!bytes) {
      memory.kfree(prog);
      return this.#interpret(program);
    }
    const module = new WebAssembly.Module(bytes);
    const functions = new Map<number, BpfFunction>();
    const compiled: CompiledProgram = {
      loaded: program,
      functionAt: (entry) => {
        const found = functions.get(entry);
        if (!found) throw new InputError(program.name, `instruction ${entry}`, 'starts no function that can be called');
        return found;
      },
    };
    const { exports } = new WebAssembly.Instance(module, this.#imports(compiled));
    for (const [name, value] of Object.entries(exports)) functions.set(Number(name), value as unknown as BpfFunction);
    memory.setU32(prog + layout.BP_ENTRY, this.#programs.grow(1, functions.get(0)));
    return {
      prog,
      entryOf: (address) => {
        const offset = BigInt.asUintN(64, address) - ((BigInt(CALLBACK_HIGH) << 32n) | BigInt(callbackBase.low >>> 0));
        if (offset < 0n || offset > BigInt(CALLBACK_MASK << CALLBACK_SHIFT) || offset & 15n) return null;
        return decoded.callbacks[Number(offset >> BigInt(CALLBACK_SHIFT))] ?? null;
      },
      start: () => {
        throw new NotSupported('stepping through compiled programs; the interpreter can');
      },
      run: (options = {}) => this.#execute(compiled, prog, options),
      dispose: () => {
        this.#programs.set(memory.u32At(prog + layout.BP_ENTRY), null);
        memory.kfree(prog);
      },
    };
  }

  /** The program's module; null when it is larger than engines take. */
  #compile(
    decoded: DecodedProgram,
    prog: number,
    callbackBase: { readonly high: number; readonly low: number },
  ): Uint8Array<ArrayBuffer> | null {
    try {
      return compileProgram(decoded, {
        memory: this.#memory,
        shared: this.#shared,
        counts: this.#counts,
        run: this.#run,
        stackTop: this.#stackTop,
        prog,
        callbackBase,
      });
    } catch (error) {
      if (error instanceof TooLarge) return null;
      throw error;
    }
  }

  /** Runs a program without compiling it, as kernels do with what their JITs cannot take. Compiled ones cannot tail call it. */
  #interpret(program: LoadedProgram): Runnable {
    const runnable = new Interpreter(this.#memory, this.#callOf).load(program);
    this.#memory.setU32(runnable.prog + layout.BP_ENTRY, this.#programs.grow(1, null));
    return runnable;
  }

  #imports(compiled: CompiledProgram): WebAssembly.Imports {
    const memory = this.#memory;
    return {
      env: { memory: memory.memory },
      worker: { gs: memory.gs },
      kernel: memory.exports as unknown as WebAssembly.ModuleImports,
      jit: {
        programs: this.#programs,
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
    if (more <= 0 || performance.now() >= this.#deadline) throw new Stopped('budget', insn, left);
    this.#granted += more;
    return left + BigInt(more);
  }

  #execute(compiled: CompiledProgram, prog: number, options: RunOptions): RunOutcome {
    const memory = this.#memory;
    const { exports } = memory;
    const { cpu = 0, args = [], packet, budget = NO_BUDGET, timeLimitMs } = options;
    const sleepable = Number(options.sleepable ?? compiled.loaded.sleepable ?? false);
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
      fault: { kind, site: { program: compiled.loaded.id, insn }, access: null, object: null, detail },
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
    const callback = program.loaded.exceptionCallback ?? null;
    if (callback === null) return { r0: BigInt.asUintN(64, cookie), fault: null };
    try {
      const r0 = program.functionAt(callback)(cookie, 0n, 0n, 0n, 0n, this.#stackTop);
      return { r0: BigInt.asUintN(64, r0), fault: null };
    } catch (error) {
      return this.#endEarly(program, error);
    }
  }
}
