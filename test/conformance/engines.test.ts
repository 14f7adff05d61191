import { describe, expect, it } from 'vitest';
import { ENGINE_NAMES } from '../../src/engine/engines.ts';
import { formatInsn, Insns, insnRows } from '../../src/uapi/insn.ts';
import { BUFFER_SIZE, type Case, casesOf, ELSEWHERE } from './cases.ts';
import { type Bench, createBench } from './machine.ts';

/** Runs a case; those that end in a fault are the checking engine's. */
function check(bench: Bench, { program, runs }: Case): void {
  const wanted = bench.engine.name === 'interp' ? runs : runs.filter(({ want }) => typeof want === 'bigint');
  if (wanted.length === 0) return;
  const loaded = bench.load(program);
  const text = formatInsn(new Insns(program), 0);
  for (const run of wanted) {
    bench.memory.u8().fill(0, bench.buffer, bench.buffer + BUFFER_SIZE);
    if (run.buffer) bench.memory.write(bench.buffer, Uint8Array.from(run.buffer));
    const args = run.args.map((arg) => (arg === '&' ? bench.address : arg));
    const outcome = loaded.run({ args });
    const got = outcome.fault ? outcome.fault.kind : outcome.r0;
    const after = run.wantBuffer && [...bench.memory.read(bench.buffer, run.wantBuffer.length)];
    if (got === run.want && String(after) === String(run.wantBuffer)) continue;
    expect({ text, args: run.args.map(String), got, after }).toEqual({
      text,
      args: run.args.map(String),
      got: run.want,
      after: run.wantBuffer,
    });
  }
  loaded.dispose();
}

describe.each(ENGINE_NAMES)('every instruction, at the edges of its operands: %s', (name) => {
  const bench = createBench(BUFFER_SIZE, name);
  for (const row of insnRows) {
    it(row.op, () => {
      const cases = casesOf(row);
      expect(cases.length > 0).toBe(!ELSEWHERE.has(row.op));
      for (const one of cases) check(bench, one);
    });
  }
});
