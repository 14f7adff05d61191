/** CPU topology: which CPUs share a core, a last-level cache, a package, a NUMA node. */
import { InputError } from '../errors.ts';

/** Where one CPU sits; every number counts over the whole machine, from 0. */
export interface CpuPlace {
  readonly node: number;
  readonly package: number;
  /** Last-level cache: the outermost cache that the topology names, else the package. */
  readonly llc: number;
  readonly core: number;
  /** Hardware thread within its core. */
  readonly thread: number;
}

export interface Topology {
  /** Index is the CPU number. */
  readonly cpus: readonly CpuPlace[];
  readonly nodes: number;
  /** hwloc synthetic string that describes it. */
  readonly description: string;
}

/** Level names of hwloc's synthetic format, and the field of CpuPlace that counts them; null: named, not counted. */
const LEVELS: Readonly<Record<string, 'node' | 'package' | 'cache' | 'core' | 'pu' | null>> = {
  machine: null,
  system: null,
  group: null,
  die: null,
  node: 'node',
  numa: 'node',
  numanode: 'node',
  pack: 'package',
  package: 'package',
  socket: 'package',
  l5: 'cache',
  l4: 'cache',
  l3: 'cache',
  l2: 'cache',
  l1: null,
  core: 'core',
  pu: 'pu',
};

interface Level {
  readonly kind: 'node' | 'package' | 'cache' | 'core' | 'pu' | null;
  readonly text: string;
  /** Objects of this level in the whole machine. */
  readonly total: number;
}

/** A flat machine: one NUMA node, one package, one cache, a core per CPU. */
export function flatTopology(cpus: number): Topology {
  const places = Array.from({ length: cpus }, (_, core) => ({ node: 0, package: 0, llc: 0, core, thread: 0 }));
  return { cpus: places, nodes: 1, description: `core:${cpus} pu:1` };
}

/**
 * Reads an hwloc synthetic string: `numa:2 l3:2 core:4 pu:2` is two NUMA nodes of two caches of four cores of two threads,
 * 32 CPUs. Attributes in parentheses are ignored; `[numa]` attaches one node to each object of the level before it.
 * @param max - CPUs that the kernel allows (NR_CPUS)
 * @throws InputError saying which level is wrong
 */
export function parseTopology(text: string, max: number): Topology {
  const bad = (problem: string) => new InputError(`"${text}"`, 'topology', problem);
  const levels: Level[] = [];
  let total = 1;
  for (const word of text
    .replace(/\([^)]*\)/g, '')
    .trim()
    .split(/\s+/)) {
    const attached = /^\[(numa|node|numanode)\]$/i.exec(word);
    if (attached) {
      levels.push({ kind: 'node', text: word, total });
      continue;
    }
    const match = /^([a-z0-9]+?)(?:cache)?:([0-9]+)$/i.exec(word);
    const name = match?.[1]?.toLowerCase().replace(/^(l[1-5])[diu]$/, '$1') ?? '';
    const kind = LEVELS[name];
    if (!match || kind === undefined) {
      throw bad(`"${word}" is no level; write them as type:count, for example "numa:2 l3:2 core:4 pu:2"`);
    }
    const count = Number(match[2]);
    if (count < 1) throw bad(`"${word}": at least one of each is needed`);
    total *= count;
    if (total > max) throw bad(`has more than ${max} CPUs`);
    if (levels.some((level) => level.kind === 'pu')) throw bad(`"${word}" stands below pu, which must be last`);
    levels.push({ kind, text: word, total });
  }
  const seen = new Set<string>();
  for (const { kind, text: word } of levels) {
    if (kind === null || kind === 'cache') continue;
    if (seen.has(kind)) throw bad(`"${word}" names a level a second time`);
    seen.add(kind);
  }
  const totalOf = (kind: Level['kind']) => levels.find((level) => level.kind === kind)?.total;
  const packages = totalOf('package') ?? 1;
  const cores = totalOf('core') ?? total;
  const nodes = totalOf('node') ?? 1;
  const llcs = totalOf('cache') ?? packages;
  const places = Array.from({ length: total }, (_, cpu) => ({
    node: share(cpu, nodes, total),
    package: share(cpu, packages, total),
    llc: share(cpu, llcs, total),
    core: share(cpu, cores, total),
    thread: cpu % (total / cores),
  }));
  return { cpus: places, nodes, description: levels.map((level) => level.text).join(' ') };
}

/** Objects of a level are numbered depth first, so each has the same number of consecutive CPUs. */
function share(cpu: number, objects: number, cpus: number): number {
  return Math.floor(cpu / (cpus / objects));
}
