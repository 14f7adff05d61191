import { EXIT } from '../../errors.ts';
import { doctor } from '../../platform/node/doctor.ts';
import type { CommandModule } from '../command.ts';
import { paintFor, print, printJson } from '../terminal.ts';

const module: CommandModule = {
  define(command, done) {
    command
      .description('Say what this machine can do with the live kernel, and how to get what is missing.')
      .option('--json', 'one JSON object a finding')
      .action(({ json }: { json?: boolean }) => {
        const findings = doctor();
        if (json) for (const finding of findings) printJson(finding);
        else {
          const paint = paintFor(process.stdout);
          const width = Math.max(...findings.map(({ what }) => what.length));
          for (const { what, ok, found, how } of findings) {
            const mark = ok ? paint('green', 'ok') : paint('yellow', '--');
            print(`${mark}  ${what.padEnd(width)}  ${found}`);
            if (how) print(`${' '.repeat(width + 6)}${paint('dim', how)}`);
          }
        }
        done(findings.every(({ ok }) => ok) ? EXIT.ok : EXIT.notSupported);
      });
  },
};

export const { define } = module;
