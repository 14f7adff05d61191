/** The text of docs/parity/verifier.md, from the sources, the message tables, what covers them and what is known to differ. */
import { readdirSync, readFileSync } from 'node:fs';
import { calls } from '../../src/verifier/messages/calls.ts';
import { core } from '../../src/verifier/messages/core.ts';
import { memory } from '../../src/verifier/messages/memory.ts';
import { root } from '../root.ts';
import type { Coverage } from './coverage.ts';
import { DIFFERENCES } from './differences.ts';
import { LATER_RULES } from './later_builds.ts';

const TABLES = {
  'Control flow, functions, the stack, arithmetic': core,
  'Calls of helpers, kfuncs and functions': calls,
  'Memory, pointers, maps, attachment': memory,
} as const;

const folder = new URL('src/verifier/', root);

interface Area {
  readonly file: string;
  readonly what: string;
  readonly messages: readonly string[];
  readonly unsupported: readonly string[];
}

/** One file of the verifier is one area: its first comment says what it checks. */
function areas(): Area[] {
  const files = readdirSync(folder).filter((file) => file.endsWith('.ts') && !file.endsWith('.test.ts'));
  return files.sort().flatMap((file) => {
    const text = readFileSync(new URL(file, folder), 'utf8');
    const comment = /^\/\*\*([\s\S]*?)\*\//.exec(text)?.[1] ?? '';
    const what = comment.replace(/\s*\n \* ?/g, ' ').trim();
    const messages = [...new Set([...text.matchAll(/\bmsg\.(\w+)/g)].map(([, name = '']) => name))];
    const unsupported = [...text.matchAll(/new NotSupported\(`([^`]*)`\)/g)].map(([, words = '']) => words);
    return messages.length || unsupported.length ? [{ file, what, messages, unsupported }] : [];
  });
}

/** The words of a message, with an N where a number or name comes. */
function wordsOf(word: (...args: never[]) => string | readonly string[]): string {
  const holes = Array.from({ length: word.length }, () => HOLE) as unknown as never[];
  const words = word(...holes);
  return (typeof words === 'string' ? words : words.join(' ')).replace(/NaN/g, 'N');
}
/** A string object: has what messages ask of numbers and strings alike. */
const HOLE = Object('N');

const cell = (text: string): string => text.replaceAll('|', '\\|');
const code = (text: string): string => (text.includes('`') ? `\`\` ${text} \`\`` : `\`${text}\``);

function heldBy(by: readonly string[]): string {
  const [first = 'no case'] = by;
  return by.length <= 1 ? first : `${first} and ${by.length - 1} more`;
}

function* page(coverage: Coverage): Generator<string> {
  const covered = [...coverage.values()].filter((by) => by.length > 0).length;
  yield '# The verifier beside the kernel\n';
  yield 'Written by `node scripts/run.mjs scripts/parity.ts`; a test holds it to the sources. The kernel is Linux 6.18.44 on x86-64. Every';
  yield 'case named here has the answer of that kernel beside it: `case` is small assembly (test/verifier/cases), `object` compiled C';
  yield '(test/verifier/objects, test/data/calls), `call` one helper or kfunc with plain arguments (test/verifier/call_matrix.ts). What is';
  yield 'beyond these, the verdict corpus holds (test/verdicts). Three kinds of cases have no such answer, but what the source of the kernel';
  yield 'says: `documented` ones, which the policy or configuration of that kernel keeps from its verifier, `release` ones of other releases,';
  yield 'and `made up` ones, with types or prototypes that no kernel has.\n';
  yield `${coverage.size} messages, ${covered} with a case.\n`;
  yield '## What is checked\n';
  yield '| file of src/verifier | what it checks | messages | with a case | not supported |';
  yield '| --- | --- | ---: | ---: | --- |';
  for (const { file, what, messages, unsupported } of areas()) {
    const held = messages.filter((name) => (coverage.get(name)?.length ?? 0) > 0).length;
    const no = unsupported.map((words) => code(words)).join(', ') || '-';
    yield `| ${file} | ${cell(what)} | ${messages.length} | ${held} | ${cell(no)} |`;
  }
  yield '\n## Known to differ\n';
  yield '| what | ours | the kernel | why |';
  yield '| --- | --- | --- | --- |';
  const later = LATER_RULES.map((rule) => ({ ...rule, why: 'a rule that later builds of 6.18.44 have' }));
  for (const { what, ours, kernel, why } of [...DIFFERENCES, ...later]) {
    yield `| ${[what, ours, kernel, why].map(cell).join(' | ')} |`;
  }
  for (const [title, table] of Object.entries(TABLES)) {
    yield `\n## Messages: ${title}\n`;
    yield '| message | held by |';
    yield '| --- | --- |';
    for (const [name, word] of Object.entries(table)) {
      const words = code(wordsOf(word as (...args: never[]) => string | readonly string[]));
      yield `| ${cell(words)} | ${cell(heldBy(coverage.get(name) ?? []))} |`;
    }
  }
}

export function parityPage(coverage: Coverage): string {
  return `${[...page(coverage)].join('\n')}\n`;
}
