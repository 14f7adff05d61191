/** An object on the live kernel: linked against the running kernel's BTF, its globals set, its programs loaded one by one. */

import type { Release } from '../kernel/bpf/rows.ts';
import { type LinkResult, type LoaderReject, linkPrograms } from '../kernel/link.ts';
import { type Profile, profileReleases } from '../kernel/profile.ts';
import { loadObject } from '../loader/object.ts';
import type { MapSpec, ObjectSpec } from '../loader/spec.ts';
import { presetGlobals } from '../loader/variables.ts';
import type { Verdict } from '../verifier/verdict.ts';
import { LiveObject, type LiveProgram } from './live.ts';
import { reasonOf, statisticsOf } from './live_log.ts';

/** What the kernel said of a program, or libbpf before it. */
export interface LiveOutcome {
  /** null when libbpf refused it. Of instructions, paths and references only the log tells. */
  readonly verdict: Verdict | null;
  readonly loader: LoaderReject | null;
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

/** BPF_LOG_STATS. */
const LOG_STATS = 4;

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

  /**
   * Loads one program.
   * @param logLevel - 1 the path of a rejection, 2 every path; 0 statistics alone
   */
  load({ program, reject }: LinkResult, logLevel: number): LiveOutcome {
    if (!program) return { verdict: null, loader: reject, run: null };
    const { verdict, run } = this.live.load(program, logLevel | LOG_STATS);
    const message = verdict.errno ? reasonOf(verdict.log) : null;
    return {
      verdict: {
        ...verdict,
        message,
        messageLines: message === null ? [] : [message],
        insn: null,
        source: null,
        path: [],
        held: [],
        fixups: null,
        stats: statisticsOf(verdict.log),
      },
      loader: null,
      run,
    };
  }
}

/** The release of ours whose rules are nearest to a `uname -r`: the same series, else the newest there is. */
export function nearestRelease(uname: string): Release {
  const series = /^\d+\.\d+/.exec(uname)?.[0];
  return profileReleases().find((release) => release === series) ?? (profileReleases().at(-1) as Release);
}
