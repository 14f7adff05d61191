/** An object on the live kernel: linked against the running kernel's BTF, its globals set, its programs loaded one by one. */

import type { Release } from '../kernel/bpf/rows.ts';
import { presetGlobals } from '../kernel/globals.ts';
import { type LinkResult, linkPrograms } from '../kernel/link.ts';
import { type Profile, profileReleases } from '../kernel/profile.ts';
import { loadObject } from '../loader/object.ts';
import type { MapSpec, ObjectSpec } from '../loader/spec.ts';
import { LiveObject, type LiveProgram } from './live.ts';
import { reasonOf, statisticsOf } from './live_log.ts';

/** What the kernel, or libbpf before it, said of a program. */
export interface LiveOutcome {
  readonly verdict: 'accept' | 'reject';
  readonly stage: 'loader' | 'verifier';
  readonly errno: number;
  /** The line that states the reason; null when accepted. */
  readonly message: string | null;
  readonly log: string;
  readonly insnsProcessed: number;
  readonly verificationTimeUs: number;
  /** Runs it; null when it was refused. */
  readonly run: LiveProgram | null;
}

export interface LiveSessionOptions {
  readonly name: string;
  readonly profile: Profile;
  /** nr_cpu_ids of the host. */
  readonly possibleCpus: number;
  /** Programs to load; all by default. */
  readonly programs?: readonly string[] | undefined;
  /** Values of global variables before load, by C name. */
  readonly set?: Readonly<Record<string, unknown>> | undefined;
}

export class LiveSession implements Disposable {
  readonly spec: ObjectSpec;
  readonly linked: readonly LinkResult[];
  /** The object's maps as they are on the kernel. */
  readonly maps: readonly MapSpec[];
  readonly live: LiveObject;

  /** @throws NotSupported when this process cannot load programs; InputError for a bad object or variable */
  constructor(bytes: Uint8Array, { name, profile, possibleCpus, programs, set }: LiveSessionOptions) {
    const { spec, kconfig } = presetGlobals(loadObject(bytes, name), set ?? {});
    this.spec = spec;
    this.linked = linkPrograms(spec, profile, { programs, kconfig });
    this.maps = this.linked.find(({ program }) => program)?.program?.maps ?? spec.maps;
    this.live = new LiveObject(possibleCpus);
  }

  [Symbol.dispose](): void {
    this.live[Symbol.dispose]();
  }

  /** Loads one program. */
  load({ program, reject }: LinkResult, logLevel: number): LiveOutcome {
    if (!program) return { ...reject, log: '', insnsProcessed: 0, verificationTimeUs: 0, run: null };
    const { verdict, run } = this.live.load(program, logLevel | 4);
    return {
      verdict: verdict.verdict,
      stage: 'verifier',
      errno: verdict.errno,
      message: verdict.errno ? reasonOf(verdict.log) : null,
      log: verdict.log,
      ...statisticsOf(verdict.log),
      run,
    };
  }
}

/** The release of ours whose rules are nearest to a `uname -r`: the same series, else the newest there is. */
export function nearestRelease(uname: string): Release {
  const series = /^\d+\.\d+/.exec(uname)?.[0];
  return profileReleases().find((release) => release === series) ?? (profileReleases().at(-1) as Release);
}
