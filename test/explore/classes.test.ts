/** What exploration takes for private, it does not look at: memory that programs share must not be within it. */
import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import * as x from '../../assembly/kernel/explore_layout.ts';
import * as layout from '../../assembly/layout.ts';
import { Explorer } from '../../src/explore/explore.ts';
import { createMachine } from '../../src/index.ts';

it('no granule of a map, an element, a mask or an object is private, next to whatever it lies', () => {
  const machine = createMachine({ cpus: 8, nrCpus: 64, memoryLimit: 16 << 20, explorable: true });
  const object = machine.load(readFileSync(new URL('../objects/late.bpf.o', import.meta.url)), { name: 'late' });
  const { memory } = machine;
  object.program('hash_put_all').run();
  for (let size = 8; size <= 120; size += 8) {
    for (let i = 0; i < 4; i++) memory.kmalloc(size, i % 2 ? layout.ALLOC_BUFFER : layout.ALLOC_MAP_ELEM);
  }
  const program = object.program('hash_put');
  new Explorer(object, { threads: [0, 1].map((cpu) => ({ cpu, program })) });
  const shared = new Set([layout.ALLOC_MAP, layout.ALLOC_MAP_ELEM, layout.ALLOC_BPF_CPUMASK, layout.ALLOC_TASK]);
  const classes = memory.u32At(x.X_CLASSES);
  const wrong = [...memory.objects()].filter(({ offset, size, tag }) => {
    if (!shared.has(tag)) return false;
    const from = classes + (offset >> x.GRANULE_SHIFT);
    const end = classes + ((offset + size - 1) >> x.GRANULE_SHIFT) + 1;
    return memory.u8().subarray(from, end).includes(x.CLASS_PRIVATE);
  });
  expect(wrong).toEqual([]);
  expect(
    memory
      .u8()
      .subarray(classes, classes + memory.u32At(x.X_CLASSES_COUNT))
      .includes(x.CLASS_PRIVATE),
  ).toBe(true);
});
