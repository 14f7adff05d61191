/** What a rewriter has to know of the WebAssembly binary format: sections, LEB128, and the immediates of each instruction. */
import { invariant } from '../errors.ts';

export const SECTION_TYPE = 1;
export const SECTION_IMPORT = 2;
export const SECTION_FUNCTION = 3;
export const SECTION_EXPORT = 7;
export const SECTION_CODE = 10;

export const I32 = 0x7f;
export const I64 = 0x7e;
export const V128 = 0x7b;

/** Reads a module, or a part of it, from front to back. */
export class WasmReader {
  constructor(
    readonly bytes: Uint8Array,
    public at = 0,
    readonly end = bytes.length,
  ) {}

  get done(): boolean {
    return this.at >= this.end;
  }

  byte(): number {
    const value = this.bytes[this.at++];
    invariant(value !== undefined && this.at <= this.end, 'kernel.wasm ends in the middle of an instruction');
    return value;
  }

  /** Unsigned LEB128, up to 32 bits. */
  u32(): number {
    let value = 0;
    for (let shift = 0; ; shift += 7) {
      const byte = this.byte();
      value |= (byte & 0x7f) << shift;
      if (byte < 0x80) return value >>> 0;
    }
  }

  /** Passes a LEB128 number of any width. */
  skipLeb(): void {
    while (this.byte() >= 0x80);
  }

  skip(bytes: number): void {
    this.at += bytes;
  }

  /** A part of so many bytes, which this reader passes. */
  part(bytes: number): WasmReader {
    const part = new WasmReader(this.bytes, this.at, this.at + bytes);
    this.at += bytes;
    return part;
  }

  name(): string {
    const length = this.u32();
    const text = String.fromCharCode(...this.bytes.subarray(this.at, this.at + length));
    this.at += length;
    return text;
  }
}

export class WasmWriter {
  #bytes = new Uint8Array(1 << 16);
  length = 0;

  #room(count: number): void {
    if (this.length + count <= this.#bytes.length) return;
    const bigger = new Uint8Array(Math.max(this.#bytes.length * 2, this.length + count));
    bigger.set(this.#bytes);
    this.#bytes = bigger;
  }

  byte(value: number): void {
    this.#room(1);
    this.#bytes[this.length++] = value;
  }

  u32(value: number): void {
    let rest = value >>> 0;
    while (rest >= 0x80) {
      this.byte((rest & 0x7f) | 0x80);
      rest >>>= 7;
    }
    this.byte(rest);
  }

  /** i32.const */
  i32(value: number): void {
    this.byte(0x41);
    let rest = value | 0;
    while (rest < -0x40 || rest >= 0x40) {
      this.byte((rest & 0x7f) | 0x80);
      rest >>= 7;
    }
    this.byte(rest & 0x7f);
  }

  /** A load or store of 2 to the power of `align` bytes, `offset` behind its address. */
  memory(op: number, align: number, offset: number): void {
    this.byte(op);
    this.u32(align);
    this.u32(offset);
  }

  copy(bytes: Uint8Array): void {
    this.#room(bytes.length);
    this.#bytes.set(bytes, this.length);
    this.length += bytes.length;
  }

  get bytes(): Uint8Array<ArrayBuffer> {
    return this.#bytes.slice(0, this.length);
  }
}

/** How an instruction touches memory. */
export interface Access {
  readonly kind: 'load' | 'store' | 'rmw' | 'cmpxchg';
  readonly size: number;
  /** Type of the operand(s) above the address; unused for loads. */
  readonly type: number;
}

/** Bytes and value type of the seven widths of an atomic instruction, in the order of their opcodes. */
const ATOMIC_WIDTHS: readonly (readonly [number, number])[] = [
  [4, I32],
  [8, I64],
  [1, I32],
  [2, I32],
  [1, I64],
  [2, I64],
  [4, I64],
];
const LOAD_SIZES = [4, 8, 4, 8, 1, 1, 2, 2, 1, 1, 2, 2, 4, 4] as const;
const STORES: readonly (readonly [number, number])[] = [
  [4, I32],
  [8, I64],
  [4, 0],
  [8, 0],
  [1, I32],
  [2, I32],
  [1, I64],
  [2, I64],
  [4, I64],
];

/** Bytes that vector loads 0 to 10 read: whole, widening, splatting. */
const VECTOR_LOADS = [16, 8, 8, 8, 8, 8, 8, 1, 2, 4, 8] as const;

/** What plain opcode `op` does to memory; null for all others. */
export function plainAccess(op: number): Access | null {
  if (op >= 0x28 && op <= 0x35) return { kind: 'load', size: LOAD_SIZES[op - 0x28] as number, type: 0 };
  if (op < 0x36 || op > 0x3e) return null;
  const [size, type] = STORES[op - 0x36] as [number, number];
  invariant(type !== 0, 'kernel.wasm stores a float');
  return { kind: 'store', size, type };
}

/** The same behind prefix 0xfe. */
export function atomicAccess(op: number): Access | null {
  if (op < 0x10 || op > 0x4e) return null;
  const [size, type] = ATOMIC_WIDTHS[(op - 0x10) % 7] as [number, number];
  if (op < 0x17) return { kind: 'load', size, type: 0 };
  if (op < 0x1e) return { kind: 'store', size, type };
  return { kind: op < 0x48 ? 'rmw' : 'cmpxchg', size, type };
}

/** The same behind prefix 0xfd, for the instructions whose only immediate is the address. */
export function vectorAccess(op: number): Access | null {
  if (op <= 10) return { kind: 'load', size: VECTOR_LOADS[op] as number, type: 0 };
  if (op === 11) return { kind: 'store', size: 16, type: V128 };
  if (op === 92 || op === 93) return { kind: 'load', size: op === 92 ? 4 : 8, type: 0 };
  return null;
}

/** Passes the immediates of a plain opcode that is no memory access. */
export function skipImmediates(reader: WasmReader, op: number): void {
  if (op === 0x02 || op === 0x03 || op === 0x04 || op === 0x41 || op === 0x42) reader.skipLeb();
  else if (op === 0x0c || op === 0x0d || op === 0x10 || (op >= 0x20 && op <= 0x26)) reader.skipLeb();
  else if (op === 0x0e) for (let count = reader.u32() + 1; count > 0; count--) reader.skipLeb();
  else if (op === 0x11) {
    reader.skipLeb();
    reader.skipLeb();
  } else if (op === 0x1c) for (let count = reader.u32(); count > 0; count--) reader.byte();
  else if (op === 0x3f || op === 0x40 || op === 0xd0 || op === 0xd2) reader.skipLeb();
  else if (op === 0x43) reader.skip(4);
  else if (op === 0x44) reader.skip(8);
}

/** Passes those of a vector opcode without an address. */
export function skipVectorImmediates(reader: WasmReader, op: number): void {
  if (op === 12 || op === 13) reader.skip(16);
  else if (op >= 21 && op <= 34) reader.skip(1);
  else invariant(op < 84 || op > 91, 'kernel.wasm has a vector instruction that loads or stores a lane');
}
