// Maps against simple models of them: random sequences of operations, from user space and from programs, on several CPUs.
import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { testMap, words } from '../../../../test/support/maps.ts';
import { testMemory } from '../../../../test/support/memory.ts';
import type { MapSpec } from '../../../loader/spec.ts';
import type { MapType } from '../../../uapi/bpf.ts';
import { errno } from '../../../uapi/errno.ts';
import { u32Bytes } from './map.ts';

const CPUS = 3;
const MAX = 5;
const { E2BIG, EEXIST, EINVAL, ENOENT, ENOSPC } = errno;

/** A map of 64-bit values as a program on some CPU, or user space, uses it. */
class Driver {
  readonly memory = testMemory({ cpus: CPUS });
  readonly map;
  private readonly key;
  private readonly value;

  constructor(type: MapType, shape: Partial<MapSpec>) {
    this.map = testMap(this.memory, type, { maxEntries: MAX, ...shape });
    this.key = this.memory.kmalloc(16, 0);
    this.value = this.memory.kmalloc(64, 0);
  }

  /** bpf_map_update_elem */
  update(cpu: number, key: Uint8Array, value: number, flags: number): number {
    this.memory.setCpu(cpu);
    this.memory.write(this.key, key);
    this.memory.write(this.value, words(value, 0));
    return Number(this.memory.exports.bpf_map_update_elem(this.map.offset, this.key, this.value, BigInt(flags)));
  }

  /** bpf_map_lookup_elem */
  lookup(cpu: number, key: Uint8Array): number | null {
    this.memory.setCpu(cpu);
    this.memory.write(this.key, key);
    const at = this.memory.exports.bpf_map_lookup_elem(this.map.offset, this.key) >>> 0;
    return at === 0 ? null : this.memory.u32At(at);
  }

  remove(cpu: number, key: Uint8Array): number {
    this.memory.setCpu(cpu);
    this.memory.write(this.key, key);
    return Number(this.memory.exports.bpf_map_delete_elem(this.map.offset, this.key));
  }

  /** Values of an entry as user space reads them: one, or every CPU's. */
  read(key: Uint8Array): number[] | null {
    const bytes = this.map.lookup(key);
    if (!bytes) return null;
    const all = new Uint32Array(bytes.buffer, bytes.byteOffset, bytes.length / 4);
    return [...all].filter((_, i) => i % 2 === 0);
  }

  push(value: number, flags: number): number {
    this.memory.write(this.value, words(value, 0));
    return Number(this.memory.exports.bpf_map_push_elem(this.map.offset, this.value, BigInt(flags)));
  }

  /** What bpf_map_pop_elem or bpf_map_peek_elem answer, and the value that they leave. */
  take(how: 'pop' | 'peek'): [number, number] {
    this.memory.write(this.value, words(99, 99));
    const { exports } = this.memory;
    const call = how === 'pop' ? exports.bpf_map_pop_elem : exports.bpf_map_peek_elem;
    return [Number(call(this.map.offset, this.value)), this.memory.u32At(this.value)];
  }
}

const cpu = fc.nat(CPUS - 1);
const flags = fc.constantFrom(0, 0, 0, 1, 2, 3, 8);
const value = fc.nat(1000);
const runs = { numRuns: 60, seed: 20261124 };

type KeyOp = {
  readonly cpu: number;
  readonly key: number;
  readonly value: number;
  readonly flags: number;
  readonly op: string;
};
const keyOps = fc.array(
  fc.record({
    cpu,
    key: fc.nat(MAX + 2),
    value,
    flags,
    op: fc.constantFrom('update', 'update', 'lookup', 'delete', 'user'),
  }),
  { minLength: 1, maxLength: 60 },
);

/** What the model of an array or hash map says to an update: 0 when it is done. */
function refusal(kind: 'array' | 'hash', there: boolean, size: number, { key, flags: how }: KeyOp): number {
  if (how > 2) return -EINVAL;
  if (kind === 'array') return key >= MAX ? -E2BIG : how === 1 ? -EEXIST : 0;
  if (there) return how === 1 ? -EEXIST : 0;
  return how === 2 ? -ENOENT : size >= MAX ? -E2BIG : 0;
}

