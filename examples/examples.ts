/** What the tests of the examples share. */
import { readFileSync } from 'node:fs';
import type { BpfMap, BtfValue } from '../src/index.ts';

/** The bytes of an example's object: `affinity`. */
export function example(name: string): Uint8Array {
  return new Uint8Array(readFileSync(new URL(`${name}/${name}.bpf.o`, import.meta.url)));
}

/** A u32 key or value, little endian. */
export function u32(value: number): Uint8Array {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setUint32(0, value, true);
  return bytes;
}

/** The first u32 of a value; undefined when there is none. */
export function firstU32(bytes: Uint8Array | null): number | undefined {
  return bytes ? new DataView(bytes.buffer, bytes.byteOffset).getUint32(0, true) : undefined;
}

/** Cpulist of a decoded kptr to a mask. */
export function cpus(value: BtfValue | undefined): string | null {
  return value && typeof value === 'object' && 'cpus' in value ? String(value.cpus) : null;
}

/** The decoded value of a map's entry. */
export function entry(map: BpfMap, key: number): Record<string, BtfValue> {
  const value = map.get(u32(key));
  if (value === null || typeof value !== 'object') throw new Error(`no entry ${key}`);
  return value as Record<string, BtfValue>;
}
