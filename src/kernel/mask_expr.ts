/** Masks as people type them: any text form, and set operations (`0-7 & ~2,3`, `|`, `^`, parentheses). */
import { InputError } from '../errors.ts';
import { CpuMask } from './cpu_mask.ts';
import { MAX_CPUS } from './cpulist.ts';

/** An operand, an operator or a parenthesis; blanks around them are skipped. */
const TOKEN = /\s*([&|^~()]|[^\s&|^~()]+)/y;

type Form = 'list' | 'hex' | 'words';

/** Binary operators, the loosest first, as in C. */
const LEVELS: readonly (readonly [string, (a: CpuMask, b: CpuMask) => CpuMask])[] = [
  ['|', (a, b) => a.or(b)],
  ['^', (a, b) => a.xor(b)],
  ['&', (a, b) => a.and(b)],
];

/** Hex where it cannot be a list: a letter from a to f, or more digits in a row than a CPU number has. */
function formOf(text: string): Form {
  if (/^0x/i.test(text)) return 'hex';
  if (/^all(:|$)/i.test(text)) return 'list';
  return /[a-f]/i.test(text) || /\d{5}/.test(text) ? 'hex' : 'list';
}

function fromWords(text: string): CpuMask {
  const words = text.split(',');
  if (!words.every((word) => /^[0-9a-f]{1,16}$/i.test(word))) {
    throw new InputError(`"${text}"`, 'mask words', 'give 64-bit words in hex, the lowest first: words:ffff,3');
  }
  return CpuMask.fromWords(words.map((word) => BigInt(`0x${word}`)));
}

const READERS: Readonly<Record<Form, (text: string, cpus: number | undefined) => CpuMask>> = {
  list: (text, cpus) => CpuMask.fromList(text, cpus),
  hex: (text) => CpuMask.fromHex(text),
  words: fromWords,
};

/**
 * A mask in any form: cpulist `0-3,8`, hex `ff,ffffffff` or `0xff`, 64-bit words `words:ffff,3`. `list:`, `hex:` and `words:`
 * before it settle what it is.
 */
export function parseMask(text: string, cpus?: number): CpuMask {
  const [, prefix, body = ''] = /^(?:(list|hex|words):)?(.*)$/s.exec(text.trim()) ?? [];
  const mask = READERS[(prefix as Form | undefined) ?? formOf(body)](body, cpus);
  if (cpus !== undefined && mask.last !== undefined && mask.last >= cpus) {
    throw new InputError(`"${text}"`, 'mask', `CPU ${mask.last} is out of range 0-${cpus - 1}`);
  }
  return mask;
}

function tokensOf(text: string): readonly string[] {
  TOKEN.lastIndex = 0;
  const tokens: string[] = [];
  const end = text.trimEnd().length;
  while (TOKEN.lastIndex < end) {
    const match = TOKEN.exec(text);
    if (!match?.[1]) break;
    tokens.push(match[1]);
  }
  return tokens;
}

/**
 * The mask that an expression stands for. `~` is the complement within CPUs 0 to cpus - 1; without `cpus` it may only take
 * CPUs away (`0-7 & ~2`).
 *
 * @throws InputError saying which part is wrong
 */
export function evaluateMask(text: string, cpus?: number): CpuMask {
  const tokens = tokensOf(text);
  let at = 0;
  const wrong = (problem: string) => new InputError(`"${text}"`, 'mask expression', problem);

  function operand(): CpuMask {
    const token = tokens[at++];
    if (token === undefined) throw wrong('ends where a mask is missing');
    if (token === '~') return operand().complement(cpus ?? MAX_CPUS);
    if (token === '(') {
      const inner = binary(0);
      if (tokens[at++] !== ')') throw wrong('a ")" is missing');
      return inner;
    }
    if (/^[&|^)]$/.test(token)) throw wrong(`"${token}" stands where a mask is missing`);
    return parseMask(token, cpus);
  }

  function binary(level: number): CpuMask {
    const row = LEVELS[level];
    if (!row) return operand();
    const [operator, apply] = row;
    let mask = binary(level + 1);
    while (tokens[at] === operator) {
      at++;
      mask = apply(mask, binary(level + 1));
    }
    return mask;
  }

  if (tokens.length === 0) return CpuMask.empty;
  const mask = binary(0);
  if (at < tokens.length) throw wrong(`"${tokens[at]}" follows a mask without an operator (& | ^) between`);
  if (cpus === undefined && text.includes('~') && mask.has(MAX_CPUS - 1)) {
    throw wrong('has no end without the number of CPUs (--cpus)');
  }
  return mask;
}
