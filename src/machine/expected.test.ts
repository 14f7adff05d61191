import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { createMachine } from '../platform/create_machine.ts';

function load(file: string) {
  return createMachine({ cpus: 8 }).load(readFileSync(new URL(`../../test/${file}`, import.meta.url)));
}

const { globals } = load('objects/globals.bpf.o');
const holds = (name: string, value: unknown) => globals.expect(name, value)(globals.get(name));

describe('what a variable is expected to hold', () => {
  it.each<[string, unknown, unknown]>([
    ['byte', '0xc8', '0xc9'],
    ['byte', 200, 201],
    ['negative', '0xfb', '5'],
    ['number', '-7', '7'],
    ['number', '0xfffffff9', '0b1'],
    ['huge', '18446744073709551615', '0o17'],
    ['small_number', -9000000000n, -9000000001n],
    ['flag', '0', 'true'],
    ['flag', false, '1'],
    ['mood', 'BUSY', 'CALM'],
    ['mood', '2', 'WILD'],
    ['shorts', '[1, -2, 0x3]', '[1,-2,4]'],
    ['shorts', [1, -2, 3], [1, 2, 3]],
    ['grid', '[[1, 2], [3, 4]]', '[[1, 2], [4, 3]]'],
    ['text', '"abc"', 'abd'],
    ['text', 'abc', '[97, 98, 99, 100]'],
    ['text', '[97, 98, 99]', '""'],
    ['bits', '{ low = 5, high = 300 }', '{"low": 4}'],
    ['point', { x: 1 }, { y: 2 }],
    ['point.y', '-2', '2'],
  ])('%s: %o, not %o', (name, right, wrong) => {
    expect([holds(name, right), holds(name, wrong)]).toEqual([true, false]);
  });

  it.each([
    ['byte', '256', 'does not fit'],
    ['byte', 'x', 'no whole number'],
    ['flag', '2', 'neither true nor false'],
    ['mood', 'SAD', 'is none of CALM, BUSY, WILD'],
    ['shorts', '[1, 2]', 'has 2 elements, not 3'],
    ['shorts', '7', 'a list of 3 is needed'],
    ['grid', '[[1, x], [3, 4]]', '[0][1]: "x" is no whole number'],
    ['point', '3', 'members are needed'],
    ['point', '{ z = 1 }', 'has no member z'],
    ['text', 'far too long', '8 fit'],
  ])('cannot be, of %s, %s', (name, value, problem) => {
    expect(() => globals.expect(name, value)).toThrow(problem);
  });

  it('reads masks as cpulists, and elements that repeat', () => {
    const claim = load('explore/races/double_claim.bpf.o');
    const shared = (value: unknown) => claim.globals.expect('shared', value)(claim.globals.get('shared'));
    expect([shared('NULL'), shared(null), shared('')]).toEqual([true, true, false]);
    claim.program('set_up').run();
    expect(['', '{}', '{} (1 reference)', 'NULL', '0', '{} (2 references)'].map(shared)).toEqual([
      ...[true, true, true],
      ...[false, false, false],
    ]);
    expect(shared(claim.globals.get('shared'))).toBe(true);
    expect(() => shared('0-9')).toThrow('CPU 9 is out of range 0-7; write a cpulist, as 0-3,8, or NULL');
    expect(() => shared('{0')).toThrow('is no cpulist');
  });
});
