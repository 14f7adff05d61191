import { describe, expect, it } from 'vitest';
import { ALLOC_BPF_CPUMASK, ALLOC_BUFFER, SHADOW_FULL, SHADOW_READONLY } from '../../assembly/layout.ts';
import { createBench, nothing } from '../../test/conformance/machine.ts';
import { faultLines } from '../report/fault.ts';
import { assemble } from '../uapi/asm.ts';

const bench = createBench(64);
const { memory } = bench;
const run = (text: string, args: readonly bigint[] = [], more = {}) =>
  bench.load(assemble(text)).run({ args, ...more });

describe('arguments of calls', () => {
  const kfuncs = { create: 1, release: 2, weight: 3, populate: 4 };
  const names = ['', 'bpf_cpumask_create', 'bpf_cpumask_release', 'bpf_cpumask_weight', 'bpf_cpumask_populate'];
  const environment = { ...nothing, kfunc: (id: number) => names[id] };
  const call = (text: string) => bench.load(assemble(text, { kfuncs }), { environment }).run({ args: [bench.address] });

  it('are checked before a kfunc gets them', () => {
    expect(call('call create; r1 = r0; call weight; exit').r0).toBe(0n);
    const short = call('r1 += 57; call weight; exit');
    expect(short.fault).toMatchObject({ kind: 'out-of-bounds', access: { size: 8, arg: 1, write: false } });
    expect(call('r1 = 0; call weight; exit').fault?.kind).toBe('null-ptr-deref');
  });

  it('with a size beside them are checked for that many bytes', () => {
    const populate = (size: number) =>
      call(`r6 = r1; call create; r1 = r0; r2 = r6; r3 = ${size}; call populate; exit`);
    expect(populate(64)).toMatchObject({ r0: 0n, fault: null });
    expect(populate(65).fault).toMatchObject({ kind: 'out-of-bounds', access: { size: 65, arg: 2 } });
  });

  it('say who made and freed the object, by instruction', () => {
    const make = bench.load(assemble('call create; r6 = r0; r1 = r0; call release; r0 = r6; exit', { kfuncs }), {
      environment,
    });
    const use = bench.load(assemble('r2 = 0; call weight; exit', { kfuncs }), { environment });
    const mask = make.run();
    // The grace period is over with the run that was in a read section.
    const { fault } = use.run({ args: [mask.r0] });
    expect(fault).toMatchObject({ kind: 'use-after-free', site: { insn: 1 }, access: { arg: 1 } });
    expect(fault?.object).toMatchObject({ name: 'struct bpf_cpumask', freed: true });
    expect(fault?.object).toMatchObject({ allocated: { insn: 0 }, freedAt: { insn: 3 } });
  });

  it('a released mask stays until the run that released it is over', () => {
    const text = 'call create; r6 = r0; r1 = r0; call release; r1 = r6; call weight; exit';
    expect(call(text)).toMatchObject({ r0: 0n, fault: null });
  });
});

describe('stepping', () => {
  it('a run taken one instruction at a time ends as one that is not', () => {
    const program = bench.load(
      assemble(`r6 = 0; r1 = 4; r2 = func(cb); r3 = r10; r3 += -8; *(u64 *)(r3 + 0) = 0; r4 = 0; call bpf_loop
        r6 = *(u64 *)(r10 - 8); r0 += r6; exit
        cb: r6 = *(u64 *)(r2 + 0); r6 += r1; *(u64 *)(r2 + 0) = r6; r0 = 0; exit`),
    );
    const whole = program.run();
    const steps = program.start();
    const trace: string[] = [];
    do {
      trace.push(`${steps.insn}/${steps.depth}`);
    } while (steps.step(1));
    expect(steps.outcome).toEqual(whole);
    expect(trace.length).toBe(whole.insns);
    expect(trace.slice(0, 3)).toEqual(['0/0', '1/0', '2/0']);
    expect(trace.filter((at) => at.endsWith('/1')).length).toBe(20);
    expect(steps.registers()[0]).toBe(10n);
    expect(steps.step(1)).toBe(false);
    steps.dispose();
  });

  it('two runs interleave without knowing of each other', () => {
    const program = bench.load(
      assemble('*(u64 *)(r10 - 8) = r1; r2 = 0; l: r2 += r1; if r2 < 50 goto l; r0 = *(u64 *)(r10 - 8); exit'),
    );
    const runs = [5n, 10n].map((arg) => program.start({ args: [arg] }));
    while (runs.filter((one) => one.step(1)).length > 0);
    expect(runs.map((one) => one.outcome?.r0)).toEqual([5n, 10n]);
    for (const one of runs) one.dispose();
  });

  it('stops at its budget', () => {
    const { fault, insns } = run('l: goto l', [], { budget: 100_000 });
    expect([fault?.kind, fault?.site.insn, insns]).toEqual(['budget', 0, 100_000]);
  });
});

