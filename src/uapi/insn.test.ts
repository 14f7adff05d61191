import { describe, expect, it } from 'vitest';
import { assemble, encodeInsns, op } from './asm.ts';
import { formatInsn, type InsnFields, Insns, insnRows, isKnownCode, rowOf } from './insn.ts';

const text = (insn: InsnFields) => formatInsn(new Insns(encodeInsns([insn, { code: 0 }])), 0);

describe('rows', () => {
  it('have names and encodings of their own', () => {
    expect(new Set(insnRows.map((row) => row.op)).size).toBe(insnRows.length);
    const encodings = insnRows.map(({ code, off, imm, src }) => [code, off ?? '*', imm ?? '*', src ?? '*'].join());
    expect(new Set(encodings).size).toBe(insnRows.length);
  });

  it('are found again from what they encode to', () => {
    for (const row of insnRows) {
      expect(rowOf(new Insns(encodeInsns([op(row.op, { dst: 1 })])), 0)?.op).toBe(row.op);
    }
  });

  it('know the codes that exist, and no others', () => {
    const unknown = [0x8d, 0x9d, 0xdf, 0xf5, 0xe7, 0x00, 0x98, 0x8e, 0x96, 0xff].filter((code) => isKnownCode(code));
    expect(unknown).toEqual([]);
  });

  it('refuse variants that do not exist', () => {
    const cases: InsnFields[] = [
      { code: 0xbf, off: 9 },
      { code: 0xbc, off: 32 },
      { code: 0x3f, off: 2 },
      { code: 0xdb, imm: 0x20 },
      { code: 0xd4, imm: 8 },
      { code: 0x85, src: 3 },
      { code: 0x18, src: 7 },
    ];
    for (const insn of cases) expect(rowOf(new Insns(encodeInsns([insn])), 0)).toBeUndefined();
  });
});

// As Linux 6.18's verifier log prints them.
const printed: readonly [InsnFields, string][] = [
  [op('mov64_reg', { dst: 1, src: 2 }), 'r1 = r2'],
  [op('add32_imm', { dst: 3, imm: 5 }), 'w3 += 5'],
  [op('mov64_imm', { dst: 2, imm: -1 }), 'r2 = -1'],
  [op('arsh64_reg', { dst: 4, src: 5 }), 'r4 s>>= r5'],
  [op('sdiv32_reg', { dst: 1, src: 2 }), 'w1 s/= w2'],
  [op('smod64_imm', { dst: 1, imm: -3 }), 'r1 s%= -3'],
  [op('movsx8_64', { dst: 1, src: 2 }), 'r1 = (s8)r2'],
  [op('movsx16_32', { dst: 1, src: 2 }), 'w1 = (s16)w2'],
  [op('neg64', { dst: 1 }), 'r1 = -r1'],
  [op('be16', { dst: 1 }), 'r1 = be16 r1'],
  [op('bswap64', { dst: 9 }), 'r9 = bswap64 r9'],
  [op('addr_space_cast', { dst: 1, src: 2, imm: 0x10000 }), 'r1 = addr_space_cast(r2, 1, 0)'],
  [op('mov_percpu', { dst: 0, src: 0 }), 'r0 = &(void __percpu *)(r0)'],
  [op('ldx64', { src: 1, off: 8 }), 'r0 = *(u64 *)(r1 +8)'],
  [op('ldsx16', { src: 1, off: -2 }), 'r0 = *(s16 *)(r1 -2)'],
  [op('stx8', { dst: 10, src: 3, off: -1 }), '*(u8 *)(r10 -1) = r3'],
  [op('st32', { dst: 10, off: -8, imm: 7 }), '*(u32 *)(r10 -8) = 7'],
  [op('add64', { dst: 10, src: 1, off: -8 }), 'lock *(u64 *)(r10 -8) += r1'],
  [op('fetch_add64', { dst: 10, src: 1, off: -8 }), 'r1 = atomic64_fetch_add((u64 *)(r10 -8), r1)'],
  [op('fetch_xor32', { dst: 10, src: 1, off: -8 }), 'r1 = atomic_fetch_xor((u32 *)(r10 -8), r1)'],
  [op('xchg64', { dst: 10, src: 1, off: -8 }), 'r1 = atomic64_xchg((u64 *)(r10 -8), r1)'],
  [op('cmpxchg32', { dst: 10, src: 1, off: -4 }), 'r0 = atomic_cmpxchg((u32 *)(r10 -4), r0, r1)'],
  [op('load_acquire8', { dst: 2, src: 1, off: 0 }), 'r2 = load_acquire((u8 *)(r1 +0))'],
  [op('store_release64', { dst: 1, src: 2, off: 8 }), 'store_release((u64 *)(r1 +8), r2)'],
  [op('ld_abs16', { imm: 12 }), 'r0 = *(u16 *)skb[12]'],
  [op('ld_ind8', { src: 7, imm: 4 }), 'r0 = *(u8 *)skb[r7 + 4]'],
  [op('ld_imm64', { dst: 1, imm: 5 }), 'r1 = 0x5'],
  [op('jsgt64_imm', { dst: 1, imm: 5, off: 3 }), 'if r1 s> 0x5 goto pc+3'],
  [op('jne32_imm', { dst: 1, imm: -1, off: -3 }), 'if w1 != 0xffffffff goto pc-3'],
  [op('jset64_reg', { dst: 1, src: 2, off: 0 }), 'if r1 & r2 goto pc+0'],
  [op('ja', { off: -4 }), 'goto pc-4'],
  [op('gotol', { imm: 70000 }), 'gotol pc+70000'],
  [op('may_goto', { off: 2 }), 'may_goto pc+2'],
  [op('call_helper', { imm: 1 }), 'call bpf_map_lookup_elem#1'],
  [op('call_helper', { imm: 9999 }), 'call unknown#9999'],
  [op('call_local', { imm: 7 }), 'call pc+7'],
  [op('call_kfunc', { imm: 12 }), 'call kernel-function#12'],
  [op('exit'), 'exit'],
  [{ code: 0xdb, imm: 0x20 }, 'BUG_db'],
  [{ code: 0x38 }, 'r0 = *(u64 *)skb[0]'],
  [{ code: 0x98 }, 'BUG_ld_98'],
];

