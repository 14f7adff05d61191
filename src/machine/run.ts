/** A loaded program: what runs it, once or from a tracepoint. */
import type { LoadedProgram, Runnable, RunOptions, RunOutcome } from '../engine/engine.ts';
import { marksOf } from '../engine/marks.ts';
import { InputError, NotSupported } from '../errors.ts';
import { traceRecord } from '../kernel/event_record.ts';
import type { LinkResult } from '../kernel/link.ts';
import type { KernelProgram } from '../kernel/program.ts';
import { isTracepoint, type TraceFields, type TracepointRow, traceWords } from '../kernel/tracepoints.ts';
import type { LineSpec, ProgramSpec } from '../loader/spec.ts';
import { BPF_F_SLEEPABLE, type ProgType } from '../uapi/bpf.ts';
import type { Verdict } from '../verifier/index.ts';
import { type ContextInput, canMakeContext, contextPointers, makeContext } from './context.ts';
import { checkBudget, checkTimeLimit } from './limits.ts';
import type { Machine } from './machine.ts';
import type { BpfObject } from './object.ts';
import type { PreparedJob } from './parallel.ts';

export interface ProgramRunOptions {
  /** CPU to run on; default 0. */
  readonly cpu?: number | undefined;
  /** Context of a syscall program: any bytes up to 65535. Without it the program gets NULL. */
  readonly ctx?: Uint8Array | undefined;
  /** Packet of a tc, XDP or socket program, from its Ethernet header on; default 64 zero bytes. */
  readonly data?: Uint8Array | undefined;
  /** Tracepoint to fire for a program that one runs; default: the one that its section names. */
  readonly tracepoint?: string | undefined;
  /** Instructions after which the run is stopped as a fault of kind `budget`. */
  readonly budget?: number | undefined;
  /** Milliseconds after which the run is stopped as a fault of kind `time-limit`; it may take a little longer. Default: none. */
  readonly timeLimitMs?: number | undefined;
}

/** How a run ended, and what it took. */
export interface ProgramRun extends RunOutcome {
  /** Wall-clock time of the run itself, nanoseconds. */
  readonly durationNs: number;
  /** The context after the run; null where the program got none. */
  readonly ctx: Uint8Array | null;
  /** The packet after the run; null where the program got none. */
  readonly data: Uint8Array | null;
}

/** Attach types of tracing programs that a tracepoint runs. */
const TRACEPOINT_TYPES: readonly ProgType[] = ['tracing', 'raw_tracepoint', 'raw_tracepoint_writable', 'tracepoint'];

export class Program {
  readonly name: string;
  /** ELF section, as written in SEC(). */
  readonly section: string;
  readonly type: ProgType;
  /** 1 to 4095: names the program in allocation sites and faults. */
  readonly id: number;
  /** Why libbpf would not load it; null when it would. */
  readonly reject: LinkResult['reject'];
  private runnable: Runnable | null = null;
  private judged: Verdict | null = null;

  /** @internal made by BpfObject */
  constructor(
    readonly object: BpfObject,
    /** @internal the machine that it is loaded into */
    readonly machine: Machine,
    private readonly spec: ProgramSpec,
    /** As BPF_PROG_LOAD gets it; null when libbpf refuses it. */
    readonly linked: KernelProgram | null,
    reject: LinkResult['reject'],
  ) {
    this.name = spec.name;
    this.section = spec.section;
    this.type = spec.type;
    this.reject = reject;
    this.id = machine.addProgram(this);
  }

  /**
   * What the machine's kernel says of it; asked once, and cached. Null when libbpf refuses it before the kernel is asked: see
   * `reject`.
   * @throws NotSupported by name for what the verifier cannot judge yet
   */
  get verdict(): Verdict | null {
    if (!this.linked) return null;
    this.judged ??= this.machine.verify(this.linked);
    return this.judged;
  }

  /** Bytes of its context that it looks at: a syscall program has to be given at least so many. */
  get ctxSize(): number {
    return this.verdict?.fixups?.ctxSize ?? 0;
  }

