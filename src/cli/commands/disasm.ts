import { EXIT } from '../../errors.ts';
import { loadObject } from '../../loader/object.ts';
import { readUserFile } from '../../platform/node/files.ts';
import { disassemble } from '../../report/disasm.ts';
import type { CommandModule } from '../command.ts';
import { collect } from '../options.ts';
import { checkPrograms } from '../programs.ts';
import { paintFor, print, type Style } from '../terminal.ts';

const styles: Readonly<Record<'title' | 'source' | 'note', Style>> = { title: 'bold', source: 'cyan', note: 'dim' };

const module: CommandModule = {
  define(command, done) {
    command
      .description('Show the instructions of an object with source lines, kfuncs and maps by name.')
      .argument('<object>', 'compiled BPF object')
      .addHelpText('after', '\n  bpf-cpumask disasm my.bpf.o --prog pick')
      .option('--prog <name>', 'only this program; may be repeated', collect)
      .action((path: string, { prog }: { prog?: readonly string[] }) => {
        const object = loadObject(readUserFile(path), path);
        checkPrograms(object, path, prog);
        const chosen = object.programs.filter(({ name }) => !prog || prog.includes(name));
        const paint = paintFor(process.stdout);
        const texts = chosen.map((program) =>
          [...disassemble(object, program, (part, text) => paint(styles[part], text))].join('\n'),
        );
        print(texts.join('\n\n'));
        done(EXIT.ok);
      });
  },
};

export const { define } = module;
