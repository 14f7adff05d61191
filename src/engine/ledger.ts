/**
 * The ledger: who made, took, gave back and put away each object that programs allocate. An interpreter that looks at every call
 * before and after it; slow, and only used where it is asked for.
 */
import { NotSupported } from '../errors.ts';
import { helperById } from '../kernel/bpf/helpers/index.ts';
import { anyFlags } from '../kernel/bpf/kfuncs/index.ts';
import { KF_ACQUIRE, KF_RELEASE } from '../kernel/bpf/rows.ts';
import type { KernelMemory } from '../kernel/memory.ts';
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
/** Calls that give or take a reference: acquiring, releasing kfuncs by their flags, and bpf_kptr_xchg. */
type Kind = 'acquire' | 'release' | 'xchg';

/** Which of its calls touch references, by instruction. */
type Calls = ReadonlyMap<number, Kind>;

export class LedgerEngine implements Engine {
  readonly name = 'interp';
  readonly events: LedgerEvent[] = [];
  /** Events that were not kept. */
  lost = 0;
  readonly #inner: Interpreter;
  readonly #memory: KernelMemory;
  readonly #callOf: CallResolver;
  readonly #calls = new Map<number, Calls>();

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

  #watch(run: Run, { cpu = 0, budget = Number.MAX_SAFE_INTEGER }: RunOptions): RunOutcome {
    try {
      for (let left = budget; left > 0 && !run.outcome; left--) {
        const site = { program: run.program, insn: run.insn };
        const kind = this.#calls.get(site.program)?.get(site.insn);
        const before = kind ? run.registers() : null;
        run.step(1);
        if (kind && before) this.#note(kind, site, cpu, before, run.registers()[0] ?? 0n);
      }
      const { outcome } = run;
      if (outcome) return outcome;
      const site = { program: run.program, insn: run.insn };
      const fault = { kind: 'budget', site, access: null, object: null, detail: '' } as const;
      return { retval: 0, r0: 0n, insns: budget, fault };
    } finally {
      run.dispose();
    }
  }

  #note(kind: Kind, site: Site, cpu: number, before: BigUint64Array, r0: bigint): void {
    const [r1 = 0n, r2 = 0n] = before.subarray(1);
    if (kind === 'release') this.#add('release', r1, site, cpu, 0);
    else if (kind === 'acquire') this.#add(r0 === r1 ? 'acquire' : 'create', r0, site, cpu, 0);
    else {
      const slot = this.#memory.offset(r1);
      this.#add('put', r2, site, cpu, slot);
      this.#add('take', r0, site, cpu, slot);
    }
  }

  #add(op: LedgerOp, address: bigint, site: Site, cpu: number, slot: number): void {
    if (address === 0n) return;
    if (this.events.length >= MAX_EVENTS) {
      this.lost++;
      return;
    }
    const { serial } = this.#memory.objectHeader(this.#memory.offset(address));
    this.events.push({ op, site, cpu, serial, slot });
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
