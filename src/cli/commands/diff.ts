/** `diff OBJ`: every program of an object on the simulated and on the running kernel, differences first. */
import { readFileSync } from 'node:fs';
import { release } from 'node:os';
import type { Command } from 'commander';
import { nearestRelease } from '../../engine/live_session.ts';
import { EXIT, invariant } from '../../errors.ts';
import type { LinkResult } from '../../kernel/link.ts';
import type { KernelProgram } from '../../kernel/program.ts';
import type { Machine } from '../../machine/machine.ts';
import type { BpfObject } from '../../machine/object.ts';
import type { Program } from '../../machine/run.ts';
import { readUserFile } from '../../platform/node/files.ts';
import { VMLINUX_BTF } from '../../platform/node/live_kernel.ts';
import { SyscallError } from '../../platform/node/native.ts';
import { getAffinity, possibleCpus, setAffinity } from '../../platform/node/sched_affinity.ts';
import { alignRows, toHex } from '../../report/table.ts';
import { errnoName } from '../../uapi/errno.ts';
import { openLiveSession, runsLive, withCaps } from '../live.ts';
import { openMachine } from '../machine.ts';
import { choice, collect, hexBytes } from '../options.ts';
import { paintFor, print, printJson } from '../terminal.ts';

interface Flags {
  readonly prog?: readonly string[];
  readonly ctx?: Uint8Array;
  readonly data?: Uint8Array;
  readonly caps: 'all' | 'bpf';
  readonly json?: boolean;
}

/** One thing that is not the same. */
interface Difference {
  readonly what: string;
  readonly simulated: string;
  readonly live: string;
}

interface ProgramDiff {
  readonly program: string;
  readonly section: string;
  readonly differences: readonly Difference[];
  /** What was compared beside the verdict. */
  readonly ran: boolean;
  readonly note: string;
}

/** Ids that a kernel assigns are not the same in two of them. */
const anyIds = (message: string) => message.replace(/\[\d+\]/g, '[id]').trim();

export function define(command: Command, done: (status: number) => void): void {
  command
    .description('Hold the simulated kernel against the running one: verdicts, messages, return values, maps (Linux).')
    .argument('<object>', 'compiled BPF object (*.bpf.o)')
    .option('--prog <name>', 'only this program; may be repeated', collect)
    .option('--ctx <hex>', 'context of a syscall program', hexBytes('--ctx'))
    .option('--data <hex>', 'packet of a tc, XDP or socket program', hexBytes('--data'))
    .option('--caps <set>', 'capabilities of who loads: all, or bpf alone', choice('--caps', ['all', 'bpf']), 'all')
    .option('--json', 'one JSON object a program')
    .addHelpText(
      'after',
      '\nPrograms that a tracepoint runs are compared by verdict alone: what they compute depends on the tasks of this machine.',
    )
    .action((path: string, flags: Flags) => {
      const bytes = readUserFile(path);
      using session = openLiveSession(bytes, path, flags);
      setAffinity([getAffinity().first ?? 0]);
      const diffs = session.linked.map((linked) => compare(linked, bytes, path, flags));
      diffs.sort((a, b) => b.differences.length - a.differences.length);
      if (flags.json) for (const diff of diffs) printJson({ object: session.spec.name, ...diff });
      else for (const line of linesOf(diffs)) print(line);
      done(diffs.some(({ differences }) => differences.length) ? EXIT.failed : EXIT.ok);
    });
}

/** A machine like this one, with the object on it; each program gets its own, so that maps start empty. */
function simulate(bytes: Uint8Array, path: string, name: string): { machine: Machine; object: BpfObject } {
  const machine = openMachine({ cpus: possibleCpus(), kernel: nearestRelease(release()), btf: VMLINUX_BTF });
  const comm = readFileSync('/proc/self/comm', 'utf8').trim();
  const current = machine.tasks.create({ pid: process.pid, comm, parent: machine.current });
  current.setAffinity(`${getAffinity()}`);
  machine.current = current;
  return { machine, object: machine.load(bytes, { name: path, programs: [name] }) };
}

function compare(linked: LinkResult, bytes: Uint8Array, path: string, flags: Flags): ProgramDiff {
  const { name, section, type } = linked.spec;
  using live = openLiveSession(bytes, path, { prog: [name] });
  const ask = () => live.load(live.linked[0] ?? linked, 0);
  const { run: realRun, ...said } = withCaps(flags.caps, ask);
  const real = said.loader ?? said.verdict;
  invariant(real, 'the kernel said nothing');
  const { machine, object } = simulate(bytes, path, name);
  const program = object.program(name);
  const ours = program.reject ?? machine.verify(linkedOf(program), flags.caps);
  const differences: Difference[] = [];
  const differ = (what: string, simulated: unknown, liveValue: unknown) => {
    if (simulated !== liveValue) differences.push({ what, simulated: `${simulated}`, live: `${liveValue}` });
  };
  differ('verdict', ours.verdict, real.verdict);
  differ('errno', errnoName(ours.errno), errnoName(real.errno));
  differ('message', anyIds(ours.message ?? ''), anyIds(real.message ?? ''));
  const runs = realRun && ours.verdict === 'accept' && runsLive(linked.spec) && !program.isTraced;
  if (!runs || !realRun) return { program: name, section, differences, ran: false, note: '' };
  const packet = type === 'syscall' ? undefined : (flags.data ?? new Uint8Array(64));
  const ctx = type === 'syscall' ? flags.ctx : undefined;
  try {
    const result = realRun.testRun({ ...(ctx ? { ctx } : {}), ...(packet ? { data: packet } : {}) });
    const run = program.run({ ctx, data: packet });
    if (run.fault) differ('run', `fault: ${run.fault.kind}`, 'no fault');
    differ('retval', run.retval, result.retval);
    if (ctx) differ('ctx', toHex(run.ctx ?? new Uint8Array()), toHex(result.ctx ?? new Uint8Array()));
    for (const map of live.maps) {
      const entries = live.live.entries(map);
      if (!entries) continue;
      const simulated = object.map(map.name).entries();
      const values = new Map([...simulated].map(({ key, value }) => [toHex(key), toHex(value)]));
      for (const { key, value } of entries) {
        differ(`${map.name}[${toHex(key)}]`, values.get(toHex(key)) ?? 'no entry', toHex(value));
        values.delete(toHex(key));
      }
      for (const [key, value] of values) differ(`${map.name}[${key}]`, value, 'no entry');
    }
    return { program: name, section, differences, ran: true, note: '' };
  } catch (error) {
    if (!(error instanceof SyscallError)) throw error;
    return { program: name, section, differences, ran: false, note: `not run: ${errnoName(error.errno)}` };
  }
}

function linkedOf({ name, linked }: Program): KernelProgram {
  invariant(linked, `${name} is neither linked nor refused`);
  return linked;
}

function linesOf(diffs: readonly ProgramDiff[]): string[] {
  const paint = paintFor(process.stdout);
  return diffs.flatMap(({ program, section, differences, ran, note }) => {
    const same = differences.length === 0;
    const what = note || (ran ? 'verdict, return value and maps' : 'verdict');
    const head = same ? `${paint('green', 'same')}    ${program}  ${paint('dim', `${section}  ${what}`)}` : '';
    if (same) return [head];
    return [
      `${paint('red', 'differs')} ${program}  ${paint('dim', section)}`,
      ...alignRows([
        ['', 'simulated', 'live'],
        ...differences.map(({ what: name, simulated, live }) => [name, simulated, live]),
      ]).map((line) => `        ${line}`),
    ];
  });
}
