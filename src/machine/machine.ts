/**
 * The machine: simulated CPUs, memory, clock, tasks and tracepoints of one booted kernel. Objects are loaded into it and run on
 * it; everything that they share, they share here.
 */
import * as map from '../../assembly/kernel/bpf/map_layout.ts';
import * as layout from '../../assembly/layout.ts';
import { callOf } from '../engine/calls.ts';
import type { Engine, RunOutcome } from '../engine/engine.ts';
import { createEngine, type EngineName } from '../engine/engines.ts';
import type { Fault } from '../engine/fault.ts';
import { LedgerEngine } from '../engine/ledger.ts';
import { InputError, NotSupported } from '../errors.ts';
import { Cpu } from '../kernel/cpu.ts';
import { createFaults, type Faults } from '../kernel/fault.ts';
import { featuresOf } from '../kernel/features.ts';
import { KernelStruct } from '../kernel/kernel_struct.ts';
import { Kfuncs } from '../kernel/kfuncs_api.ts';
import { KernelMemory, type KernelObject } from '../kernel/memory.ts';
import { drainPrintk, type PrintkRecord } from '../kernel/printk.ts';
import type { Profile } from '../kernel/profile.ts';
import type { KernelProgram } from '../kernel/program.ts';
import { createRcu, type Rcu } from '../kernel/rcu.ts';
import { findLeaks, type LostReferences } from '../kernel/reach.ts';
import { type Task, Tasks } from '../kernel/tasks.ts';
import { flatTopology, parseTopology, type Topology } from '../kernel/topology.ts';
import {
  findTracepoint,
  type TraceArgs,
  type TraceFields,
  type TracepointRow,
  type TraceWorld,
  traceArguments,
} from '../kernel/tracepoints.ts';
import { type KernelWarning, readWarnings } from '../kernel/warnings.ts';
import { loadObject } from '../loader/object.ts';
import { initRange, type Verdict, verify } from '../verifier/index.ts';
import { passTime } from './async.ts';
import { CpuTasks } from './cpu_tasks.ts';
import { BpfObject, type LoadOptions } from './object.ts';
import {
  ParallelCpus,
  type ParallelJob,
  type ParallelOptions,
  type ParallelRun,
  type WorkerHandle,
} from './parallel.ts';
import type { Program, ProgramRun } from './run.ts';

/** CPUs of a machine that nobody said the size of. */
const DEFAULT_CPUS = 8;
/** Monotonic clock of a machine that has just booted: one second. */
const BOOT_NS = 1_000_000_000n;

/** Where functions of the kernel would be; nothing can be read there. */
const TEXT_BASE = 0xffff_ffff_8100_0000n;

function noWorkers(): never {
  throw new NotSupported('parallel runs of a machine without threads');
}

export interface MachineConfig {
  /** Possible CPUs (nr_cpu_ids), 1 to NR_CPUS; default 8, or what the topology has. */
  readonly cpus?: number | undefined;
  /** hwloc synthetic string, `numa:2 l3:2 core:4 pu:2`; default: one core a CPU, all on one node. */
  readonly topology?: string | undefined;
  /** The kernel: its BTF and its rules. */
  readonly profile: Profile;
  /** Seed of bpf_get_prandom_u32 and of fault injection; default 1. */
  readonly seed?: number | bigint | undefined;
  /** Bytes that the simulated memory may grow to; default 256 MiB. */
  readonly memoryLimit?: number | undefined;
  /** Instructions that the verifier processes before it calls a program too large; default the kernel's million. */
  readonly complexityLimit?: number | undefined;
  /** What runs programs; default interp. */
  readonly engine?: EngineName | undefined;
  /** Keeps a ledger of references (machine.ledger); programs are interpreted one instruction at a time. Default false. */
  readonly ledger?: boolean | undefined;
  /** `wasm` can be gone back with: see src/explore. Default false. */
  readonly explorable?: boolean | undefined;
  /** Gives dist/verifier.wasm; called before a program is first verified. */
  readonly verifierWasm: () => BufferSource;
  /** dist/kernel.wasm, or the module compiled from it. */
  readonly wasm: Uint8Array<ArrayBuffer> | WebAssembly.Module;
  /** Starts a thread for a CPU of a parallel run; absent: there are none. */
  readonly startWorker?: () => WorkerHandle;
}