  /** The tracepoint that its section names; null when it is attached to something else, or to nothing. */
  get tracepoint(): string | null {
    const { type, attachType, attachTo } = this.spec;
    if (!TRACEPOINT_TYPES.includes(type) || attachTo === null) return null;
    if (type === 'tracing' && attachType !== 'trace_raw_tp') return null;
    // tracepoint/CATEGORY/EVENT
    return type === 'tracepoint' ? attachTo.slice(attachTo.indexOf('/') + 1) : attachTo;
  }

  private get sleepable(): boolean {
    return this.linked !== null && (this.linked.flags & BPF_F_SLEEPABLE) !== 0;
  }

  /** Does a tracepoint run it (tp_btf, raw_tp, tracepoint), rather than somebody who calls it? */
  get isTraced(): boolean {
    return TRACEPOINT_TYPES.includes(this.type);
  }

  /** Can the machine run it without being told how? Others have to be named, and may be NotSupported. */
  get runsByItself(): boolean {
    if (this.type === 'kprobe') return false;
    if (!this.isTraced) return canMakeContext(this.type);
    const { tracepoint } = this;
    return tracepoint !== null && isTracepoint(tracepoint);
  }

  /**
   * Runs it once. A program that a tracepoint runs gets the tracepoint's own arguments.
   * @throws InputError for a bad context or CPU; NotSupported by name for what the machine cannot run
   */
  run(options: ProgramRunOptions = {}): ProgramRun {
    if (!this.isTraced) return this.start(options, {});
    const tracepoint = options.tracepoint ?? this.tracepoint;
    if (tracepoint === null) throw new NotSupported(`running ${this.section} programs`);
    if (options.ctx ?? options.data) {
      throw new InputError(this.name, '', 'a tracepoint runs it; it takes neither a context nor a packet');
    }
    const attachment = this.machine.attach(this, tracepoint);
    try {
      const { cpu, budget, timeLimitMs } = options;
      const fired = this.machine.fire(tracepoint, { cpu, budget, timeLimitMs });
      const mine = fired.find(({ program }) => program === this);
      if (!mine) throw new InputError(this.name, '', 'did not run');
      return mine.run;
    } finally {
      attachment.detach();
    }
  }

  /**
   * Prepares a run that somebody else steps, outside of the read side that it will run in. @internal exploration
   */
  begin(options: ProgramRunOptions): { readonly state: number; readonly sleepable: boolean } {
    const { machine } = this;
    const { runnable, start } = this.setUp(options, this.tracedInput(options));
    const run = runnable.start(start);
    const { sleepable } = this;
    machine.memory.exports.bpf_prog_exit(Number(sleepable));
    return { state: run.state, sleepable };
  }

  /** Runs it as a tracepoint does. @internal machine.fire */
  trigger(row: TracepointRow, fields: TraceFields, options: ProgramRunOptions): ProgramRun {
    return this.start(options, this.traceInput(row, fields));
  }

  private traceInput(row: TracepointRow, fields: TraceFields): ContextInput {
    if (this.type === 'tracepoint') return { record: traceRecord(this.machine.profile.btf, row, fields) };
    return { words: traceWords(fields) };
  }

  /** What the tracepoint that runs it would give it now; nothing for a program that none runs. */
  private tracedInput({ tracepoint = this.tracepoint ?? undefined, cpu = 0 }: ProgramRunOptions): ContextInput {
    if (!this.isTraced) return {};
    if (tracepoint === undefined) throw new NotSupported(`running ${this.section} programs`);
    return this.traceInput(...this.machine.traceFields(tracepoint, cpu));
  }

  /** Source line of an instruction; null where the object does not say. */
  sourceOf(insn: number): LineSpec | null {
    return this.spec.lines.findLast((line) => line.insn <= insn) ?? null;
  }

  /** Name of the function that an instruction is in. */
  functionAt(insn: number): string | undefined {
    return this.spec.funcs.findLast((func) => func.insn <= insn)?.name;
  }

