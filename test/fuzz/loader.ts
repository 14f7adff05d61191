/** Mutated objects against the loader and linker: whatever the bytes, the answer is a spec, InputError or NotSupported, and soon. */
import { readdirSync, readFileSync } from 'node:fs';
import { InputError, NotSupported } from '../../src/errors.ts';
import { linkPrograms } from '../../src/kernel/link.ts';
import type { Profile } from '../../src/kernel/profile.ts';
import { loadObject } from '../../src/loader/object.ts';
import { root } from '../root.ts';

export interface LoaderFuzzStats {
  readonly tried: number;
  readonly loaded: number;
  readonly inputErrors: number;
  readonly notSupported: number;
  readonly linked: number;
  readonly rejected: number;
  /** Milliseconds of the slowest object, and its seed. */
  readonly slowestMs: number;
  readonly slowestSeed: number;
  /** What was thrown that should not be, first ones: seed and text. */
  readonly failures: readonly { readonly seed: number; readonly error: string }[];
}

/** A small deterministic generator (mulberry32): numbers in [0, n). */
export function random(seed: number): (n: number) => number {
  let state = seed >>> 0;
  return (n) => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) % n;
  };
}

/** The objects of the verdict corpus and of the tests. */
export function seedObjects(): Uint8Array[] {
  return ['test/data/verdicts/obj/', 'test/objects/'].flatMap((path) => {
    const folder = new URL(path, root);
    const names = readdirSync(folder).filter((name) => name.endsWith('.o'));
    return names.sort().map((name) => new Uint8Array(readFileSync(new URL(name, folder))));
  });
}

const INTERESTING = [
  0, 1, 2, 3, 4, 7, 8, 15, 16, 0x7f, 0xff, 0x100, 0xffff, 0x10000, 0x7fffffff, 0x80000000, 0xffffffff,
];

/** One mutant: a seed object, cut, flipped, overwritten with numbers that break things, or spliced with another. */
export function mutate(objects: readonly Uint8Array[], seed: number): Uint8Array {
  const pick = random(seed);
  const choose = (): Uint8Array => objects[pick(objects.length)] as Uint8Array;
  let bytes = choose().slice();
  const steps = 1 + pick(3);
  for (let step = 0; step < steps && bytes.length > 8; step++) {
    const view = new DataView(bytes.buffer);
    switch (pick(8)) {
      case 0:
        bytes = bytes.slice(0, pick(bytes.length));
        break;
      case 1:
      case 2:
        for (let n = 1 + pick(16); n > 0; n--) bytes[pick(bytes.length)] = 1 << pick(8);
        break;
      case 3:
        for (let n = 1 + pick(8); n > 0; n--) {
          const at = pick(bytes.length);
          bytes[at] = (bytes[at] as number) ^ (1 << pick(8));
        }
        break;
      case 4:
        for (let n = 1 + pick(4); n > 0; n--) {
          view.setUint32(pick((bytes.length - 4) >> 2) * 4, INTERESTING[pick(INTERESTING.length)] as number, true);
        }
        break;
      case 5: {
        const other = choose();
        const length = pick(Math.min(other.length, bytes.length));
        const from = pick(other.length - length + 1);
        bytes.set(other.subarray(from, from + length), pick(bytes.length - length + 1));
        break;
      }
      case 6: {
        // A word of the section headers: they lie at the end.
        const start = Math.max(0, bytes.length - 16 * 64);
        const at = start + pick((bytes.length - start - 4) >> 2) * 4;
        view.setUint32(at, pick(2) ? (INTERESTING[pick(INTERESTING.length)] as number) : pick(bytes.length), true);
        break;
      }
      default: {
        // One field of one place copied from another place of the same file.
        const from = pick((bytes.length - 8) >> 2) * 4;
        bytes.copyWithin(pick((bytes.length - 8) >> 2) * 4, from, from + 4);
      }
    }
  }
  return bytes;
}

/** Loads and links `count` mutants with the seeds from `seed` on. */
export function fuzzLoader(seed: number, count: number, profile: Profile): LoaderFuzzStats {
  const objects = seedObjects();
  const stats = { loaded: 0, inputErrors: 0, notSupported: 0, linked: 0, rejected: 0, slowestMs: 0, slowestSeed: 0 };
  const failures: { seed: number; error: string }[] = [];
  for (let current = seed; current < seed + count; current++) {
    const bytes = mutate(objects, current);
    const started = performance.now();
    try {
      const spec = loadObject(bytes, 'mutant.bpf.o');
      stats.loaded++;
      for (const { reject } of linkPrograms(spec, profile)) {
        if (reject) stats.rejected++;
        else stats.linked++;
      }
    } catch (error) {
      if (error instanceof InputError) stats.inputErrors++;
      else if (error instanceof NotSupported) stats.notSupported++;
      else if (failures.length < 20) failures.push({ seed: current, error: String((error as Error).stack ?? error) });
    }
    const took = performance.now() - started;
    if (took > stats.slowestMs) {
      stats.slowestMs = took;
      stats.slowestSeed = current;
    }
  }
  return { tried: count, ...stats, failures };
}
