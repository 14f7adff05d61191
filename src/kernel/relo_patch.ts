/** Writing the result of a CO-RE relocation into its instruction (bpf_core_patch_insn). */

/** A relocated instruction that no kernel type fits becomes a call of this helper, which the verifier refuses. */
export const POISON = 195896080;

/** libbpf would give up on the whole object: its first line, and the errno it returns (by name). */
export class CoreError extends Error {
  constructor(
    readonly code: 'EINVAL' | 'E2BIG' | 'EOPNOTSUPP' | 'ERANGE',
    message: string,
  ) {
    super(message);
  }
}

/** What a relocation comes to. */
export interface CoreResult {
  readonly poison: boolean;
  readonly original: bigint;
  readonly value: bigint;
  readonly validate: boolean;
  readonly originalSize: number;
  readonly size: number;
  /** The access would change its width although the value's meaning depends on it. */
  readonly badSize: boolean;
}

const SIZES: Readonly<Record<number, number>> = { 0: 4, 8: 2, 16: 1, 24: 8 };
const SIZE_CODES: Readonly<Record<number, number>> = { 4: 0x00, 2: 0x08, 1: 0x10, 8: 0x18 };

/** Writes the result into an instruction (bpf_core_patch_insn). */
export function patchInsn(result: CoreResult, where: string, insn: number, insns: Uint8Array, at: number): void {
  const view = new DataView(insns.buffer, insns.byteOffset, insns.byteLength);
  const code = insns[at] as number;
  const isWide = code === 0x18;
  const bad = (problem: string, code: CoreError['code'] = 'EINVAL'): CoreError =>
    new CoreError(code, `${where}: ${problem}`);
  const poison = (): void => {
    for (let i = 0; i < (isWide ? 2 : 1); i++) {
      insns.fill(0, at + i * 8, at + i * 8 + 4);
      insns[at + i * 8] = 0x85;
      view.setInt32(at + i * 8 + 4, POISON, true);
    }
  };
  const range = `exp ${result.original} -> ${result.value}`;
  switch (code & 7) {
    case 4:
    case 7: {
      if (code & 8) break;
      if (result.poison) {
        poison();
        return;
      }
      const imm = view.getInt32(at + 4, true);
      if (result.validate && BigInt.asUintN(64, BigInt(imm)) !== result.original) {
        throw bad(`unexpected insn #${insn} (ALU/ALU64) value: got ${imm >>> 0}, ${range}`);
      }
      view.setInt32(at + 4, Number(BigInt.asIntN(32, result.value)), true);
      return;
    }
    case 1:
    case 2:
    case 3: {
      if (result.poison) {
        poison();
        return;
      }
      const off = view.getInt16(at + 2, true);
      if (result.validate && BigInt.asUintN(64, BigInt(off)) !== result.original) {
        throw bad(`unexpected insn #${insn} (LDX/ST/STX) value: got ${off >>> 0}, ${range}`);
      }
      if (result.value > 32767n) throw bad(`insn #${insn} (LDX/ST/STX) value too big: ${result.value}`, 'ERANGE');
      if (result.badSize) {
        poison();
        return;
      }
      view.setInt16(at + 2, Number(result.value), true);
      if (result.size === result.originalSize) return;
      const size = SIZES[code & 0x18] as number;
      if (size !== result.originalSize) {
        throw bad(`insn #${insn} (LDX/ST/STX) unexpected mem size: got ${size}, exp ${result.originalSize}`);
      }
      const sizeCode = SIZE_CODES[result.size];
      if (sizeCode === undefined) throw bad(`insn #${insn} (LDX/ST/STX) invalid new mem size: ${result.size}`);
      insns[at] = (code & 0xe7) | sizeCode;
      return;
    }
    case 0: {
      const second = insns.subarray(at + 8, at + 12);
      const regs = (insns[at + 1] as number) >> 4;
      if (!isWide || regs !== 0 || insns[at + 2] || insns[at + 3] || second.length < 4 || second.some(Boolean)) {
        throw bad(`insn #${insn} (LDIMM64) has unexpected form`);
      }
      if (result.poison) {
        poison();
        return;
      }
      const imm = (BigInt(view.getUint32(at + 12, true)) << 32n) | BigInt(view.getUint32(at + 4, true));
      if (result.validate && imm !== result.original) {
        throw bad(`unexpected insn #${insn} (LDIMM64) value: got ${imm}, ${range}`);
      }
      view.setUint32(at + 4, Number(result.value & 0xffff_ffffn), true);
      view.setUint32(at + 12, Number(result.value >> 32n), true);
      return;
    }
  }
  const hex = (value: number): string => `0x${value.toString(16)}`;
  const registers = insns[at + 1] as number;
  throw bad(
    `trying to relocate unrecognized insn #${insn}, code:${hex(code)}, src:${hex(registers >> 4)}, dst:${hex(registers & 15)}, ` +
      `off:${hex(view.getUint16(at + 2, true))}, imm:${hex(view.getUint32(at + 4, true))}`,
  );
}
