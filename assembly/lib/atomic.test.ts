/**
 * Updates that CPUs make to one word at the same time must not get lost. Threads show that only by chance, so this looks at
 * the code: the first instruction of each of these functions that changes memory is a read-modify-write.
 */
import { expect, it } from 'vitest';
import { kernelWasm } from '../../test/support/memory.ts';
import { opcodesOf } from '../../test/support/wasm_code.ts';

/** i32.store to i64.store32, and i32.atomic.store to i64.atomic.store32_u. */
const isStore = (opcode: number) => (opcode >= 0x36 && opcode <= 0x3e) || (opcode >= 0xfe17 && opcode <= 0xfe1d);
/** i32.atomic.rmw.add to i64.atomic.rmw32.cmpxchg_u. */
const isReadModifyWrite = (opcode: number) => opcode >= 0xfe1e && opcode <= 0xfe4e;

/** For each instruction of a function that changes memory: is it a read-modify-write? */
const changesOf = (name: string) =>
  opcodesOf(kernelWasm(), name)
    .filter((opcode) => isStore(opcode) || isReadModifyWrite(opcode))
    .map(isReadModifyWrite);

it.each([
  'bpf_cpumask_set_cpu',
  'bpf_cpumask_clear_cpu',
  'bpf_cpumask_test_and_set_cpu',
  'bpf_cpumask_test_and_clear_cpu',
  'refcount_inc',
  'refcount_inc_not_zero',
  'refcount_dec',
  'refcount_dec_and_test',
])('%s changes its word by one atomic instruction', (name) => {
  // What a saturated refcount is set to, and the warning, come after.
  expect(changesOf(name)[0]).toBe(true);
});

it('llist_add links an object, then publishes it by one atomic instruction', () => {
  expect(changesOf('llist_add')).toEqual([false, true]);
});
