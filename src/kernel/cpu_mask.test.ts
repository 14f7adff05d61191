import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { InputError } from '../errors.ts';
import { CpuMask } from './cpu_mask.ts';

const list = (text: string, cpus?: number) => CpuMask.fromList(text, cpus);

describe('cpulist', () => {
  it.each<[string, number | undefined, string]>([
    ['0-3,8', undefined, '0-3,8'],
    ['', undefined, ''],
    [' 1, 2 ,,3\n', undefined, '1-3'],
    ['5-5', undefined, '5'],
    ['0-31:2/4', undefined, '0-1,4-5,8-9,12-13,16-17,20-21,24-25,28-29'],
    ['0-6:2/5', undefined, '0-1,5-6'],
    ['all', 10, '0-9'],
    ['ALL:1/2', 6, '0,2,4'],
    ['N', 64, '63'],
    ['3-N', 6, '3-5'],
    ['0-N:1/3', 8, '0,3,6'],
    ['8191', undefined, '8191'],
    ['4,1,2', undefined, '1-2,4'],
    ['0-3:0/2', undefined, ''],
  ])('reads %j of %s CPUs as %j', (text, cpus, want) => {
    expect(`${list(text, cpus)}`).toBe(want);
  });

  it.each<[string, number | undefined, string]>([
    ['8192', undefined, 'CPU 8192 is out of range 0-8191'],
    ['0-8', 8, 'CPU 8 is out of range 0-7'],
    ['3-1', undefined, 'range 3-1 ends before it starts'],
    ['all', undefined, '"all" needs the number of CPUs'],
    ['N', undefined, '"N" needs the number of CPUs'],
    ['n', 8, '"n" is no CPU'],
    ['1-', undefined, '"1-" is no CPU'],
    ['-1', undefined, '"-1" is no CPU'],
    ['0x3', undefined, '"0x3" is no CPU'],
    ['0-7:1/0', undefined, 'the group in "0-7:1/0" is empty'],
    ['0-7:3/2', undefined, 'uses more CPUs of a group than it has'],
    ['1.5', undefined, '"1.5" is no CPU'],
  ])('refuses %j of %s CPUs: %s', (text, cpus, problem) => {
    expect(() => list(text, cpus)).toThrow(InputError);
    expect(() => list(text, cpus)).toThrow(problem);
  });
});

describe('hex', () => {
  it.each<[string, string]>([
    ['ff', '0-7'],
    ['0xff', '0-7'],
    ['ff,ffffffff', '0-39'],
    ['1,0', '32'],
    ['ffffffffffffffff', '0-63'],
    ['0', ''],
    ['00000000,80000000', '31'],
  ])('reads %j as %j', (text, want) => {
    expect(`${CpuMask.fromHex(text)}`).toBe(want);
  });

  it.each(['', 'xyz', '1,', ',1', '1,123456789', `1${'0'.repeat(2048)}`])('refuses %j', (text) => {
    expect(() => CpuMask.fromHex(text)).toThrow(InputError);
  });

  it('prints as the kernel does for a number of bits', () => {
    expect(list('0-39').toHex()).toBe('ff,ffffffff');
    expect(list('0-3').toHex(64)).toBe('00000000,0000000f');
    expect(list('0-3').toHex(34)).toBe('0,0000000f');
    expect(list('33').toHex(34)).toBe('2,00000000');
    expect(CpuMask.empty.toHex()).toBe('0');
    expect(CpuMask.empty.toHex(8)).toBe('00');
  });
});

const cpus = fc.uniqueArray(fc.oneof(fc.integer({ min: 0, max: 130 }), fc.integer({ min: 0, max: 8191 })));

describe('a mask is a set of CPUs', () => {
  it('and comes back unchanged from every form', () => {
    fc.assert(
      fc.property(cpus, (members) => {
        const mask = CpuMask.from(members);
        expect([...mask]).toEqual(members.toSorted((a, b) => a - b));
        for (const copy of [
          CpuMask.fromList(mask.toString()),
          CpuMask.fromHex(mask.toHex()),
          CpuMask.fromHex(mask.toHex(8192)),
          CpuMask.fromWords(mask.toWords()),
          CpuMask.fromWords(mask.toWords(128)),
          CpuMask.fromBigInt(mask.toBigInt()),
          CpuMask.fromBytes(mask.toBytes(1024)),
        ]) {
          expect(copy.equals(mask)).toBe(true);
          expect(copy.toString()).toBe(mask.toString());
        }
      }),
      { seed: 1 },
    );
  });

  it('with the algebra of sets', () => {
    fc.assert(
      fc.property(cpus, cpus, fc.integer({ min: 0, max: 8192 }), (left, right, count) => {
        const [a, b] = [CpuMask.from(left), CpuMask.from(right)];
        const [sa, sb] = [new Set(left), new Set(right)];
        const want = (test: (cpu: number) => boolean) => CpuMask.from([...sa, ...sb].filter(test)).toString();
        expect(a.and(b).toString()).toBe(want((cpu) => sa.has(cpu) && sb.has(cpu)));
        expect(a.or(b).toString()).toBe(want(() => true));
        expect(a.xor(b).toString()).toBe(want((cpu) => sa.has(cpu) !== sb.has(cpu)));
        expect(a.andnot(b).toString()).toBe(want((cpu) => sa.has(cpu) && !sb.has(cpu)));
        expect(a.weight).toBe(sa.size);
        expect(a.isEmpty).toBe(sa.size === 0);
        expect(a.first).toBe(sa.size ? Math.min(...sa) : undefined);
        expect(a.last).toBe(sa.size ? Math.max(...sa) : undefined);
        expect(a.intersects(b)).toBe([...sa].some((cpu) => sb.has(cpu)));
        expect(a.isSubsetOf(b)).toBe([...sa].every((cpu) => sb.has(cpu)));
        expect(a.equals(b)).toBe(a.xor(b).isEmpty);
        const rest = a.complement(count);
        expect(rest.weight).toBe(count - [...sa].filter((cpu) => cpu < count).length);
        expect(rest.intersects(a)).toBe(false);
        expect(left.every((cpu) => a.has(cpu))).toBe(true);
      }),
      { seed: 2 },
    );
  });

  it('refuses what is no CPU or no mask', () => {
    for (const bad of [-1, 8192, 1.5, Number.NaN]) expect(() => CpuMask.of(bad)).toThrow(InputError);
    expect(() => CpuMask.all(8193)).toThrow(InputError);
    expect(() => CpuMask.fromWords([1n << 64n])).toThrow(InputError);
    expect(() => CpuMask.fromWords([...new Array<bigint>(128).fill(0n), 1n])).toThrow(InputError);
    expect(() => CpuMask.fromBigInt(1n << 8192n)).toThrow(InputError);
    expect(() => CpuMask.fromBytes(new Uint8Array(1025).fill(1))).toThrow(InputError);
  });

  it('is not in what lies outside', () => {
    const mask = CpuMask.of(5);
    expect([mask.has(-1), mask.has(8192), mask.has(37)]).toEqual([false, false, false]);
    expect(JSON.stringify({ mask: list('0-3,8') })).toBe('{"mask":"0-3,8"}');
  });
});