describe.each<[MapType, 'array' | 'hash', boolean, number]>([
  ['array', 'array', false, 0],
  ['percpu_array', 'array', true, 0],
  ['hash', 'hash', false, 0],
  ['hash', 'hash', false, 1],
  ['percpu_hash', 'hash', true, 0],
  ['percpu_hash', 'hash', true, 1],
])('%s (a %s, per CPU: %s, flags %i)', (type, kind, perCpu, mapFlags) => {
  it('holds what its model holds', () => {
    fc.assert(
      fc.property(keyOps, (ops) => {
        const driver = new Driver(type, { flags: mapFlags });
        const lanes = perCpu ? CPUS : 1;
        const model = new Map<number, number[]>();
        if (kind === 'array') for (let i = 0; i < MAX; i++) model.set(i, Array(lanes).fill(0));
        for (const one of ops) {
          const key = u32Bytes(one.key);
          const lane = perCpu ? one.cpu : 0;
          const old = model.get(one.key);
          if (one.op === 'lookup') {
            expect(driver.lookup(one.cpu, key)).toBe(old?.[lane] ?? null);
          } else if (one.op === 'delete') {
            expect(driver.remove(one.cpu, key)).toBe(kind === 'array' ? -EINVAL : old ? 0 : -ENOENT);
            if (kind === 'hash') model.delete(one.key);
          } else {
            const user = one.op === 'user';
            const row = user
              ? Array.from({ length: lanes }, (_, i) => one.value + i)
              : Array.from({ length: lanes }, (_, i) => (i === lane ? one.value : (old?.[i] ?? 0)));
            const result = user
              ? driver.map.update(key, words(...row.flatMap((v) => [v, 0])), one.flags)
              : driver.update(one.cpu, key, one.value, one.flags);
            // A freed element of another CPU may be the only one left: then the kernel says E2BIG no sooner than the model.
            expect(result).toBe(refusal(kind, old !== undefined, model.size, one));
            if (result === 0) model.set(one.key, row);
          }
          expect(driver.read(key)).toEqual(model.get(one.key) ?? null);
        }
        const left = [...driver.map.entries()].map(({ key }) =>
          new DataView(key.buffer, key.byteOffset).getUint32(0, true),
        );
        expect(left.sort((a, b) => a - b)).toEqual([...model.keys()].sort((a, b) => a - b));
        driver.map.free();
      }),
      runs,
    );
  });
});

describe.each<[MapType]>([['queue'], ['stack']])('%s', (type) => {
  it('gives back what its model gives back', () => {
    const op = fc.record({ op: fc.constantFrom('push', 'push', 'pop', 'peek'), value, flags });
    fc.assert(
      fc.property(fc.array(op, { minLength: 1, maxLength: 60 }), (ops) => {
        const driver = new Driver(type, { keySize: 0 });
        const model: number[] = [];
        for (const { op: what, value: number, flags: how } of ops) {
          if (what === 'push') {
            const full = model.length === MAX;
            const want = how === 1 || how > 2 ? -EINVAL : full && how !== 2 ? -E2BIG : 0;
            expect(driver.push(number, how)).toBe(want);
            if (want) continue;
            if (full) model.shift();
            model.push(number);
          } else {
            const next = type === 'queue' ? model[0] : model.at(-1);
            expect(driver.take(what === 'pop' ? 'pop' : 'peek')).toEqual(next === undefined ? [-ENOENT, 0] : [0, next]);
            if (what === 'pop' && type === 'queue') model.shift();
            else if (what === 'pop') model.pop();
          }
          const shown = [...driver.map.entries()].map(({ value: bytes }) => bytes[0] as number);
          expect(shown).toEqual((type === 'queue' ? model : model.toReversed()).map((number_) => number_ & 255));
        }
      }),
      runs,
    );
  });
});