/** A program that a tracepoint runs. */
export interface Attachment {
  readonly program: Program;
  readonly tracepoint: string;
  detach(): void;
}

/** What one firing did. */
export interface Fired {
  readonly program: Program;
  readonly run: ProgramRun;
}

export interface FireOptions {
  /** CPU that it happens on; default 0. */
  readonly cpu?: number | undefined;
  /** Arguments by the kernel's parameter names, over the tracepoint's own. */
  readonly args?: TraceArgs | undefined;
  /** Instructions, and milliseconds, after which a program is stopped as a fault. */
  readonly budget?: number | undefined;
  readonly timeLimitMs?: number | undefined;
}

export class Machine {
  readonly profile: Profile;
  readonly memory: KernelMemory;
  readonly topology: Topology;
  readonly tasks: Tasks;
  readonly engine: Engine;
  /** Who made, took and gave back each object; null unless it was asked for. */
  readonly ledger: LedgerEngine | null;
  /** Every store can be taken back: an Explorer may have it. */
  readonly explorable: boolean;
  /** The cpumask kfuncs under the kernel's names; they run on CPU 0, or on that of `cpu(i).on`. */
  readonly kfuncs: Kfuncs;
  /** Read sections and grace periods. */
  readonly rcu: Rcu;
  /** Fault injection: allocations that give NULL. */
  readonly faults: Faults;
  /** What is loaded, in order. */
  readonly objects: BpfObject[] = [];
  private readonly verifierWasm: () => BufferSource;
  private readonly complexityLimit: number | undefined;
  private readonly structs = new Map<string, bigint>();
  private readonly attached = new Set<Attachment>();
  private readonly programs = new Map<number, Program>();
  /** Faults of timer and work callbacks, in order. */
  readonly callbackFaults: Fault[] = [];
  private readonly parallel: ParallelCpus;
  private inCallback = false;
  private nextProgram = 1;
  /** Which task runs on which CPU. @internal */
  readonly cpuTasks: CpuTasks;

  /** @internal use createMachine */
  constructor(config: MachineConfig) {
    const { profile, topology, wasm } = config;
    this.verifierWasm = config.verifierWasm;
    this.complexityLimit = config.complexityLimit;
    this.explorable = config.explorable ?? false;
    this.profile = profile;
    const { btf } = profile;
    const described = topology === undefined ? null : parseTopology(topology, profile.nrCpus);
    const cpus = config.cpus ?? described?.cpus.length ?? Math.min(DEFAULT_CPUS, profile.nrCpus);
    if (described && described.cpus.length !== cpus) {
      throw new InputError('topology', '', `has ${described.cpus.length} CPUs, but the machine has ${cpus}`);
    }
    const cpumask = new KernelStruct(btf, 'cpumask');
    const bpfCpumask = new KernelStruct(btf, 'bpf_cpumask');
    if (profile.nrCpus > cpumask.size * 8) {
      const most = cpumask.size * 8;
      throw new InputError(
        'NR_CPUS',
        '',
        `${profile.nrCpus} is more than the cpumask_t of this kernel's BTF holds (${most})`,
      );
    }
    this.memory = KernelMemory.create({
      cpus,
      nrCpus: profile.nrCpus,
      cpumaskSize: cpumask.size,
      bpfCpumaskSize: bpfCpumask.size,
      usageOffset: bpfCpumask.find('usage')?.offset ?? cpumask.size,
      ...(config.memoryLimit === undefined ? {} : { memoryLimit: config.memoryLimit }),
      features: featuresOf(profile.release),
      seed: Number(BigInt.asUintN(53, BigInt(config.seed ?? 1))),
      wasm,
    });
    this.topology = described ?? flatTopology(cpus);
    this.memory.dv().setBigUint64(layout.M_CLOCK_NS, BOOT_NS, true);
    this.tasks = new Tasks(this.memory, btf);
    this.cpuTasks = new CpuTasks(this.memory, this.tasks, this.tasks.create({ pid: 1, comm: 'init' }));
    this.ledger = config.ledger ? new LedgerEngine(this.memory, callOf) : null;
    this.engine = this.ledger ?? createEngine(config.engine ?? 'interp', this.memory, callOf);
    this.parallel = new ParallelCpus(this, config.startWorker ?? noWorkers);
    this.kfuncs = new Kfuncs(this.memory);
    this.rcu = createRcu(this.memory);
    this.faults = createFaults(this.memory);
  }

