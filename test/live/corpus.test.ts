import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { Btf } from '../../src/btf/btf.ts';
import { LiveObject } from '../../src/engine/live.ts';
import { reasonOf, statisticsOf } from '../../src/engine/live_log.ts';
import { linkPrograms } from '../../src/kernel/link.ts';
import { loadProfile } from '../../src/kernel/profile.ts';
import type { MapSpec } from '../../src/loader/spec.ts';
import { liveKernel, readVmlinuxBtf, withCapBpfAlone } from '../../src/platform/node/live_kernel.ts';
import { getAffinity, setAffinity } from '../../src/platform/node/sched_affinity.ts';
import { type CorpusRow, corpusObject, readCorpus } from '../verdicts/corpus.ts';
import { laterRule } from '../verifier/later_builds.ts';

/** Why the corpus says nothing of the running kernel; empty when it does. */
function unlike(): string {
  const { missing } = liveKernel();
  if (missing) return missing;
  const release = readFileSync('/proc/sys/kernel/osrelease', 'utf8').trim();
  if (!release.startsWith('6.18.')) return `the corpus is of 6.18, this is ${release}`;
  const btf = Btf.parse(readVmlinuxBtf());
  const bits = btf.size(btf.find('cpumask', 'struct')) * 8;
  if (bits !== 256) return `the corpus is of NR_CPUS 256, this is ${bits}`;
  const possible = readFileSync('/sys/devices/system/cpu/possible', 'utf8').trim();
  return possible === '0-1' ? '' : `the corpus is of 2 CPUs, this has ${possible}`;
}

const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex');
const bytes = (text: string) => new Uint8Array(Buffer.from(text, 'hex'));
/** Ids that the loader's words take from the kernel's BTF, which is not the same in every build. */
const anyId = (message: string) => message.replace(/vmlinux \[\d+\]/, 'vmlinux [id]');

const profile = loadProfile({ release: '6.18', readBtf: readVmlinuxBtf });

function ask(row: CorpusRow) {
  const [linked] = linkPrograms(corpusObject(row.file), profile, { programs: [row.program] });
  if (!linked) throw new Error(`${row.file} has no program ${row.program}`);
  if (linked.reject) return { verdict: linked.reject, object: null, run: null, maps: [] };
  const object = new LiveObject(2);
  const program = linked.program;
  const { verdict, run } = row.caps ? withCapBpfAlone(() => object.load(program, 4)) : object.load(program, 4);
  return { verdict: { ...verdict, message: reasonOf(verdict.log) }, object, run, maps: program.maps };
}

/** Maps as expected.jsonl has them: arrays as all values in a row, hashes by key. */
function contents(object: LiveObject, maps: readonly MapSpec[]) {
  const arrays: Record<string, string> = {};
  const hashes: Record<string, Record<string, string>> = {};
  for (const map of maps) {
    const entries = object.entries(map);
    if (!entries || map.section?.kind === 'rodata' || map.section?.kind === 'kconfig') continue;
    if (map.type.endsWith('hash')) {
      hashes[map.name] = Object.fromEntries(entries.map(({ key, value }) => [hex(key), hex(value)]));
    } else arrays[map.section?.sectionName ?? map.name] = entries.map(({ value }) => hex(value)).join('');
  }
  return { arrays, hashes };
}

const reason = unlike();

describe.skipIf(reason)(`the verdict corpus on the live kernel${reason ? ` (skipped: ${reason})` : ''}`, () => {
  it('reaches the verdict, errno and message of every program', () => {
    for (const row of readCorpus()) {
      const { verdict, object } = ask(row);
      object?.[Symbol.dispose]();
      if (laterRule(verdict, row)) continue;
      const name = `${row.file}.${row.program}`;
      expect({ name, verdict: verdict.verdict, errno: verdict.errno }).toEqual({
        name,
        verdict: row.verdict,
        errno: row.errno,
      });
      if (row.verdict === 'reject') expect(anyId(verdict.message).trim()).toBe(anyId(row.message).trim());
      if (row.insns_processed && 'log' in verdict) {
        expect(statisticsOf(verdict.log).insnsProcessed, name).toBe(row.insns_processed);
      }
    }
  });

  it('gives the results of every program that can be run', () => {
    const before = getAffinity();
    setAffinity([0]);
    let ran = 0;
    try {
      for (const row of readCorpus()) {
        if (row.retval === undefined || row.depends_on_machine || row.unstable) continue;
        const { verdict, object, run, maps } = ask(row);
        if (laterRule(verdict, row)) continue;
        if (!object || !run) throw new Error(`${row.file}.${row.program} was not loaded`);
        using _ = object;
        const result = run.testRun({
          ...(row.ctx_in === undefined ? {} : { ctx: bytes(row.ctx_in) }),
          ...(row.data_in === undefined ? {} : { data: bytes(row.data_in) }),
        });
        const { arrays, hashes } = contents(object, maps);
        const name = `${row.file}.${row.program}`;
        expect({ name, retval: result.retval, arrays }).toMatchObject({
          name,
          retval: row.retval,
          arrays: row.maps ?? {},
        });
        expect(hashes, name).toMatchObject(row.hash_maps ?? {});
        ran++;
      }
    } finally {
      setAffinity(before);
    }
    expect(ran).toBeGreaterThan(140);
  });
});