describe('lpm_trie', () => {
  /** The bits of a 32-bit number from the top, as a key of that prefix length has them. */
  const keyOf = (length: number, bits: number) => {
    const bytes = new Uint8Array(8);
    new DataView(bytes.buffer).setUint32(0, length, true);
    new DataView(bytes.buffer).setUint32(4, bits, false);
    return bytes;
  };
  const prefixOf = (length: number, bits: number) => (bits >>> 0).toString(2).padStart(32, '0').slice(0, length);

  it('finds the longest prefix', () => {
    const op = fc.record({
      op: fc.constantFrom('update', 'update', 'lookup', 'delete'),
      length: fc.constantFrom(0, 1, 2, 3, 8, 9, 15, 31, 32, 33),
      bits: fc.constantFrom(0, 0x80000000, 0xc0000000, 0xa0000000, 0xa0800000, 0xa0810000, 0xffffffff, 0xfffffffe),
      ...{ value, flags },
    });
    fc.assert(
      fc.property(fc.array(op, { minLength: 1, maxLength: 60 }), (ops) => {
        const driver = new Driver('lpm_trie', { keySize: 8, flags: 1 });
        const model = new Map<string, number>();
        for (const { op: what, length, bits, value: number, flags: how } of ops) {
          const key = keyOf(length, bits);
          const prefix = prefixOf(length, bits);
          if (what === 'update') {
            const there = model.has(prefix);
            let want = 0;
            if (length > 32 || how > 2) want = -EINVAL;
            else if (there) want = how === 1 ? -EEXIST : 0;
            else if (how === 2) want = -ENOENT;
            else if (model.size === MAX) want = -ENOSPC;
            expect(driver.update(0, key, number, how)).toBe(want);
            if (want === 0) model.set(prefix, number);
          } else if (what === 'delete') {
            const want = length > 32 ? -EINVAL : model.has(prefix) ? 0 : -ENOENT;
            expect(driver.remove(0, key)).toBe(want);
            if (want === 0) model.delete(prefix);
          } else {
            const fits = [...model.keys()].filter((stored) => stored.length <= length && prefix.startsWith(stored));
            const best = fits.sort((a, b) => b.length - a.length)[0];
            expect(driver.lookup(0, key)).toBe(length > 32 || best === undefined ? null : model.get(best));
          }
        }
        expect([...driver.map.entries()]).toHaveLength(model.size);
      }),
      runs,
    );
  });
});

describe('ringbuf', () => {
  it('accounts records as its model does, and gives them in their order', () => {
    const SIZE = 4096;
    const op = fc.record({
      op: fc.constantFrom('reserve', 'reserve', 'submit', 'discard', 'consume'),
      size: fc.constantFrom(1, 8, 100, 1000, 2000, 4088, 4089, 5000),
      which: fc.nat(5),
    });
    fc.assert(
      fc.property(fc.array(op, { minLength: 1, maxLength: 80 }), (ops) => {
        const memory = testMemory({ cpus: CPUS });
        const { exports } = memory;
        const ring = testMap(memory, 'ringbuf', { keySize: 0, valueSize: 0, maxEntries: SIZE }).offset;
        interface Entry {
          readonly data: number;
          readonly length: number;
          state: 'busy' | 'there' | 'discarded';
        }
        const entries: Entry[] = [];
        let [produced, consumed] = [0, 0];
        const busy = () => entries.filter(({ state }) => state === 'busy');
        for (const { op: what, size, which } of ops) {
          if (what === 'reserve') {
            const length = Math.ceil((size + 8) / 8) * 8;
            const oldest = entries.findIndex(({ state }) => state === 'busy');
            const pending =
              oldest < 0 ? produced : produced - entries.slice(oldest).reduce((sum, entry) => sum + entry.length, 0);
            // One byte less than the ring: a full one would look empty.
            const fits = produced + length - consumed < SIZE && produced + length - pending < SIZE;
            const data = exports.bpf_ringbuf_reserve(ring, BigInt(size), 0n) >>> 0;
            expect(data !== 0).toBe(fits);
            if (!data) continue;
            memory.write(data, new Uint8Array(size).fill(entries.length + 1));
            entries.push({ data, length, state: 'busy' });
            produced += length;
          } else if (what === 'consume') {
            while (entries[0]?.state === 'discarded') consumed += entries.shift()?.length ?? 0;
            const first = entries[0]?.state === 'there' ? entries[0] : undefined;
            expect(exports.ringbuf_peek(ring) >>> 0).toBe(first?.data ?? 0);
            if (!first) continue;
            exports.ringbuf_consume(ring);
            consumed += first.length;
            entries.shift();
          } else {
            const entry = busy()[which % Math.max(busy().length, 1)];
            if (!entry) continue;
            entry.state = what === 'submit' ? 'there' : 'discarded';
            if (what === 'submit') exports.bpf_ringbuf_submit(entry.data, 0n);
            else exports.bpf_ringbuf_discard(entry.data, 0n);
          }
          expect([0n, 1n, 2n, 3n].map((query) => Number(exports.bpf_ringbuf_query(ring, query)))).toEqual([
            produced - consumed,
            SIZE,
            consumed,
            produced,
          ]);
        }
      }),
      runs,
    );
  });
});