  /** Possible CPUs (nr_cpu_ids). */
  get cpus(): number {
    return this.memory.nrCpuIds;
  }

  /** A CPU by number. @throws InputError when the machine has none of that number */
  cpu(id: number): Cpu {
    const place = this.topology.cpus[id];
    if (!place) throw new InputError(`${id}`, 'cpu', `this machine has CPUs 0-${this.cpus - 1}`);
    return new Cpu(this.memory, id, place);
  }

  /** Objects that programs and kfuncs made and that are alive: masks, bpf_obj_new objects. */
  liveObjects(): readonly KernelObject[] {
    return findLeaks(this.memory).live;
  }

  /**
   * Objects with references that no place in a map, a list or a tree holds: lost, unless a program has them just now. Those that
   * programs made, and tasks.
   */
  leaks(): readonly LostReferences[] {
    return findLeaks(this.memory).leaked;
  }

  /** What programs printed since this was last asked. */
  drainPrintk(): readonly PrintkRecord[] {
    return drainPrintk(this.memory);
  }

  /** What the kernel would have printed with WARN so far, or from number `from` on. */
  warnings(from = 0): readonly KernelWarning[] {
    return readWarnings(this.memory, from);
  }

  /**
   * The task in whose context programs run, on whichever CPU. Setting it makes that task current on every CPU. Programs that run
   * at the same time are an exception: see runParallel.
   */
  get current(): Task {
    return this.cpuTasks.current;
  }

  set current(task: Task) {
    this.cpuTasks.current = task;
  }

  /** Simulated monotonic clock, nanoseconds. It advances with the instructions that run, one a nanosecond. */
  get now(): bigint {
    return this.memory.dv().getBigUint64(layout.M_CLOCK_NS, true);
  }

  /** Lets time pass: `ns` nanoseconds. Timers that become due run on the way, work items at once. */
  advance(ns: number | bigint): void {
    this.checkIdle();
    const until = this.now + BigInt(ns);
    if (this.inCallback) {
      this.memory.dv().setBigUint64(layout.M_CLOCK_NS, until, true);
      return;
    }
    this.inCallback = true;
    const { cpu } = this.memory;
    try {
      passTime(this.memory, layout.M_CLOCK_NS, until, (id, callback, options) => {
        const outcome = this.programs.get(id)?.runCallback(callback, options) ?? null;
        if (outcome?.fault) this.callbackFaults.push(outcome.fault);
        return outcome;
      });
    } finally {
      this.inCallback = false;
      this.memory.setCpu(cpu);
    }
  }

  /**
   * Loads a compiled object: its maps are made, its programs linked against the machine's kernel.
   * @param bytes - ELF64 BPF relocatable object
   * @throws InputError when it is none, NotSupported by name for what the machine cannot do yet
   */
  load(bytes: Uint8Array, options: LoadOptions = {}): BpfObject {
    const object = new BpfObject(this, loadObject(bytes, options.name ?? 'object.bpf.o'), options);
    this.objects.push(object);
    return object;
  }

