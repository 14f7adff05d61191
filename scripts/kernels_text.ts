/** docs/kernels.md: the history of kfuncs and verifier, from the rows. */
import type { ReleaseFile } from '../profiles/release.ts';
import { CPUMASK_KFUNCS } from '../src/kernel/bpf/kfuncs/cpumask.ts';
import { OTHER_KFUNCS } from '../src/kernel/bpf/kfuncs/sets.ts';
import { compareReleases, flagNames, type KfuncRow, type Release } from '../src/kernel/bpf/rows.ts';
import { RELEASES } from '../src/kernel/generated/releases.ts';

const FILES: readonly ReleaseFile[] = RELEASES;
const byRelease = ([a]: readonly [string, unknown], [b]: readonly [string, unknown]): number =>
  compareReleases(a as Release, b as Release);

const cell = (text: string): string => text.replace(/\|/g, '\\|').replace(/</g, '&lt;');

function flags(row: KfuncRow): string {
  const steps = Object.entries(row.flags).sort(byRelease);
  const words = (value: number): string =>
    flagNames(value)
      .map((name) => name.slice('KF_'.length))
      .join(', ') || 'none';
  return steps.map(([release, value]) => `${steps.length > 1 ? `${release}: ` : ''}${words(value ?? 0)}`).join('; ');
}

function prototype(row: KfuncRow): string {
  const later = Object.entries(row.protos ?? {}).sort(byRelease);
  return [`\`${row.proto}\``, ...later.map(([release, proto]) => `from ${release} \`${proto}\``)].map(cell).join('; ');
}

function* cpumask(): Generator<string> {
  yield '## The cpumask kfuncs';
  yield '';
  yield '| kfunc | since | until | flags | prototype |';
  yield '| --- | --- | --- | --- | --- |';
  for (const row of CPUMASK_KFUNCS) {
    yield `| ${row.name} | ${row.since} | ${row.until ?? ''} | ${flags(row)} | ${prototype(row)} |`;
  }
  yield '';
  yield 'Until names the first release without it. Program types that may call them:';
  yield '';
  for (const [release, types] of Object.entries(CPUMASK_KFUNCS[0]?.programs ?? {}).sort(byRelease)) {
    yield `- from ${release}: ${types?.join(', ')}`;
  }
}

/** What a message says, with its parameters as they are named. */
function template(say: unknown): string {
  const source = String(say);
  const found = /`((?:[^`\\]|\\.)*)`/.exec(source) ?? /'((?:[^'\\]|\\.)*)'/.exec(source);
  return cell((found?.[1] ?? source).replace(/\$\{(\w+) \+ 1\}/g, '<$1 + 1>').replace(/\$\{(\w+)\}/g, '<$1>'));
}

function* rules(): Generator<string> {
  yield '## What each release changed';
  for (const file of FILES) {
    const features = Object.entries(file.features);
    const backports = Object.entries(file.backports ?? {});
    const words = Object.entries(file.words);
    yield '';
    yield `### ${file.release}`;
    yield '';
    const own = file.btf === file.release ? 'its own BTF' : `the BTF of ${file.btf}`;
    yield `Stands for ${file.version.join('.')}, with ${own}.`;
    if (features.length + backports.length) {
      yield '';
      yield '| rule | from this release on | to pass where it differs | known |';
      yield '| --- | --- | --- | --- |';
      for (const [name, row] of features) {
        const { summary, remedy, evidence, source } = row;
        yield `| ${name} | ${cell(summary)} | ${cell(remedy ?? '')} | ${evidence}: ${cell(source)} |`;
      }
      for (const [name, { evidence, source }] of backports) {
        yield `| ${name} | This stable release has it too, though later ones came without. | | ${evidence}: ${cell(source)} |`;
      }
    }
    if (words.length) {
      yield '';
      yield '| message | words | known |';
      yield '| --- | --- | --- |';
      for (const [id, row] of words) {
        const says = 'was' in row ? `before: ${template(row.was)}` : `from then on: ${template(row.is)}`;
        yield `| ${id} | ${says} | ${row.evidence}: ${cell(row.source)} |`;
      }
    }
  }
}

function* others(): Generator<string> {
  yield '## Other kfuncs, by the release that brought them';
  const names = new Map<Release, string[]>();
  for (const { since, name, until } of OTHER_KFUNCS) {
    names.set(since, [...(names.get(since) ?? []), until === undefined ? name : `${name} (until ${until})`]);
  }
  for (const [release, list] of [...names].sort(byRelease)) {
    yield '';
    yield `- **${release}**: ${list.join(', ')}`;
  }
}

export function kernelsPage(): string {
  const head = [
    '# Kernel releases',
    '',
    'This page is written from the rows that the verifier reads (`profiles/`, `src/kernel/bpf/kfuncs`) by',
    '`node scripts/run.mjs scripts/kernels_page.ts`. *measured* means that two kernels were asked and differ by the rule;',
    '*documented*, that only the history of the named function shows it. Which release brought a kfunc is documented; that 6.12,',
    '6.18 and 7.2 have it, and with which prototype, is in their BTF.',
    '',
  ];
  return `${[...head, ...cpumask(), '', ...rules(), '', ...others()].join('\n')}\n`;
}
