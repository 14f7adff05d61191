import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createKfuncs } from '../../../src/kernel/kfuncs_api.ts';
import type { KernelMemory } from '../../../src/kernel/memory.ts';
import { createRcu } from '../../../src/kernel/rcu.ts';
import { readWarnings } from '../../../src/kernel/warnings.ts';
import { testMemory } from '../../../test/support/memory.ts';
import { MM_OBJECTS, OBJ_LIVE, OBJ_RCU, PC_IRQ_OFF } from '../../layout.ts';

const liveAt = (memory: KernelMemory, p: number, serial: number) => memory.isLive({ objectOffset: p, serial });

describe('grace periods', () => {
  it('free a mask only when every reader of then has left', () => {
    const memory = testMemory({ cpus: 4 });
    const [kfuncs, rcu] = [createKfuncs(memory), createRcu(memory)];
    const mask = kfuncs.bpf_cpumask_create();
    rcu.readLock(1);
    rcu.readLock(2);
    kfuncs.bpf_cpumask_release(mask);
    expect(memory.isLive(mask)).toBe(true);
    // A reader may still look at it.
    expect(memory.exports.kasan_ok(mask.objectOffset, 8, 0)).toBe(1);
    rcu.readUnlock(1);
    expect(memory.isLive(mask)).toBe(true);
    rcu.readLock(3);
    rcu.readUnlock(2);
    expect(memory.isLive(mask)).toBe(false);
    expect(memory.exports.kasan_ok(mask.objectOffset, 8, 0)).toBe(0);
    rcu.readUnlock(3);
  });

  it('do not wait for readers that came later', () => {
    const memory = testMemory({ cpus: 4 });
    const [kfuncs, rcu] = [createKfuncs(memory), createRcu(memory)];
    rcu.readLock(1);
    const mask = kfuncs.bpf_cpumask_create();
    kfuncs.bpf_cpumask_release(mask);
    rcu.readLock(2);
    expect(memory.isLive(mask)).toBe(true);
    rcu.readUnlock(1);
    expect(memory.isLive(mask)).toBe(false);
    rcu.readUnlock(2);
  });

  it('nest: the outermost unlock counts', () => {
    const memory = testMemory({ cpus: 2 });
    const [kfuncs, rcu] = [createKfuncs(memory), createRcu(memory)];
    rcu.readLock(1);
    const mask = kfuncs.bpf_cpumask_create();
    rcu.readLock(1);
    kfuncs.bpf_cpumask_release(mask);
    rcu.readUnlock(1);
    expect(memory.isLive(mask)).toBe(true);
    rcu.readUnlock(1);
    expect(memory.isLive(mask)).toBe(false);
    rcu.readUnlock(1);
    expect(readWarnings(memory).map((w) => w.text)).toEqual(['rcu_read_unlock without rcu_read_lock']);
  });

  it.each([
    ['bpf_preempt_disable', 'bpf_preempt_enable'],
    ['local_irq_save', 'local_irq_restore'],
    ['bpf_rcu_read_lock', 'bpf_rcu_read_unlock'],
  ] as const)('%s is a read section too', (enter, leave) => {
    const memory = testMemory({ cpus: 2 });
    const kfuncs = createKfuncs(memory);
    const mask = kfuncs.bpf_cpumask_create();
    memory.on(1, () => memory.exports[enter]());
    kfuncs.bpf_cpumask_release(mask);
    expect(memory.isLive(mask)).toBe(true);
    memory.on(1, () => memory.exports[leave]());
    expect(memory.isLive(mask)).toBe(false);
  });

  it('of tasks trace keep memory from kmalloc, not from the allocator', () => {
    const memory = testMemory({ cpus: 2 });
    const [kfuncs, rcu] = [createKfuncs(memory), createRcu(memory)];
    const mask = kfuncs.bpf_cpumask_create();
    rcu.readLockTrace(1);
    kfuncs.bpf_cpumask_release(mask);
    // The plain grace period is over: freed, but still the cache's.
    expect(memory.isLive(mask)).toBe(false);
    expect(rcu.pending).toBe(1);
    const before = memory.u32At(MM_OBJECTS);
    rcu.readUnlockTrace(1);
    expect(rcu.pending).toBe(0);
    expect(memory.u32At(MM_OBJECTS)).toBe(before - 1);
  });

  it('by hand end when asked', () => {
    const memory = testMemory();
    const [kfuncs, rcu] = [createKfuncs(memory), createRcu(memory)];
    rcu.manual = true;
    const mask = kfuncs.bpf_cpumask_create();
    kfuncs.bpf_cpumask_release(mask);
    expect([memory.isLive(mask), rcu.pending, rcu.completed]).toEqual([true, 1, 0]);
    rcu.advance();
    expect([memory.isLive(mask), rcu.pending]).toEqual([false, 0]);
    expect(rcu.completed).toBe(2);
  });

  it('synchronize refuses to wait for this thread', () => {
    const memory = testMemory({ cpus: 4 });
    const rcu = createRcu(memory);
    for (const [enter, leave] of [
      [rcu.readLock, rcu.readUnlock],
      [rcu.readLockTrace, rcu.readUnlockTrace],
    ] as const) {
      enter(3);
      expect(() => rcu.synchronize()).toThrow('cpu 3: is in an RCU read section');
      leave(3);
      rcu.synchronize();
    }
  });
});

