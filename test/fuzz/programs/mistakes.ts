/** Small mistakes in a program's text: what a typing error or a bad compiler would do. */
import type { Random } from '../../../src/random.ts';

const SIZES = ['8', '16', '32', '64'];
const IMMEDIATES = ['0', '1', '-1', '8', '63', '2147483647', '-2147483648', '65535'];

type Mistake = (line: string, random: Random) => string | null;

const replaceOne =
  (what: RegExp, by: (random: Random, found: string) => string): Mistake =>
  (line, random) => {
    const found = [...line.matchAll(what)];
    if (found.length === 0) return null;
    const match = random.pick(found);
    const text = match[1] ?? match[0];
    const from = match.index + match[0].indexOf(text);
    return line.slice(0, from) + by(random, text) + line.slice(from + text.length);
  };

const MISTAKES: readonly Mistake[] = [
  () => '',
  (line) => `${line}\n${line}`,
  replaceOne(/\br(\d+)/g, (random) => `${random.below(11)}`),
  replaceOne(
    /\(r\d+ [+-] ?(\d+)\)/g,
    (random, found) => `${Math.max(0, Number(found) + random.pick([1, -1, 4, 8, -8, 64]))}`,
  ),
  replaceOne(/\*\([us](\d+) \*\)/g, (random) => random.pick(SIZES)),
  replaceOne(/= (-?\d+)$/g, (random) => random.pick(IMMEDIATES)),
  replaceOne(/[<>=!]=? (-?\d+) goto/g, (random) => random.pick(IMMEDIATES)),
  replaceOne(/ (==|!=|s?>=?|s?<=?) /g, (random) => random.pick(['==', '!=', '>', '>=', '<', 's>', 's<=', '&'])),
  replaceOne(/\b([rw])\d+ [-+*/|&^<>s]*= /g, (_, found) => (found === 'r' ? 'w' : 'r')),
];

/** Puts one mistake into the text; lines with a label or that end a function are left alone. */
export function mistake(asm: string, random: Random): string {
  const lines = asm.split('\n');
  for (let i = 0; i < 10; i++) {
    const at = random.below(lines.length);
    const line = lines[at] ?? '';
    if (line.endsWith(':') || line === 'exit') continue;
    const changed = random.pick(MISTAKES)(line, random);
    if (changed === null || changed === line) continue;
    lines[at] = changed;
    break;
  }
  return lines.filter((line) => line !== '').join('\n');
}
