/** Loads, stores and atomics. What a verified program accesses is there; only loads marked by the verifier may find nothing. */
import { FAULT_NO_PACKET, JR_PACKET, JR_PACKET_LEN } from '../../../assembly/kernel/bpf/prog_layout.ts';
import {
  KERNEL_BASE_HI,
  M_MEMORY_LIMIT,
  SHADOW,
  SHADOW_CTX,
  SHADOW_FULL,
  SHADOW_READONLY,
} from '../../../assembly/layout.ts';
import type { InsnRow } from '../../uapi/insn.ts';
import { swap16, swap32 } from './alu.ts';
import type { FunctionEmitter } from './emitter.ts';
import type { Align } from './encoder.ts';
import { I32, I64, OP } from './opcodes.ts';

const ALIGN: Readonly<Record<number, Align>> = { 8: 0, 16: 1, 32: 2, 64: 3 };
const alignOf = (bits: number): Align => ALIGN[bits] as Align;

const LOADS: Readonly<Record<string, number>> = {
  ldx8: OP['i64.load8_u'],
  ldx16: OP['i64.load16_u'],
  ldx32: OP['i64.load32_u'],
  ldx64: OP['i64.load'],
  ldsx8: OP['i64.load8_s'],
  ldsx16: OP['i64.load16_s'],
  ldsx32: OP['i64.load32_s'],
};

const STORES: Readonly<Record<number, number>> = {
  8: OP['i64.store8'],
  16: OP['i64.store16'],
  32: OP['i64.store32'],
  64: OP['i64.store'],
};

/** The offset of the u64 that a context field stands for; undefined for plain fields. */
function hiddenField(f: FunctionEmitter, i: number, row: InsnRow): number | undefined {
  const { program } = f.context.decoded;
  if (!program.context?.length || !program.contextAccess?.has(i)) return undefined;
  return program.context.find(({ off, size }) => off === f.insns.off[i] && size * 8 === row.bits)?.hidden;
}

export function emitLoad(f: FunctionEmitter, i: number, row: InsnRow): void {
  const { code, insns } = f;
  const src = insns.src[i] as number;
  const off = insns.off[i] as number;
  const hidden = hiddenField(f, i, row);
  if (hidden !== undefined) {
    code.memory(OP['i64.load'], 0, f.address(src, hidden));
  } else if (f.context.decoded.program.probes?.has(i)) {
    emitProbe(f, src, off, row);
  } else {
    code.memory(LOADS[row.op] as number, 0, f.address(src, off));
  }
  f.set(insns.dst[i] as number);
}

/** Pushes what is at `src + off`; 0 where the program may not read. One granule of plain memory is looked at here, the rest there. */
function emitProbe(f: FunctionEmitter, src: number, off: number, row: InsnRow): void {
  const { code, context } = f;
  const bytes = row.bits / 8;
  const limit = context.memory.u32At(M_MEMORY_LIMIT);
  const place = f.take(I64);
  const offset = f.take(I32);
  f.get(src);
  // Bytes from the first kernel address; what is below it is far away.
  code
    .i64(off, (off >> 31) - KERNEL_BASE_HI)
    .op(OP['i64.add'])
    .tee(place);
  code.op(OP['i32.wrap_i64']).set(offset);
  code.get(place).i64(limit, 0).op(OP['i64.lt_u']).open(OP.if, I32);
  code.get(offset).i32(3).op(OP['i32.shr_u']).memory(OP['i32.load8_u'], 0, SHADOW);
  code
    .i32(~(SHADOW_READONLY | SHADOW_CTX))
    .op(OP['i32.and'])
    .i32(SHADOW_FULL)
    .op(OP['i32.eq']);
  if (bytes > 1)
    code
      .get(offset)
      .i32(7)
      .op(OP['i32.and'])
      .i32(8 - bytes)
      .op(OP['i32.le_u'])
      .op(OP['i32.and']);
  code.else().i32(0).end().open(OP.if, I32).i32(1).else();
  code.get(place).i64(0, KERNEL_BASE_HI).op(OP['i64.add']).i32(bytes).i32(0).call(context.imported('access_ok')).end();
  code
    .open(OP.if, I64)
    .get(offset)
    .memory(LOADS[row.op] as number, 0)
    .else()
    .i64(0)
    .end();
  f.release(I64, place);
  f.release(I32, offset);
}

export function emitStore(f: FunctionEmitter, i: number, row: InsnRow): void {
  const { code, insns } = f;
  const at = f.address(insns.dst[i] as number, insns.off[i] as number);
  if (row.source === 'imm') code.i64(insns.imm[i] as number);
  else f.get(insns.src[i] as number);
  code.memory(STORES[row.bits] as number, 0, at);
}

