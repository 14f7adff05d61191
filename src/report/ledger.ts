/** The ledger of references, for people and as JSON: each object that is alive, what happened to it, and where it is. */
import type { LedgerEngine, LedgerEvent } from '../engine/ledger.ts';
import { readMask } from '../kernel/mask_value.ts';
import { ALLOC_NAMES, type KernelObject } from '../kernel/memory.ts';
import { findLeaks } from '../kernel/reach.ts';
import type { Machine } from '../machine/machine.ts';
import type { BpfObject } from '../machine/object.ts';
import { sourceReport } from './collect.ts';
import type { SourceReport } from './run.ts';
import { alignRows, plural, toHex } from './table.ts';

export interface LedgerEntry {
  readonly op: LedgerEvent['op'];
  readonly program: string;
  readonly insn: number;
  readonly cpu: number;
  readonly source: SourceReport | null;
  /** The place that it was put into or taken from: `masks[3]+8`. */
  readonly place: string | null;
}

export interface LedgerObject {
  readonly type: string;
  /** Number of the allocation: objects have one each. */
  readonly serial: number;
  readonly cpus: string | null;
  readonly refs: number | null;
  /** Nothing leads to it. */
  readonly leaked: boolean;
  /** Places that hold it now. */
  readonly places: readonly string[];
  readonly events: readonly LedgerEntry[];
}

/** Names of the places in maps and variables that can hold a kptr, by offset in memory. */
function placesOf(objects: readonly BpfObject[]): Map<number, string> {
  const places = new Map<number, string>();
  for (const { maps, spec } of objects) {
    for (const map of maps) {
      if (map.kptrOffsets.length === 0) continue;
      for (const { key, memoryOffset } of map.entries()) {
        if (memoryOffset === null) continue;
        for (const offset of map.kptrOffsets) {
          const variable = map.spec.section?.variables.findLast((candidate) => candidate.offset <= offset);
          const decoded = spec.btf && map.spec.keyTypeId ? keyText(key) : toHex(key);
          places.set(memoryOffset + offset, variable?.name ?? `${map.name}[${decoded}]${offset ? `+${offset}` : ''}`);
        }
      }
    }
  }
  return places;
}

/** Keys of up to four bytes as a number. */
function keyText(key: Uint8Array): string {
  if (key.length > 4) return toHex(key);
  return String(key.reduceRight((value, byte) => value * 256 + byte, 0));
}

/** Every object that is alive, those that leaked first. */
export function ledgerReport(machine: Machine, ledger: LedgerEngine): LedgerObject[] {
  const { live, leaked } = findLeaks(machine.memory);
  const places = placesOf(machine.objects);
  const lost = new Set(leaked.map(({ serial }) => serial));
  const inOrder = [...live].sort(
    (a, b) => Number(lost.has(b.serial)) - Number(lost.has(a.serial)) || a.serial - b.serial,
  );
  return inOrder.map((object) => ledgerObject(machine, ledger, places, object, lost.has(object.serial)));
}

function ledgerObject(
  machine: Machine,
  ledger: LedgerEngine,
  places: ReadonlyMap<number, string>,
  { offset, tag, serial }: KernelObject,
  leaked: boolean,
): LedgerObject {
  const mask = readMask(machine.memory, offset);
  const holds = [...places].filter(([place]) => machine.memory.u32At(place) === offset).map(([, name]) => name);
  const events = ledger.events.filter((event) => event.serial === serial);
  return {
    type: mask?.type ?? ALLOC_NAMES[tag] ?? 'object',
    serial,
    cpus: mask?.cpus ?? null,
    refs: mask?.refs ?? null,
    leaked,
    places: holds,
    events: events.map(({ op, site, cpu, slot }) => {
      const program = machine.programById(site.program);
      return {
        op,
        program: program?.name ?? `program ${site.program}`,
        insn: site.insn,
        cpu,
        source: sourceReport(program, site.insn),
        place: slot === 0 ? null : (places.get(slot) ?? null),
      };
    }),
  };
}

const WORDS: Readonly<Record<LedgerEvent['op'], string>> = {
  create: 'created',
  acquire: 'acquired',
  release: 'released',
  put: 'put into',
  take: 'taken out of',
};

/** The ledger as lines. */
export function ledgerLines(objects: readonly LedgerObject[]): string[] {
  return objects.flatMap(({ type, serial, cpus, refs, leaked, places, events }) => {
    const value = cpus === null ? type : `${type} {${cpus}}`;
    const where = leaked ? 'nothing leads to it' : places.length > 0 ? `in ${places.join(', ')}` : 'a map leads to it';
    const rows = events.map(({ op, program, insn, cpu, source, place }) => [
      `  ${WORDS[op]}${place ? ` ${place}` : ''}`,
      `CPU ${cpu}`,
      source ? `${source.file}:${source.line}: ${source.text.trim()}` : `${program}, insn ${insn}`,
    ]);
    const count = refs === null ? '' : `, ${plural(refs, 'reference')}`;
    return [`#${serial} ${value}${count}: ${where}`, ...alignRows(rows)];
  });
}
