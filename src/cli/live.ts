/** `run --engine live`: the object on the running kernel. */
import { spawnSync } from 'node:child_process';
import { release } from 'node:os';
import type { LiveProgram } from '../engine/live.ts';
import { LiveSession, nearestRelease } from '../engine/live_session.ts';
import { EXIT, InputError } from '../errors.ts';
import type { LinkResult } from '../kernel/link.ts';
import { VMLINUX_BTF, withCapBpfAlone } from '../platform/node/live_kernel.ts';
import { SyscallError } from '../platform/node/native.ts';
import { openProfile } from '../platform/node/profile.ts';
import { possibleCpus, setAffinity } from '../platform/node/sched_affinity.ts';
import { collectLiveRun } from '../report/collect_live.ts';
import { readerOf } from '../report/maps.ts';
import { formatRun, runToJson } from '../report/run.ts';
import { errnoName } from '../uapi/errno.ts';
import { checkPrograms } from './programs.ts';
import { note, paintFor, print, printJson } from './terminal.ts';

export interface LiveRunFlags {
  readonly prog?: readonly string[] | undefined;
  readonly cpu: number;
  readonly ctx?: Uint8Array | undefined;
  readonly data?: Uint8Array | undefined;
  readonly set?: Readonly<Record<string, string>> | undefined;
  readonly times: number;
  readonly json?: boolean | undefined;
}

/** The session of an object on the running kernel, with the rules of the nearest release. */
export function openLiveSession(
  bytes: Uint8Array,
  name: string,
  options: { readonly prog?: readonly string[] | undefined; readonly set?: LiveRunFlags['set'] },
): LiveSession {
  const profile = openProfile(nearestRelease(release()), { btf: VMLINUX_BTF });
  const session = new LiveSession(bytes, {
    name,
    profile,
    possibleCpus: possibleCpus(),
    programs: options.prog,
    set: options.set,
  });
  checkPrograms(session.spec, name, options.prog);
  return session;
}

/** Runs `body` with the capabilities that `--caps` names. */
export function withCaps<T>(caps: 'all' | 'bpf', body: () => T): T {
  return caps === 'bpf' ? withCapBpfAlone(body) : body();
}

/** Program types that BPF_PROG_TEST_RUN runs, and that take a packet. */
const TAKES_PACKET = new Set(['sched_cls', 'sched_act', 'xdp', 'socket_filter', 'cgroup_skb']);

/** Can it be run here without more than the object says? */
export function runsLive({ type, attachType }: LinkResult['spec']): boolean {
  return type === 'syscall' || TAKES_PACKET.has(type) || (type === 'tracing' && attachType === 'trace_raw_tp');
}

export function runLive(bytes: Uint8Array, path: string, flags: LiveRunFlags): number {
  using session = openLiveSession(bytes, path, flags);
  const cpus = possibleCpus();
  if (flags.cpu >= cpus) throw new InputError('--cpu', '', `${flags.cpu} is not there: this machine has 0-${cpus - 1}`);
  setAffinity([flags.cpu]);
  const wanted = session.linked.filter(({ spec }) => flags.prog || runsLive(spec));
  if (!wanted.length)
    throw new InputError(path, '', 'no program can run by itself on the live kernel; --prog names one');
  let status: number = EXIT.ok;
  wanted.forEach((linked, i) => {
    if (i > 0 && !flags.json) print('');
    const { name, section, type } = linked.spec;
    const { run, verdict: said, loader } = session.load(linked, 0);
    if (!run) {
      const errno = (loader ?? said)?.errno ?? 0;
      const message = (loader ?? said)?.message ?? '';
      const [verdict, stage] = ['reject', loader ? 'loader' : 'verifier'];
      if (flags.json) {
        printJson({ object: session.spec.name, program: name, section, type, verdict, stage, errno, message });
      } else note(`${name}: rejected by the ${stage} (${errnoName(errno)}): ${message}`);
      status = EXIT.failed;
      return;
    }
    try {
      const report = collectLiveRun(
        session,
        linked.spec,
        { ...runIt(run, linked, flags), cpu: flags.cpu },
        readerOf(flags.json),
      );
      if (flags.json) printJson(runToJson(report));
      else print(formatRun(report, paintFor(process.stdout)));
    } catch (error) {
      if (!(error instanceof SyscallError)) throw error;
      const why = type === 'syscall' && !flags.ctx ? '; it may need a context: --ctx' : '';
      note(`${name}: the kernel does not run it: ${error.call}: ${errnoName(error.errno)}${why}`);
      status = EXIT.failed;
    }
  });
  return status;
}

/** Runs it as often as asked: by BPF_PROG_TEST_RUN, or attached while a child process is started. */
function runIt(run: LiveProgram, { spec }: LinkResult, { times, ctx, data }: LiveRunFlags) {
  if (spec.type === 'tracing') {
    using _ = run.attach();
    const begin = performance.now();
    for (let i = 0; i < times; i++) spawnSync('true');
    return { retval: null, durationNs: Math.round((performance.now() - begin) * 1e6), times, ctx: null };
  }
  const packet = TAKES_PACKET.has(spec.type);
  let retval = 0;
  let durationNs = 0;
  let after: Uint8Array | null = null;
  for (let i = 0; i < times; i++) {
    const begin = performance.now();
    const result = run.testRun({
      ...(ctx && !packet ? { ctx } : {}),
      ...(packet ? { data: data ?? new Uint8Array(64) } : {}),
    });
    // The kernel measures packet programs itself; of a syscall program the call is measured.
    durationNs += result.durationNs || Math.round((performance.now() - begin) * 1e6);
    retval = result.retval;
    after = result.ctx;
  }
  return { retval, durationNs, times, ctx: after };
}
