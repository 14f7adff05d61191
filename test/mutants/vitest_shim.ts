/**
 * As much of vitest as the data plane's tests use, so that a mutant costs milliseconds: tests are collected when a file
 * loads and run in order, the first failure ends it. Assertions are node:assert's.
 */
import assert from 'node:assert/strict';

type Body = (...args: never[]) => unknown;
interface Test {
  readonly name: string;
  readonly body: () => unknown;
}

const registry = globalThis as { collectedTests?: Test[] };
registry.collectedTests ??= [];
const tests: Test[] = registry.collectedTests;

/** Arguments of one row of `each`: arrays are spread, other rows are the argument. */
const argsOf = (row: unknown) => (Array.isArray(row) ? row : [row]) as never[];

function collect(name: string, body: Body): void {
  tests.push({ name, body: () => body() });
}
collect.each = (rows: readonly unknown[]) => (name: string, body: Body) => {
  for (const row of rows) tests.push({ name, body: () => body(...argsOf(row)) });
};
export const it = collect;

function group(_name: string, body: Body): void {
  body();
}
group.each = (rows: readonly unknown[]) => (_name: string, body: Body) => {
  for (const row of rows) body(...argsOf(row));
};
export const describe = group;

/** `expect.stringContaining` inside of toEqual. */
class Containing {
  constructor(readonly part: string) {}
}

function equal(have: unknown, want: unknown): void {
  if (want instanceof Containing) assert.ok(String(have).includes(want.part));
  else if (Array.isArray(want) && want.some((item) => item instanceof Containing)) {
    assert.equal((have as unknown[]).length, want.length);
    for (const [i, item] of want.entries()) equal((have as unknown[])[i], item);
  } else assert.deepEqual(have, want);
}

function throws(body: unknown, want: unknown): void {
  try {
    (body as () => unknown)();
  } catch (error) {
    if (typeof want === 'string') assert.ok((error as Error).message.includes(want));
    else if (typeof want === 'function') assert.ok(error instanceof want);
    return;
  }
  assert.fail('did not throw');
}

export function expect(have: unknown) {
  const number = have as number;
  return {
    toBe: (want: unknown) => assert.ok(Object.is(have, want)),
    toEqual: (want: unknown) => equal(have, want),
    toMatchObject(want: Record<string, unknown>) {
      for (const [key, value] of Object.entries(want)) equal((have as Record<string, unknown>)[key], value);
    },
    toContain: (want: unknown) => assert.ok((have as unknown[]).includes(want)),
    toBeGreaterThan: (want: number) => assert.ok(number > want),
    toBeGreaterThanOrEqual: (want: number) => assert.ok(number >= want),
    toBeLessThan: (want: number) => assert.ok(number < want),
    toBeLessThanOrEqual: (want: number) => assert.ok(number <= want),
    toThrow: (want?: unknown) => throws(have, want),
    not: {
      toBe: (want: unknown) => assert.ok(!Object.is(have, want)),
      toEqual: (want: unknown) => assert.notDeepEqual(have, want),
    },
  };
}
expect.stringContaining = (part: string) => new Containing(part);