  /** @internal what this kernel's verifier says of a program */
  verify(program: KernelProgram, caps: 'all' | 'bpf' = 'all'): Verdict {
    initRange(this.verifierWasm());
    return verify(program, this.profile, { cpus: this.cpus, caps, complexityLimit: this.complexityLimit });
  }

  /** @internal a number for a program, which names it in allocation sites */
  addProgram(program: Program): number {
    if (this.nextProgram > 4095) throw new InputError('machine', '', 'at most 4095 programs can be loaded into it');
    this.programs.set(this.nextProgram, program);
    return this.nextProgram++;
  }

  /** @internal */
  removeProgram(id: number): void {
    this.programs.delete(id);
    this.parallel.forget(id);
    for (const attachment of this.attached) if (attachment.program.id === id) attachment.detach();
  }

  /** The program of that number; undefined when there is none. */
  programById(id: number): Program | undefined {
    return this.programs.get(id);
  }

  /**
   * Attaches a program to a tracepoint; default is the one that its section names.
   * @throws NotSupported by name for a tracepoint that the machine cannot fire
   */
  attach(program: Program, tracepoint = program.tracepoint): Attachment {
    if (tracepoint === null) {
      throw new InputError(program.name, '', `its section ${program.section} names no tracepoint to attach to`);
    }
    findTracepoint(tracepoint);
    const attachment: Attachment = { program, tracepoint, detach: () => this.attached.delete(attachment) };
    this.attached.add(attachment);
    return attachment;
  }

  /** Fires a tracepoint: every program attached to it runs, in the order in which they were attached. */
  fire(tracepoint: string, options: FireOptions = {}): Fired[] {
    const { cpu = 0, args = {}, budget, timeLimitMs } = options;
    const [row, fields] = this.traceFields(tracepoint, cpu, args);
    const wanted = [...this.attached].filter((attachment) => attachment.tracepoint === tracepoint);
    const given = { cpu, budget, timeLimitMs };
    return wanted.map(({ program }) => ({ program, run: program.trigger(row, fields, given) }));
  }

  /** @internal a tracepoint, and what it passes on when it is hit on a CPU */
  traceFields(tracepoint: string, cpu: number, args: TraceArgs = {}): [TracepointRow, TraceFields] {
    const row = findTracepoint(tracepoint);
    return [row, traceArguments(row, this.traceWorld(cpu), args)];
  }

  /**
   * Runs programs at the same time, each on a CPU of its own that is a thread of its own; all begin together. Grace periods end
   * while they run. Until the promise is settled the machine is theirs: it may be looked at, not run.
   *
   *     const [a, b] = await machine.runParallel([
   *       { cpu: 0, program: object.program('claim_cpu'), times: 1_000_000 },
   *       { cpu: 1, program: object.program('claim_cpu'), times: 1_000_000 },
   *     ]);
   *
   * A program that faults, overruns its budget or time limit, or whose thread dies is reported in its ParallelRun; the others,
   * and the machine, go on. A tracing program gets its tracepoint's arguments as they are now, in every run. The first job runs in the
   * context of the current task, each other in that of one of its own: see ParallelJob.task.
   * @throws InputError for jobs that cannot be: CPUs that are not there or given twice, another machine's program; NotSupported
   * without shared memory
   */
  async runParallel(jobs: readonly ParallelJob[], options: ParallelOptions = {}): Promise<ParallelRun[]> {
    if (this.ledger) throw new NotSupported('the ledger of parallel runs');
    const began = this.now;
    const runs = await this.parallel.run(jobs, options);
    for (const { cpu } of runs) this.memory.on(cpu, () => this.memory.exports.irq_work_run());
    // The clock went on with the CPU that was furthest. What was due on the way runs now.
    const passed = this.now - began;
    this.memory.dv().setBigUint64(layout.M_CLOCK_NS, began, true);
    this.advance(passed > 0n ? passed : 1n);
    return runs;
  }