  /** Runs a timer's or work item's callback, by the address that it was set with. @internal */
  runCallback(callback: bigint, options: RunOptions): RunOutcome | null {
    const entry = this.runnable?.entryOf(callback) ?? null;
    if (!this.runnable || entry === null) return null;
    const outcome = this.runnable.run({ ...options, entry });
    this.machine.account(outcome);
    return outcome;
  }

  /** Gives its memory back. @throws InputError while a parallel run goes on, which may be running it */
  dispose(): void {
    this.machine.checkIdle();
    this.runnable?.dispose();
    this.runnable = null;
    this.machine.removeProgram(this.id);
  }

  /** The program in the engine; loaded when it first runs, so that what nobody runs cannot be in the way. */
  private prepare(): Runnable {
    if (this.runnable) return this.runnable;
    this.runnable = this.machine.engine.load(this.toLoaded());
    // Only now, since programs may jump to each other.
    this.object.fillSlots();
    return this.runnable;
  }

  /** What a prog array's slot holds: the program as the engine has it. @internal */
  get address(): bigint {
    return this.machine.memory.address(this.prepare().prog);
  }

  private toLoaded(): LoadedProgram {
    const { linked, verdict } = this;
    const refused = verdict?.verdict === 'reject' && !this.object.unverified;
    const refusal = this.reject ?? (refused ? verdict : null);
    if (!linked || refusal) {
      throw new InputError(
        this.name,
        '',
        `was rejected by the ${this.reject ? 'loader' : 'verifier'}: ${refusal?.message ?? ''}`,
      );
    }
    const fixups = verdict?.fixups ?? null;
    if (!fixups && this.machine.engine.name === 'jit') {
      throw new NotSupported('the jit of a program that was not verified; the interpreter checks every access');
    }
    return {
      id: this.id,
      name: this.name,
      insns: linked.insns,
      environment: this.object.environment(),
      ...(fixups ? marksOf(fixups) : { probes: linked.coreInsns }),
      context: contextPointers(this.type),
      localTypes: this.object.localTypes,
      sleepable: this.sleepable,
    };
  }

  /** The program, its context and how it is run, for a thread that does it. @internal machine.runParallel */
  prepareParallel(options: ProgramRunOptions): PreparedJob {
    const { runnable, context, start } = this.setUp(options, this.tracedInput(options));
    const others = this.object.tailTargets().filter((program) => program !== this);
    return {
      program: runnable.portable(),
      others: others.map((program) => program.prepare().portable()),
      run: start,
      free: () => context.free(),
    };
  }

  private start(options: ProgramRunOptions, trace: ContextInput): ProgramRun {
    const { machine } = this;
    machine.checkIdle();
    const { runnable, context, start } = this.setUp(options, trace);
    try {
      const begin = performance.now();
      const outcome = runnable.run(start);
      const durationNs = Math.round((performance.now() - begin) * 1e6);
      machine.account(outcome);
      return { ...outcome, durationNs, ctx: options.ctx ? context.read() : null, data: context.readPacket() };
    } finally {
      context.free();
    }
  }

  /** Makes the context, and puts the current task on the CPU. */
  private setUp({ cpu = 0, budget, timeLimitMs, ctx, data }: ProgramRunOptions, trace: ContextInput) {
    const { machine } = this;
    checkBudget(budget);
    checkTimeLimit(timeLimitMs);
    machine.memory.setCpu(cpu);
    const runnable = this.prepare();
    if (this.type === 'syscall' && (ctx?.length ?? 0) < this.ctxSize) {
      throw new InputError(
        'ctx',
        '',
        `${this.name} looks at ${this.ctxSize} bytes of its context; give at least so many`,
      );
    }
    const context = makeContext(machine.memory, this.type, { ctx, data, ...trace });
    machine.tasks.place(machine.cpuTasks.on(cpu), cpu);
    const start: RunOptions = {
      cpu,
      args: [machine.memory.address(context.offset)],
      context: context.offset,
      ...(context.packet ? { packet: context.packet } : {}),
      ...(budget === undefined ? {} : { budget }),
      ...(timeLimitMs === undefined ? {} : { timeLimitMs }),
    };
    return { runnable, context, start };
  }
}
