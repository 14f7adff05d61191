/** The ledger of references, for people and as JSON: each object that is alive, what happened to it, and where it is. */
import { BM_RECORD } from '../../assembly/kernel/bpf/map_layout.ts';
import type { LedgerEngine, LedgerEvent } from '../engine/ledger.ts';
import type { BpfMap } from '../kernel/bpf/maps/index.ts';
import { readMask } from '../kernel/mask_value.ts';
import { ALLOC_NAMES, type KernelMemory, type KernelObject } from '../kernel/memory.ts';
import { findLeaks, type Holder, holdingFields, type LostReferences, references } from '../kernel/reach.ts';
import type { Machine } from '../machine/machine.ts';
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
  readonly refs: number;
  /** References are lost: nothing leads to it, or it has more than there are places that hold it. */
  readonly leaked: boolean;
  /** Those that no place holds. */
  readonly lost: number;
  /** Other objects that leaked and have the same history. */
  readonly alike: number;
  /** Places that hold it now. */
  readonly places: readonly string[];
  readonly events: readonly LedgerEntry[];
}

/** Objects that are listed; of those that leaked one stands for all that are like it. */
const MAX_OBJECTS = 1000;
/** Objects, and events of each, that the text shows. */
const MAX_SHOWN = 64;
const MAX_EVENTS_SHOWN = 20;

/** Names of the places in maps, variables and objects that hold references. */
class Places {
  readonly #names = new Map<number, string>();
  readonly #maps: ReadonlyMap<number, BpfMap>;

  constructor(
    machine: Machine,
    private readonly live: readonly KernelObject[],
  ) {
    const { objects, memory } = machine;
    this.#maps = new Map(objects.flatMap(({ maps }) => maps.map((one) => [one.offset, one])));
    for (const { maps, spec } of objects) for (const one of maps) this.#entries(memory, one, spec.btf !== null);
  }

  #entries(memory: KernelMemory, map: BpfMap, hasBtf: boolean): void {
    const fields = holdingFields(memory, memory.u32At(map.offset + BM_RECORD));
    if (fields.length === 0) return;
    for (const { key, memoryOffset } of map.entries()) {
      if (memoryOffset === null) continue;
      for (const { offset } of fields) {
        const variable = map.spec.section?.variables.findLast((candidate) => candidate.offset <= offset);
        const decoded = hasBtf && map.spec.keyTypeId ? keyText(key) : toHex(key);
        const name = variable?.name ?? `${map.name}[${decoded}]${offset ? `+${offset}` : ''}`;
        this.#names.set(memoryOffset + offset, name);
      }
    }
  }

  /** The place at an offset in memory; null when that is none in an element that programs find. */
  at(offset: number): string | null {
    return this.#names.get(offset) ?? null;
  }

  of({ at, map }: Holder): string {
    const name = this.at(at);
    if (name !== null) return name;
    const one = this.#maps.get(map);
    if (one) return `${one.type.includes('percpu') ? 'a value' : 'a deleted element'} of ${one.name}`;
    const inside = this.live.find(({ offset, size }) => at >= offset && at < offset + size);
    return inside ? `object #${inside.serial}` : 'another map';
  }
}

/** Keys of up to four bytes as a number. */
function keyText(key: Uint8Array): string {
  if (key.length > 4) return toHex(key);
  return String(key.reduceRight((value, byte) => value * 256 + byte, 0));
}

