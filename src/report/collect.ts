/** Makes the report of a run from what the machine holds after it. */

import { ALLOC_TASK } from '../../assembly/layout.ts';
import type { BtfValue } from '../btf/values.ts';
import { decodeValue } from '../btf/values.ts';
import type { Fault } from '../engine/fault.ts';
import type { BpfMap, MapEntry } from '../kernel/bpf/maps/index.ts';
import { maskValue, readMask } from '../kernel/mask_value.ts';
import { ALLOC_NAMES } from '../kernel/memory.ts';
import { drainPrintk, lostPrintk } from '../kernel/printk.ts';
import { findLeaks, type LostReferences } from '../kernel/reach.ts';
import type { Machine } from '../machine/machine.ts';
import type { ParallelRun } from '../machine/parallel.ts';
import type { Program, ProgramRun } from '../machine/run.ts';
import { type FaultNames, faultLines } from './fault.ts';
import { type LeakReport, objectsReport } from './leaks.ts';
import { allZero, type MapSource, mapReport, type Reader } from './maps.ts';
import type { FaultReport, KptrReport, MapReport, RunReport, SourceReport } from './run.ts';
import { toHex } from './table.ts';

export interface CollectOptions {
  readonly cpu: number;
  /** Number of the first warning that is this program's. */
  readonly firstWarning: number;
  readonly reader: Reader;
}

/** Runs of one program, one after another. */
export interface RunTotals {
  readonly last: ProgramRun;
  readonly times: number;
  /** Of all of them. */
  readonly insns: number;
  readonly durationNs: number;
  /** Why there were no more runs, where each came to its end. */
  readonly stopped: 'time-limit' | null;
}

/** Number of the next warning: what comes from now on has it, or a higher one. */
export function nextWarning(machine: Machine): number {
  return (machine.warnings().at(-1)?.number ?? -1) + 1;
}

const NOT_KNOWN = { retval: null, insns: null, durationNs: null, times: null };

/**
 * The report of a CPU of a parallel run. Of one whose thread died it says what the machine holds; what it had done by then is not
 * known.
 */
export function collectParallelRun(
  machine: Machine,
  run: ParallelRun,
  options: Omit<CollectOptions, 'cpu'>,
): RunReport {
  const { program, cpu, died, runs, retval, insns, durationNs, fault, stopped } = run;
  const last = { retval, r0: BigInt(retval), insns, durationNs, fault, ctx: null, data: null };
  const totals = { last, times: runs, insns, durationNs, stopped };
  const report = collectRun(machine, program, totals, { ...options, cpu });
  return died === null ? { ...report, died } : { ...report, ...NOT_KNOWN, died };
}

/** The report of runs of one program: what they came to, and what the machine holds after them. */
export function collectRun(
  machine: Machine,
  program: Program,
  { last, times, insns, durationNs, stopped }: RunTotals,
  options: CollectOptions,
): RunReport {
  const { object } = program;
  const lost = lostPrintk(machine.memory);
  const printk = drainPrintk(machine.memory).map((record) => record.text);
  if (lost > 0) printk.push(`(${lost} lines did not fit)`);
  const { live, leaked } = findLeaks(machine.memory);
  return {
    object: object.name,
    program: program.name,
    section: program.section,
    type: program.type,
    engine: machine.engine.name,
    retval: last.fault ? null : last.retval,
    insns,
    durationNs,
    cpu: options.cpu,
    times,
    stopped,
    printk,
    globals: object.globals.all(),
    maps: object.maps
      .filter((map) => map.spec.section === null)
      .map((map) => mapOf(machine, program, map, options.reader)),
    objects: objectsReport(
      live.length,
      leaked.map((leak) => leakReport(machine, leak)),
    ),
    warnings: machine
      .warnings(options.firstWarning)
      .map(({ text, cpu, site }) => `${text} (CPU ${cpu}${siteText(machine, site)})`),
    fault: last.fault ? faultReport(machine, last.fault) : null,
    ctx: last.ctx ? toHex(last.ctx) : null,
  };
}

