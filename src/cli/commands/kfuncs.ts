/** `kfuncs [PATTERN]`: the kfunc table of a kernel release. */
import type { Command } from 'commander';
import { EXIT } from '../../errors.ts';
import { kfuncsOf } from '../../kernel/bpf/kfuncs/index.ts';
import { atRelease, flagNames, type KfuncRow, protoAt, type Release } from '../../kernel/bpf/rows.ts';
import { checkRelease } from '../../kernel/profile.ts';
import { releaseOfKernel } from '../../platform/node/user_profiles.ts';
import { paintFor, print, printJson } from '../terminal.ts';

interface Flags {
  readonly kernel: string;
  readonly json?: boolean;
}

/** Words of KfuncRow.run. */
const RUNS: Readonly<Record<KfuncRow['run'], string>> = { call: 'runs', engine: 'runs', none: 'verifies' };

/** `u32 bpf_cpumask_first(const struct cpumask *cpumask)` */
function declaration(row: KfuncRow, release: Release): string {
  const proto = protoAt(row, release);
  const paren = proto.indexOf('(');
  const result = proto.slice(0, paren).trimEnd();
  return `${result}${result.endsWith('*') ? '' : ' '}${row.name}${proto.slice(paren)}`;
}

/** Rows by where they are defined and who may call them, in table order. */
function groups(rows: readonly KfuncRow[], release: Release): ReadonlyMap<string, readonly KfuncRow[]> {
  const found = new Map<string, KfuncRow[]>();
  for (const row of rows) {
    const types = atRelease(row.programs, release) ?? [];
    const who = types.length > 20 ? 'every program type' : types.join(', ') || 'not for programs';
    const title = `${row.source}: ${who}`;
    found.set(title, [...(found.get(title) ?? []), row]);
  }
  return found;
}

export function define(command: Command, done: (status: number) => void): void {
  command
    .description('The kfuncs of a kernel release: prototype, flags, since when, and which program types may call them.')
    .addHelpText('after', '\n  bpf-cpumask kfuncs cpumask --kernel 6.12')
    .argument('[pattern]', 'only kfuncs whose name contains this')
    .option('--kernel <release>', 'kernel release', '6.18')
    .option('--json', 'one JSON object a kfunc')
    .action((pattern: string | undefined, flags: Flags) => {
      const release = releaseOfKernel(flags.kernel);
      checkRelease(release);
      const rows = kfuncsOf(release).filter((row) => row.name.includes(pattern ?? ''));
      if (flags.json) {
        for (const row of rows) {
          printJson({
            name: row.name,
            proto: protoAt(row, release),
            flags: flagNames(atRelease(row.flags, release) ?? 0),
            programs: atRelease(row.programs, release) ?? [],
            since: row.since,
            until: row.until ?? null,
            summary: row.summary,
            returns: row.returns,
            source: row.source,
            run: row.run,
          });
        }
      } else {
        const paint = paintFor(process.stdout);
        for (const [title, members] of groups(rows, release)) {
          print(`${paint('bold', title)}`);
          for (const row of members) {
            const names = flagNames(atRelease(row.flags, release) ?? 0).map((name) => name.slice('KF_'.length));
            const facts = [`since ${row.since}`, RUNS[row.run], ...names].join(', ');
            print(`  ${declaration(row, release)}  ${paint('dim', facts)}`);
            if (row.summary) print(`      ${paint('dim', `${row.summary} Returns ${row.returns}.`)}`);
          }
        }
        print(
          `${rows.length} kfuncs of Linux ${release}${pattern === undefined ? '' : ` with "${pattern}" in the name`}`,
        );
      }
      done(EXIT.ok);
    });
}
