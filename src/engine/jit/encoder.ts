/** Writes WebAssembly: bytes, numbers in LEB128, and the sections of a module. */
import { I32, I64, OP, V128, VOID } from './opcodes.ts';

/** Index of the imported global that holds where the run's words are (JR_); before it comes the current CPU's. */
export const RUN_GLOBAL = 1;

/** Growing bytes. */
export class ByteWriter {
  #bytes: Uint8Array<ArrayBuffer>;
  #length = 0;

  constructor(capacity = 256) {
    this.#bytes = new Uint8Array(capacity);
  }

  get length(): number {
    return this.#length;
  }

  /** What was written; valid until more is. */
  get bytes(): Uint8Array<ArrayBuffer> {
    return this.#bytes.subarray(0, this.#length);
  }

  #grow(more: number): void {
    const grown = new Uint8Array(Math.max(this.#bytes.length * 2, this.#length + more));
    grown.set(this.bytes);
    this.#bytes = grown;
  }

  byte(value: number): this {
    if (this.#length === this.#bytes.length) this.#grow(1);
    this.#bytes[this.#length++] = value;
    return this;
  }

  /** A byte, then an unsigned number: most instructions are written so. */
  pair(first: number, second: number): this {
    if (second >= 0x80) return this.byte(first).unsigned(second);
    if (this.#length + 2 > this.#bytes.length) this.#grow(2);
    this.#bytes[this.#length++] = first;
    this.#bytes[this.#length++] = second;
    return this;
  }

  /** Writes over the byte at `at`. */
  patch(at: number, value: number): void {
    this.#bytes[at] = value;
  }

  /** Takes back the last bytes. */
  drop(count: number): void {
    this.#length -= count;
  }

  append(bytes: Uint8Array): this {
    if (this.#length + bytes.length > this.#bytes.length) this.#grow(bytes.length);
    this.#bytes.set(bytes, this.#length);
    this.#length += bytes.length;
    return this;
  }

  unsigned(value: number): this {
    let rest = value >>> 0;
    for (; rest >= 0x80; rest >>>= 7) this.byte((rest & 0x7f) | 0x80);
    return this.byte(rest);
  }

  signed(value: number): this {
    let rest = value | 0;
    for (; rest < -64 || rest > 63; rest >>= 7) this.byte((rest & 0x7f) | 0x80);
    return this.byte(rest & 0x7f);
  }

  /** The 64-bit number of these halves. */
  signed64(high: number, low: number): this {
    let hi = high | 0;
    let lo = low | 0;
    for (; hi !== lo >> 31; hi >>= 7) {
      this.byte((lo & 0x7f) | 0x80);
      lo = (lo >>> 7) | (hi << 25);
    }
    return this.signed(lo);
  }

  name(text: string): this {
    const bytes = new TextEncoder().encode(text);
    return this.unsigned(bytes.length).append(bytes);
  }
}

/** log2 of the bytes that an access moves; its alignment is promised only where atomics ask for it. */
export type Align = 0 | 1 | 2 | 3 | 4;

/**
 * The code of one function: `code.get(1).i64(5).op(OP['i64.add']).set(1)`. What instructions that are written one by one say twice is
 * said once: a local that is set and read again is a local.tee, and a condition is not negated twice.
 */
export class Code {
  readonly writer = new ByteWriter(1024);
  readonly #params: number;
  readonly #locals: number[] = [];
  /** Blocks, loops and ifs that are open. */
  depth = 0;
  /** The local.set that was written last, while nothing follows it. */
  #set = { local: -1, at: 0, end: -1 };
  /** Instructions i32.eqz at the end of what was written. */
  #eqz = { count: 0, end: -1 };

  constructor(params: number) {
    this.#params = params;
  }

  /** A new local; its index. */
  local(type: number): number {
    return this.#params + this.#locals.push(type) - 1;
  }

  op(code: number): this {
    const { writer } = this;
    if (code === OP['i32.eqz']) {
      const count = this.#eqz.end === writer.length ? this.#eqz.count + 1 : 1;
      this.#eqz = { count, end: writer.length + 1 };
    }
    if (code <= 0xff) {
      writer.byte(code);
      return this;
    }
    writer.byte(code >> 8).unsigned(code & 0xff);
    return this;
  }

  get(local: number): this {
    const { writer } = this;
    const last = this.#set;
    if (last.end === writer.length && last.local === local) {
      writer.patch(last.at, OP['local.tee']);
      last.end = -1;
    } else writer.pair(OP['local.get'], local);
    return this;
  }

  set(local: number): this {
    const { writer } = this;
    const last = this.#set;
    last.local = local;
    last.at = writer.length;
    writer.pair(OP['local.set'], local);
    last.end = writer.length;
    return this;
  }

  /** The i32 on the stack is looked at as a condition: every two negations of it are none. */
  #condition(): void {
    const { count, end } = this.#eqz;
    if (end === this.writer.length) this.writer.drop(count & ~1);
  }

  tee(local: number): this {
    this.writer.pair(OP['local.tee'], local);
    return this;
  }

  i32(value: number): this {
    this.writer.byte(OP['i32.const']).signed(value);
    return this;
  }

  /** A 64-bit constant: a sign-extended 32-bit one, or both halves. */
  i64(low: number, high = (low | 0) >> 31): this {
    this.writer.byte(OP['i64.const']).signed64(high, low);
    return this;
  }

  /** A load or store `offset` bytes behind its address. */
  memory(code: number, align: Align, offset = 0): this {
    this.op(code);
    this.writer.pair(align, offset);
    return this;
  }

  open(code: number, type = VOID): this {
    if (code === OP.if) this.#condition();
    this.op(code);
    this.writer.byte(type);
    this.depth++;
    return this;
  }

  else(): this {
    return this.op(OP.else);
  }

  end(): this {
    this.depth--;
    return this.op(OP.end);
  }

  /** A branch: `label` counts outwards from the innermost open block. */
  branch(code: number, label: number): this {
    if (code === OP.br_if) this.#condition();
    this.writer.pair(code, label);
    return this;
  }

  table(labels: readonly number[], otherwise: number): this {
    this.writer.byte(OP.br_table).unsigned(labels.length);
    for (const label of labels) this.writer.unsigned(label);
    this.writer.unsigned(otherwise);
    return this;
  }

  call(func: number): this {
    this.writer.pair(OP.call, func);
    return this;
  }

  callIndirect(type: number, table: number): this {
    this.writer.byte(OP.call_indirect).unsigned(type).unsigned(table);
    return this;
  }

  globalGet(index: number): this {
    this.writer.byte(OP['global.get']).unsigned(index);
    return this;
  }

  /** memory.fill; memory.copy with `memories` 2. */
  bulk(code: number, memories: 1 | 2): this {
    this.op(code);
    for (let i = 0; i < memories; i++) this.writer.byte(0);
    return this;
  }

  /** The function's body: locals, code, end. */
  body(): ByteWriter {
    const body = new ByteWriter(this.writer.length + 32);
    const runs: { type: number; count: number }[] = [];
    for (const type of this.#locals) {
      const last = runs.at(-1);
      if (last?.type === type) last.count++;
      else runs.push({ type, count: 1 });
    }
    body.unsigned(runs.length);
    for (const { type, count } of runs) body.unsigned(count).byte(type);
    return body.append(this.writer.bytes).byte(OP.end);
  }
}

/** A function's type as text, a letter a value: `lli:l` takes two i64 and an i32 and gives an i64. */
export type Signature = string;

const LETTERS: Readonly<Record<string, number>> = { i: I32, l: I64, v: V128 };

interface FunctionImport {
  readonly module: string;
  readonly name: string;
  readonly signature: Signature;
}

/** Pages that any memory of ours has at least, and at most. */
const MIN_PAGES = 1;
const MAX_PAGES = 65536;

/** A module: imports first, then its functions; indexes are as WebAssembly counts them. */
export class ModuleWriter {
  readonly #types: string[] = [];
  readonly #imports: FunctionImport[] = [];
  readonly #functions: { type: number; body: ByteWriter | null }[] = [];
  readonly #exports: { name: string; index: number }[] = [];
  #elements: readonly number[] | null = null;
  #importsTable = false;
  readonly #shared: boolean;

  /** @param shared - whether the memory that it will get is shared */
  constructor(shared: boolean) {
    this.#shared = shared;
  }

  type(signature: Signature): number {
    const at = this.#types.indexOf(signature);
    return at >= 0 ? at : this.#types.push(signature) - 1;
  }

  /** Index of an imported function; all imports come before the first function. */
  importFunction(module: string, name: string, signature: Signature): number {
    const at = this.#imports.findIndex((one) => one.module === module && one.name === name);
    if (at >= 0) return at;
    this.type(signature);
    return this.#imports.push({ module, name, signature }) - 1;
  }

  /** A function whose body comes later. */
  declare(signature: Signature): number {
    return this.#imports.length + this.#functions.push({ type: this.type(signature), body: null }) - 1;
  }

  define(index: number, code: Code): void {
    const found = this.#functions[index - this.#imports.length];
    if (found) found.body = code.body();
  }

  export(name: string, index: number): void {
    this.#exports.push({ name, index });
  }

  /** The machine's table of programs, as table 0. */
  importTable(): void {
    this.#importsTable = true;
  }

  /** The module's own table, behind the imported one; `functions` fill it. */
  table(functions: readonly number[]): number {
    this.#elements = functions;
    return this.#importsTable ? 1 : 0;
  }

  #section(out: ByteWriter, id: number, body: ByteWriter): void {
    out.byte(id).unsigned(body.length).append(body.bytes);
  }

  #typeSection(): ByteWriter {
    const body = new ByteWriter().unsigned(this.#types.length);
    for (const signature of this.#types) {
      body.byte(0x60);
      for (const list of signature.split(':')) {
        body.unsigned(list.length);
        for (const letter of list) body.byte(LETTERS[letter] ?? I32);
      }
    }
    return body;
  }

  #importSection(): ByteWriter {
    const body = new ByteWriter().unsigned(this.#imports.length + 3 + Number(this.#importsTable));
    for (const { module, name, signature } of this.#imports) {
      body.name(module).name(name).byte(0).unsigned(this.type(signature));
    }
    body
      .name('env')
      .name('memory')
      .byte(2)
      .byte(this.#shared ? 3 : 1)
      .unsigned(MIN_PAGES)
      .unsigned(MAX_PAGES);
    // Both are those of the thread that runs the program, so that threads can share a module.
    body.name('worker').name('gs').byte(3).byte(I32).byte(1);
    body.name('jit').name('run').byte(3).byte(I32).byte(0);
    if (this.#importsTable) body.name('jit').name('programs').byte(1).byte(0x70).byte(0).unsigned(0);
    return body;
  }

  bytes(): Uint8Array<ArrayBuffer> {
    const out = new ByteWriter(4096).append(Uint8Array.of(0, 0x61, 0x73, 0x6d, 1, 0, 0, 0));
    this.#section(out, 1, this.#typeSection());
    this.#section(out, 2, this.#importSection());
    const functions = new ByteWriter().unsigned(this.#functions.length);
    for (const { type } of this.#functions) functions.unsigned(type);
    this.#section(out, 3, functions);
    if (this.#elements) {
      this.#section(out, 4, new ByteWriter().unsigned(1).byte(0x70).byte(0).unsigned(this.#elements.length));
    }
    const exports = new ByteWriter().unsigned(this.#exports.length);
    for (const { name, index } of this.#exports) exports.name(name).byte(0).unsigned(index);
    this.#section(out, 7, exports);
    if (this.#elements) this.#section(out, 9, this.#elementSection(this.#elements));
    const code = new ByteWriter(4096).unsigned(this.#functions.length);
    for (const { body } of this.#functions) {
      if (body) code.unsigned(body.length).append(body.bytes);
    }
    this.#section(out, 10, code);
    return out.bytes;
  }

  #elementSection(functions: readonly number[]): ByteWriter {
    const body = new ByteWriter().unsigned(1);
    if (this.#importsTable) body.unsigned(2).unsigned(1);
    else body.unsigned(0);
    body.byte(OP['i32.const']).signed(0).byte(OP.end);
    if (this.#importsTable) body.byte(0);
    body.unsigned(functions.length);
    for (const index of functions) body.unsigned(index);
    return body;
  }
}
