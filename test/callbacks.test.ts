// test/objects/callbacks.bpf.c: what functions that call back compute, on the simulated kernel and, where there is one, live.
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { LiveObject } from '../src/engine/live.ts';
import { linkPrograms } from '../src/kernel/link.ts';
import { loadProfile } from '../src/kernel/profile.ts';
import { loadObject } from '../src/loader/object.ts';
import { createMachine } from '../src/platform/create_machine.ts';
import { liveKernel, readVmlinuxBtf } from '../src/platform/node/live_kernel.ts';

const bytes = new Uint8Array(readFileSync(new URL('objects/callbacks.bpf.o', import.meta.url)));
const word = (value: number) => new Uint8Array(new BigUint64Array([BigInt(value)]).buffer);

interface Row {
  readonly program: string;
  readonly ctx?: Uint8Array;
  readonly retval: number;
  /** out[], leading elements; the rest is 0. */
  readonly out: readonly bigint[];
  /** Its tail call wants a prog array that user space fills, which this test does not do on the live kernel. */
  readonly simulatedOnly?: true;
}

const ROWS: readonly Row[] = [
  { program: 'walk_array', retval: 0, out: [5n, 10n, 150n, 3n, 3n, 63n, (1n << 64n) - 22n] },
  { program: 'walk_hash', retval: 0, out: [10n, 45n, 1045n, 10n, 5n, 5n, 20n, 525n] },
  { program: 'walk_percpu', retval: 0, out: [3n, 6n, 49n] },
  { program: 'nested_loops', retval: 0, out: [6n, 15020n] },
  { program: 'tree', retval: 0, out: [123589n, 0n, 0n, 0n, 0n, 0n, 0n, 8n] },
  { program: 'throws', ctx: word(7), retval: 33, out: [2n, 8n] },
  { program: 'throws', ctx: word(9), retval: 9, out: [1n] },
  { program: 'caught', ctx: word(7), retval: 33, out: [2n, 8n] },
  { program: 'caught', ctx: word(9), retval: 44, out: [1n, 0n, 9n] },
  { program: 'jump', retval: 40, out: [3n, 33n], simulatedOnly: true },
];

const padded = (out: readonly bigint[]) => Array.from({ length: 8 }, (_, i) => out[i] ?? 0n);

describe('on the simulated kernel', () => {
  const machine = createMachine({ cpus: 2 });
  for (const { program, ctx, retval, out } of ROWS) {
    it(`${program}${ctx ? `(${ctx[0]})` : ''}`, () => {
      using object = machine.load(bytes, { name: 'callbacks.bpf.o' });
      const run = object.program(program).run({ ctx });
      expect(run.fault).toBeNull();
      expect(run.retval).toBe(retval);
      const words = object.globals.get('out') as readonly (number | bigint)[];
      expect(words.map(BigInt)).toEqual(padded(out));
    });
  }
});

/** Why the running kernel is not asked; empty when it is. */
function unasked(): string {
  const { missing } = liveKernel();
  if (missing) return missing;
  const release = readFileSync('/proc/sys/kernel/osrelease', 'utf8').trim();
  return /^(6\.1[0-9]|[7-9]\.)/.test(release) ? '' : `wants 6.10 or newer, this is ${release}`;
}
const reason = unasked();

describe.skipIf(reason)(`on the live kernel${reason ? ` (skipped: ${reason})` : ''}`, () => {
  const profile = loadProfile({ release: '6.18', readBtf: readVmlinuxBtf });
  for (const { program, ctx, retval, out } of ROWS.filter(({ simulatedOnly }) => !simulatedOnly)) {
    it(`${program}${ctx ? `(${ctx[0]})` : ''}`, () => {
      const spec = loadObject(bytes, 'callbacks.bpf.o');
      const [linked] = linkPrograms(spec, profile, { programs: [program] });
      if (!linked?.program) throw new Error(linked?.reject?.message);
      using object = new LiveObject(2);
      const { verdict, run } = object.load(linked.program, 1);
      expect([verdict.verdict, verdict.verdict === 'accept' ? '' : verdict.log.slice(-600)]).toEqual(['accept', '']);
      const result = run?.testRun(ctx ? { ctx } : {});
      expect(result?.retval).toBe(retval);
      const bss = linked.program.maps.find((map) => map.section?.sectionName === '.bss');
      const value = bss && object.entries(bss)?.[0]?.value;
      if (!value) throw new Error('no .bss');
      expect([...new BigUint64Array(value.slice(0, 64).buffer)]).toEqual(padded(out));
    });
  }
});
