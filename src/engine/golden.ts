/**
 * Golden vectors: streams of cpumask operations with the results that real kernels gave (test/data/golden/README.md). An
 * engine executes a stream; the results must match one by one.
 */
import { InputError } from '../errors.ts';
import type { Release } from '../kernel/bpf/rows.ts';

/** `["set_cpu", slot, cpu]`: operation, then slots and numbers; populate ends in a hex string. */
export type GoldenOp = readonly [name: string, ...args: (number | string)[]];

/** State of the slot table after an operation on references. */
export interface GoldenLife {
  /** usage that the operation reports. */
  readonly r: number;
  /** usage of each slot's object, 0: empty. */
  readonly refs: readonly number[];
  /** Lowest slot that holds the same object, -1: empty. */
  readonly alias: readonly number[];
}

/** null: a slot was empty. A string: the mask's 64-bit words in hex, lowest first, joined by commas. */
export type GoldenResult = null | number | string | readonly [number, string] | GoldenLife;

export interface GoldenStream {
  readonly id: string;
  /** `uname -r` of the kernel. */
  readonly kernel: string;
  readonly nrCpuIds: number;
  readonly nrCpus: number;
  readonly ops: readonly GoldenOp[];
  readonly results: readonly GoldenResult[];
}

/** Slots of the table that a stream works on. */
export const GOLDEN_SLOTS = 8;

/** What executes streams: the TypeScript API, or a BPF program on an engine. */
export interface VectorEngine {
  /** One result an operation, in order. */
  execute(stream: GoldenStream): readonly GoldenResult[];
}

export interface GoldenMismatch {
  readonly stream: string;
  /** Index of the operation. */
  readonly index: number;
  readonly op: GoldenOp;
  readonly have: GoldenResult | undefined;
  readonly want: GoldenResult | undefined;
}

export interface GoldenOutcome {
  readonly stream: string;
  readonly ops: number;
  /** The first operation that differs; null: all match. */
  readonly mismatch: GoldenMismatch | null;
}

/** Release series of a `uname -r`. */
export function releaseOf(kernel: string): Release {
  const [, major, minor] = /^(\d+)\.(\d+)/.exec(kernel) ?? [];
  if (major === undefined || minor === undefined) throw new InputError(`"${kernel}"`, 'kernel', 'is no kernel release');
  return `${Number(major)}.${Number(minor)}`;
}

function parseLine(line: string, file: string, number: number): GoldenStream {
  const where = `line ${number}`;
  let value: Record<string, unknown>;
  try {
    value = JSON.parse(line) as Record<string, unknown>;
  } catch (error) {
    throw new InputError(file, where, `is not JSON: ${(error as Error).message}`);
  }
  const { id, kernel, nr_cpu_ids: nrCpuIds, NR_CPUS: nrCpus, ops, results } = value;
  if (typeof id !== 'string' || typeof kernel !== 'string') throw new InputError(file, where, 'has no id or kernel');
  if (typeof nrCpuIds !== 'number' || typeof nrCpus !== 'number') {
    throw new InputError(file, where, 'has no nr_cpu_ids or NR_CPUS');
  }
  if (!Array.isArray(ops) || !Array.isArray(results) || ops.length !== results.length) {
    throw new InputError(file, where, 'needs ops and results of the same length');
  }
  return { id, kernel, nrCpuIds, nrCpus, ops: ops as GoldenOp[], results: results as GoldenResult[] };
}

/** The streams of a file, one JSON object a line. */
export function parseGolden(text: string, file: string): readonly GoldenStream[] {
  return text
    .split('\n')
    .map((line, i) => ({ line, number: i + 1 }))
    .filter(({ line }) => line.trim() !== '')
    .map(({ line, number }) => parseLine(line, file, number));
}

/** Executes a stream and compares; stops at the first difference. */
export function replayStream(engine: VectorEngine, stream: GoldenStream): GoldenOutcome {
  const results = engine.execute(stream);
  const index = stream.ops.findIndex((_, i) => JSON.stringify(results[i]) !== JSON.stringify(stream.results[i]));
  const op = stream.ops[index];
  const mismatch = op && { stream: stream.id, index, op, have: results[index], want: stream.results[index] };
  return { stream: stream.id, ops: stream.ops.length, mismatch: mismatch ?? null };
}
