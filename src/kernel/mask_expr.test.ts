import { describe, expect, it } from 'vitest';
import { InputError } from '../errors.ts';
import { evaluateMask, parseMask } from './mask_expr.ts';

describe('evaluateMask', () => {
  it.each<[string, number | undefined, string]>([
    ['0-7 & ~2,3', undefined, '0-1,4-7'],
    ['0-7&~2,3', 8, '0-1,4-7'],
    ['~0-3', 8, '4-7'],
    ['~~1', 8, '1'],
    ['0-3 | 8', undefined, '0-3,8'],
    ['0-3 ^ 2-5', undefined, '0-1,4-5'],
    ['0 | 1 & 2', undefined, '0'],
    ['(0 | 1) & 1', undefined, '1'],
    ['0-3 ^ 1 & 1-3 | 9', undefined, '0,2-3,9'],
    ['0xff & 4-9', undefined, '4-7'],
    ['ff,00000000', undefined, '32-39'],
    ['00000003', undefined, '0-1'],
    ['words:1,3', undefined, '0,64-65'],
    ['hex:10', undefined, '4'],
    ['list:10', undefined, '10'],
    ['10', undefined, '10'],
    ['all & ~0', 4, '1-3'],
    ['N', 4, '3'],
    ['', undefined, ''],
    ['  ', undefined, ''],
  ])('%j of %s CPUs is %j', (text, cpus, want) => {
    expect(`${evaluateMask(text, cpus)}`).toBe(want);
  });

  it.each<[string, number | undefined, string]>([
    ['0-7 &', undefined, 'ends where a mask is missing'],
    ['& 1', undefined, '"&" stands where a mask is missing'],
    ['(0-7', undefined, 'a ")" is missing'],
    ['0-7)', undefined, '")" follows a mask'],
    ['0 1', undefined, '"1" follows a mask without an operator'],
    ['0xff', 4, 'CPU 7 is out of range 0-3'],
    ['0-7', 4, 'CPU 7 is out of range 0-3'],
    ['words:xyz', undefined, 'give 64-bit words in hex'],
    ['~0-3', undefined, 'has no end without the number of CPUs'],
    ['foo', undefined, 'give hex digits'],
    ['1..3', undefined, 'is no CPU'],
  ])('%j of %s CPUs is refused: %s', (text, cpus, problem) => {
    expect(() => evaluateMask(text, cpus)).toThrow(InputError);
    expect(() => evaluateMask(text, cpus)).toThrow(problem);
  });

  it('reads back every form that a mask prints', () => {
    const mask = evaluateMask('0-63,70,200');
    for (const text of [
      `${mask}`,
      mask.toHex(),
      mask.toHex(256),
      `words:${mask.toWords().map((w) => w.toString(16))}`,
    ]) {
      expect(parseMask(text).equals(mask)).toBe(true);
    }
  });
});
