/** The JIT: compiles verified programs to WebAssembly over the machine's memory. It trusts the verifier. */
import * as layout from '../../../assembly/kernel/bpf/prog_layout.ts';
import { NotSupported } from '../../errors.ts';
import type { KernelMemory } from '../../kernel/memory.ts';
import { type Engine, factsOf, type LoadedProgram, type Runnable } from '../engine.ts';
import { Interpreter } from '../interp.ts';
import { type CallResolver, createProg } from '../link.ts';
import { CALLBACK_MASK, CALLBACK_SHIFT } from './calls.ts';
import { compileProgram } from './compile.ts';
import { type DecodedProgram, decodeProgram } from './decode.ts';
import { JitRuns } from './run.ts';
import { TooLarge } from './too_large.ts';

/** Upper half of callbacks' addresses: kernel text, where nothing can be read. */
const CALLBACK_HIGH = 0xffffffa0;

/** Compiles programs of one machine. */
export class Jit implements Engine {
  readonly name = 'jit';
  readonly #memory: KernelMemory;
  readonly #callOf: CallResolver;
  readonly #shared: boolean;
  readonly #counts: boolean;
  readonly #runs: JitRuns;

  /**
   * @param callOf - what calls reach: `callOf` of calls.ts, unless the programs are not a machine's
   * @param counts - whether instructions are counted, so that a budget stops programs
   */
  constructor(memory: KernelMemory, callOf: CallResolver, counts = true) {
    this.#counts = counts;
    this.#memory = memory;
    this.#callOf = callOf;
    this.#shared = typeof SharedArrayBuffer === 'function' && memory.memory.buffer instanceof SharedArrayBuffer;
    this.#runs = new JitRuns(memory);
  }

  load(program: LoadedProgram): Runnable {
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
    const facts = factsOf(program);
    const number = this.#runs.number();
    memory.setU32(prog + layout.BP_ENTRY, number);
    const compiled = this.#runs.add(module, prog, facts, number);
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
      run: (options = {}) => compiled.run(options),
      portable: () => {
        // Its code knows where the stack of this thread ends.
        if (!program.stackDepths) throw new NotSupported('programs that were not verified, compiled for other threads');
        return { kind: 'jit', prog, facts, module, number };
      },
      dispose: () => {
        compiled.dispose();
        memory.kfree(prog);
      },
    };
  }

  /** The program's module; null when it is too large. */
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
        stackTop: this.#runs.stackTop,
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
    this.#memory.setU32(runnable.prog + layout.BP_ENTRY, this.#runs.number());
    return runnable;
  }
}