  /** Ends the threads of parallel runs. A process ends without it; a page may want its memory back. */
  dispose(): void {
    this.parallel.dispose();
  }

  [Symbol.dispose](): void {
    this.dispose();
  }

  /** @internal @throws InputError while the CPUs are those of a parallel run */
  checkIdle(): void {
    if (this.parallel.running) throw new InputError('machine', '', 'a parallel run goes on; wait for it');
  }

  /** What tracepoints look at, on a CPU. */
  private traceWorld(cpu: number): TraceWorld {
    return {
      current: this.cpuTasks.on(cpu),
      cpu,
      nrCpus: this.cpus,
      fork: (parent) => this.tasks.fork(parent),
      idle: (on) => this.tasks.idleTask(on),
      struct: (name) => this.struct(name),
      onlineMask: () => this.memory.address(this.memory.u32At(layout.M_CPU_ONLINE)),
    };
  }

  /** Address of a zeroed struct of the kernel's that programs may look at; one of each name. */
  struct(name: string): bigint {
    const known = this.structs.get(name);
    if (known !== undefined) return known;
    const { size } = new KernelStruct(this.profile.btf, name);
    const offset = this.memory.kmalloc(size, layout.ALLOC_KERNEL);
    this.memory.exports.kasan_unpoison_readonly(offset, size);
    const address = this.memory.address(offset);
    this.structs.set(name, address);
    return address;
  }

  /** @internal name of the kfunc with that BTF id */
  kfuncName(btfId: number): string | undefined {
    const { btf } = this.profile;
    return btfId > 0 && btfId < btf.nrTypes && btf.kind(btfId) === 'func' ? btf.name(btfId) : undefined;
  }

  /**
   * @internal address that a program's `&variable` gives. The kernel's BTF knows per-CPU variables only: what programs get is a
   * handle for bpf_per_cpu_ptr and bpf_this_cpu_ptr.
   */
  kernelVariable(btfId: number): bigint | undefined {
    const { btf } = this.profile;
    const type = btfId > 0 && btfId < btf.nrTypes ? btf.type(btfId) : null;
    // A function's address is good for comparing with NULL: bpf_ksym_exists.
    if (type?.kind === 'func') return TEXT_BASE + BigInt(btfId) * 16n;
    if (type?.kind !== 'var') return undefined;
    const key = `percpu ${type.name}`;
    const known = this.structs.get(key);
    if (known !== undefined) return known;
    const stride = Math.ceil(btf.size(type.type) / 8) * 8;
    if (stride <= 0) return undefined;
    const { memory } = this;
    const data = memory.kmalloc(stride * this.cpus, layout.ALLOC_PERCPU);
    memory.exports.kasan_unpoison_readonly(data, stride * this.cpus);
    const handle = memory.kmalloc(map.PCPU_PTR_SIZE, layout.ALLOC_PERCPU);
    memory.setU32(handle + map.PCPU_BASE, data);
    memory.setU32(handle + map.PCPU_STRIDE, stride);
    const address = memory.address(handle);
    this.structs.set(key, address);
    this.fillPercpu(type.type, data, stride);
    return address;
  }

  /** Members of per-CPU structs that say which CPU's they are: rq.cpu. */
  private fillPercpu(typeId: number, data: number, stride: number): void {
    const { btf } = this.profile;
    const id = btf.skipMods(typeId);
    if (btf.kind(id) !== 'struct' || !btf.name(id)) return;
    const struct = new KernelStruct(btf, btf.name(id));
    for (let cpu = 0; cpu < this.cpus; cpu++) {
      const idle = struct.name === 'rq' ? this.memory.address(this.tasks.idleTask(cpu).offset) : 0n;
      struct.write(this.memory, data + cpu * stride, { cpu, idle, curr: idle });
    }
  }

  /** @internal the clock goes on by what has run */
  account({ insns }: RunOutcome): void {
    this.advance(Math.max(1, insns));
  }
}
