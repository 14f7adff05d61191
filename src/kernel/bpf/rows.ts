/**
 * One row per kfunc and per helper: what the verifier, both engines, `bpf-cpumask kfuncs` and the parity tests read.
 * assembly/ exports a function of the same name for every row that has `run: 'call'`; the call tables of the engines are
 * generated from the rows at build time.
 */
import type { ProgType } from '../../uapi/bpf.ts';

/** "6.18": a kernel release series. */
export type Release = `${number}.${number}`;

/** KF_ flags of include/linux/btf.h. */
export const KF_ACQUIRE = 1 << 0;
export const KF_RELEASE = 1 << 1;
export const KF_RET_NULL = 1 << 2;
/** 6.3 only. */
export const KF_KPTR_GET = 1 << 3;
export const KF_TRUSTED_ARGS = 1 << 4;
export const KF_SLEEPABLE = 1 << 5;
export const KF_DESTRUCTIVE = 1 << 6;
export const KF_RCU = 1 << 7;
export const KF_ITER_NEW = 1 << 8;
export const KF_ITER_NEXT = 1 << 9;
export const KF_ITER_DESTROY = 1 << 10;
export const KF_RCU_PROTECTED = 1 << 11;
export const KF_FASTCALL = 1 << 12;
export const KF_ARENA_RET = 1 << 13;
export const KF_ARENA_ARG1 = 1 << 14;
export const KF_ARENA_ARG2 = 1 << 15;

/**
 * How the engines run it. `call`: the wasm export of that name, arguments by the prototype (pointer: i32 offset, 64-bit:
 * i64, else i32). `engine`: the engine does it itself (callbacks, exceptions, tail calls). `none`: the verifier knows it, no
 * machine runs it yet; a program that calls it is NotSupported by name.
 */
export type RunBy = 'call' | 'engine' | 'none';

/**
 * What a kfunc set's filter lets through besides the program type: iterators over something, queueing disciplines, kprobe
 * or uprobe sessions.
 */
export type KfuncFilter = 'iter' | 'qdisc' | 'session';

export interface WholeMask {
  /** It writes its first argument, and reads no mask. */
  readonly fills?: true;
  /** It goes up to large_cpumask_bits, not small_cpumask_bits. */
  readonly large?: true;
  /** It copies memory that is no mask, whose length the third argument says. */
  readonly sized?: true;
}

export interface KfuncRow {
  readonly name: string;
  /** C prototype without the name: `bool (u32 cpu, struct bpf_cpumask *cpumask)`. */
  readonly proto: string;
  /** Prototypes of releases where it differs, from a release on; protoAt reads both. */
  readonly protos?: Readonly<Partial<Record<Release, string>>>;
  /** KF_ flags from a release on, until the next one named. */
  readonly flags: Readonly<Partial<Record<Release, number>>>;
  /** Program types that may call it, from a release on. */
  readonly programs: Readonly<Partial<Record<Release, readonly ProgType[]>>>;
  readonly onlyFor?: KfuncFilter;
  /** Of an operation on whole masks, what its prototype does not say. */
  readonly wholeMask?: WholeMask;
  readonly since: Release;
  /** Kfunc whose place it took: the verifier treats it alike. */
  readonly like?: string;
  /** First release that no longer has it. */
  readonly until?: Release;
  readonly summary: string;
  readonly returns: string;
  /** Kernel source file, which is also the assembly module. */
  readonly source: string;
  readonly run: RunBy;
}

const FLAG_NAMES: readonly (readonly [number, string])[] = [
  [KF_ACQUIRE, 'KF_ACQUIRE'],
  [KF_RELEASE, 'KF_RELEASE'],
  [KF_RET_NULL, 'KF_RET_NULL'],
  [KF_KPTR_GET, 'KF_KPTR_GET'],
  [KF_TRUSTED_ARGS, 'KF_TRUSTED_ARGS'],
  [KF_SLEEPABLE, 'KF_SLEEPABLE'],
  [KF_DESTRUCTIVE, 'KF_DESTRUCTIVE'],
  [KF_RCU, 'KF_RCU'],
  [KF_ITER_NEW, 'KF_ITER_NEW'],
  [KF_ITER_NEXT, 'KF_ITER_NEXT'],
  [KF_ITER_DESTROY, 'KF_ITER_DESTROY'],
  [KF_RCU_PROTECTED, 'KF_RCU_PROTECTED'],
  [KF_FASTCALL, 'KF_FASTCALL'],
  [KF_ARENA_RET, 'KF_ARENA_RET'],
];

/** Names of the KF_ flags set in `flags`. */
export function flagNames(flags: number): readonly string[] {
  return FLAG_NAMES.filter(([bit]) => (flags & bit) !== 0).map(([, name]) => name);
}

/** The value that holds in `release`: that of the newest key not after it; undefined before the first. */
export function atRelease<T>(table: Readonly<Partial<Record<Release, T>>>, release: Release): T | undefined {
  let best: Release | undefined;
  for (const key of Object.keys(table) as Release[]) {
    if (compareReleases(key, release) > 0) continue;
    if (best === undefined || compareReleases(key, best) > 0) best = key;
  }
  return best === undefined ? undefined : table[best];
}

/** The C prototype in `release`. */
export function protoAt(row: KfuncRow, release: Release): string {
  return (row.protos && atRelease(row.protos, release)) ?? row.proto;
}

/** Does `release` have it? */
export function existsIn(row: KfuncRow, release: Release): boolean {
  if (compareReleases(row.since, release) > 0) return false;
  return row.until === undefined || compareReleases(release, row.until) < 0;
}

/** Negative, zero or positive as a is older than, equal to or newer than b. */
export function compareReleases(a: Release, b: Release): number {
  const [aMajor = 0, aMinor = 0] = a.split('.').map(Number);
  const [bMajor = 0, bMinor = 0] = b.split('.').map(Number);
  return aMajor - bMajor || aMinor - bMinor;
}
