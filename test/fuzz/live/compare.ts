/** One random program before the live kernel's verifier and ours, and the smallest part of it on which they differ. */
import { LiveObject } from '../../../src/engine/live.ts';
import { reasonOf } from '../../../src/engine/live_log.ts';
import { InputError, NotSupported } from '../../../src/errors.ts';
import type { Profile } from '../../../src/kernel/profile.ts';
import { SyscallError } from '../../../src/platform/node/native.ts';
import { verify } from '../../../src/verifier/index.ts';
import { normalize } from '../../verdicts/compare.ts';
import { caseProgram, lastMessage, type VerifierCase } from '../../verifier/case.ts';
import { type LaterRule, laterRule } from '../../verifier/later_builds.ts';

/** What has to be equal beside verdict and errno: the line that states the reason, or every line of the log. */
export type Depth = 'message' | 'log';

/** BPF_LOG_STATS alone, and with every instruction. */
const STATISTICS = 4;
const INSTRUCTIONS = 6;
const ENOSPC = 28;

export interface Difference {
  /** What differs; programs that differ in the same way are worth one look. */
  readonly key: string;
  readonly before: string;
  readonly kernel: string;
  readonly ours: string;
}

export interface Compared {
  readonly errno: number;
  /** The kernel's last line, numbers left out. */
  readonly message: string;
  readonly difference: Difference | null;
  /** The running kernel has a rule that ours has not, and that explains why they differ. */
  readonly later?: LaterRule;
}

export interface World {
  /** 6.18, with the running kernel's BTF. */
  readonly profile: Profile;
  readonly cpus: number;
  readonly depth: Depth;
}

const withoutNumbers = (line: string) => line.replace(/-?(0x[0-9a-f]+|\d+)/g, 'N').slice(0, 70);

/** Lines that are compared, but for times, addresses, and a number that depends on how the kernel rewrites programs. */
function comparable({ errno, log }: { errno: number; log: string }, depth: Depth): string[] {
  const text = depth === 'log' ? log : errno ? reasonOf(log).replace(/\bid=\d+/g, 'id=N') : '';
  return normalize(text)
    .replace(/(No program to jit at insn) \d+/g, '$1 N')
    .split('\n');
}

/** Both verdicts, and the first line of the log at which they part. Null: the program is none. */
export function compareProgram(test: VerifierCase, { profile, cpus, depth }: World): Compared | null {
  let program: ReturnType<typeof caseProgram>;
  try {
    program = caseProgram(test, profile.btf);
  } catch (error) {
    if (error instanceof InputError) return null;
    throw error;
  }
  using live = new LiveObject(cpus);
  let level = depth === 'log' ? INSTRUCTIONS : STATISTICS;
  let want: { errno: number; log: string };
  try {
    want = live.load(program, level).verdict;
    // The log was too long for its buffer: its end is still to be equal.
    if (want.errno === ENOSPC && level !== STATISTICS) {
      level = STATISTICS;
      want = live.load(program, level).verdict;
    }
  } catch (error) {
    if (error instanceof SyscallError) return null;
    throw error;
  }
  const message = want.errno ? withoutNumbers(lastMessage(want.log)) : '';
  const compared = (difference: Difference | null): Compared => ({ errno: want.errno, message, difference });
  let have: { errno: number; log: string };
  try {
    have = verify(program, profile, { logLevel: level, cpus });
  } catch (error) {
    const text = error instanceof Error ? error.message : String(error);
    const what = error instanceof NotSupported ? 'not supported' : 'thrown';
    return compared({ key: `${what}: ${withoutNumbers(text)}`, before: '', kernel: lastMessage(want.log), ours: text });
  }
  const answer = ({ errno, log }: typeof want) => ({ errno, message: errno ? reasonOf(log) : '' });
  const later = laterRule(answer(want), answer(have), test.asm);
  if (later) return { errno: want.errno, message, difference: null, later };
  const theirs = comparable(want, depth);
  const ours = comparable(have, depth);
  let at = 0;
  while (at < theirs.length && theirs[at] === ours[at]) at++;
  if (want.errno === have.errno && at >= theirs.length) return compared(null);
  const key = want.errno !== have.errno ? `errno ${want.errno} and ours ${have.errno}` : depth;
  const kinds = [theirs[at], ours[at]].map((line = '(end)') => withoutNumbers(line).slice(0, 40));
  return compared({
    key: `${key}: ${kinds.join(' | ')} (${message})`,
    before: theirs[at - 1] ?? '',
    kernel: theirs[at] ?? '(end)',
    ours: ours[at] ?? '(end)',
  });
}

/** Drops lines while the difference stays of its kind. */
export function shrink(test: VerifierCase, world: World, key: string): VerifierCase {
  const differs = (asm: string): VerifierCase | null => {
    const names = Object.keys(test.funcs ?? {}).filter((name) => asm.includes(`${name}:`));
    const funcs = Object.fromEntries(names.map((name) => [name, test.funcs?.[name] ?? ('static' as const)]));
    const candidate: VerifierCase = { ...test, asm, ...(test.funcs ? { funcs } : {}) };
    return compareProgram(candidate, world)?.difference?.key === key ? candidate : null;
  };
  let best = test;
  let lines = test.asm.split('\n');
  for (let chunk = Math.ceil(lines.length / 2); chunk >= 1; chunk = chunk === 1 ? 0 : Math.ceil(chunk / 2)) {
    for (let from = 0; from < lines.length; ) {
      const shorter = lines.toSpliced(from, chunk);
      const found = differs(shorter.join('\n'));
      if (found) {
        best = found;
        lines = shorter;
      } else from += chunk;
    }
  }
  return best;
}
