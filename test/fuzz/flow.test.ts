import { expect, it } from 'vitest';
import { fuzzFlow } from './flow.ts';

it('control flow of any shape does the same compiled and interpreted', () => {
  const { exited, stopped, failures } = fuzzFlow(1, 3000);
  expect(failures).toEqual([]);
  expect(exited).toBeGreaterThan(500);
  expect(stopped).toBeGreaterThan(100);
}, 60_000);
