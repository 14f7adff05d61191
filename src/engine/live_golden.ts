/** Golden vectors on the live kernel: its program (live_golden.bpf.c) executes a stream and notes the results. */
import { InputError, invariant } from '../errors.ts';
import { linkPrograms } from '../kernel/link.ts';
import { loadProfile } from '../kernel/profile.ts';
import { loadObject } from '../loader/object.ts';
import type { MapSpec } from '../loader/spec.ts';
import { readVmlinuxBtf } from '../platform/node/live_kernel.ts';
import {
  GOLDEN_SLOTS,
  type GoldenOp,
  type GoldenResult,
  type GoldenStream,
  releaseOf,
  type VectorEngine,
} from './golden.ts';
import { goldenOp, lifeOf, operandsOf, RELEASE_ALL, resultOf, wordsAt } from './golden_ops.ts';
import { LiveObject, type LiveProgram } from './live.ts';

/** struct op and struct result of live_golden.bpf.c, in bytes. */
const OP = { size: 2084, slots: 4, cpu: 16, bytes: 20, offset: 24, source: 28, sourceMax: 2048 } as const;
const RESULT = { size: 1128, number: 4, words: 8, pointers: 1032, refs: 1096 } as const;
const MAX_OPS = 1024;
const STATUS = { nothing: 0, done: 1 } as const;

/** What a stream has to be of to run here. */
export interface LiveKernelFacts {
  /** uname -r. */
  readonly kernel: string;
  readonly nrCpuIds: number;
  readonly nrCpus: number;
  /** It has bpf_cpumask_populate. */
  readonly populate: boolean;
}

export interface LiveVectorEngine extends VectorEngine, Disposable {
  readonly facts: LiveKernelFacts;
}

/**
 * Runs streams on the live kernel, on the CPU that this thread is bound to.
 * @param object - live_golden.bpf.o
 * @throws NotSupported where no program can be loaded
 */
export function createLiveVectorEngine(object: Uint8Array, kernel: string, nrCpuIds: number): LiveVectorEngine {
  const release = releaseOf(kernel);
  const profile = loadProfile({ release, readBtf: readVmlinuxBtf, what: '/sys/kernel/btf/vmlinux' });
  const live = new LiveObject(nrCpuIds);
  const [linked] = linkPrograms(loadObject(object, 'live_golden.bpf.o'), profile);
  invariant(linked?.program, linked?.reject?.message ?? 'live_golden.bpf.o has no program');
  const { program } = linked;
  const { run, verdict } = live.load(program, 1);
  invariant(run, `the kernel refuses live_golden.bpf.o: ${verdict.log.trim().split('\n').at(-1)}`);
  const map = (name: string): MapSpec => {
    const found = program.maps.find((spec) => spec.name === name || spec.section?.sectionName === name);
    invariant(found, `live_golden.bpf.o has no map ${name}`);
    return found;
  };
  const populate = profile.btf.find('bpf_cpumask_populate', 'func') !== 0;
  const facts = { kernel, nrCpuIds, nrCpus: profile.nrCpus, populate };
  const maps = { ops: map('ops'), results: map('results'), bss: map('.bss') };
  return {
    facts,
    execute: (stream) => execute(live, run, maps, facts, stream),
    [Symbol.dispose]: () => live[Symbol.dispose](),
  };
}

type Maps = Readonly<Record<'ops' | 'results' | 'bss', MapSpec>>;

function execute(live: LiveObject, run: LiveProgram, maps: Maps, facts: LiveKernelFacts, stream: GoldenStream) {
  if (stream.nrCpuIds !== facts.nrCpuIds || stream.nrCpus !== facts.nrCpus) {
    const here = `nr_cpu_ids ${facts.nrCpuIds}, NR_CPUS ${facts.nrCpus}`;
    throw new InputError(
      stream.id,
      `nr_cpu_ids ${stream.nrCpuIds}, NR_CPUS ${stream.nrCpus}`,
      `this kernel has ${here}`,
    );
  }
  const ops = [...stream.ops, ...RELEASE_ALL];
  if (ops.length > MAX_OPS) throw new InputError(stream.id, '', `has more than ${MAX_OPS - GOLDEN_SLOTS} operations`);
  const bytes = new Uint8Array(ops.length * OP.size);
  for (const [i, op] of ops.entries()) writeOp(new DataView(bytes.buffer, i * OP.size, OP.size), op);
  live.writeArray(maps.ops, bytes);
  const bss = new Uint8Array(maps.bss.valueSize);
  new DataView(bss.buffer).setUint32(variable(maps.bss, 'count'), ops.length, true);
  live.writeArray(maps.bss, bss);
  run.testRun({});
  const results = live.readArray(maps.results, stream.ops.length);
  return stream.ops.map((op, i) => {
    const at = new DataView(results.buffer, results.byteOffset + i * RESULT.size, RESULT.size);
    return readResult(at, op, Math.ceil(facts.nrCpus / 64));
  });
}

function variable({ section }: MapSpec, name: string): number {
  const found = section?.variables.find((row) => row.name === name);
  invariant(found, `live_golden.bpf.o has no variable ${name}`);
  return found.offset;
}

function writeOp(dv: DataView, op: GoldenOp): void {
  const row = goldenOp(op[0]);
  const { slots, cpu, size, offset, bytes } = operandsOf(row, op);
  if (size > OP.sourceMax || bytes.length > OP.sourceMax) {
    throw new InputError(row.name, '', `more than ${OP.sourceMax} bytes`);
  }
  dv.setUint32(0, row.kind, true);
  for (const [i, slot] of slots.entries()) dv.setUint32(OP.slots + 4 * i, slot, true);
  dv.setUint32(OP.cpu, cpu, true);
  dv.setUint32(OP.bytes, size, true);
  dv.setUint32(OP.offset, offset, true);
  for (const [i, byte] of bytes.entries()) dv.setUint8(OP.source + offset + i, byte);
}

function readResult(dv: DataView, op: GoldenOp, words: number): GoldenResult {
  const status = dv.getUint32(0, true);
  const number = dv.getInt32(RESULT.number, true);
  if (status === STATUS.nothing) return null;
  if (status === STATUS.done) return resultOf(goldenOp(op[0]), number, () => wordsAt(dv, RESULT.words, words));
  const refs = Array.from({ length: GOLDEN_SLOTS }, (_, i) => dv.getUint32(RESULT.refs + 4 * i, true));
  return lifeOf(number, refs, wordsAt(dv, RESULT.pointers, GOLDEN_SLOTS));
}
