import { describe, expect, it } from 'vitest';
import { type MapType, mapTypes } from '../../uapi/bpf.ts';
import { errno } from '../../uapi/errno.ts';
import { type MapAttr, mapAllocCheck } from './map_alloc_check.ts';

const attr = (type: MapType, changes: Partial<MapAttr>): MapAttr => ({
  type,
  keySize: 4,
  valueSize: 8,
  maxEntries: 16,
  flags: 0,
  mapExtra: 0n,
  keyTypeId: 1,
  valueTypeId: 2,
  inner: null,
  ...changes,
});
const { EINVAL, E2BIG, ENOTSUPP } = errno;

describe('mapAllocCheck', () => {
  it.each<[MapType, Partial<MapAttr>, number]>([
    ['array', {}, 0],
    ['array', { keySize: 8 }, EINVAL],
    ['array', { maxEntries: 0 }, EINVAL],
    ['array', { valueSize: 0 }, EINVAL],
    ['array', { flags: 0x400 }, 0],
    ['array', { flags: 1 }, EINVAL],
    ['array', { flags: 0x800 }, EINVAL],
    ['array', { valueSize: 0x80000000 }, E2BIG],
    ['array', { mapExtra: 1n }, EINVAL],
    ['array', { flags: 0x180 }, EINVAL],
    ['percpu_array', { valueSize: 32768 }, 0],
    ['percpu_array', { valueSize: 32769 }, E2BIG],
    ['percpu_array', { flags: 0x400 }, EINVAL],
    ['hash', { keySize: 12, flags: 1 }, 0],
    ['hash', { keySize: 0 }, EINVAL],
    ['hash', { flags: 2 }, EINVAL],
    ['hash', { valueSize: 4 << 20 }, E2BIG],
    ['lru_hash', { flags: 2 }, 0],
    ['lru_hash', { flags: 1 }, ENOTSUPP],
    ['percpu_hash', { flags: 4 }, EINVAL],
    ['prog_array', { valueSize: 4 }, 0],
    ['prog_array', {}, EINVAL],
    ['perf_event_array', { valueSize: 4, flags: 0x800 }, 0],
    ['array_of_maps', { valueSize: 4 }, EINVAL],
    ['array_of_maps', { valueSize: 4, inner: { type: 'array' } }, 0],
    ['array_of_maps', { valueSize: 4, inner: { type: 'prog_array' } }, ENOTSUPP],
    ['array_of_maps', { valueSize: 4, inner: { type: 'hash_of_maps' } }, EINVAL],
    ['hash_of_maps', { valueSize: 4, inner: { type: 'ringbuf' } }, 0],
    ['stack_trace', { valueSize: 1016 }, 0],
    ['stack_trace', { valueSize: 12 }, EINVAL],
    ['lpm_trie', { keySize: 8, flags: 1 }, 0],
    ['lpm_trie', { keySize: 8 }, EINVAL],
    ['lpm_trie', { keySize: 4, flags: 1 }, EINVAL],
    ['queue', { keySize: 0 }, 0],
    ['stack', {}, EINVAL],
    ['ringbuf', { keySize: 0, valueSize: 0, maxEntries: 8192 }, 0],
    ['ringbuf', { keySize: 0, valueSize: 0, maxEntries: 12288 }, EINVAL],
    ['ringbuf', { keySize: 0, valueSize: 0, maxEntries: 0 }, EINVAL],
    ['task_storage', { maxEntries: 0, flags: 1 }, 0],
    ['task_storage', { maxEntries: 0 }, EINVAL],
    ['task_storage', { maxEntries: 1, flags: 1 }, EINVAL],
    ['task_storage', { maxEntries: 0, flags: 1, keyTypeId: 0 }, EINVAL],
    ['task_storage', { maxEntries: 0, flags: 1, valueSize: 65536 }, E2BIG],
    ['bloom_filter', { keySize: 0, mapExtra: 3n }, 0],
    ['bloom_filter', { keySize: 0, mapExtra: 16n }, EINVAL],
    ['arena', { keySize: 0, valueSize: 0, flags: 0x400, mapExtra: 0x100000000000n }, 0],
    ['arena', { keySize: 0, valueSize: 0 }, EINVAL],
    ['cgroup_storage', { keySize: 16, maxEntries: 0 }, 0],
    ['cgroup_storage', { maxEntries: 0 }, EINVAL],
    ['devmap', { valueSize: 8 }, 0],
    ['xskmap', { valueSize: 8 }, EINVAL],
    ['insn_array', {}, EINVAL],
  ])('%s %o is %i', (type, changes, want) => expect(mapAllocCheck(attr(type, changes))).toBe(want));

  it('knows every type', () => {
    for (const type of mapTypes) expect(typeof mapAllocCheck(attr(type, { maxEntries: 0 }))).toBe('number');
  });
});
