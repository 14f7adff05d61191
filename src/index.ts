/**
 * bpf-cpumask: load and run compiled BPF objects that use the cpumask kfuncs, on a simulated Linux kernel.
 *
 * Start with createMachine. What is thrown is an InputError (a bad file or option), NotSupported (valid, not handled yet) or
 * InvariantError (a bug of this package); results of the simulated kernel, errors too, are values.
 */
export { type BtfValue, EnumValue } from './btf/values.ts';
export type { Engine, RunOutcome } from './engine/engine.ts';
export type { EngineName } from './engine/engines.ts';
export type { Fault, FaultKind, FaultObject, Site } from './engine/fault.ts';
export { InputError, InvariantError, NotSupported } from './errors.ts';
export type { CallbackKind } from './explore/callback_names.ts';
export type { CallbackRun } from './explore/callbacks.ts';
export {
  type Bounds,
  type Exploration,
  type ExploredFinding,
  type ExploreOptions,
  Explorer,
} from './explore/explore.ts';
export type { FaultPoint } from './explore/faults.ts';
export type { Assertion, Finding, ProblemKind } from './explore/judge.ts';
export type { Problem, Stop } from './explore/search.ts';
export type { ThreadSpec } from './explore/space.ts';
export type { TraceStep } from './explore/trace.ts';
export type { MaskAccess } from './explore/wide.ts';
export type { BpfMap, MapEntry } from './kernel/bpf/maps/index.ts';
export type { Release } from './kernel/bpf/rows.ts';
export type { Cpu } from './kernel/cpu.ts';
export { CpuMask } from './kernel/cpu_mask.ts';
export type { FailureKind, FaultPlan, Faults } from './kernel/fault.ts';
export { BpfCpumask, Cpumask, type Kfuncs } from './kernel/kfuncs_api.ts';
export type { MaskValue } from './kernel/mask_value.ts';
export type { KernelMemory, KernelObject } from './kernel/memory.ts';
export type { PrintkRecord } from './kernel/printk.ts';
export { loadProfile, type Profile, type ProfileOptions } from './kernel/profile.ts';
export type { Rcu, SynchronizeOptions } from './kernel/rcu.ts';
export type { LostReferences } from './kernel/reach.ts';
export type { Affinity, Task, TaskOptions, Tasks } from './kernel/tasks.ts';
export type { CpuPlace, Topology } from './kernel/topology.ts';
export { type TraceArgs, type TracepointRow, tracepoints } from './kernel/tracepoints.ts';
export type { KernelWarning } from './kernel/warnings.ts';
export type { Globals } from './machine/globals.ts';
export type { Attachment, Fired, FireOptions, Machine } from './machine/machine.ts';
export type { BpfObject, LoadOptions } from './machine/object.ts';
export type { ParallelJob, ParallelOptions, ParallelRun } from './machine/parallel.ts';
export type { Program, ProgramRun, ProgramRunOptions } from './machine/run.ts';
export { getAffinity, setAffinity } from './platform/affinity.ts';
export { type Assets, type AssetUrls, fetchAssets } from './platform/browser/fetch_assets.ts';
export { createMachine, type MachineOptions } from './platform/create_machine.ts';
export type { Verdict, VerdictStats } from './verifier/index.ts';
