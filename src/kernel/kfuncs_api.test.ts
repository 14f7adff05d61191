import { describe, expect, it } from 'vitest';
import { testMemory } from '../../test/support/memory.ts';
import { InputError } from '../errors.ts';
import { CpuMask } from './cpu_mask.ts';
import { createFaults } from './fault.ts';
import { type BpfCpumask, Cpumask, createKfuncs, writeCpumask } from './kfuncs_api.ts';
import { createRcu } from './rcu.ts';
import { readWarnings } from './warnings.ts';

describe('handles', () => {
  it('own a reference each, and `using` gives it back', () => {
    const memory = testMemory({ cpus: 70 });
    const kfuncs = createKfuncs(memory);
    let kept: BpfCpumask;
    {
      using mask = kfuncs.bpf_cpumask_create();
      kept = kfuncs.bpf_cpumask_acquire(mask);
      expect(mask.refs).toBe(2);
      kfuncs.bpf_cpumask_set_cpu(65, mask);
      expect(mask.address).toBe(kept.address);
    }
    expect([kept.refs, `${kept}`]).toEqual([1, '65']);
    kfuncs.bpf_cpumask_release(kept);
    expect(memory.isLive(kept)).toBe(false);
    expect(readWarnings(memory)).toEqual([]);
  });

  it('are no use after release, and disposing them again does nothing', () => {
    const memory = testMemory();
    const kfuncs = createKfuncs(memory);
    const mask = kfuncs.bpf_cpumask_create();
    const other = kfuncs.bpf_cpumask_create();
    kfuncs.bpf_cpumask_release(mask);
    expect([mask.isReleased, mask.isNull, mask.address]).toEqual([true, false, 0n]);
    for (const use of [
      () => kfuncs.bpf_cpumask_release(mask),
      () => kfuncs.bpf_cpumask_first(mask),
      () => kfuncs.bpf_cpumask_and(other, other, mask),
      () => mask.cpus,
      () => mask.refs,
    ]) {
      expect(use).toThrow(InputError);
      expect(use).toThrow('released already');
    }
    mask[Symbol.dispose]();
    expect(other.refs).toBe(1);
    expect(readWarnings(memory)).toEqual([]);
  });

  it('may stand for NULL, which no kfunc takes', () => {
    const memory = testMemory();
    const kfuncs = createKfuncs(memory);
    createFaults(memory).plan({ nth: 1 });
    const mask = kfuncs.bpf_cpumask_create();
    expect([mask.isNull, mask.isReleased, mask.address]).toEqual([true, false, 0n]);
    expect(() => kfuncs.bpf_cpumask_weight(mask)).toThrow('check isNull first');
    mask[Symbol.dispose]();
    expect(memory.isLive(mask)).toBe(false);
  });

  it('tell a mask from the next one at its place', () => {
    const memory = testMemory({ memoryLimit: 8 << 20 });
    const kfuncs = createKfuncs(memory);
    const first = kfuncs.bpf_cpumask_create();
    kfuncs.bpf_cpumask_release(first);
    let again: BpfCpumask | undefined;
    for (let i = 0; i < 10_000 && again?.objectOffset !== first.objectOffset; i++) {
      again?.[Symbol.dispose]();
      again = kfuncs.bpf_cpumask_create();
    }
    expect(again?.objectOffset).toBe(first.objectOffset);
    expect([memory.isLive(first), again && memory.isLive(again)]).toEqual([false, true]);
  });
});

describe('kfuncs', () => {
  it('compute what the kernel computes', () => {
    const memory = testMemory({ cpus: 130 });
    const k = createKfuncs(memory);
    const [a, b, dst] = [k.bpf_cpumask_create(), k.bpf_cpumask_create(), k.bpf_cpumask_create()];
    expect(k.bpf_cpumask_first(a)).toBe(130);
    for (const cpu of [0, 64, 129, 130, 4294967295]) k.bpf_cpumask_set_cpu(cpu, a);
    expect(`${a}`).toBe('0,64,129');
    expect(k.bpf_cpumask_test_and_set_cpu(3, b)).toBe(false);
    expect(k.bpf_cpumask_test_and_set_cpu(3, b)).toBe(true);
    k.bpf_cpumask_or(dst, a, b);
    expect(`${dst}`).toBe('0,3,64,129');
    k.bpf_cpumask_xor(dst, dst, b);
    expect(k.bpf_cpumask_equal(dst, a)).toBe(true);
    expect(k.bpf_cpumask_and(dst, a, b)).toBe(false);
    expect([k.bpf_cpumask_empty(dst), k.bpf_cpumask_intersects(a, b), k.bpf_cpumask_subset(dst, b)]).toEqual([
      true,
      false,
      true,
    ]);
    k.bpf_cpumask_setall(dst);
    expect([k.bpf_cpumask_full(dst), k.bpf_cpumask_weight(dst), `${dst}`]).toEqual([true, 130, '0-191']);
    k.bpf_cpumask_clear_cpu(129, a);
    expect(k.bpf_cpumask_test_and_clear_cpu(64, a)).toBe(true);
    expect([k.bpf_cpumask_test_cpu(64, a), k.bpf_cpumask_first_zero(a)]).toEqual([false, 1]);
    k.bpf_cpumask_copy(b, a);
    expect([k.bpf_cpumask_first_and(a, b), k.bpf_cpumask_any_distribute(b)]).toEqual([0, 0]);
    expect(k.bpf_cpumask_any_and_distribute(dst, dst)).toBe(1);
    k.bpf_cpumask_clear(dst);
    expect(k.bpf_cpumask_populate(dst, CpuMask.of(1, 100, 150).toBytes(24))).toBe(0);
    expect(`${dst}`).toBe('1,100,150');
    expect(k.bpf_cpumask_populate(dst, new Uint8Array(23))).toBe(-13);
    expect(k.bpf_cpumask_populate(dst, new Uint8Array(3000))).toBe(0);
    expect(`${dst}`).toBe('');
    writeCpumask(memory, dst, CpuMask.of(8191));
    expect(`${dst}`).toBe('8191');
  });

  it('take masks that belong to others', () => {
    const memory = testMemory({ cpus: 12 });
    const kfuncs = createKfuncs(memory);
    const online = new Cpumask(memory, memory.u32At(0x10048));
    expect([`${online}`, kfuncs.bpf_cpumask_full(online)]).toEqual(['0-11', true]);
  });

  it('hold back a grace period from another CPU', () => {
    const memory = testMemory({ cpus: 2 });
    const [kfuncs, rcu] = [createKfuncs(memory), createRcu(memory)];
    const mask = kfuncs.bpf_cpumask_create();
    memory.on(1, () => kfuncs.bpf_rcu_read_lock());
    kfuncs.bpf_cpumask_release(mask);
    expect(memory.isLive(mask)).toBe(true);
    memory.on(1, () => kfuncs.bpf_rcu_read_unlock());
    rcu.synchronize();
    expect(memory.isLive(mask)).toBe(false);
    kfuncs.bpf_preempt_disable();
    expect(() => rcu.synchronize()).toThrow('cpu 0');
    kfuncs.bpf_preempt_enable();
    rcu.synchronize();
  });
});
