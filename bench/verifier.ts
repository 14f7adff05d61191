/**
 * The verifier beside the running kernel's, where there is one: the time that each takes over the same programs, ours by the
 * command line, in a process of its own (cold), and after some rounds; and the memory that such a process took.
 */
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { release } from 'node:os';
import { fileURLToPath } from 'node:url';
import { LiveSession, nearestRelease } from '../src/engine/live_session.ts';
import { type LinkResult, linkPrograms } from '../src/kernel/link.ts';
import { loadObject } from '../src/loader/object.ts';
import { readAsset } from '../src/platform/node/assets.ts';
import { liveKernel, VMLINUX_BTF } from '../src/platform/node/live_kernel.ts';
import { openProfile } from '../src/platform/node/profile.ts';
import { possibleCpus } from '../src/platform/node/sched_affinity.ts';
import { initRange, type VerdictStats, verify } from '../src/verifier/index.ts';
import { type Figure, type Measured, median } from './figures.ts';
import { table } from './table.ts';

const OBJECT = 'bench/verifier.bpf.o';
const PROGRAMS = ['small', 'medium', 'large'];
/** Verifications of each program, so that each is repeated for about as long. */
const ROUNDS: Readonly<Record<string, number>> = { small: 400, medium: 40, large: 5 };
/** Processes that verify once. */
const COLD_ROUNDS = 5;
/** What the first argument of a process that verifies once is. */
export const ONCE = 'verifier-once';

const place = (file: string) => fileURLToPath(new URL(file, PACKAGE_ROOT ?? import.meta.url));
const bytes = () => readFileSync(place(OBJECT));

function repeat(rounds: number, once: () => VerdictStats): VerdictStats {
  const stats = Array.from({ length: rounds }, once);
  const verificationTimeUs = median(stats.map((each) => each.verificationTimeUs));
  return { ...(stats[0] as VerdictStats), verificationTimeUs };
}

/** How to verify a program of the object once. */
function ours(name: string): () => VerdictStats {
  const profile = openProfile('6.18');
  initRange(readAsset('dist/verifier.wasm'));
  const { program } = linkPrograms(loadObject(bytes(), OBJECT), profile, { programs: [name] })[0] as LinkResult;
  if (!program) throw new Error(`${name} was not linked`);
  return () => {
    const verdict = verify(program, profile);
    if (verdict.errno) throw new Error(`${name}: ${verdict.message}`);
    return verdict.stats;
  };
}

/** A process of its own verifies once, and says how many MiB it took, with Node and the BTF. */
export function verifyOnce(name: string): void {
  ours(name)();
  console.log(process.resourceUsage().maxRSS / 1024);
}

/** Runs Node with these arguments; what it prints. */
function answer(...args: readonly string[]): unknown {
  const { stdout, stderr, status } = spawnSync(process.execPath, args, { encoding: 'utf8' });
  if (status !== 0) throw new Error(stderr);
  return JSON.parse(stdout);
}

const peakMiB = (name: string) => answer(fileURLToPath(import.meta.url), ONCE, name) as number;

/** Microseconds that the command line says it took: each time a process that has verified nothing before. */
function cold(name: string): number {
  const once = () => answer(place('dist/cli.cjs'), 'verify', place(OBJECT), '--prog', name, '--json');
  return median(Array.from({ length: COLD_ROUNDS }, () => (once() as VerdictStats).verificationTimeUs));
}

/** The running kernel's own figures; null where there is none to ask. */
function live(name: string): VerdictStats | null {
  if (liveKernel().missing) return null;
  const profile = openProfile(nearestRelease(release()), { btf: VMLINUX_BTF });
  const options = { name: OBJECT, profile, possibleCpus: possibleCpus(), programs: [name] };
  return repeat(Math.min(ROUNDS[name] as number, 40), () => {
    using session = new LiveSession(bytes(), options);
    const { verdict } = session.load(session.linked[0] as LinkResult, 0);
    if (!verdict || verdict.errno) throw new Error(`${name}: the kernel says ${verdict?.message}`);
    return verdict.stats;
  });
}

export async function benchVerifier(): Promise<Measured> {
  const figures: Figure[] = [];
  const rows = PROGRAMS.map((name) => {
    const kernel = live(name);
    const first = cold(name);
    const warm = repeat(ROUNDS[name] as number, ours(name));
    const figure = (how: string, engine: string, us: number): void => {
      const ns = (us * 1000) / warm.insnsProcessed;
      const vsKernel = kernel ? us / kernel.verificationTimeUs : null;
      figures.push({ group: 'verifier', name: `${name}${how}`, engine, cpus: possibleCpus(), ns, vsKernel, vsC: null });
    };
    figure(', warm', 'verifier', warm.verificationTimeUs);
    figure(', cold', 'verifier', first);
    if (kernel) figure('', 'live', kernel.verificationTimeUs);
    const each = (us: number) => (us / warm.insnsProcessed).toFixed(2);
    const ratio = (us: number) => (kernel ? (us / kernel.verificationTimeUs).toFixed(1) : '-');
    const beside = kernel ? [each(kernel.verificationTimeUs), String(kernel.insnsProcessed)] : ['-', '-'];
    const counts = [String(warm.insnsProcessed), ...beside];
    const times = [each(warm.verificationTimeUs), ratio(warm.verificationTimeUs), each(first), ratio(first)];
    return [name, ...counts, ...times, peakMiB(name).toFixed(0)];
  });
  const heading = ['us an instruction', 'insns', 'kernel', 'its insns', 'warm', 'ratio', 'cold', 'ratio', 'peak MiB'];
  return { figures, table: table([heading, ...rows]) };
}