describe('formatInsn', () => {
  it.each(printed)('%# prints %s', (insn, want) => {
    expect(text(insn)).toBe(want);
  });

  it('names kfuncs and constants where it is told how', () => {
    const insns = new Insns(encodeInsns([op('call_kfunc', { imm: 9 }), op('ld_imm64', { dst: 1 }), { code: 0 }]));
    const names = { kfunc: () => 'bpf_cpumask_create', imm64: () => 'map[id:3]' };
    expect([formatInsn(insns, 0, names), formatInsn(insns, 1, names)]).toEqual([
      'call bpf_cpumask_create#9',
      'r1 = map[id:3]',
    ]);
  });
});

describe('assemble', () => {
  it('reads back every row that formatInsn prints', () => {
    for (const row of insnRows) {
      const fields = { dst: 0, src: row.form === 'atomic' ? 2 : 1, off: 4, imm: 3 };
      const insn = op(row.op, row.form === 'imm64' ? { dst: 1, imm: 3 } : fields);
      if (row.form === 'percpu') continue;
      if (row.form === 'imm64' && row.op !== 'ld_imm64') continue;
      const line = text(insn);
      const suffix = row.form === 'imm64' ? ' ll' : '';
      const symbols = { kfuncs: { 'kernel-function': 3 } };
      const source = row.form === 'call' && row.op === 'call_kfunc' ? 'call kfunc#3' : line + suffix;
      const again = new Insns(assemble(source, symbols));
      expect(formatInsn(again, 0)).toBe(line);
      expect(rowOf(again, 0)?.op).toBe(row.op);
    }
  });

  it('resolves labels of jumps, calls and callbacks', () => {
    const bytes = assemble(`
      r1 = func(cb)      // two slots
      if r0 == 0 goto out
      call cb
      gotol out
      cb: r0 = 0; exit
      out: exit
    `);
    const insns = new Insns(bytes);
    expect(Array.from({ length: insns.length }, (_, i) => formatInsn(insns, i))).toEqual([
      'r1 = 0x4',
      'BUG_ld_00',
      'if r0 == 0x0 goto pc+4',
      'call pc+1',
      'gotol pc+2',
      'r0 = 0',
      'exit',
      'exit',
    ]);
    expect(insns.src[0]).toBe(4);
  });

  it('takes maps and kfuncs by name', () => {
    const insns = new Insns(
      assemble('r1 = map(m); r2 = map_value(m, 8); call k; call bpf_loop', { maps: { m: 2 }, kfuncs: { k: 77 } }),
    );
    expect([insns.src[0], insns.imm[0]]).toEqual([5, 2]);
    expect([insns.src[2], insns.imm[2], insns.imm[3]]).toEqual([6, 2, 8]);
    expect([insns.src[4], insns.imm[4]]).toEqual([2, 77]);
    expect(insns.imm[5]).toBe(181);
  });

  it.each(['r1 = 5 +', 'goto nowhere', 'call nothing', 'r1 = map(m)', 'r1 = 0x100000000'])('refuses %s', (source) => {
    expect(() => assemble(source)).toThrow(/assembly/);
  });
});
