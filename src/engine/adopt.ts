/** Programs that another thread of the machine has loaded, run by this one: nothing is linked or compiled again. */
import type { KernelMemory } from '../kernel/memory.ts';
import type { PortableProgram, RunOptions, RunOutcome } from './engine.ts';
import { InterpRuns } from './interp_run.ts';
import { JitRuns } from './jit/run.ts';

export interface AdoptedProgram {
  run(options: RunOptions): RunOutcome;
  dispose(): void;
}

const nothing = () => {};

/** The programs of one thread. */
export class Adopted {
  readonly #interp: InterpRuns;
  readonly #jit: JitRuns;
  /** By program id. */
  readonly #programs = new Map<number, AdoptedProgram>();

  constructor(memory: KernelMemory) {
    this.#interp = new InterpRuns(memory);
    this.#jit = new JitRuns(memory);
  }

  /** A program by its id; made when it is first asked for. */
  take(program: PortableProgram): AdoptedProgram {
    const { id } = program.facts;
    const known = this.#programs.get(id);
    if (known) return known;
    const adopted = this.#adopt(program);
    this.#programs.set(id, adopted);
    return adopted;
  }

  #adopt(program: PortableProgram): AdoptedProgram {
    const { prog, facts } = program;
    if (program.kind === 'jit') return this.#jit.add(program.module, prog, facts, program.number);
    return { run: (options) => this.#interp.run(prog, facts, options), dispose: nothing };
  }

  forget(id: number): void {
    this.#programs.get(id)?.dispose();
    this.#programs.delete(id);
  }
}