describe('accesses', () => {
  const bytes = Uint8Array.from({ length: 24 }, (_, i) => 0x81 + 7 * i);
  const at = new DataView(bytes.buffer);
  const loads = [
    ['u8', 1, (i: number) => at.getUint8(i)],
    ['u16', 2, (i: number) => at.getUint16(i, true)],
    ['u32', 4, (i: number) => at.getUint32(i, true)],
    ['u64', 8, (i: number) => at.getBigUint64(i, true)],
    ['s8', 1, (i: number) => at.getInt8(i)],
    ['s16', 2, (i: number) => at.getInt16(i, true)],
    ['s32', 4, (i: number) => at.getInt32(i, true)],
  ] as const;
  const offsets = Array.from({ length: 12 }, (_, i) => i);
  const filled = () => {
    const object = memory.kmalloc(bytes.length, ALLOC_BUFFER);
    memory.u8().set(bytes, object);
    return object;
  };

  it.each(loads)('a load of %s is the same within a granule and across two', (type, _size, value) => {
    const args = [memory.address(filled())];
    for (const i of offsets) {
      expect(run(`r0 = *(${type} *)(r1 + ${i}); exit`, args).r0, `${i}`).toBe(BigInt.asUintN(64, BigInt(value(i))));
    }
  });

  it.each([1, 2, 4, 8])('so is a store of %i bytes, of a register or a constant', (size) => {
    const constant = Uint8Array.of(0x88, 0x77, 0x66, 0x95, 0xff, 0xff, 0xff, 0xff).subarray(0, size);
    for (const i of offsets) {
      const expected = bytes.slice();
      expected.set(constant, i);
      for (const value of ['r2', '-0x6a998878']) {
        const object = filled();
        run(`r2 = -0x6a998878; *(u${size * 8} *)(r1 + ${i}) = ${value}; exit`, [memory.address(object)]);
        expect(memory.u8().slice(object, object + bytes.length), `${i} = ${value}`).toEqual(expected);
      }
    }
  });

  it.each(loads.slice(0, 4))('%s ends where the object does', (type, size) => {
    const args = [memory.address(memory.kmalloc(12, ALLOC_BUFFER))];
    for (const text of [`r0 = *(${type} *)(r1 + OFF); exit`, `*(${type} *)(r1 + OFF) = 1; exit`]) {
      const kind = (off: number) => run(text.replace('OFF', `${off}`), args).fault?.kind ?? null;
      expect(kind(12 - size)).toBeNull();
      expect(kind(13 - size)).toBe('out-of-bounds');
    }
  });
});

describe('faults', () => {
  const kind = (text: string, args: readonly bigint[] = [bench.address]) => run(text, args).fault?.kind;

  it.each([
    ['r0 = *(u64 *)(r10 + 0); exit', 'stack-out-of-bounds'],
    ['r0 = *(u64 *)(r10 - 520); exit', 'stack-out-of-bounds'],
    ['r0 = *(u64 *)(r10 - 516); exit', 'stack-out-of-bounds'],
    ['call f; r0 = *(u64 *)(r0 - 8); exit; f: r0 = r10; exit', 'stack-use-after-return'],
    ['r0 = 0; r0 = *(u64 *)(r0 + 8); exit', 'null-ptr-deref'],
    ['r0 = 1; r0 <<= 40; r0 = *(u8 *)(r0 + 0); exit', 'wild-memory-access'],
    ['r0 = r1; r0 += 64; *(u8 *)(r0 + 0) = 1; exit', 'out-of-bounds'],
    ['r0 = *(u8 *)(r1 - 1); exit', 'out-of-bounds'],
    ['lock *(u32 *)(r1 + 2) += r1; exit', 'misaligned-atomic'],
    ['goto +5; exit', 'past-end'],
    ['r0 = 0', 'past-end'],
    ['goto -9; exit', 'past-end'],
    ['goto +1; r0 = 5 ll; exit', 'bad-opcode'],
    ['r1 = 3; r2 = 4; r3 = 0; r4 = 0; call bpf_loop; exit', 'bad-callback'],
  ])('%s', (text, want) => {
    expect(kind(text)).toBe(want);
  });

  it('read-only memory may be read', () => {
    const rodata = memory.kmalloc(16, ALLOC_BUFFER);
    memory.exports.kasan_poison(rodata, 16, SHADOW_FULL | SHADOW_READONLY);
    expect(run('r0 = *(u64 *)(r1 + 4); exit', [memory.address(rodata)]).fault).toBeNull();
    expect(kind('*(u8 *)(r1 + 4) = 1; exit', [memory.address(rodata)])).toBe('write-to-read-only-memory');
    expect(kind('lock *(u32 *)(r1 + 4) += r1; exit', [memory.address(rodata)])).toBe('write-to-read-only-memory');
  });

  it('loads marked as probing read 0 where there is nothing, whole memory elsewhere', () => {
    memory.dv().setBigUint64(bench.buffer, 77n, true);
    const program = bench.load(assemble('r0 = *(u64 *)(r1 + 0); exit'), { probes: new Set([0]) });
    expect(program.run({ args: [0n] })).toMatchObject({ r0: 0n, fault: null });
    expect(program.run({ args: [0x5555n << 40n] })).toMatchObject({ r0: 0n, fault: null });
    expect(program.run({ args: [bench.address] })).toMatchObject({ r0: 77n, fault: null });
  });

  it('are worded as KASAN does, with the object and who made and freed it', () => {
    const mask = memory.kmalloc(16, ALLOC_BPF_CPUMASK);
    memory.kfree(mask);
    const { fault } = run('r2 = 0; r0 = *(u64 *)(r1 + 8); exit', [memory.address(mask)]);
    if (!fault) throw new Error('no fault');
    const names = {
      program: () => 'pick_cpu',
      line: () => ({ file: 'pick.bpf.c', line: 12, text: '  return mask->usage;' }),
    };
    const at = (offset: number) => `0x${memory.address(offset).toString(16)}`;
    expect(
      faultLines({ ...fault, object: fault.object && { ...fault.object, freedAt: { program: 1, insn: 9 } } }, names),
    ).toEqual([
      'BUG: use-after-free in pick_cpu, insn 1',
      `  Read of 8 bytes at ${at(mask + 8)}`,
      '  pick.bpf.c:12: return mask->usage;',
      `  The address is 8 bytes inside of a 16-byte freed struct bpf_cpumask at ${at(mask)}`,
      '  freed by pick_cpu, insn 9: pick.bpf.c:12: return mask->usage;',
    ]);
  });
});
