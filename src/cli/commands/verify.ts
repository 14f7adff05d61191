import { Option } from 'commander';
import { EXIT, NotSupported } from '../../errors.ts';
import { type LinkResult, linkPrograms } from '../../kernel/link.ts';
import { loadObject } from '../../loader/object.ts';
import type { ObjectSpec } from '../../loader/spec.ts';
import { readAsset } from '../../platform/node/assets.ts';
import { readUserFile } from '../../platform/node/files.ts';
import { openKernel } from '../../platform/node/user_profiles.ts';
import { accepted, formatVerdict, type Judged, type Part, verdictToJson } from '../../report/verdict.ts';
import { initRange, verify } from '../../verifier/index.ts';
import type { CommandModule } from '../command.ts';
import { choice, collect, count, type MachineFlags, machineOptions, noteIdle } from '../options.ts';
import { checkPrograms } from '../programs.ts';
import { note, paintFor, print, printJson, type Style } from '../terminal.ts';

interface VerifyFlags extends MachineFlags {
  readonly prog?: readonly string[];
  readonly engine: 'verifier' | 'live';
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
        .argument('<object...>', 'compiled BPF objects (*.bpf.o)')
        .option('--prog <name>', 'only this program; may be repeated', collect)
        .addOption(
          new Option('--engine <name>', 'verifier: ours; live: the running kernel, with its own BTF and rules')
            .argParser(choice('--engine', ['verifier', 'live'] as const))
            .default('verifier'),
        )
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
    )
      .addHelpText(
        'after',
        '\n  bpf-cpumask verify *.bpf.o\n  bpf-cpumask verify my.bpf.o --kernel 6.12\n  bpf-cpumask verify my.bpf.o --prog pick --log-level 2',
      )
      .action(async (paths: readonly string[], flags: VerifyFlags) => {
        if (flags.engine === 'live') noteIdle(command);
        done(await run(paths, flags));
      });
  },
};

/** The worst exit status of all: a program that cannot be judged says more than one that is rejected. */
async function run(paths: readonly string[], flags: VerifyFlags): Promise<number> {
  const judge = flags.engine === 'live' ? null : judgeOf(flags);
  const paint = paintFor(process.stdout);
  let status: number = EXIT.ok;
  for (const path of paths) {
    if (paths.length > 1 && !flags.json) print(paint('bold', `${path}:`));
    status = Math.max(status, verifyObject(path, judge ?? (await liveJudge(path, flags)), flags, paint));
  }
  return status;
}

function verifyObject(path: string, judge: Judge, flags: VerifyFlags, paint: ReturnType<typeof paintFor>): number {
  const object = loadObject(readUserFile(path), path);
  checkPrograms(object, path, flags.prog);
  let status: number = EXIT.ok;
  for (const linked of judge.linked(object)) {
    let verdict: Judged['verdict'];
    try {
      verdict = judge.verdict(linked);
    } catch (error) {
      if (!(error instanceof NotSupported)) throw error;
      note(`${linked.spec.name}: ${error.message}`);
      status = EXIT.notSupported;
      continue;
    }
    const { spec, program, reject } = linked;
    const judged: Judged = { object: object.name, spec, program, verdict, loader: reject };
    if (!accepted(judged)) status = Math.max(status, EXIT.failed);
    if (flags.json) {
      printJson(verdictToJson(judged, flags.logLevel !== undefined));
      continue;
    }
    for (const line of formatVerdict(judged, (part, text) => paint(STYLES[part], text))) print(line);
    if (flags.logLevel !== undefined && verdict) print(verdict.log);
  }
  return status;
}

/** Who is asked: links an object's programs against a kernel, and says what that kernel says of each. */
interface Judge {
  linked(object: ObjectSpec): readonly LinkResult[];
  verdict(linked: LinkResult): Judged['verdict'];
}

/** Our verifier, with the rules of a release. */
function judgeOf({ kernel = '6.18', btf, nrCpus, prog, cpus, caps, logLevel = 0 }: VerifyFlags): Judge {
  const profile = openKernel(kernel, { btf, nrCpus });
  initRange(readAsset('dist/verifier.wasm'));
  const options = { logLevel: LOG_STATS | logLevel, caps, ...(cpus === undefined ? {} : { cpus }) };
  return {
    linked: (object) => linkPrograms(object, profile, { programs: prog }),
    verdict: ({ program }) => program && verify(program, profile, options),
  };
}

/** The running kernel. */
async function liveJudge(path: string, { prog, caps, logLevel = 0 }: VerifyFlags): Promise<Judge> {
  const { openLiveSession, withCaps } = await import('../live.ts');
  const session = openLiveSession(readUserFile(path), path, { prog });
  return {
    linked: () => session.linked,
    verdict: (linked) => withCaps(caps, () => session.load(linked, logLevel)).verdict,
  };
}

export const { define } = module;
