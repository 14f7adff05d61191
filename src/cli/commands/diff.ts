/** `diff OBJ`: every program of an object on the simulated and on the running kernel, differences first. */
import type { Command } from 'commander';
import { EXIT } from '../../errors.ts';
import { readUserFile } from '../../platform/node/files.ts';
import { getAffinity, setAffinity } from '../../platform/node/sched_affinity.ts';
import { alignRows } from '../../report/table.ts';
import { type CompareOptions, compareProgram, type ProgramDiff } from '../compare.ts';
import { openLiveSession } from '../live.ts';
import { choice, collect, hexBytes } from '../options.ts';
import { paintFor, print, printJson } from '../terminal.ts';

interface Flags extends CompareOptions {
  readonly prog?: readonly string[];
  readonly json?: boolean;
}

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
      '\nPrograms that a tracepoint runs are compared by verdict alone: what they compute depends on the tasks of this machine.\n\n  sudo bpf-cpumask diff my.bpf.o --prog pick',
    )
    .action((path: string, flags: Flags) => {
      const bytes = readUserFile(path);
      using session = openLiveSession(bytes, path, flags);
      setAffinity([getAffinity().first ?? 0]);
      const diffs = session.linked.map((linked) => compareProgram(linked, bytes, path, flags));
      diffs.sort((a, b) => b.differences.length - a.differences.length);
      if (flags.json) for (const diff of diffs) printJson({ object: session.spec.name, ...diff });
      else for (const line of linesOf(diffs)) print(line);
      done(diffs.some(({ differences }) => differences.length) ? EXIT.failed : EXIT.ok);
    });
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
