/** Entries of maps for reports. What nobody will see is not decoded, and what is zero is not even read. */
import { NotSupported } from '../errors.ts';
import type { EntryReport, MapReport } from './run.ts';
import { toHex } from './table.ts';

/** Who reads a report: JSON has every entry as bytes, people the first few, decoded. */
export type Reader = 'json' | 'people';

export function readerOf(json: boolean | undefined): Reader {
  return json ? 'json' : 'people';
}

/** Entries of one map that people are shown. */
const MAX_SHOWN = 64;

/** Bytes of values of one map: strings of V8 end at 512 Mi characters. */
const MAX_JSON_BYTES = 240 << 20;

/** What a report takes from a map. */
export interface MapSource<E extends { readonly key: Uint8Array }> {
  readonly name: string;
  readonly type: string;
  readonly maxEntries: number;
  readonly entries: Iterable<E>;
  /** Bytes of a value, as a lookup gives it. */
  readonly valueSize: number;
  /** Are all bytes of its value zero? */
  isZero(entry: E): boolean;
  value(entry: E): Uint8Array;
  kptrs(entry: E): EntryReport['kptrs'];
  /** Decoded; undefined where the object does not say how. */
  show(entry: E): EntryReport['shown'];
}

/** Array types have all their entries from the start: of those, zeros say nothing. */
function isDense(type: string): boolean {
  return type.endsWith('array');
}

export function mapReport<E extends { readonly key: Uint8Array }>(source: MapSource<E>, reader: Reader): MapReport {
  const { name, type, maxEntries } = source;
  const dense = isDense(type);
  const kept: E[] = [];
  const report: EntryReport[] = [];
  const counts = { entries: 0, zero: 0 };
  let zeros: string | null = null;
  for (const entry of source.entries) {
    counts.entries++;
    if (reader === 'json' && counts.entries * source.valueSize > MAX_JSON_BYTES) {
      throw new NotSupported(`map ${name} as JSON: it holds more than ${MAX_JSON_BYTES >> 20} MiB`);
    }
    const zero = dense && source.isZero(entry);
    if (zero) counts.zero++;
    // What is zero comes in the order of its index, as all of an array does.
    if (dense && reader === 'json') {
      if (zero) zeros ??= '00'.repeat(source.valueSize);
      report.push(zero ? zeroEntry(entry, zeros ?? '') : entryReport(source, entry));
    } else if (!zero && !(dense && kept.length >= MAX_SHOWN)) kept.push(entry);
  }
  // Hash order says nothing; by key, entries can be found.
  if (!dense && kept.every(({ key }) => key.length > 0)) kept.sort(byKey);
  for (const entry of reader === 'json' ? kept : kept.slice(0, MAX_SHOWN)) {
    const shown = reader === 'people' ? source.show(entry) : undefined;
    if (shown) report.push({ key: toHex(entry.key), value: '', kptrs: source.kptrs(entry), shown });
    else report.push(entryReport(source, entry));
  }
  return { name, type, maxEntries, counts, entries: report };
}

function zeroEntry({ key }: { readonly key: Uint8Array }, zeros: string): EntryReport {
  return { key: toHex(key), value: zeros, kptrs: [] };
}

function entryReport<E extends { readonly key: Uint8Array }>(source: MapSource<E>, entry: E): EntryReport {
  return { key: toHex(entry.key), value: toHex(source.value(entry)), kptrs: source.kptrs(entry) };
}

/** As little endian numbers, which most keys are. */
function byKey({ key: a }: { readonly key: Uint8Array }, { key: b }: { readonly key: Uint8Array }): number {
  for (let i = a.length - 1; i >= 0; i--) {
    const differ = (a[i] as number) - (b[i] as number);
    if (differ !== 0) return differ;
  }
  return 0;
}

/** Is there nothing but zeros? */
export function allZero(bytes: Uint8Array): boolean {
  const words = new Uint32Array(
    bytes.buffer,
    Math.ceil(bytes.byteOffset / 4) * 4,
    Math.max((bytes.length - 3) >> 2, 0),
  );
  for (let i = 0; i < words.length; i++) if (words[i] !== 0) return false;
  const [from, to] = [words.byteOffset - bytes.byteOffset, words.byteOffset - bytes.byteOffset + words.byteLength];
  for (let i = 0; i < Math.min(from, bytes.length); i++) if (bytes[i] !== 0) return false;
  for (let i = to; i < bytes.length; i++) if (bytes[i] !== 0) return false;
  return true;
}
