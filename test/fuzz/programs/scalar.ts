/** Random programs of numbers alone: arithmetic, branches, spills, loops; they end in an access that depends on the numbers. */
import type { Random } from '../../../src/random.ts';

const IMMEDIATES = [0, 1, 2, 3, 7, 8, 15, 16, 31, 32, 63, 64, 100, 127, 128, 255, 256, 1000, 4095, 65535, 65536].concat(
  [-1, -2, -8, -128, -129, -32768, 0x7fffffff, -0x80000000, 0x7ffffffe, -0x7fffffff, 0x10000001],
);

function imm(random: Random): number {
  return random.below(4) ? random.pick(IMMEDIATES) : random.next() | 0;
}

const BINARY = ['+=', '-=', '*=', '|=', '&=', '^='];
const SHIFTS = ['<<=', '>>=', 's>>='];
const DIVISIONS = ['/=', '%='];
const COMPARE = ['==', '!=', '>', '>=', '<', '<=', 's>', 's>=', 's<', 's<=', '&'];
const SIZES = ['u8', 'u16', 'u32', 'u64'];
const BYTES: Readonly<Record<string, number>> = { u8: 1, u16: 2, u32: 4, u64: 8 };

/** Registers that hold numbers. */
const REGS = [0, 6, 7, 8, 9];

/** Arithmetic and branches on unknown numbers, spilled and filled; ends in an access to a map value. */
export function scalarProgram(random: Random): string {
  const lines = [
    'call bpf_ktime_get_ns',
    'r6 = r0',
    'call bpf_get_prandom_u32',
    'r7 = r0',
    'call bpf_ktime_get_ns',
    'r8 = r0',
  ];
  lines.push(`r9 = ${imm(random)}`, 'r0 = r8', 'r0 >>= 3');
  const count = 5 + random.below(30);
  const stack = new Set<number>();
  let label = 0;
  const open: { name: string; at: number }[] = [];
  for (let i = 0; i < count; i++) {
    for (const target of open.filter(({ at }) => at === i)) lines.push(`${target.name}:`);
    const d = random.pick(REGS);
    const s = random.pick(REGS);
    const w = random.below(2) ? 'r' : 'w';
    const operand = random.below(2) ? `${w}${s}` : imm(random);
    switch (random.below(12)) {
      case 0:
      case 1:
      case 2:
        lines.push(`${w}${d} ${random.pick(BINARY)} ${operand}`);
        break;
      case 3:
        lines.push(
          `${w}${d} ${random.pick(SHIFTS)} ${random.below(5) ? random.below(w === 'r' ? 64 : 32) : `${w}${s}`}`,
        );
        break;
      case 4:
        if (random.below(3)) lines.push(`${w}${d} = ${operand}`);
        else lines.push(`${w}${d} = (s${random.pick(w === 'r' ? [8, 16, 32] : [8, 16])})${w}${s}`);
        break;
      case 5:
        if (random.below(3)) lines.push(`${w}${d} = -${w}${d}`);
        else lines.push(`${w}${d} ${random.pick(DIVISIONS)} ${imm(random) || 1}`);
        break;
      case 6: {
        const size = random.pick(SIZES);
        const bytes = BYTES[size] as number;
        const off = -8 * (1 + random.below(3)) + (random.below(3) ? 0 : bytes * random.below(8 / bytes));
        lines.push(
          random.below(4)
            ? `*(${size} *)(r10 ${off}) = r${d}`
            : `*(${size} *)(r10 ${off}) = ${random.below(2) ? 0 : imm(random)}`,
        );
        stack.add(off);
        break;
      }
      case 7: {
        const size = random.pick(SIZES);
        const bytes = BYTES[size] as number;
        const off = stack.size && random.below(4) ? random.pick([...stack]) : -8 * (1 + random.below(3));
        if (off % bytes === 0) lines.push(`r${d} = *(${size} *)(r10 ${off})`);
        break;
      }
      case 8:
        lines.push('call bpf_get_prandom_u32', `r${random.pick([6, 7, 8, 9])} = r0`);
        break;
      default: {
        const name = `l${label++}`;
        open.push({ name, at: i + 1 + random.below(Math.max(1, count - i)) });
        lines.push(`if ${w}${d} ${random.pick(COMPARE)} ${operand} goto ${name}`);
      }
    }
  }
  for (const target of open.filter(({ at }) => at >= count)) lines.push(`${target.name}:`);
  const index = random.pick(REGS);
  if (index !== 6) lines.push(`r6 = r${index}`);
  if (random.below(2)) lines.push(`r6 &= ${random.pick([1, 7, 15, 31, 63])}`);
  else lines.push(`if r6 > ${random.pick([7, 31, 56, 63, 64])} goto out`);
  lines.push('*(u32 *)(r10 -32) = 0', 'r2 = r10', 'r2 += -32', 'r1 = map(m)', 'call bpf_map_lookup_elem');
  lines.push('if r0 == 0 goto out', 'r0 += r6', `r1 = *(${random.pick(SIZES)} *)(r0 +0)`);
  lines.push('out:', 'r0 = 0', 'exit');
  return lines.join('\n');
}

/** Loops: counted, may_goto, with conditions inside; functions and callbacks. */
export function loopProgram(random: Random): string {
  const lines = [
    'call bpf_get_prandom_u32',
    'r6 = r0',
    'r7 = 0',
    `r8 = ${imm(random)}`,
    'r9 = 0',
    '*(u64 *)(r10 -8) = r9',
  ];
  const limit = 1 + random.below(12);
  const kind = random.below(3);
  lines.push('top:');
  if (kind === 1) lines.push('may_goto out');
  const body = 1 + random.below(6);
  for (let i = 0; i < body; i++) {
    const d = random.pick([6, 8, 9]);
    switch (random.below(6)) {
      case 0:
        lines.push(`r${d} ${random.pick(BINARY)} ${imm(random)}`);
        break;
      case 1:
        lines.push(`r${d} = r${random.pick([6, 7, 8, 9])}`);
        break;
      case 2:
        lines.push(
          `if r${d} ${random.pick(COMPARE)} ${imm(random)} goto s${i}`,
          `r${random.pick([8, 9])} += 1`,
          `s${i}:`,
        );
        break;
      case 3:
        lines.push(`*(u64 *)(r10 ${-8 * (1 + random.below(2))}) = r${d}`);
        break;
      case 4:
        lines.push(`r${d} = *(u64 *)(r10 -8)`);
        break;
      default:
        lines.push('call bpf_get_prandom_u32', `r${d} = r0`);
    }
  }
  lines.push('r7 += 1');
  if (kind === 1) lines.push('goto top');
  else if (kind === 2) lines.push(`if r7 < ${limit} goto top`);
  else lines.push(`if r7 != ${limit} goto top`);
  lines.push('out:', `if r8 > ${random.pick([7, 31, 63])} goto end`, 'r1 = r10', 'r1 += -8');
  if (random.below(2)) lines.push(`r2 = r${random.pick([7, 8, 9])}`, 'r2 &= 7', 'r1 -= r2', 'r0 = *(u8 *)(r1 +0)');
  lines.push('end:', 'r0 = 0', 'exit');
  return lines.join('\n');
}
