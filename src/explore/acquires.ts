/** Which instructions of a schedule took a reference to which object: says of a reference that is lost who took it. */
import { OBJ_PREFIX } from '../../assembly/kernel/bpf/map_layout.ts';
import * as prog from '../../assembly/kernel/bpf/prog_layout.ts';
import type { Site } from '../engine/fault.ts';
import { opNumber } from '../engine/ops.ts';
import { anyFlags } from '../kernel/bpf/kfuncs/index.ts';
import { KF_ACQUIRE } from '../kernel/bpf/rows.ts';
import type { Space } from './space.ts';

const CALL_KFUNC = opNumber('call_kfunc');

export class Acquires {
  readonly #space: Space;
  readonly #sites = new Map<number, Site>();

  constructor(space: Space) {
    this.#space = space;
  }

  /** Steps an instruction of a process; `step` gives what is to be given on. */
  watch<T>(thread: number, step: () => T): T {
    const { memory } = this.#space;
    const interp = this.#space.interp(thread);
    const pc = memory.u32At(interp + prog.IC_PC);
    const site = { program: this.#space.programId(thread), insn: this.#space.insn(thread) };
    const isKfunc = memory.u8()[pc + prog.II_OP] === CALL_KFUNC;
    const takes = isKfunc && (anyFlags(memory.u32At(pc + prog.II_IMM)) & KF_ACQUIRE) !== 0;
    const result = step();
    const object = takes ? memory.u32At(interp + prog.IC_REGS) : 0;
    if (object !== 0) this.#sites.set(object, site);
    return result;
  }

  /** Who took the last reference to an object at an offset; null: nobody did in this schedule. */
  last(offset: number): Site | null {
    return this.#sites.get(offset) ?? this.#sites.get(offset + OBJ_PREFIX) ?? null;
  }
}
