/**
 * Rewrites kernel.wasm so that every load and store is noted (assembly/kernel/explore.ts): what was there before, to go back to
 * it, and which memory a step touched, to know which steps depend on each other. The functions that take the notes stay as
 * they are. Nothing else changes, so what runs is the kernel that all engines run.
 */
import { CLASS_PRIVATE, GRANULE_SHIFT, X_CLASSES } from '../../assembly/kernel/explore_layout.ts';
import { SHADOW } from '../../assembly/layout.ts';
import { invariant } from '../errors.ts';
import {
  type Access,
  atomicAccess,
  I32,
  I64,
  plainAccess,
  SECTION_CODE,
  SECTION_EXPORT,
  SECTION_FUNCTION,
  SECTION_IMPORT,
  SECTION_TYPE,
  skipImmediates,
  skipVectorImmediates,
  V128,
  vectorAccess,
  WasmReader,
  WasmWriter,
} from './wasm.ts';

/** Exports that take notes; functions whose names begin so are not rewritten. */
const NOTE = 'explore_note';

/** Indexes of functions that the rewritten code calls. */
interface Notes {
  readonly load: number;
  readonly store: number;
  readonly fill: number;
  readonly copy: number;
}

interface Module {
  readonly imports: number;
  /** Type of each function of its own. */
  readonly types: readonly number[];
  /** Parameters of each type. */
  readonly params: readonly number[];
  readonly exports: ReadonlyMap<string, number>;
}

/** Locals that a function gets behind its own. */
interface Scratch {
  readonly address: number;
  readonly i32: number;
  readonly i32b: number;
  readonly i64: number;
  readonly i64b: number;
  readonly v128: number;
}

const EXTRA: readonly (readonly [number, number])[] = [
  [3, I32],
  [2, I64],
  [1, V128],
];

function* sections(bytes: Uint8Array): Generator<{ id: number; body: WasmReader; start: number; end: number }> {
  const reader = new WasmReader(bytes, 8);
  while (!reader.done) {
    const start = reader.at;
    const id = reader.byte();
    const body = reader.part(reader.u32());
    yield { id, body, start, end: reader.at };
  }
}

function readModule(bytes: Uint8Array): Module {
  const params: number[] = [];
  const types: number[] = [];
  const exports = new Map<string, number>();
  const imports = 0;
  const readers: Readonly<Record<number, (body: WasmReader) => void>> = {
    [SECTION_TYPE]: (body) => {
      for (let count = body.u32(); count > 0; count--) {
        body.byte();
        const inputs = body.u32();
        body.skip(inputs);
        body.skip(body.u32());
        params.push(inputs);
      }
    },
    [SECTION_IMPORT]: (body) => {
      for (let count = body.u32(); count > 0; count--) {
        body.name();
        body.name();
        const kind = body.byte();
        invariant(kind === 2 || kind === 3, 'kernel.wasm imports more than a memory and a global');
        if (kind === 3) body.skip(2);
        else for (let limits = body.byte() & 1 ? 2 : 1; limits > 0; limits--) body.skipLeb();
      }
    },
    [SECTION_FUNCTION]: (body) => {
      for (let count = body.u32(); count > 0; count--) types.push(body.u32());
    },
    [SECTION_EXPORT]: (body) => {
      for (let count = body.u32(); count > 0; count--) {
        const name = body.name();
        const kind = body.byte();
        const index = body.u32();
        if (kind === 0) exports.set(name, index);
      }
    },
  };
  for (const { id, body } of sections(bytes)) readers[id]?.(body);
  return { imports, types, params, exports };
}

function notesOf({ exports }: Module): Notes {
  const find = (what: string) => {
    const index = exports.get(`${NOTE}_${what}`);
    invariant(index !== undefined, `kernel.wasm does not export ${NOTE}_${what}`);
    return index;
  };
  return { load: find('load'), store: find('store'), fill: find('fill'), copy: find('copy') };
}

/** Writes one rewritten function body. */
class Rewriter {
  readonly #out: WasmWriter;
  readonly #notes: Notes;
  readonly #scratch: Scratch;

  constructor(out: WasmWriter, notes: Notes, scratch: Scratch) {
    this.#out = out;
    this.#notes = notes;
    this.#scratch = scratch;
  }