describe('programs', () => {
  it('are readers of the kind that suits them, with migration off', () => {
    const memory = testMemory({ cpus: 2 });
    const { exports } = memory;
    const [kfuncs, rcu] = [createKfuncs(memory), createRcu(memory)];
    for (const sleepable of [0, 1]) {
      exports.bpf_prog_enter(sleepable);
      expect(exports.rcu_read_lock_held()).toBe(sleepable ? 0 : 1);
      expect(() => rcu.synchronize()).toThrow('cpu 0');
      const mask = kfuncs.bpf_cpumask_create();
      kfuncs.bpf_cpumask_release(mask);
      expect(memory.isLive(mask)).toBe(!sleepable);
      exports.bpf_prog_exit(sleepable);
      expect(memory.isLive(mask)).toBe(false);
      rcu.synchronize();
    }
    expect(readWarnings(memory)).toEqual([]);
    for (const leave of ['migrate_enable', 'preempt_enable', 'local_irq_restore'] as const) exports[leave]();
    expect(readWarnings(memory).map((w) => w.text)).toContain('migrate_enable without migrate_disable');
  });

  it('see interrupts as they were in what bpf_local_irq_save keeps', () => {
    const memory = testMemory();
    const { exports } = memory;
    const flags = memory.kmalloc(16, 10);
    exports.bpf_local_irq_save(flags);
    exports.bpf_local_irq_save(flags + 8);
    expect([memory.u32At(flags), memory.u32At(flags + 8)]).toEqual([0x202, 0x2]);
    exports.bpf_local_irq_restore(flags + 8);
    exports.bpf_local_irq_restore(flags);
    expect([memory.u32At(memory.percpu(0) + PC_IRQ_OFF), exports.rcu_read_lock_held()]).toEqual([0, 0]);
    expect(readWarnings(memory)).toEqual([]);
  });
});

/** What a random schedule may do. */
const steps = fc.array(
  fc.record({
    cpu: fc.integer({ min: 0, max: 3 }),
    action: fc.constantFrom(
      ...([
        'lock',
        'unlock',
        'traceLock',
        'traceUnlock',
        'create',
        'release',
        'release',
        'irq',
        'synchronize',
      ] as const),
    ),
    pick: fc.nat(),
  }),
  { minLength: 10, maxLength: 120 },
);

it('memory is never reused while a reader that could see it runs, and always is in the end', () => {
  fc.assert(
    fc.property(steps, fc.boolean(), (schedule, delayed) => {
      const memory = testMemory({ cpus: 4, memoryLimit: 4 << 20 });
      const rcu = createRcu(memory);
      const { exports } = memory;
      rcu.irqWorkDelayed = delayed;
      const depth = [0, 0, 0, 0];
      const traceDepth = [0, 0, 0, 0];
      const owned: number[] = [];
      /** Freed masks, and the readers that were inside when each was. */
      const freed: { p: number; serial: number; readers: Set<number> }[] = [];
      for (const { cpu, action, pick } of schedule) {
        memory.setCpu(cpu);
        if (action === 'lock') {
          exports.rcu_read_lock();
          depth[cpu] = (depth[cpu] ?? 0) + 1;
        } else if (action === 'unlock' && depth[cpu]) {
          depth[cpu] = (depth[cpu] ?? 0) - 1;
          if (depth[cpu] === 0) for (const { readers } of freed) readers.delete(cpu);
          exports.rcu_read_unlock();
        } else if (action === 'traceLock') {
          exports.rcu_read_lock_trace();
          traceDepth[cpu] = (traceDepth[cpu] ?? 0) + 1;
        } else if (action === 'traceUnlock' && traceDepth[cpu]) {
          traceDepth[cpu] = (traceDepth[cpu] ?? 0) - 1;
          exports.rcu_read_unlock_trace();
        } else if (action === 'create') {
          const mask = exports.bpf_cpumask_create();
          if (mask) owned.push(mask);
        } else if (action === 'synchronize') {
          if ([...depth, ...traceDepth].some((count) => count > 0))
            expect(() => rcu.synchronize()).toThrow('is in an RCU');
          else rcu.synchronize();
        } else if (action === 'irq') {
          exports.irq_work_run_now();
        } else if (action === 'release' && owned.length) {
          const [p = 0] = owned.splice(pick % owned.length, 1);
          const { serial } = memory.objectHeader(p);
          freed.push({ p, serial, readers: new Set([0, 1, 2, 3].filter((reader) => depth[reader])) });
          exports.bpf_cpumask_release(p);
        }
        for (const { p, serial, readers } of freed) {
          if (readers.size) expect([p, liveAt(memory, p, serial)]).toEqual([p, true]);
        }
        for (const p of owned) expect(memory.objectHeader(p).state).toBe(OBJ_LIVE);
      }
      for (const cpu of [0, 1, 2, 3]) {
        memory.setCpu(cpu);
        for (let i = depth[cpu] ?? 0; i > 0; i--) exports.rcu_read_unlock();
        for (let i = traceDepth[cpu] ?? 0; i > 0; i--) exports.rcu_read_unlock_trace();
        exports.irq_work_run_now();
      }
      rcu.synchronize();
      for (const { p, serial } of freed) expect(liveAt(memory, p, serial)).toBe(false);
      expect([...memory.objects()].filter((object) => object.state === OBJ_RCU)).toEqual([]);
      expect(rcu.pending).toBe(0);
      // Whoever goes on creating until memory is out gets every place again.
      const places = new Set(freed.map(({ p }) => p).filter((p) => !owned.includes(p)));
      rcu.irqWorkDelayed = false;
      for (const cpu of [0, 1, 2, 3]) {
        memory.setCpu(cpu);
        for (let p = exports.bpf_cpumask_create(); p !== 0; p = exports.bpf_cpumask_create()) places.delete(p);
      }
      expect(places.size).toBe(0);
      expect(readWarnings(memory)).toEqual([]);
    }),
    { seed: 7, numRuns: 100 },
  );
});