describe('task_storage', () => {
  it('keeps a value for each task', () => {
    const op = fc.record({ op: fc.constantFrom('make', 'get', 'delete'), task: fc.nat(4), value });
    fc.assert(
      fc.property(fc.array(op, { minLength: 1, maxLength: 60 }), (ops) => {
        const memory = testMemory({ cpus: CPUS });
        const { exports } = memory;
        const { offset: map } = testMap(memory, 'task_storage', {
          maxEntries: 0,
          flags: 1,
          keyTypeId: 1,
          valueTypeId: 1,
        });
        const tasks = Array.from({ length: 5 }, () => memory.kmalloc(64, 0));
        const initial = memory.kmalloc(8, 0);
        const model = new Map<number, number>();
        for (const { op: what, task: which, value: number } of ops) {
          const task = tasks[which] as number;
          if (what === 'delete') {
            expect(Number(exports.bpf_task_storage_delete(map, task))).toBe(model.delete(which) ? 0 : -ENOENT);
            continue;
          }
          memory.write(initial, words(number, 0));
          const at = exports.bpf_task_storage_get(map, task, initial, what === 'make' ? 1n : 0n) >>> 0;
          if (what === 'make' && !model.has(which)) model.set(which, number);
          expect(at === 0 ? undefined : memory.u32At(at)).toBe(model.get(which));
        }
        expect(exports.bpf_task_storage_get(map, 0, initial, 1n)).toBe(0);
        expect(Number(exports.bpf_task_storage_delete(map, 0))).toBe(-EINVAL);
      }),
      runs,
    );
  });
});

interface LruRow {
  readonly type: MapType;
  readonly max: number;
  readonly flags: number;
  readonly ops: string;
  readonly left: readonly number[];
}

const lruRows = JSON.parse(
  readFileSync(new URL('../../../../test/data/lru/6.18.44.json', import.meta.url), 'utf8'),
) as readonly LruRow[];

describe('what an LRU map evicts is what the kernel evicted', () => {
  it.each(lruRows.map((row, i) => [i, row.type, row.max, row.flags, row] as const))(
    'sequence %i: %s of %i, flags %i',
    (_, type, maxEntries, mapFlags, { ops, left }) => {
      const memory = testMemory({ cpus: 2 });
      const map = testMap(memory, type, { maxEntries, flags: mapFlags });
      const bytes = new Uint8Array(memory.exports.map_user_value_size(map.offset)).fill(1);
      for (const op of ops.split(' ')) {
        const key = u32Bytes(Number(op.replace(/^[-ne]/, '')));
        if (op.startsWith('-')) map.delete(key);
        else map.update(key, bytes, op.startsWith('n') ? 1 : op.startsWith('e') ? 2 : 0);
      }
      const keys = [...map.entries()].map(({ key }) => new DataView(key.buffer, key.byteOffset).getUint32(0, true));
      expect(keys.sort((a, b) => a - b)).toEqual(left);
    },
  );
});
