import { describe, expect, it } from 'vitest';
import { ALLOC_BPF_CPUMASK, ALLOC_BUFFER, SHADOW_FULL, SHADOW_READONLY } from '../../assembly/layout.ts';
import { createBench, nothing } from '../../test/conformance/machine.ts';
import { faultLines } from '../report/fault.ts';
import { assemble, assembleWithLabels } from '../uapi/asm.ts';

const bench = createBench(64);
const { memory } = bench;
const run = (text: string, args: readonly bigint[] = [], more = {}) =>
  bench.load(assemble(text)).run({ args, ...more });

describe('calls', () => {
  it('bpf_loop calls back with index and context, and counts', () => {
    const text = (flags: number, result: string) => `
      r1 = 5; r2 = func(cb); r3 = r10; r3 += -8; *(u64 *)(r3 +0) = 100; r4 = ${flags}; r6 = 7
      call bpf_loop
      r1 = *(u64 *)(r10 - 8); r1 <<= 32; r0 += r1; r0 += r6; exit
      cb: r6 = *(u64 *)(r2 + 0); r6 += r1; *(u64 *)(r2 + 0) = r6; r0 = 0; ${result}; exit`;
    // 100 + 0 + 1 + 2 + 3 + 4, r0 = 5, r6 is the caller's own.
    expect(run(text(0, '')).r0).toBe((110n << 32n) + 5n + 7n);
    expect(run(text(0, 'if r1 != 2 goto +1; r0 = 1')).r0).toBe((103n << 32n) + 3n + 7n);
    expect(run(text(1, '')).r0).toBe(BigInt.asUintN(64, (100n << 32n) - 22n + 7n));
  });

  it.each([
    [8388608, 8388608n],
    [8388609, BigInt.asUintN(64, -7n)],
    [0, 0n],
  ])('bpf_loop of %d iterations gives %d', (iterations, want) => {
    expect(run(`r1 = ${iterations}; r2 = func(cb); r3 = 0; r4 = 0; call bpf_loop; exit; cb: r0 = 0; exit`).r0).toBe(
      want,
    );
  });

  it('nests eight frames, each with a stack of its own, and faults when there are too many', () => {
    const nested = `
      r1 = 7; call f; exit
      f: *(u64 *)(r10 - 512) = r1; r0 = 1; if r1 == 0 goto out; r1 += -1; call f
      r1 = *(u64 *)(r10 - 512); r0 *= 10; r0 += r1
      out: exit`;
    expect(run(nested).r0).toBe(11234567n);
    expect(run('call f; exit; f: call f; exit').fault?.kind).toBe('call-depth');
  });

  it('bpf_throw ends the run with the cookie, from any depth, or runs the exception callback', () => {
    const environment = { ...nothing, kfunc: () => 'bpf_throw' };
    const { bytes, labels } = assembleWithLabels(
      'call f; r0 = 1; exit; f: r1 = 77; call bpf_throw; exit; cb: r0 = r1; r0 += 1; *(u64 *)(r10 - 8) = r0; exit',
      { kfuncs: { bpf_throw: 5 } },
    );
    expect(bench.load(bytes, { environment }).run().r0).toBe(77n);
    const exceptionCallback = labels.get('cb') ?? null;
    expect(bench.load(bytes, { environment, exceptionCallback }).run().r0).toBe(78n);
  });

  it('refuses by name what the machine cannot call, unless the verifier never got there', () => {
    const environment = { ...nothing, kfunc: () => 'bpf_crypto_encrypt' };
    const bytes = assemble('call k; exit', { kfuncs: { k: 9 } });
    expect(() => bench.load(bytes, { environment })).toThrow('not supported yet: kfunc bpf_crypto_encrypt');
    expect(bench.load(bytes, { environment, reached: new Set() }).run().fault?.kind).toBe('bad-call');
    expect(() => bench.load(assemble('call bpf_skb_ecn_set_ce; exit'))).toThrow('helper bpf_skb_ecn_set_ce');
    expect(bench.load(assemble('call 5000; exit')).run().fault?.kind).toBe('bad-call');
    expect(() => bench.load(assemble('r1 = btf_id(3); exit'))).toThrow('kernel variable with BTF id 3');
  });

  it('leaves a loop of may_goto after 8388608 rounds, counted for each function', () => {
    expect(run('r0 = 0; l: may_goto out; r0 += 1; goto l; out: exit').r0).toBe(8388608n);
    expect(
      run(
        'r6 = 0; call f; r6 += r0; call f; r6 += r0; r0 = r6; exit; f: r0 = 0; l: may_goto o; r0 += 1; if r0 != 9 goto l; o: exit',
      ).r0,
    ).toBe(18n);
  });
});

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

