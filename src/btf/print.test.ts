import { describe, expect, it } from 'vitest';
import { BtfBuilder } from '../../test/btf_builder.ts';
import { declare, define, prototype } from './print.ts';

const b = new BtfBuilder();
const int = b.int('int', 4, 1);
const words = b.array(b.int('unsigned long', 8), 2);
const mask = b.struct('cpumask', 16, [{ name: 'bits', type: words, offset: 0 }]);
const constMask = b.ref('const', mask);
const ptrConst = b.ptr(constMask);
const constPtr = b.ref('const', b.ptr(mask));
const alias = b.ref('typedef', int, 'pid_t');
const compare = b.proto(int, [
  ['a', ptrConst],
  ['b', ptrConst],
]);
const comparePtr = b.ptr(compare);
const table = b.array(comparePtr, 3);
const ptrToArray = b.ptr(words);
const variadic = b.proto(0, [
  ['fmt', ptrConst],
  ['', 0],
]);
const none = b.proto(constPtr, []);
const tagged = b.kptr(mask, 'kptr');
const func = b.func('sort_masks', b.proto(alias, [['less', comparePtr]]));
const btf = b.build();

describe('declare', () => {
  it.each([
    [int, 'x', 'int x'],
    [words, 'bits', 'unsigned long bits[2]'],
    [ptrConst, 'src', 'const struct cpumask *src'],
    [ptrConst, '', 'const struct cpumask *'],
    [constPtr, 'src', 'struct cpumask *const src'],
    [comparePtr, 'less', 'int (*less)(const struct cpumask *a, const struct cpumask *b)'],
    [table, 'ops', 'int (*ops[3])(const struct cpumask *a, const struct cpumask *b)'],
    [ptrToArray, 'p', 'unsigned long (*p)[2]'],
    [variadic, 'print', 'void print(const struct cpumask *fmt, ...)'],
    [none, 'make', 'struct cpumask *const make(void)'],
    [tagged, 'slot', 'struct cpumask *slot'],
    [0, '', 'void'],
  ])('%i %s', (id, name, want) => expect(declare(btf, id, name)).toBe(want));

  it('prints prototypes', () => {
    expect(prototype(btf, func)).toBe(
      'pid_t sort_masks(int (*less)(const struct cpumask *a, const struct cpumask *b))',
    );
  });

  it('prints structs with offsets and sizes', () => {
    expect(define(btf, constMask).split('\n')[0]).toBe('struct cpumask {');
    expect(define(btf, constMask).split('\n').at(-1)).toBe('}; /* size: 16 */');
  });

  it('ends on types without end', () => {
    const endless = new BtfBuilder();
    endless.ptr(1);
    expect(declare(endless.build(), 1, 'p').length).toBeLessThan(100);
  });
});
