/** `mask EXPR`: a mask in every form, and set operations on masks. */
import { type Command, Option } from 'commander';
import { EXIT } from '../../errors.ts';
import { evaluateMask } from '../../kernel/mask_expr.ts';
import { count, MAX_CPUS } from '../options.ts';
import { print, printJson } from '../terminal.ts';

interface Flags {
  readonly cpus?: number;
  readonly json?: boolean;
}

export function define(command: Command, done: (status: number) => void): void {
  command
    .description('Show a CPU mask in every form; combine masks.')
    .argument('<expr...>', 'a mask: cpulist 0-3,8, hex ff,ffffffff or 0xff, words:ffff,3; with & | ^ ~ ( )')
    .addOption(
      new Option('--cpus <n>', 'CPUs of the machine: the bound, and what ~, N and all mean').argParser(
        count('--cpus', 1, MAX_CPUS),
      ),
    )
    .option('--json', 'one JSON object')
    .addHelpText('after', "\n  bpf-cpumask mask '0-7 & ~2,3'\n  bpf-cpumask mask '~(0-3 | 8-11)' --cpus 16 --json")
    .action((parts: readonly string[], { cpus, json }: Flags) => {
      const expr = parts.join(' ');
      const mask = evaluateMask(expr, cpus);
      const words = mask.toWords().map((word) => word.toString(16));
      const list = mask.toString();
      const hex = mask.toHex(cpus);
      if (json) {
        printJson({
          expr,
          list,
          hex,
          words,
          weight: mask.weight,
          first: mask.first ?? null,
          last: mask.last ?? null,
        });
      } else {
        print(
          `list   ${list === '' ? '(empty)' : list}\nhex    ${hex}\nwords  ${words.join(',') || '0'}\nweight ${mask.weight}`,
        );
      }
      done(EXIT.ok);
    });
}
