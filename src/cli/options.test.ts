import { describe, expect, it } from 'vitest';
import { InputError } from '../errors.ts';
import { valueLists } from './options.ts';

describe('lists of values', () => {
  it.each([
    ['a=1,2,1', { a: ['1', '2'] }],
    ['t[1].cpu= 3 , 4', { 't[1].cpu': ['3', '4'] }],
    ['a=[1,2],[3,4]', { a: ['[1,2]', '[3,4]'] }],
    ['a={"x":"},","y":[1,2]},{}', { a: ['{"x":"},","y":[1,2]}', '{}'] }],
    ['a=', { a: [''] }],
  ])('%s', (word, lists) => {
    expect(valueLists([word])).toEqual(lists);
  });

  it('needs a name', () => expect(() => valueLists(['=1,2'])).toThrow(InputError));
});