const ATOMICS: Readonly<Record<string, number>> = {
  add64: OP['i64.atomic.rmw.add'],
  or64: OP['i64.atomic.rmw.or'],
  and64: OP['i64.atomic.rmw.and'],
  xor64: OP['i64.atomic.rmw.xor'],
  xchg64: OP['i64.atomic.rmw.xchg'],
  cmpxchg64: OP['i64.atomic.rmw.cmpxchg'],
  add32: OP['i64.atomic.rmw32.add_u'],
  or32: OP['i64.atomic.rmw32.or_u'],
  and32: OP['i64.atomic.rmw32.and_u'],
  xor32: OP['i64.atomic.rmw32.xor_u'],
  xchg32: OP['i64.atomic.rmw32.xchg_u'],
  cmpxchg32: OP['i64.atomic.rmw32.cmpxchg_u'],
};

export function emitAtomic(f: FunctionEmitter, i: number, row: InsnRow): void {
  const { code, insns } = f;
  const name = row.op.replace('fetch_', '');
  const compares = name.startsWith('cmpxchg');
  const fetches = compares || name.startsWith('xchg') || row.op.startsWith('fetch_');
  const at = f.address(insns.dst[i] as number, insns.off[i] as number);
  if (compares) {
    f.get(0);
    // A number that is wider than the place compares unequal.
    if (row.bits === 32) code.i64(-1, 0).op(OP['i64.and']);
  }
  f.get(insns.src[i] as number);
  code.memory(ATOMICS[name] as number, alignOf(row.bits), at);
  if (!fetches) code.op(OP.drop);
  else f.set(compares ? 0 : (insns.src[i] as number));
}

const ACQUIRE: Readonly<Record<number, number>> = {
  8: OP['i64.atomic.load8_u'],
  16: OP['i64.atomic.load16_u'],
  32: OP['i64.atomic.load32_u'],
  64: OP['i64.atomic.load'],
};

const RELEASE: Readonly<Record<number, number>> = {
  8: OP['i64.atomic.store8'],
  16: OP['i64.atomic.store16'],
  32: OP['i64.atomic.store32'],
  64: OP['i64.atomic.store'],
};

export function emitAcquire(f: FunctionEmitter, i: number, { bits }: InsnRow): void {
  const { insns } = f;
  const at = f.address(insns.src[i] as number, insns.off[i] as number);
  f.code.memory(ACQUIRE[bits] as number, alignOf(bits), at);
  f.set(insns.dst[i] as number);
}

export function emitRelease(f: FunctionEmitter, i: number, { bits }: InsnRow): void {
  const { insns } = f;
  const at = f.address(insns.dst[i] as number, insns.off[i] as number);
  f.get(insns.src[i] as number).memory(RELEASE[bits] as number, alignOf(bits), at);
}

const PACKET_LOADS: Readonly<Record<number, number>> = {
  8: OP['i64.load8_u'],
  16: OP['i64.load16_u'],
  32: OP['i64.load32_u'],
};

/** ld_abs and ld_ind: from the packet in network order into r0; outside of it, the function returns 0. */
export function emitPacket(f: FunctionEmitter, i: number, row: InsnRow): void {
  const { code, insns } = f;
  const at = f.take(I32);
  f.runField(JR_PACKET).memory(OP['i32.load'], 2).op(OP['i32.eqz']).open(OP.if);
  f.fault(FAULT_NO_PACKET, i);
  code.end();
  code.i32(insns.imm[i] as number);
  if (row.source === 'reg') f.get32(insns.src[i] as number).op(OP['i32.add']);
  code.tee(at).i32(0).op(OP['i32.lt_s']);
  code
    .get(at)
    .op(OP['i64.extend_i32_u'])
    .i64(row.bits / 8)
    .op(OP['i64.add']);
  f.runField(JR_PACKET_LEN).memory(OP['i64.load32_u'], 2).op(OP['i64.gt_u']).op(OP['i32.or']).open(OP.if);
  code.i64(0);
  f.leave();
  code.end();
  f.runField(JR_PACKET).memory(OP['i32.load'], 2).get(at).op(OP['i32.add']);
  code.memory(PACKET_LOADS[row.bits] as number, 0);
  if (row.bits !== 8) {
    code.op(OP['i32.wrap_i64']);
    if (row.bits === 16) swap16(f);
    else swap32(f);
    code.op(OP['i64.extend_i32_u']);
  }
  f.set(0);
  f.release(I32, at);
}