  #get(local: number): void {
    this.#out.byte(0x20);
    this.#out.u32(local);
  }

  #set(local: number): void {
    this.#out.byte(0x21);
    this.#out.u32(local);
  }

  #tee(local: number): void {
    this.#out.byte(0x22);
    this.#out.u32(local);
  }

  #call(index: number): void {
    this.#out.byte(0x10);
    this.#out.u32(index);
  }

  /** Notes an access whose address is on top of the stack; the address stays there. */
  #note(callee: number, offset: number, size: number): void {
    this.#tee(this.#scratch.address);
    this.#get(this.#scratch.address);
    this.#out.i32(offset);
    this.#out.i32(size);
    this.#call(callee);
  }

  /** The same of a load. Most are of private memory, which is not worth a call. */
  #noteLoad(offset: number, size: number): void {
    const out = this.#out;
    const { address } = this.#scratch;
    this.#tee(address);
    this.#get(address);
    if (offset !== 0) {
      out.i32(offset);
      out.byte(0x6a); // i32.add
    }
    out.i32(GRANULE_SHIFT);
    out.byte(0x76); // i32.shr_u
    out.i32(0);
    out.memory(0x28, 2, X_CLASSES); // i32.load
    out.byte(0x6a); // i32.add
    out.memory(0x2d, 0, 0); // i32.load8_u
    out.i32(CLASS_PRIVATE);
    out.byte(0x47); // i32.ne
    out.byte(0x04); // if
    out.byte(0x40);
    this.#get(address);
    out.i32(offset);
    out.i32(size);
    this.#call(this.#notes.load);
    out.byte(0x0b); // end
  }

  /** Notes the access of an instruction that comes next in the output. */
  access({ kind, size, type }: Access, offset: number): void {
    const { i32, i32b, i64, i64b, v128 } = this.#scratch;
    if (kind === 'load') {
      this.#noteLoad(offset, size);
      return;
    }
    const value = type === I32 ? i32 : type === I64 ? i64 : v128;
    this.#set(value);
    const expected = type === I32 ? i32b : i64b;
    if (kind === 'cmpxchg') this.#set(expected);
    this.#note(this.#notes.store, offset, size);
    if (kind === 'cmpxchg') this.#get(expected);
    this.#get(value);
  }

  /** memory.fill and memory.copy: three i32 operands. */
  bulk(callee: number): void {
    const { address, i32, i32b } = this.#scratch;
    for (const local of [i32b, i32, address]) this.#set(local);
    for (let twice = 0; twice < 2; twice++) {
      for (const local of [address, i32, i32b]) this.#get(local);
      if (twice === 0) this.#call(callee);
    }
  }

  body(reader: WasmReader): void {
    // Constant on top of the stack: the base of what lies in a fixed place.
    let base = Number.POSITIVE_INFINITY;
    while (!reader.done) {
      const start = reader.at;
      const op = reader.byte();
      const access = this.#read(reader, op);
      if (access) {
        reader.u32();
        const offset = reader.u32();
        // What lies before the shadow, the machine's own words, is private.
        if (access.kind !== 'load' || base + offset >= SHADOW) this.access(access, offset);
      }
      this.#out.copy(reader.bytes.subarray(start, reader.at));
      base = op === 0x41 ? new WasmReader(reader.bytes, start + 1).u32() : Number.POSITIVE_INFINITY;
    }
  }

  /** Passes an instruction up to the address that it may have; notes bulk operations. */
  #read(reader: WasmReader, op: number): Access | null {
    if (op === 0xfe) {
      const sub = reader.u32();
      const access = atomicAccess(sub);
      invariant(access !== null || sub === 3, 'kernel.wasm waits or notifies');
      if (sub === 3) reader.byte();
      return access;
    }
    if (op === 0xfd) {
      const sub = reader.u32();
      const access = vectorAccess(sub);
      if (!access) skipVectorImmediates(reader, sub);
      return access;
    }
    if (op === 0xfc) {
      const sub = reader.u32();
      invariant(sub < 8 || sub === 10 || sub === 11, 'kernel.wasm has tables or data segments');
      if (sub === 10) reader.skip(2);
      if (sub === 11) reader.skip(1);
      if (sub >= 10) this.bulk(sub === 10 ? this.#notes.copy : this.#notes.fill);
      return null;
    }
    const access = plainAccess(op);
    if (!access) skipImmediates(reader, op);
    return access;
  }
}

function rewriteFunction(code: WasmReader, params: number, notes: Notes): Uint8Array {
  const out = new WasmWriter();
  const groups: (readonly [number, number])[] = [];
  let locals = params;
  for (let count = code.u32(); count > 0; count--) {
    const many = code.u32();
    groups.push([many, code.byte()]);
    locals += many;
  }
  groups.push(...EXTRA);
  out.u32(groups.length);
  for (const [many, type] of groups) {
    out.u32(many);
    out.byte(type);
  }
  const [address, i32, i32b, i64, i64b, v128] = [0, 1, 2, 3, 4, 5].map((i) => locals + i) as [
    number,
    number,
    number,
    number,
    number,
    number,
  ];
  new Rewriter(out, notes, { address, i32, i32b, i64, i64b, v128 }).body(code);
  return out.bytes;
}

/** kernel.wasm with notes. */
export function instrument(wasm: Uint8Array): Uint8Array<ArrayBuffer> {
  const module = readModule(wasm);
  const notes = notesOf(module);
  const plain = new Set([...module.exports].filter(([name]) => name.startsWith(NOTE)).map(([, index]) => index));
  const out = new WasmWriter();
  out.copy(wasm.subarray(0, 8));
  for (const { id, body, start, end } of sections(wasm)) {
    if (id !== SECTION_CODE) {
      out.copy(wasm.subarray(start, end));
      continue;
    }
    const code = new WasmWriter();
    const count = body.u32();
    code.u32(count);
    for (let i = 0; i < count; i++) {
      const size = body.u32();
      const part = body.part(size);
      const original = wasm.subarray(part.at, part.end);
      const params = module.params[module.types[i] as number] as number;
      const bytes = plain.has(module.imports + i) ? original : rewriteFunction(part, params, notes);
      code.u32(bytes.length);
      code.copy(bytes);
    }
    out.byte(id);
    out.u32(code.length);
    out.copy(code.bytes);
  }
  return out.bytes;
}
