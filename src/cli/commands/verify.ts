import { Option } from 'commander';
import { EXIT, InputError, NotSupported } from '../../errors.ts';
import { linkPrograms } from '../../kernel/link.ts';
import { loadObject } from '../../loader/object.ts';
import { readAsset } from '../../platform/node/assets.ts';
import { readUserFile } from '../../platform/node/files.ts';
import { openProfile } from '../../platform/node/profile.ts';
import { accepted, formatVerdict, type Judged, type Part, verdictToJson } from '../../report/verdict.ts';
import { initRange, verify } from '../../verifier/index.ts';
import type { CommandModule } from '../command.ts';
import { release } from '../machine.ts';
import { choice, collect, count, type MachineFlags, machineOptions } from '../options.ts';
import { note, paintFor, print, printJson, type Style } from '../terminal.ts';

interface VerifyFlags extends MachineFlags {
  readonly prog?: readonly string[];
  readonly caps: 'all' | 'bpf';
  readonly logLevel?: number;
  readonly json?: boolean;
}

const STYLES: Readonly<Record<Part, Style>> = {
  good: 'green',
  bad: 'red',
  title: 'bold',
  label: 'dim',
  source: 'cyan',
};

const LOG_STATS = 4;

const module: CommandModule = {
  define(command, done) {
    machineOptions(
      command
        .description('What the kernel would say of the programs of an object: accept, or reject with its message.')
        .argument('<object>', 'compiled BPF object (*.bpf.o)')
        .option('--prog <name>', 'only this program; may be repeated', collect)
        .addOption(
          new Option('--caps <caps>', 'capabilities of the loading process')
            .argParser(choice('--caps', ['all', 'bpf'] as const))
            .default('all'),
        )
        .addOption(
          new Option(
            '--log-level <n>',
            "print the verifier's log: 0 statistics, 1 the last path, 2 every path",
          ).argParser(count('--log-level', 0, 2)),
        )
        .option('--json', 'one JSON object a program, on one line'),
    ).action((path: string, flags: VerifyFlags) => {
      done(run(path, flags));
    });
  },
};

function run(path: string, flags: VerifyFlags): number {
  const object = loadObject(readUserFile(path), path);
  for (const name of flags.prog ?? []) {
    if (object.programs.some((program) => program.name === name)) continue;
    const names = object.programs.map((program) => program.name).join(', ');
    throw new InputError('--prog', '', `${path} has no program ${name}; it has ${names || 'none'}`);
  }
  const profile = openProfile(release(flags.kernel ?? '6.18'), {
    ...(flags.btf === undefined ? {} : { btf: flags.btf }),
    ...(flags.nrCpus === undefined ? {} : { nrCpus: flags.nrCpus }),
  });
  initRange(readAsset('dist/verifier.wasm'));
  const paint = paintFor(process.stdout);
  let status: number = EXIT.ok;
  for (const linked of linkPrograms(object, profile, { programs: flags.prog })) {
    const { spec, program, reject } = linked;
    let verdict: Judged['verdict'] = null;
    if (program) {
      try {
        verdict = verify(program, profile, {
          logLevel: LOG_STATS | (flags.logLevel ?? 0),
          caps: flags.caps,
          ...(flags.cpus === undefined ? {} : { cpus: flags.cpus }),
        });
      } catch (error) {
        if (!(error instanceof NotSupported)) throw error;
        note(`${spec.name}: ${error.message}`);
        status = EXIT.notSupported;
        continue;
      }
    }
    const judged: Judged = { object: object.name, spec, program, verdict, loader: reject };
    if (!accepted(judged) && status === EXIT.ok) status = EXIT.failed;
    if (flags.json) {
      printJson(verdictToJson(judged, flags.logLevel !== undefined));
      continue;
    }
    for (const line of formatVerdict(judged, (part, text) => paint(STYLES[part], text))) print(line);
    if (flags.logLevel !== undefined && verdict) print(verdict.log);
  }
  return status;
}

export const { define } = module;
