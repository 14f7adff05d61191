/** Opcodes of one exported function of a wasm module, as the engine gets them: what a test of behaviour cannot show. */

const SECTION_IMPORT = 2;
const SECTION_EXPORT = 7;
const SECTION_CODE = 10;
const KIND_FUNCTION = 0;
const PREFIX_ATOMIC = 0xfe;
const ATOMIC_FENCE = 3;

class Reader {
  at: number;
  readonly #bytes: Uint8Array;

  constructor(bytes: Uint8Array, at = 0) {
    this.#bytes = bytes;
    this.at = at;
  }

  byte(): number {
    const byte = this.#bytes[this.at++];
    if (byte === undefined) throw new Error(`wasm ends at ${this.at}`);
    return byte;
  }

  /** LEB128; of signed and 64-bit ones only the length counts here. */
  leb(): number {
    let value = 0;
    for (let shift = 0; ; shift += 7) {
      const byte = this.byte();
      if (shift < 32) value |= (byte & 0x7f) << shift;
      if (byte < 0x80) return value >>> 0;
    }
  }

  name(): string {
    const length = this.leb();
    this.at += length;
    return new TextDecoder().decode(this.#bytes.subarray(this.at - length, this.at));
  }
}

/** How many LEB128 numbers follow an opcode. */
function immediates(opcode: number): number {
  if (opcode >= 0x28 && opcode <= 0x3e) return 2;
  if ([0x02, 0x03, 0x04, 0x0c, 0x0d, 0x10, 0x3f, 0x40, 0x41, 0x42].includes(opcode)) return 1;
  if (opcode >= 0x20 && opcode <= 0x24) return 1;
  const plain = opcode >= 0x45 && opcode <= 0xc4;
  if (plain || [0x00, 0x01, 0x05, 0x0b, 0x0f, 0x1a, 0x1b].includes(opcode)) return 0;
  throw new Error(`opcode 0x${opcode.toString(16)} is not known here`);
}

/** Start of each section's contents, by its id. */
function sections(wasm: Uint8Array): ReadonlyMap<number, number> {
  const found = new Map<number, number>();
  const reader = new Reader(wasm, 8);
  while (reader.at < wasm.length) {
    const id = reader.byte();
    const size = reader.leb();
    found.set(id, reader.at);
    reader.at += size;
  }
  return found;
}

/** Functions that a module imports; they come first in the numbering. kernel.wasm imports a memory and a global. */
function importedFunctions(module: WebAssembly.Module): number {
  return WebAssembly.Module.imports(module).filter(({ kind }) => kind === 'function').length;
}

function indexOfExport(wasm: Uint8Array, at: number, wanted: string): number {
  const reader = new Reader(wasm, at);
  for (let left = reader.leb(); left > 0; left--) {
    const name = reader.name();
    const kind = reader.byte();
    const index = reader.leb();
    if (kind === KIND_FUNCTION && name === wanted) return index;
  }
  throw new Error(`no function ${wanted} is exported`);
}

/** The opcodes of an exported function; atomic ones are 0xfe00 | their number. */
export function opcodesOf(wasm: Uint8Array<ArrayBuffer>, name: string): readonly number[] {
  const at = sections(wasm);
  const [exports, code] = [at.get(SECTION_EXPORT), at.get(SECTION_CODE)];
  if (exports === undefined || code === undefined) throw new Error('no code');
  const imported = at.has(SECTION_IMPORT) ? importedFunctions(new WebAssembly.Module(wasm)) : 0;
  const reader = new Reader(wasm, code);
  reader.leb();
  for (let before = indexOfExport(wasm, exports, name) - imported; before > 0; before--) {
    const size = reader.leb();
    reader.at += size;
  }
  const size = reader.leb();
  const end = reader.at + size;
  for (let groups = reader.leb(); groups > 0; groups--) {
    reader.leb();
    reader.byte();
  }
  const opcodes: number[] = [];
  while (reader.at < end) {
    let opcode = reader.byte();
    let count = 2;
    if (opcode === PREFIX_ATOMIC) {
      const number = reader.leb();
      if (number === ATOMIC_FENCE) count = 1;
      opcode = (PREFIX_ATOMIC << 8) | number;
    } else count = immediates(opcode);
    for (let i = 0; i < count; i++) reader.leb();
    opcodes.push(opcode);
  }
  return opcodes;
}
