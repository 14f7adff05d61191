/** Makes the report of a run on the live kernel, from what user space can read. */
import { type BtfValue, decodeValue, EnumValue } from '../btf/values.ts';
import type { LiveObject } from '../engine/live.ts';
import type { LiveSession } from '../engine/live_session.ts';
import type { MapSpec, ProgramSpec } from '../loader/spec.ts';
import { allZero, type MapSource, mapReport, type Reader } from './maps.ts';
import type { MapReport, RunReport } from './run.ts';
import { toHex } from './table.ts';

export interface LiveRunResult {
  readonly retval: number | null;
  readonly durationNs: number;
  readonly times: number;
  readonly cpu: number;
  readonly ctx: Uint8Array | null;
}

/** A kptr that user space cannot see: a lookup gives zero in its place, whatever is there. */
const HIDDEN = new EnumValue(0, '(hidden)');

export function collectLiveRun(
  session: LiveSession,
  program: ProgramSpec,
  result: LiveRunResult,
  reader: Reader,
): RunReport {
  const { spec, live, maps } = session;
  return {
    object: spec.name,
    program: program.name,
    section: program.section,
    type: program.type,
    engine: 'live',
    retval: result.retval,
    insns: 0,
    durationNs: result.durationNs,
    cpu: result.cpu,
    times: result.times,
    stopped: null,
    printk: [],
    globals: globalsOf(session),
    maps: maps.filter(({ section }) => section === null).flatMap((map) => mapOf(session, live, map, reader)),
    objects: { live: 0, leaked: [], leakedCount: 0, lines: [] },
    warnings: [],
    fault: null,
    ctx: result.ctx ? toHex(result.ctx) : null,
  };
}

function globalsOf({ spec: { btf }, live, maps }: LiveSession): Record<string, BtfValue> {
  const values: Record<string, BtfValue> = {};
  for (const map of maps) {
    const value = map.section && live.entries(map)?.[0]?.value;
    if (!btf || !map.section || !value) continue;
    for (const { name, offset, size, typeId } of map.section.variables) {
      if (typeId) values[name] = decodeValue(btf, typeId, value.subarray(offset, offset + size), { pointer });
    }
  }
  return values;
}

function pointer(_typeId: number, address: bigint): BtfValue {
  return address === 0n ? HIDDEN : `0x${address.toString(16)}`;
}

function mapOf({ spec: { btf } }: LiveSession, live: LiveObject, map: MapSpec, reader: Reader): MapReport[] {
  const entries = live.entries(map);
  if (!entries) return [];
  const { name, type, maxEntries, keyTypeId, valueTypeId } = map;
  const source: MapSource<(typeof entries)[number]> = {
    ...{ name, type, maxEntries, entries, valueSize: entries[0]?.value.length ?? 0 },
    isZero: ({ value }) => allZero(value),
    value: ({ value }) => value,
    kptrs: () => [],
    show: ({ key, value }) =>
      btf && keyTypeId && valueTypeId
        ? {
            key: decodeValue(btf, keyTypeId, key),
            value: decodeValue(btf, valueTypeId, value.subarray(0, map.valueSize), { pointer }),
          }
        : undefined,
  };
  return [mapReport(source, reader)];
}
