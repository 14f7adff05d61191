// What BPF_MAP_*_ELEM say of every flag on every map type; all of it asked of a running 6.18.44.
import { describe, expect, it } from 'vitest';
import { testMap, words } from '../../../../test/support/maps.ts';
import { testMemory } from '../../../../test/support/memory.ts';
import type { MapSpec } from '../../../loader/spec.ts';
import type { MapType } from '../../../uapi/bpf.ts';
import { errnoName } from '../../../uapi/errno.ts';

interface Row {
  readonly type: MapType;
  readonly shape?: Partial<MapSpec>;
  /** Keys: absent, there already, and out of range (or of a full map); none where the type has no keys. */
  readonly keys?: readonly [Uint8Array, Uint8Array, Uint8Array];
  /** Update by flags 0, 1, 2 of such keys. All other flags: EINVAL, unless `others` says so. */
  readonly update: readonly [string, string, string];
  readonly others?: string;
  /** Look-up of a key that is absent, and of one out of range. */
  readonly lookup: string;
  readonly remove: string;
  readonly next: string;
}

const HASH = { update: ['ok ok ok', 'ok EEXIST ok', 'ENOENT ok ENOENT'], lookup: 'no no' } as const;
const hash = (type: MapType): Row => ({ type, ...HASH, remove: 'ENOENT ok ENOENT', next: 'ENOENT' });
const array = (type: MapType): Row => ({
  type,
  update: ['ok ok E2BIG', 'EEXIST EEXIST E2BIG', 'ok ok E2BIG'],
  ...{ lookup: 'ok no', remove: 'EINVAL EINVAL EINVAL', next: 'ok' },
});
const queue = (type: MapType): Row => ({
  type,
  shape: { keySize: 0, maxEntries: 2 },
  update: ['ok ok E2BIG', 'EINVAL EINVAL EINVAL', 'ok ok ok'],
  ...{ lookup: 'no no', remove: 'EINVAL EINVAL EINVAL', next: 'EINVAL' },
});

const ROWS: readonly Row[] = [
  array('array'),
  array('percpu_array'),
  hash('hash'),
  hash('percpu_hash'),
  hash('lru_hash'),
  hash('lru_percpu_hash'),
  {
    type: 'lpm_trie',
    shape: { keySize: 8, flags: 1 },
    keys: [words(8, 0), words(16, 0), words(40, 0)],
    update: ['ok ok EINVAL', 'ok EEXIST EINVAL', 'ENOENT ok EINVAL'],
    ...{ lookup: 'no no', remove: 'ENOENT ok EINVAL', next: 'ENOENT' },
  },
  queue('queue'),
  queue('stack'),
  {
    type: 'ringbuf',
    shape: { keySize: 0, valueSize: 0, maxEntries: 4096 },
    update: ['ENOTSUPP ENOTSUPP ENOTSUPP', 'ENOTSUPP ENOTSUPP ENOTSUPP', 'ENOTSUPP ENOTSUPP ENOTSUPP'],
    ...{ lookup: 'no no', remove: 'ENOTSUPP ENOTSUPP ENOTSUPP', next: 'ENOTSUPP' },
  },
];

const said = (result: number) => (result === 0 ? 'ok' : errnoName(-result));

describe.each(ROWS)('$type', (row) => {
  const { keys = row.shape?.keySize === 0 ? [words(), words(), words()] : [words(1), words(2), words(99)] } = row;
  /** Three fresh maps, one for each key; the second has its key, a queue for the third is full. */
  const each = <T>(body: (map: ReturnType<typeof testMap>, key: Uint8Array, value: Uint8Array) => T): T[] =>
    keys.map((key, which) => {
      const memory = testMemory({ cpus: 2 });
      const map = testMap(memory, row.type, row.shape);
      const { length } = new Uint8Array(memory.exports.map_user_value_size(map.offset));
      const value = new Uint8Array(length).fill(3);
      const full = which === 2 && (row.type === 'queue' || row.type === 'stack');
      for (let i = 0; i < (full ? 2 : which === 1 ? 1 : 0); i++) map.update(key, value);
      return body(map, key, value);
    });

  it.each([0, 1, 2])('update with flags %i', (flags) => {
    expect(each((map, key, value) => said(map.update(key, value, flags))).join(' ')).toBe(row.update[flags]);
  });

  it.each([4, 5, 6, 7])('update with flags %i: there is no lock', (flags) => {
    expect(each((map, key, value) => said(map.update(key, value, flags)))).toEqual(['EINVAL', 'EINVAL', 'EINVAL']);
  });

  // There are no elements in a ring buffer.
  const flagSets = row.type === 'ringbuf' ? [] : [3, 8, 16];
  it.each(flagSets)('update with flags %i', (flags) => {
    expect(each((map, key, value) => said(map.update(key, value, flags)))).toEqual(['EINVAL', 'EINVAL', 'EINVAL']);
  });

  it('look-up, delete, next key', () => {
    const [absent, , out] = each((map, key) => (map.lookup(key) ? 'ok' : 'no'));
    if (row.type !== 'queue' && row.type !== 'stack') expect(`${absent} ${out}`).toBe(row.lookup);
    expect(each((map, key) => said(map.delete(key))).join(' ')).toBe(row.remove);
    const memory = testMemory({ cpus: 2 });
    const map = testMap(memory, row.type, row.shape);
    const at = memory.kmalloc(16, 0);
    expect(said(memory.exports.map_get_next_key(map.offset, 0, at))).toBe(row.next);
  });
});