function siteText(machine: Machine, site: number): string {
  const program = machine.programById(site >>> 20);
  if (!program) return '';
  const line = program.sourceOf(site & 0xfffff);
  return line ? `, ${program.name}, ${line.file}:${line.line}` : `, ${program.name}, instruction ${site & 0xfffff}`;
}

/** Names of what a fault involves, from the programs of the machine. */
export function faultNames(machine: Machine): FaultNames {
  return {
    program: (id) => machine.programById(id)?.name,
    function: ({ program, insn }) => machine.programById(program)?.functionAt(insn),
    line: ({ program, insn }) => machine.programById(program)?.sourceOf(insn),
  };
}

function faultReport(machine: Machine, fault: Fault): FaultReport {
  const [message = fault.kind, ...details] = faultLines(fault, faultNames(machine));
  const program = machine.programById(fault.site.program);
  return { kind: fault.kind, message, insn: fault.site.insn, source: sourceReport(program, fault.site.insn), details };
}

/** Source line of an instruction of a program. */
export function sourceReport(program: Program | undefined, insn: number): SourceReport | null {
  const line = program?.sourceOf(insn);
  return line ? { file: line.file, line: line.line, text: line.text } : null;
}

/** An object of whose references some are lost: what it is, and who made it. */
export function leakReport(machine: Machine, leak: LostReferences): LeakReport {
  const { tag, allocSite, refs, lost, unreachable } = leak;
  const mask = readMask(machine.memory, leak.offset);
  // Tasks are not made by programs.
  const program = tag === ALLOC_TASK ? undefined : machine.programById(allocSite >>> 20);
  const insn = allocSite & 0xfffff;
  return {
    type: mask?.type ?? ALLOC_NAMES[tag] ?? 'object',
    cpus: mask?.cpus ?? null,
    refs,
    lost,
    unreachable,
    program: program?.name ?? null,
    insn: program ? insn : null,
    source: sourceReport(program, insn),
  };
}

function mapOf(machine: Machine, program: Program, map: BpfMap, reader: Reader): MapReport {
  const { btf } = program.object.spec;
  const { memory } = machine;
  const show = (typeId: number, bytes: Uint8Array): BtfValue | undefined =>
    btf && typeId
      ? decodeValue(btf, typeId, bytes, { pointer: (id, address) => maskValue(memory, btf, id, address) })
      : undefined;
  const { name, type, maxEntries, valueSize } = map;
  const perCpu = type.startsWith('percpu') ? machine.cpus * Math.ceil(valueSize / 8) * 8 : valueSize;
  const source: MapSource<MapEntry> = {
    ...{ name, type, maxEntries, valueSize: perCpu },
    entries: map.entries(),
    isZero: (entry) => {
      const at = entry.memoryOffset;
      if (at === null) return allZero(entry.value);
      return allZero(memory.u8().subarray(at, at + valueSize)) || allZero(map.readValue(at));
    },
    value: (entry) => entry.value,
    kptrs: (entry) => kptrsIn(machine, map, entry.memoryOffset),
    show: ({ key, memoryOffset }) => {
      // The report for people shows what is really there, kptrs too; `value` is what user space would see.
      const shownKey = key.length ? show(map.spec.keyTypeId, key) : '';
      const shownValue = memoryOffset === null ? undefined : show(map.spec.valueTypeId, map.readValue(memoryOffset));
      return shownKey !== undefined && shownValue !== undefined ? { key: shownKey, value: shownValue } : undefined;
    },
  };
  return mapReport(source, reader);
}

function kptrsIn(machine: Machine, map: BpfMap, valueOffset: number | null): KptrReport[] {
  if (valueOffset === null) return [];
  const { memory } = machine;
  return map.kptrOffsets.flatMap((offset) => {
    const address = memory.dv().getBigUint64(valueOffset + offset, true);
    if (address === 0n) return [];
    const mask = readMask(memory, memory.offset(address));
    return mask ? [{ offset, ...mask }] : [];
  });
}
