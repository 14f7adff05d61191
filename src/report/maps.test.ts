import { expect, it } from 'vitest';
import { showValue } from '../machine/show_value.ts';
import { allZero, type MapSource, mapReport } from './maps.ts';
import { formatRun, type RunReport, runToJson } from './run.ts';

interface Entry {
  readonly key: Uint8Array;
  readonly number: number;
}

/** A map of 32-bit numbers that tells what was asked of it. */
function source(type: string, numbers: readonly (readonly [key: number, number: number])[]) {
  const asked = { values: 0, shown: 0 };
  const map: MapSource<Entry> = {
    ...{ name: 'm', type, maxEntries: numbers.length, valueSize: 4 },
    entries: numbers.map(([key, number]) => ({ key: Uint8Array.of(key & 255, key >> 8, 0, 0), number })),
    isZero: ({ number }) => number === 0,
    value: ({ number }) => {
      asked.values++;
      return Uint8Array.of(number & 255, number >> 8, 0, 0);
    },
    kptrs: () => [],
    show: ({ key, number }) => {
      asked.shown++;
      return { key: (key[0] as number) + 256 * (key[1] as number), value: number };
    },
  };
  return { map, asked };
}

const BASE: Omit<RunReport, 'maps'> = {
  ...{
    object: 'o',
    program: 'p',
    section: 's',
    type: 'syscall',
    engine: 'jit',
    retval: 0,
    insns: 1,
    durationNs: 1,
    cpu: 0,
  },
  ...{
    times: 1,
    stopped: null,
    printk: [],
    globals: {},
    objects: { live: 0, leaked: [], leakedCount: 0, lines: [] },
    warnings: [],
    fault: null,
    ctx: null,
  },
};

it('decodes of a large array what people see, and reads nothing that is zero', () => {
  const { map, asked } = source(
    'array',
    Array.from({ length: 10_000 }, (_, i) => [i, i % 10 === 3 ? i : 0]),
  );
  const report = mapReport(map, 'people');
  expect(report.counts).toEqual({ entries: 10_000, zero: 9000 });
  expect(asked).toEqual({ values: 0, shown: 64 });
  const text = formatRun({ ...BASE, maps: [report] }, (_style, words) => words);
  expect(text).toContain('array, 10,000 entries\n');
  expect(text).toContain('and 936 more; --json has all\n');
  expect(text).toContain('the other 9,000 are zero\n');
});

it('gives JSON every entry as bytes, and decodes none', () => {
  const { map, asked } = source('array', [
    [0, 0],
    [1, 258],
    [2, 0],
  ]);
  expect(runToJson({ ...BASE, maps: [mapReport(map, 'json')] })).toMatchObject({
    maps: [
      {
        entries: [
          { key: '00000000', value: '00000000', kptrs: [] },
          { key: '01000000', value: '02010000', kptrs: [] },
          { key: '02000000', value: '00000000', kptrs: [] },
        ],
      },
    ],
  });
  expect(asked).toEqual({ values: 1, shown: 0 });
});

it('refuses JSON that no string can hold', () => {
  const { map } = source('array', [
    [0, 0],
    [1, 0],
  ]);
  expect(() => mapReport({ ...map, valueSize: 200 << 20 }, 'json')).toThrow(
    'map m as JSON: it holds more than 240 MiB',
  );
  expect(mapReport({ ...map, valueSize: 200 << 20 }, 'people').counts.zero).toBe(2);
});

it.each(['json', 'people'] as const)('puts entries of a hash in the order of their keys, for %s', (reader) => {
  const numbers = Array.from({ length: 700 }, (_, i) => [(i * 397) % 700, 0] as const);
  const { map } = source('hash', numbers);
  const report = mapReport(map, reader);
  expect(report.counts).toEqual({ entries: 700, zero: 0 });
  expect(report.entries.length).toBe(reader === 'json' ? 700 : 64);
  expect(report.entries.slice(0, 3).map(({ key }) => key)).toEqual(['00000000', '01000000', '02000000']);
  expect(report.entries[63]?.key).toBe('3f000000');
});

it('finds the one byte that is not zero, wherever it is', () => {
  const buffer = new ArrayBuffer(64);
  for (let from = 0; from < 8; from++) {
    for (let to = from; to < 24; to++) {
      const bytes = new Uint8Array(buffer, from, to - from);
      expect(allZero(bytes)).toBe(true);
      for (let i = 0; i < bytes.length; i++) {
        bytes[i] = 1;
        expect(allZero(bytes), `${from} ${to} ${i}`).toBe(false);
        bytes[i] = 0;
      }
    }
  }
});

it('shows the start of a long array', () => {
  expect(showValue(Array.from({ length: 1000 }, (_, i) => i))).toMatch(/^\[0, 1, .* 63, and 936 more\]$/);
  expect(showValue([1, ...Array(1000).fill(0)])).toBe('[1, 0 (1,000 times)]');
});