/** Every object that is alive, those that leaked first. */
export function ledgerReport(machine: Machine, ledger: LedgerEngine): LedgerObject[] {
  const { live, leaked, holders } = findLeaks(machine.memory);
  const places = new Places(machine, live);
  const events = new Map<number, LedgerEvent[]>();
  for (const event of ledger.events) {
    const known = events.get(event.serial);
    if (known) known.push(event);
    else events.set(event.serial, [event]);
  }
  const lost = new Map(leaked.map((one) => [one.offset, one]));
  const sound = live.filter(({ offset }) => !lost.has(offset));
  const describe = (object: KernelObject): LedgerObject => {
    const names = (holders.get(object.offset) ?? []).map((holder) => places.of(holder));
    const own = events.get(object.serial) ?? [];
    return ledgerObject(machine, object, lost.get(object.offset) ?? null, names, own, (slot) => places.at(slot));
  };
  const bySerial = (a: KernelObject, b: KernelObject) => a.serial - b.serial;
  const first = grouped([...leaked].sort(bySerial), describe);
  return [...first, ...sound.sort(bySerial).slice(0, MAX_OBJECTS).map(describe)].slice(0, MAX_OBJECTS);
}

/** One object for all that have the same history. */
function grouped(
  leaked: readonly LostReferences[],
  describe: (object: LostReferences) => LedgerObject,
): LedgerObject[] {
  const groups = new Map<string, { readonly object: LedgerObject; alike: number }>();
  for (const one of leaked) {
    const object = describe(one);
    const steps = object.events.map(({ op, program, insn, place }) => `${op} ${program} ${insn} ${place}`);
    const key = [object.type, object.refs, object.lost, ...object.places, ...steps].join('\n');
    const group = groups.get(key);
    if (group) group.alike++;
    else groups.set(key, { object, alike: 0 });
  }
  return [...groups.values()].map(({ object, alike }) => ({ ...object, alike }));
}

function ledgerObject(
  machine: Machine,
  object: KernelObject,
  lost: LostReferences | null,
  places: readonly string[],
  events: readonly LedgerEvent[],
  placeAt: (slot: number) => string | null,
): LedgerObject {
  const mask = readMask(machine.memory, object.offset);
  return {
    type: mask?.type ?? ALLOC_NAMES[object.tag] ?? 'object',
    serial: object.serial,
    cpus: mask?.cpus ?? null,
    refs: references(machine.memory, object),
    leaked: lost !== null,
    lost: lost?.lost ?? 0,
    alike: 0,
    places,
    events: events.map(({ op, site, cpu, slot }) => {
      const program = machine.programById(site.program);
      return {
        op,
        program: program?.name ?? `program ${site.program}`,
        insn: site.insn,
        cpu,
        source: sourceReport(program, site.insn),
        place: slot === 0 ? null : placeAt(slot),
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

function whereText({ refs, leaked, lost, places, alike }: LedgerObject): string {
  const inPlaces = places.length > 0 ? `in ${places.join(', ')}` : 'nothing leads to it';
  const surplus = leaked && places.length > 0 ? `${lost} of ${refs} ${lost === 1 ? 'is' : 'are'} lost; ` : '';
  return `${surplus}${inPlaces}${alike > 0 ? ` (and ${plural(alike, 'other')} like it)` : ''}`;
}

function eventRow({ op, program, insn, cpu, source, place }: LedgerEntry): string[] {
  return [
    `  ${WORDS[op]}${place ? ` ${place}` : ''}`,
    `CPU ${cpu}`,
    source ? `${source.file}:${source.line}: ${source.text.trim()}` : `${program}, insn ${insn}`,
  ];
}

/** The ledger as lines. */
export function ledgerLines(objects: readonly LedgerObject[]): string[] {
  const lines = objects.slice(0, MAX_SHOWN).flatMap((object) => {
    const { type, serial, cpus, refs, events } = object;
    const value = cpus === null ? type : `${type} {${cpus}}`;
    const rows = events.slice(0, MAX_EVENTS_SHOWN).map(eventRow);
    const rest = events.length - rows.length;
    return [
      `#${serial} ${value}, ${plural(refs, 'reference')}: ${whereText(object)}`,
      ...alignRows(rows),
      ...(rest > 0 ? [`  and ${plural(rest, 'event')} more; --ledger json has them`] : []),
    ];
  });
  const rest = objects.length - MAX_SHOWN;
  return rest > 0 ? [...lines, `and ${plural(rest, 'object')} more; --ledger json has up to ${MAX_OBJECTS}`] : lines;
}
