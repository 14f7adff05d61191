/**
 * The BPF program that executes golden streams, in assembly, and what it works on. Its context is eight u64: the operations,
 * their count, the results, the slots, words of a mask, offset of usage, bytes of a result. An operation is 32 bytes: u32
 * kind, a, b, c, cpu, size, then u64 source; a result u64 status, u64 number, then the words of the mask, or for operations
 * on references pointer and usage of each slot.
 */
import { type AsmSymbols, assemble } from '../uapi/asm.ts';
import { GOLDEN_SLOTS } from './golden.ts';
import { type Arg, GOLDEN_OPS, type GoldenOpRow, type Shows } from './golden_ops.ts';

export const OP_SIZE = 32;
export const RESULT_HEADER = 16;
export const CONTEXT_SIZE = 64;

/** What a result holds: nothing because a slot was empty, or what its row shows. */
export const SHOWS: Readonly<Record<Shows | 'nothing', number>> = { nothing: 0, number: 1, words: 2, both: 3, life: 4 };

/** Where a call finds its arguments: masks were put on the stack, the rest is in the operation. */
const ARGUMENTS: Readonly<Record<Arg, string>> = {
  a: '*(u64 *)(r10 - 8)',
  b: '*(u64 *)(r10 - 16)',
  c: '*(u64 *)(r10 - 24)',
  cpu: '*(u32 *)(r7 + 16)',
  size: '*(u32 *)(r7 + 20)',
  src: '*(u64 *)(r7 + 24)',
};
const MASKS = ['a', 'b', 'c'] as const;

/** Takes the pointer of slot operand `i`, NULL put in its place; then r0 is the pointer. */
const take = (i: number) => `r1 = *(u32 *)(r7 + ${4 * i + 4}); r2 = 0; r3 = r6; call swap`;
/** Puts the pointer on the stack at `at` into slot operand `i`; then r0 is what was there. */
const put = (i: number, at: number) =>
  `r1 = *(u32 *)(r7 + ${4 * i + 4}); r2 = *(u64 *)(r10 - ${at}); r3 = r6; call swap`;
/** r1 = usage of the mask that r0 points to, into the result. */
const noteUsage = 'r1 = *(u64 *)(r6 + 40); r1 += r0; r1 = *(u32 *)(r1 + 0); *(u64 *)(r8 + 8) = r1';
const show = (what: keyof typeof SHOWS) => `*(u64 *)(r8 + 0) = ${SHOWS[what]}`;

function maskOp({ name, shows, args, slots }: GoldenOpRow): string {
  const look = MASKS.slice(0, slots).map(
    (_, i) =>
      `r1 = *(u32 *)(r7 + ${4 * i + 4}); r2 = r6; call look; if r0 == 0 goto next; *(u64 *)(r10 - ${8 * i + 8}) = r0`,
  );
  const load = args.map((arg, i) => `r${i + 1} = ${ARGUMENTS[arg]}`);
  const then = shows === 'number' ? 'goto next' : 'goto words';
  return [`op_${name}:`, ...look, ...load, `call bpf_cpumask_${name}`, '*(u64 *)(r8 + 8) = r0', show(shows), then].join(
    '\n',
  );
}

const source = (): string => `
  r6 = r1
  r7 = *(u64 *)(r6 + 0)
  r8 = *(u64 *)(r6 + 16)
  r9 = *(u64 *)(r6 + 8)
  goto first
next:
  r7 += ${OP_SIZE}
  r1 = *(u64 *)(r6 + 48)
  r8 += r1
first:
  if r9 == 0 goto done
  r9 += -1
  *(u64 *)(r8 + 0) = ${SHOWS.nothing}
  r0 = *(u32 *)(r7 + 0)
  ${GOLDEN_OPS.map(({ name, kind }) => `if r0 == ${kind} goto op_${name}`).join('\n  ')}
  r0 = 1
  exit
done:
  r0 = 0
  exit

${GOLDEN_OPS.filter(({ isKfunc }) => isKfunc)
  .map(maskOp)
  .join('\n')}

op_dump:
  r1 = *(u32 *)(r7 + 4); r2 = r6; call look; if r0 == 0 goto next
  *(u64 *)(r10 - 8) = r0
  ${show('words')}
words:                          // of the mask at r10 - 8
  r1 = *(u64 *)(r10 - 8)
  r2 = r8
  r3 = *(u64 *)(r6 + 32)
word:
  if r3 == 0 goto next
  r4 = *(u64 *)(r1 + 0)
  *(u64 *)(r2 + ${RESULT_HEADER}) = r4
  r1 += 8; r2 += 8; r3 += -1
  goto word

op_create:
  call bpf_cpumask_create
  if r0 == 0 goto next
  *(u64 *)(r10 - 8) = r0
  ${noteUsage}
  ${put(0, 8)}
  goto drop
op_acquire:
  r1 = *(u32 *)(r7 + 4); r2 = r6; call look; if r0 == 0 goto next
  r1 = r0
  call bpf_cpumask_acquire
  *(u64 *)(r10 - 8) = r0
  ${noteUsage}
  ${put(1, 8)}
drop:                           // the reference in r0, if any
  if r0 == 0 goto life
  r1 = r0
  call bpf_cpumask_release
  goto life
op_release:
  ${take(0)}
  if r0 == 0 goto next
  ${noteUsage}
  goto drop
op_xchg:
  *(u64 *)(r8 + 8) = 0
  r1 = *(u32 *)(r7 + 4); r2 = *(u32 *)(r7 + 8); if r1 == r2 goto life
  ${take(0)}
  *(u64 *)(r10 - 8) = r0
  ${put(1, 8)}
  *(u64 *)(r10 - 8) = r0
  ${put(0, 8)}
life:                           // pointer and usage of every slot
  ${show('life')}
  r3 = *(u64 *)(r6 + 24)
  r4 = r8
  r5 = ${GOLDEN_SLOTS}
slot:
  r0 = *(u64 *)(r3 + 0)
  *(u64 *)(r4 + ${RESULT_HEADER}) = r0
  if r0 == 0 goto usage
  r1 = *(u64 *)(r6 + 40); r0 += r1; r0 = *(u32 *)(r0 + 0)
usage:
  *(u64 *)(r4 + ${RESULT_HEADER + 8}) = r0
  r3 += 8; r4 += 16; r5 += -1
  if r5 != 0 goto slot
  goto next

look:                           // r0 = slot r1's pointer; r2 is the context
  r1 <<= 3; r2 = *(u64 *)(r2 + 24); r2 += r1
  r0 = *(u64 *)(r2 + 0)
  exit
swap:                           // r0 = slot r1's pointer, replaced by r2; r3 is the context
  r1 <<= 3; r0 = *(u64 *)(r3 + 24); r1 += r0
  r2 = atomic64_xchg((u64 *)(r1 + 0), r2)
  r0 = r2
  exit
`;

/** The program's instructions; `symbols` has the kfuncs' ids. */
export function goldenProgram(symbols: AsmSymbols): Uint8Array {
  return assemble(source(), symbols);
}
