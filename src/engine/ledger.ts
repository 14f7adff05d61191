/**
 * The ledger: who made, took, gave back and put away each object that programs allocate. An interpreter that looks at every call
 * before and after it; slow, and only used where it is asked for.
 */
import { SHADOW } from '../../assembly/layout.ts';
import { NotSupported } from '../errors.ts';
import { helperById } from '../kernel/bpf/helpers/index.ts';
import { anyFlags } from '../kernel/bpf/kfuncs/index.ts';
import { KF_ACQUIRE, KF_RELEASE } from '../kernel/bpf/rows.ts';
import type { KernelMemory, KernelObject } from '../kernel/memory.ts';
import { Insns, rowOf } from '../uapi/insn.ts';
import type { Engine, LoadedProgram, Run, Runnable, RunOptions, RunOutcome } from './engine.ts';
import type { Site } from './fault.ts';
import { Interpreter } from './interp.ts';
import type { CallResolver } from './link.ts';

/** What happened to a reference. */
export type LedgerOp = 'create' | 'acquire' | 'release' | 'put' | 'take';

export interface LedgerEvent {
  readonly op: LedgerOp;
  readonly site: Site;
  readonly cpu: number;
  /** Number of the allocation (KernelObject.serial). */
  readonly serial: number;
  /** Where it was put or taken from: offset in memory; 0: nowhere. */
  readonly slot: number;
}

/** Events that are kept: programs in loops make many. */
const MAX_EVENTS = 100_000;
/** Bytes of the largest object that programs make. */
const MAX_OBJECT = 16384;
/** Bits of the instructions left that are zero when the clock is looked at. */
const CLOCK_MASK = 0xffff;
/** Calls that give or take a reference: acquiring, releasing kfuncs by their flags, and bpf_kptr_xchg. */
type Kind = 'acquire' | 'release' | 'xchg';

/** Which of its calls touch references, by instruction. */
type Calls = ReadonlyMap<number, Kind>;

/** What a call is given: its first argument, and the object that it gives back or puts away. */
interface Given {
  readonly r1: bigint;
  readonly object: KernelObject | null;
}

export class LedgerEngine implements Engine {
  readonly name = 'interp';
  readonly events: LedgerEvent[] = [];
  /** Events that were not kept. */
  lost = 0;
  readonly #inner: Interpreter;
  readonly #memory: KernelMemory;
  readonly #callOf: CallResolver;
  readonly #calls = new Map<number, Calls>();
  /** Objects that there are events of. */
  readonly #seen = new Set<number>();

  constructor(memory: KernelMemory, callOf: CallResolver) {
    this.#memory = memory;
    this.#callOf = callOf;
    this.#inner = new Interpreter(memory, callOf);
  }

  load(program: LoadedProgram): Runnable {
    const inner = this.#inner.load(program);
    this.#calls.set(program.id, this.#callsOf(program));
    return {
      prog: inner.prog,
      entryOf: (address) => inner.entryOf(address),
      start: (options) => inner.start(options),
      run: (options = {}) => this.#watch(inner.start(options), options),
      portable: () => {
        throw new NotSupported('the ledger of parallel runs');
      },
      dispose: () => inner.dispose(),
    };
  }

  #callsOf({ insns, environment }: LoadedProgram): Calls {
    const decoded = new Insns(insns);
    const calls = new Map<number, Kind>();
    for (let i = 0; i < decoded.length; i++) {
      const row = rowOf(decoded, i);
      if (row?.op !== 'call_helper' && row?.op !== 'call_kfunc') continue;
      const [imm = 0, off = 0] = [decoded.imm[i], decoded.off[i]];
      const call = this.#callOf(row.op, imm, off, environment, this.#memory);
      if (call.run !== 'call') continue;
      const kind = row.op === 'call_kfunc' ? kindOfKfunc(call.id) : kindOfHelper(call.id);
      if (kind) calls.set(i, kind);
    }
    return calls;
  }

  #watch(run: Run, { cpu = 0, budget = Number.MAX_SAFE_INTEGER, timeLimitMs }: RunOptions): RunOutcome {
    const deadline = timeLimitMs === undefined ? Number.POSITIVE_INFINITY : performance.now() + timeLimitMs;
    let left = budget;
    try {
      for (; left > 0 && !run.outcome; left--) {
        if ((left & CLOCK_MASK) === 0 && performance.now() >= deadline) break;
        const site = { program: run.program, insn: run.insn };
        const kind = this.#calls.get(site.program)?.get(site.insn);
        const before = kind ? this.#look(kind, run.registers()) : null;
        run.step(1);
        if (kind && before) this.#note(kind, site, cpu, before, run.registers()[0] ?? 0n);
      }
      const { outcome } = run;
      if (outcome) return outcome;
      const site = { program: run.program, insn: run.insn };
      const kind = left > 0 ? 'time-limit' : 'budget';
      const fault = { kind, site, access: null, object: null, detail: '' } as const;
      return { retval: 0, r0: 0n, insns: budget - left, fault };
    } finally {
      run.dispose();
    }
  }

  #look(kind: Kind, registers: BigUint64Array): Given {
    const [r1 = 0n, r2 = 0n] = registers.subarray(1);
    // What is released may be gone after the call.
    return { r1, object: kind === 'acquire' ? null : this.#objectAt(kind === 'xchg' ? r2 : r1) };
  }

  #note(kind: Kind, site: Site, cpu: number, { r1, object }: Given, r0: bigint): void {
    if (kind === 'release') this.#add('release', object, site, cpu, 0);
    else if (kind === 'acquire') {
      const got = this.#objectAt(r0);
      const made = got?.allocSite === ((site.program << 20) | site.insn) >>> 0 && !this.#seen.has(got.serial);
      this.#add(made ? 'create' : 'acquire', got, site, cpu, 0);
    } else {
      const slot = this.#memory.offset(r1);
      this.#add('put', object, site, cpu, slot);
      this.#add('take', this.#objectAt(r0), site, cpu, slot);
    }
  }

  /** The object that an address names a part of: programs have addresses behind its hidden beginning, and of its nodes. */
  #objectAt(address: bigint): KernelObject | null {
    if (address === 0n) return null;
    const shadow = this.#memory.u8();
    let granule = this.#memory.offset(address) >>> 3;
    const least = granule - MAX_OBJECT / 8;
    while (granule > least && (shadow[SHADOW + granule - 1] as number) < 0x80) granule--;
    return this.#memory.objectHeader(granule * 8);
  }

  #add(op: LedgerOp, object: KernelObject | null, site: Site, cpu: number, slot: number): void {
    if (!object) return;
    if (this.events.length >= MAX_EVENTS) {
      this.lost++;
      return;
    }
    this.#seen.add(object.serial);
    this.events.push({ op, site, cpu, serial: object.serial, slot });
  }
}

function kindOfKfunc(id: number): Kind | null {
  const all = anyFlags(id);
  if (all & KF_RELEASE) return 'release';
  return all & KF_ACQUIRE ? 'acquire' : null;
}

function kindOfHelper(id: number): Kind | null {
  return helperById(id)?.name === 'bpf_kptr_xchg' ? 'xchg' : null;
}