describe('constants', () => {
  it('are addresses of maps, their values, callbacks and kernel variables', () => {
    const environment = { ...nothing, map: () => 0x2000, mapValue: () => 0x3000, ksym: () => 0xffff888000004000n };
    const value = (text: string) => bench.load(assemble(text, { maps: { m: 0 } }), { environment }).run().r0;
    expect(value('r0 = map(m); exit')).toBe(0xffff888000002000n);
    expect(value('r0 = map_value(m, 24); exit')).toBe(0xffff888000003018n);
    expect(value('r0 = btf_id(7); exit')).toBe(0xffff888000004000n);
    expect(value('r0 = func(f); r1 = r0; r1 >>= 32; r0 = r1; exit; f: exit')).toBe(0xffff8880n);
  });

  it('of callbacks lead back to their instruction, so that timers can run them later', () => {
    const program = bench.load(assemble('r0 = func(f); exit; f: r0 = r1; r0 += r3; exit'));
    const entry = program.entryOf(program.run().r0);
    expect(entry).toBe(3);
    expect(program.run({ entry: entry ?? 0, args: [4n, 0n, 5n] }).r0).toBe(9n);
    expect([program.entryOf(0n), program.entryOf(program.run().r0 + 1n), program.entryOf(-1n)]).toEqual([
      null,
      null,
      null,
    ]);
  });

  it('map file descriptors are for a kernel', () => {
    const bytes = assemble('r0 = map(m); exit', { maps: { m: 0 } });
    for (const pseudo of [1, 2]) {
      bytes[1] = pseudo << 4;
      expect(() => bench.load(bytes)).toThrow('not supported yet: maps by file descriptor');
    }
  });
});

describe('packets and contexts', () => {
  const packet = memory.kmalloc(16, ALLOC_BUFFER);
  memory.write(
    packet,
    Uint8Array.from({ length: 16 }, (_, i) => i + 0x10),
  );
  const load = (text: string) =>
    run(`r6 = r1; r7 = 3; ${text}; exit`, [bench.address], { packet: { offset: packet, length: 16 } });

  it.each([
    ['r0 = *(u8 *)skb[2]', 0x12n],
    ['r0 = *(u16 *)skb[2]', 0x1213n],
    ['r0 = *(u32 *)skb[12]', 0x1c1d1e1fn],
    ['r0 = *(u8 *)skb[r7 + 1]', 0x14n],
    ['r0 = *(u16 *)skb[r7 + 1]', 0x1415n],
    ['r0 = *(u32 *)skb[r7 + -3]', 0x10111213n],
    ['r0 = 9; r0 = *(u32 *)skb[13]; r0 = 1', 0n],
    ['r0 = 9; r0 = *(u16 *)skb[r7 + 12]; r0 = 1', 0n],
    ['r0 = 9; r0 = *(u8 *)skb[r7 + -4]; r0 = 1', 0n],
  ])('%s', (text, want) => {
    expect(load(text).r0).toBe(want);
  });

  it('an access outside of the packet leaves the function, not the program', () => {
    const text = 'r6 = r1; call f; r0 += 5; exit; f: r6 = r1; r0 = *(u8 *)skb[99]; exit';
    expect(run(text, [bench.address], { packet: { offset: packet, length: 16 } }).r0).toBe(5n);
    expect(run('r0 = *(u8 *)skb[0]; exit').fault?.kind).toBe('no-packet');
  });

  it('fields of a context stand for addresses; their neighbours are plain', () => {
    const context = memory.kmalloc(32, ALLOC_BUFFER);
    memory.setU32(context, 11);
    memory.setU32(context + 4, 0xdead);
    memory.dv().setBigUint64(context + 16, memory.address(packet), true);
    const program = (text: string) =>
      bench
        .load(assemble(text), { context: [{ off: 4, size: 4, hidden: 16 }] })
        .run({ args: [memory.address(context)], context });
    expect(program('r0 = *(u32 *)(r1 + 4); exit').r0).toBe(memory.address(packet));
    expect(program('r2 = *(u32 *)(r1 + 4); r0 = *(u8 *)(r2 + 5); exit').r0).toBe(0x15n);
    expect(program('r0 = *(u32 *)(r1 + 0); exit').r0).toBe(11n);
    expect(program('r0 = *(u64 *)(r1 + 16); exit').fault?.kind).toBe('out-of-bounds');
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
