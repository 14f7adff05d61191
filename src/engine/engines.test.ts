import { readFileSync } from 'node:fs';
import { describe, expect, it, vi } from 'vitest';
import { ALLOC_BUFFER, PC_IRQ_OFF, PC_PREEMPT, PC_RCU_NESTING } from '../../assembly/layout.ts';
import { createBench, nothing } from '../../test/conformance/machine.ts';
import { KernelMemory } from '../kernel/memory.ts';
import { assemble, assembleWithLabels } from '../uapi/asm.ts';
import { callOf } from './calls.ts';
import { createEngine, ENGINE_NAMES } from './engines.ts';

describe.each(ENGINE_NAMES)('%s', (name) => {
  const bench = createBench(64, name);
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
      expect(bench.load(bytes, { environment, reached: new Uint8Array(bytes.length / 8) }).run().fault?.kind).toBe(
        'bad-call',
      );
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

  describe('constants', () => {
    it('are addresses of maps, their values, callbacks and kernel variables', () => {
      const environment = { ...nothing, map: () => 0x2000, mapValue: () => 0x3000, ksym: () => 0xffff888000004000n };
      const value = (text: string) => bench.load(assemble(text, { maps: { m: 0 } }), { environment }).run().r0;
      expect(value('r0 = map(m); exit')).toBe(0xffff888000002000n);
      expect(value('r0 = map_value(m, 24); exit')).toBe(0xffff888000003018n);
      expect(value('r0 = btf_id(7); exit')).toBe(0xffff888000004000n);
      expect(value('r0 = func(f); r1 = r0; r1 >>= 48; r0 = r1; exit; f: exit')).toBe(0xffffn);
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
          .load(assemble(text), { context: [{ off: 4, size: 4, hidden: 16 }], contextAccess: new Set([0]) })
          .run({ args: [memory.address(context)], context });
      expect(program('r0 = *(u32 *)(r1 + 4); exit').r0).toBe(memory.address(packet));
      expect(program('r2 = *(u32 *)(r1 + 4); r0 = *(u8 *)(r2 + 5); exit').r0).toBe(0x15n);
      expect(program('r0 = *(u32 *)(r1 + 0); exit').r0).toBe(11n);
      if (name === 'interp') expect(program('r0 = *(u64 *)(r1 + 16); exit').fault?.kind).toBe('out-of-bounds');
    });
  });

  describe('a budget', () => {
    it('stops a loop, and the machine goes on', () => {
      const { fault, insns } = run('r0 = 0; l: r0 += 1; goto l', [], { budget: 100_000 });
      expect(fault?.kind).toBe('budget');
      expect(insns).toBeGreaterThanOrEqual(100_000);
      expect(insns).toBeLessThan(101_000);
      expect(run('r0 = 7; exit')).toMatchObject({ r0: 7n, insns: 2, fault: null });
    });

    it.each([
      ['functions that call each other', 'call f; exit; f: call g; exit; g: call f; exit', 'call-depth'],
      ['loops that call', 'l: call f; goto l; f: r0 = 0; exit', 'budget'],
      ['callbacks', 'r1 = 8000000; r2 = func(cb); r3 = 0; r4 = 0; call bpf_loop; exit; cb: r0 = 0; exit', 'budget'],
      ['loops with several entries', 'if r1 == 0 goto b; a: r0 = 1; b: r0 = 2; if r0 == 2 goto a; exit', 'budget'],
      ['loops of may_goto', 'l: may_goto o; goto l; o: exit', 'budget'],
    ])('%s', (_what, text, kind) => {
      expect(run(text, [1n], { budget: 100_000 }).fault?.kind).toBe(kind);
      expect(run('r0 = 7; exit').fault).toBeNull();
    });

    it('of time stops a program too', () => {
      const begin = performance.now();
      expect(run('l: goto l', [], { timeLimitMs: 50 }).fault?.kind).toBe('time-limit');
      expect(performance.now() - begin).toBeGreaterThan(45);
      expect(run('r0 = 7; exit', [], { timeLimitMs: 1000 })).toMatchObject({ r0: 7n, insns: 2, fault: null });
    });

    it('leaves no section and no lock behind', () => {
      const nesting = (field: number) => memory.u32At(memory.percpu(0) + field);
      const environment = { ...nothing, kfunc: (id: number) => ['', 'bpf_rcu_read_lock', 'bpf_preempt_disable'][id] };
      const text = 'r6 = r1; call rcu; call preempt; call rcu; r1 = r6; call bpf_spin_lock; l: goto l';
      const bytes = assemble(text, { kfuncs: { rcu: 1, preempt: 2 } });
      memory.setU32(bench.buffer, 0);
      const { fault } = bench.load(bytes, { environment }).run({ args: [bench.address], budget: 1000 });
      expect(fault?.kind).toBe('budget');
      expect([PC_RCU_NESTING, PC_PREEMPT, PC_IRQ_OFF].map(nesting)).toEqual([0, 0, 0]);
      expect(memory.u32At(bench.buffer)).toBe(0);
    });
  });

  it('runs over memory that is not shared, as pages that are not isolated have it', () => {
    vi.stubGlobal('SharedArrayBuffer', undefined);
    try {
      const memory = KernelMemory.create({
        ...{ cpus: 1, nrCpus: 64, cpumaskSize: 8, bpfCpumaskSize: 16, usageOffset: 8, memoryLimit: 16 << 20 },
        wasm: new Uint8Array(readFileSync(new URL('../../dist/kernel.wasm', import.meta.url))),
      });
      const program = createEngine(name, memory, callOf).load({
        ...{ id: 1, name: 'unshared', environment: nothing },
        insns: assemble('*(u64 *)(r10 - 8) = 5; r1 = 7; lock *(u64 *)(r10 - 8) += r1; r0 = *(u64 *)(r10 - 8); exit'),
      });
      // Memory that is not shared moves when it grows.
      expect(program.run().r0).toBe(12n);
      memory.kmalloc(4 << 20, ALLOC_BUFFER);
      expect(program.run()).toMatchObject({ r0: 12n, insns: 5 });
    } finally {
      vi.unstubAllGlobals();
    }
  });

  it.each([
    [100_000, 'straight'],
    [100_000, 'branches'],
    [1_000_000, 'straight'],
  ])(
    '%d instructions, %s',
    (count, kind) => {
      const part = kind === 'straight' ? 'r0 += 3' : 'if r0 == 77 goto +1; r0 += 3';
      const unit = assemble(part);
      const insns = new Uint8Array(count * 8);
      const [start, end] = [assemble('r0 = 0'), assemble('exit')];
      insns.set(start);
      for (let at = 8; at + unit.length <= insns.length - 8; at += unit.length) insns.set(unit, at);
      insns.set(end, insns.length - 8);
      // What does not fill up the middle stays without an instruction; nothing leads there.
      const units = Math.floor((insns.length - 16) / unit.length);
      insns.copyWithin(8 + units * unit.length, insns.length - 8);
      const roomy = createBench(64, name, 128 << 20);
      const { r0, fault } = roomy.load(insns).run();
      expect(fault).toBeNull();
      expect(r0).toBe(BigInt(units * 3));
    },
    60_000,
  );
});
