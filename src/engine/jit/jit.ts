/** The JIT: compiles verified programs to WebAssembly over the machine's memory, and runs them. It trusts the verifier. */
import * as layout from '../../../assembly/kernel/bpf/prog_layout.ts';
import { ALLOC_PROG, ALLOC_STACK, PC_SITE } from '../../../assembly/layout.ts';
import { InputError, NotSupported } from '../../errors.ts';
import type { KernelMemory } from '../../kernel/memory.ts';
import type { Engine, LoadedProgram, Runnable, RunOptions, RunOutcome } from '../engine.ts';
import { type Fault, type FaultKind, faultKinds } from '../fault.ts';
import { type CallResolver, createProg } from '../link.ts';
import { CALLBACK_MASK, CALLBACK_SHIFT } from './calls.ts';
import { compileProgram } from './compile.ts';
import { decodeProgram } from './decode.ts';
import { RUN_LEFT, RUN_PACKET, RUN_PACKET_LEN, RUN_SIZE, RUN_TAIL_CALLS } from './emitter.ts';

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
  /** Programs by the number in BP_ENTRY: what tail calls go through. */
  readonly #programs = new WebAssembly.Table({ element: 'anyfunc', initial: 0 });
  #run = 0;
  #stackTop = 0;
  /** Of the run that goes on: what it was given, what it may have in all, and until when. */
  #granted = 0;
  #budget = NO_BUDGET;
  #deadline = Number.POSITIVE_INFINITY;

  /** @param callOf - what calls reach: `callOf` of calls.ts, unless the programs are not a machine's */
  constructor(memory: KernelMemory, callOf: CallResolver) {
    this.#memory = memory;
    this.#callOf = callOf;
    this.#shared = typeof SharedArrayBuffer === 'function' && memory.memory.buffer instanceof SharedArrayBuffer;
  }

  /** Memory that all programs share: the run's words, then the stack. */
  #reserve(): void {
    if (this.#run !== 0) return;
    this.#run = this.#memory.kmalloc(RUN_SIZE, ALLOC_PROG);
    this.#stackTop = this.#memory.kmalloc(STACK_BYTES + STACK_ABOVE, ALLOC_STACK) + STACK_BYTES;
  }

  load(program: LoadedProgram): Runnable {
    this.#reserve();
    const memory = this.#memory;
    const decoded = decodeProgram(memory, program, this.#callOf);
    const prog = createProg(memory, program);
    const callbackBase = { high: CALLBACK_HIGH, low: program.id << 20 };
    const module = new WebAssembly.Module(
      compileProgram(decoded, {
        memory,
        shared: this.#shared,
        run: this.#run,
        stackTop: this.#stackTop,
        prog,
        callbackBase,
      }),
    );
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
    memory.setCpu(cpu);
    this.#budget = budget;
    this.#deadline = timeLimitMs === undefined ? Number.POSITIVE_INFINITY : performance.now() + timeLimitMs;
    this.#granted = timeLimitMs === undefined ? budget : Math.min(SLICE, budget);
    const run = this.#run;
    memory.dv().setBigInt64(run + RUN_LEFT, BigInt(this.#granted), true);
    memory.setU32(run + RUN_TAIL_CALLS, 0);
    memory.setU32(run + RUN_PACKET, packet?.offset ?? 0);
    memory.setU32(run + RUN_PACKET_LEN, packet?.length ?? 0);
    exports.bpf_prog_enter(sleepable);
    exports.enter_prog(prog);
    const [r1 = 0n, r2 = 0n, r3 = 0n, r4 = 0n, r5 = 0n] = args;
    const ended = this.#call(compiled, () => entry(r1, r2, r3, r4, r5, this.#stackTop));
    memory.setCpu(cpu);
    memory.setU32((memory.gs.value >>> 0) + PC_SITE, 0);
    exports.bpf_prog_exit(sleepable);
    const left = Number(memory.dv().getBigInt64(run + RUN_LEFT, true));
    const r0 = BigInt.asUintN(64, ended.r0);
    return { r0, retval: Number(r0 & 0xffffffffn), insns: this.#granted - left, fault: ended.fault };
  }

  /** Runs compiled code to its end, whichever that is. */
  #call(compiled: CompiledProgram, body: () => bigint): { r0: bigint; fault: Fault | null } {
    try {
      return { r0: body(), fault: null };
    } catch (error) {
      if (error instanceof Thrown) return this.#handle(error);
      const fault = (kind: FaultKind, insn: number, detail: string): { r0: bigint; fault: Fault } => ({
        r0: 0n,
        fault: { kind, site: { program: compiled.loaded.id, insn }, access: null, object: null, detail },
      });
      if (error instanceof Stopped) {
        this.#memory.dv().setBigInt64(this.#run + RUN_LEFT, error.left, true);
        return fault(error.kind, error.insn, '');
      }
      if (error instanceof WebAssembly.RuntimeError) return fault('trap', 0, error.message);
      throw error;
    }
  }

  #handle({ cookie, left, program }: Thrown): { r0: bigint; fault: Fault | null } {
    this.#memory.dv().setBigInt64(this.#run + RUN_LEFT, left, true);
    const callback = program.loaded.exceptionCallback ?? null;
    if (callback === null) return { r0: cookie, fault: null };
    return this.#call(program, () => program.functionAt(callback)(cookie, 0n, 0n, 0n, 0n, this.#stackTop));
  }
}
