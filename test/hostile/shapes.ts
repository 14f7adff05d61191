/** Hostile programs by name: built to explode states, to be huge, or with absurd BTF and maps. */
import type { Btf } from '../../src/btf/btf.ts';
import type { KernelProgram } from '../../src/kernel/program.ts';
import type { FuncSpec } from '../../src/loader/spec.ts';
import { assemble } from '../../src/uapi/asm.ts';
import { encodeInsn, type InsnFields } from '../../src/uapi/insn.ts';
import { BtfBuilder } from '../btf_builder.ts';
import type { MapCase } from '../verifier/case.ts';

export interface Shape {
  readonly insns: Uint8Array;
  readonly maps?: Readonly<Record<string, MapCase>>;
  readonly also?: Partial<KernelProgram>;
}

/** A million instructions are as much as a program may have. */
const MOST = 1_000_000;

/** `count` instructions. */
function insns(count: number, insn: (i: number) => InsnFields): Uint8Array {
  const bytes = new Uint8Array(count * 8);
  const view = new DataView(bytes.buffer);
  for (let i = 0; i < count; i++) encodeInsn(view, i * 8, insn(i));
  return bytes;
}

const join = (...parts: readonly Uint8Array[]): Uint8Array => new Uint8Array(Buffer.concat(parts));
const leave = assemble('r0 = 0; exit');
const mov = (dst: number, imm: number): InsnFields => ({ code: 0xb7, dst, imm });
/** if r6 == i goto the last two instructions. */
const branch = (i: number, count: number): InsnFields => ({
  code: 0x15,
  dst: 6,
  imm: i,
  off: Math.min(count - i - 1, 32_767),
});
const unknown = assemble('call bpf_get_prandom_u32; r6 = r0');

/** main and one static function more, which has this prototype in the program's BTF. */
function withBtf(make: (b: BtfBuilder) => { param: number }): Shape {
  const b = new BtfBuilder();
  const int = b.int('int', 4, 1);
  const { param } = make(b);
  const main = b.func('main', b.proto(int, [['ctx', b.ptr(0)]]));
  const other = b.func('other', b.proto(int, [['p', b.ptr(param)]]));
  return {
    insns: assemble('r1 = 0; call other; r0 = 0; exit; other: r0 = 0; exit'),
    also: btfOf(b.build(), main, other),
  };
}

function btfOf(btf: Btf, main: number, other: number): Partial<KernelProgram> {
  const func = (name: string, insn: number, insnCount: number, typeId: number): FuncSpec => ({
    ...{ name, insn, insnCount, typeId, linkage: 'global' },
  });
  return { btf, funcs: [func('main', 0, 4, main), func('other', 4, 2, other)] };
}

export const shapes: Readonly<Record<string, () => Shape>> = {
  'a million instructions': () => ({
    insns: join(
      insns(MOST - 2, () => mov(0, 0)),
      leave,
    ),
  }),
  'a million numbers': () => ({
    insns: join(
      insns(MOST - 2, (i) => mov(i % 10, i)),
      leave,
    ),
  }),
  'a million spills': () => ({
    insns: join(
      insns(MOST - 2, (i) => (i % 2 ? mov(1, i) : { code: 0x7b, dst: 10, src: 10, off: -8 * (1 + (i % 64)) })),
      leave,
    ),
  }),
  'half a million ld_imm64': () => ({
    insns: join(
      insns(MOST - 2, (i) => (i % 2 ? { code: 0, imm: i } : { code: 0x18, dst: 1, imm: i })),
      leave,
    ),
  }),
  'half a million map addresses': () => ({
    maps: { m: { value: 0x7fff_fff8, max: 1 } },
    insns: join(
      insns(MOST - 2, (i) => (i % 2 ? { code: 0, imm: i } : { code: 0x18, dst: 1, src: 6, imm: 0 })),
      leave,
    ),
  }),
  // Every path through the branches leaves another value in r6: no state ever covers another.
  'states that double': () => {
    const step = (bit: number) => `call bpf_get_prandom_u32; if r0 > 5 goto +1; r6 += ${2 ** bit}`;
    const steps = Array.from({ length: 28 }, (_, bit) => step(bit)).join('; ');
    return {
      insns: assemble(`r6 = 0; ${steps}; r1 = r10; r6 &= 7; r1 += -8; r1 += r6; *(u8 *)(r1 + 0) = 0; r0 = 0; exit`),
    };
  },
  '8,193 pending jumps': () => ({
    insns: join(
      unknown,
      insns(8193, (i) => branch(i, 8193)),
      leave,
    ),
  }),
  '300,000 branches': () => ({
    insns: join(
      unknown,
      insns(300_000, () => ({ code: 0x15, dst: 6, off: 0 })),
      leave,
    ),
  }),
  '257 functions': () => ({
    insns: join(
      insns(256, (i) => ({ code: 0x85, src: 1, imm: 256 - i + 2 * i + 1 })),
      leave,
      ...Array.from({ length: 256 }, () => leave),
    ),
  }),
  'calls 255 deep': () => ({
    insns: join(...Array.from({ length: 255 }, () => assemble('call +1; exit')), leave),
  }),
  // Each of the calls has marks of its own for the stack that the function reads: 200 times half a million.
  '200 calls of half a million instructions': () => ({
    insns: join(
      assemble('*(u64 *)(r10 - 8) = 0'),
      ...Array.from({ length: 200 }, (_, i) =>
        join(
          assemble('r1 = r10; r2 = 0'),
          insns(1, () => ({ code: 0x85, src: 1, imm: 3 * (199 - i) + 2 })),
        ),
      ),
      leave,
      assemble('r3 = *(u64 *)(r1 - 8); if r2 == 7 goto +2; r0 = 0; exit'),
      insns(500_000, () => mov(0, 0)),
      leave,
    ),
  }),
  '4,096 maps': () => ({
    maps: Object.fromEntries(
      Array.from({ length: 4096 }, (_, i) => [`m${i}`, { max: 0xffff_ffff, value: 0x7fff_fff8 }]),
    ),
    insns: join(
      insns(8192, (i) => (i % 2 ? { code: 0 } : { code: 0x18, dst: 1, src: 5, imm: i / 2 })),
      leave,
    ),
  }),
  'a typedef of itself': () => withBtf((b) => ({ param: b.ref('typedef', 2, 'loop') })),
  'qualifiers in a circle': () =>
    withBtf((b) => {
      const first = b.ref('const', 3);
      b.ref('volatile', first);
      return { param: first };
    }),
  'a struct inside itself': () =>
    withBtf((b) => ({ param: b.struct('own', 8, [{ name: 'again', type: 2, offset: 0 }]) })),
  'arrays of arrays beyond all numbers': () =>
    withBtf((b) => {
      let type = 1;
      for (let i = 0; i < 40; i++) type = b.array(type, 0xffff_ffff);
      return { param: type };
    }),
  '50,000 structs, one inside the other': () =>
    withBtf((b) => {
      let type = 1;
      for (let i = 0; i < 50_000; i++) type = b.struct(`s${i}`, 8, [{ name: 'inner', type, offset: 0 }]);
      return { param: type };
    }),
  'a struct of 65,535 members': () =>
    withBtf((b) => ({
      param: b.struct(
        'wide',
        0xffff_ffff,
        Array.from({ length: 65_535 }, (_, i) => ({ name: '', type: 1, offset: i * 8 })),
      ),
    })),
  '100,000 functions in BTF': () =>
    withBtf((b) => {
      const proto = b.proto(1, []);
      for (let i = 0; i < 100_000; i++) b.func(`f${i}`, proto, 0);
      return { param: 1 };
    }),
};
