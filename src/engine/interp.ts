/** The interpreter: runs linked programs in kernel.wasm, one instruction after another, checking every access. */
import * as layout from '../../assembly/kernel/bpf/prog_layout.ts';
import type { KernelMemory } from '../kernel/memory.ts';
import { INSN_SIZE } from '../uapi/insn.ts';
import { type Engine, factsOf, type LoadedProgram, type Runnable } from './engine.ts';
import { InterpRuns } from './interp_run.ts';
import { type CallResolver, link } from './link.ts';

/** The checking interpreter over a machine's memory. */
export class Interpreter implements Engine {
  readonly name = 'interp';
  readonly #memory: KernelMemory;
  readonly #callOf: CallResolver;
  readonly #runs: InterpRuns;

  /** @param callOf - what calls reach: `callOf` of calls.ts, unless the programs are not a machine's */
  constructor(memory: KernelMemory, callOf: CallResolver) {
    this.#memory = memory;
    this.#callOf = callOf;
    this.#runs = new InterpRuns(memory);
  }

  load(program: LoadedProgram): Runnable {
    const memory = this.#memory;
    const { prog, insns, dispose } = link(memory, program, this.#callOf);
    const facts = factsOf(program);
    return {
      prog,
      entryOf: (address) => {
        const off = Number(BigInt.asUintN(64, address - memory.address(insns)));
        const insn = off / layout.INSN_STRIDE;
        return Number.isInteger(insn) && insn < program.insns.length / INSN_SIZE ? insn : null;
      },
      start: (options = {}) => this.#runs.start(prog, facts, options),
      run: (options = {}) => this.#runs.run(prog, facts, options),
      portable: () => ({ kind: 'interp', prog, facts }),
      dispose,
    };
  }
}
