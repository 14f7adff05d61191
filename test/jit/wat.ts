/** The code of a module of ours as text, one instruction a line, for people to review. Reads what encoder.ts writes, no more. */
import { OP } from '../../src/engine/jit/opcodes.ts';

const NAMES = new Map<number, string>(Object.entries(OP).map(([name, code]) => [code, name]));
const TYPES: Readonly<Record<number, string>> = { 127: 'i32', 126: 'i64', 123: 'v128', 112: 'funcref', 64: '' };

class Reader {
  at = 0;
  constructor(readonly bytes: Uint8Array) {}

  byte(): number {
    return this.bytes[this.at++] as number;
  }

  unsigned(): number {
    return Number(this.leb(false));
  }

  /** A number in LEB128, of any size. */
  leb(signed: boolean): bigint {
    let value = 0n;
    let shift = 0n;
    let byte: number;
    do {
      byte = this.byte();
      value |= BigInt(byte & 0x7f) << shift;
      shift += 7n;
    } while (byte & 0x80);
    return signed && byte & 0x40 ? value - (1n << shift) : value;
  }

  name(): string {
    const length = this.unsigned();
    this.at += length;
    return Buffer.from(this.bytes.subarray(this.at - length, this.at)).toString();
  }

  list<T>(read: () => T): T[] {
    return Array.from({ length: this.unsigned() }, read);
  }
}

interface Module {
  readonly types: string[];
  /** Names of functions: imports, then f0, f1, ... */
  readonly functions: string[];
  readonly bodies: Reader[];
}

function readModule(bytes: Uint8Array): Module {
  const reader = new Reader(bytes);
  reader.at = 8;
  const module: Module = { types: [], functions: [], bodies: [] };
  const type = () => TYPES[reader.byte()] as string;
  const sections: Readonly<Record<number, () => void>> = {
    1: () => {
      reader.list(() => {
        reader.byte();
        const [params, results] = [reader.list(type), reader.list(type)];
        module.types.push(`(${params.join(' ')}) -> (${results.join(' ')})`);
      });
    },
    2: () => {
      reader.list(() => {
        const name = `${reader.name()}.${reader.name()}`;
        if (reader.byte() !== 0) {
          reader.at = name === 'env.memory' ? skipLimits(reader) : reader.at + (name === 'worker.gs' ? 2 : 3);
          return;
        }
        reader.unsigned();
        module.functions.push(name);
      });
    },
    3: () => {
      reader
        .list(() => reader.unsigned())
        .forEach((_, i) => {
          module.functions.push(`f${i}`);
        });
    },
    10: () => {
      reader.list(() => {
        const size = reader.unsigned();
        module.bodies.push(new Reader(bytes.subarray(reader.at, reader.at + size)));
        reader.at += size;
      });
    },
  };
  while (reader.at < bytes.length) {
    const id = reader.byte();
    const end = reader.unsigned() + reader.at;
    sections[id]?.();
    reader.at = end;
  }
  return module;
}

function skipLimits(reader: Reader): number {
  reader.byte();
  reader.unsigned();
  reader.unsigned();
  return reader.at;
}

const REGISTERS = ['r1', 'r2', 'r3', 'r4', 'r5', 'frame', 'r0', 'r6', 'r7', 'r8', 'r9'];
const local = (index: number) => REGISTERS[index] ?? `l${index}`;

/** What follows an opcode, as text. */
function immediates(name: string, r: Reader, { functions, types }: Module): string {
  if (name.startsWith('local.')) return local(r.unsigned());
  if (['block', 'loop', 'if'].includes(name)) return TYPES[r.byte()] ?? '';
  if (['br', 'br_if', 'global.get', 'global.set', 'i64x2.extract_lane'].includes(name)) return `${r.unsigned()}`;
  if (name === 'br_table') return [...r.list(() => r.unsigned()), r.unsigned()].join(' ');
  if (name === 'call') return functions[r.unsigned()] as string;
  if (name === 'call_indirect') return `${types[r.unsigned()]} table ${r.unsigned()}`;
  if (name === 'i32.const' || name === 'i64.const') return `${r.leb(true)}`;
  if (name === 'memory.fill') return `${r.byte()}`;
  if (name === 'memory.copy') return `${r.byte()} ${r.byte()}`;
  if (/\.(atomic\.|v?128\.)?(load|store)|\.rmw|v128\.(load|store)/.test(name)) {
    r.unsigned();
    const offset = r.unsigned();
    return offset ? `offset=${offset}` : '';
  }
  return '';
}

function functionText(body: Reader, module: Module): string {
  body.list(() => [body.unsigned(), body.byte()]);
  const lines: string[] = [];
  let depth = 1;
  while (body.at < body.bytes.length) {
    const first = body.byte();
    const code = first >= 0xfc ? (first << 8) | body.unsigned() : first;
    const name = NAMES.get(code);
    if (!name) throw new Error(`no such instruction: 0x${code.toString(16)}`);
    if (name === 'end' || name === 'else') depth--;
    if (depth === 0) break;
    lines.push(`${'  '.repeat(depth)}${name} ${immediates(name, body, module)}`.trimEnd());
    if (['block', 'loop', 'if', 'else'].includes(name)) depth++;
  }
  return lines.join('\n');
}

/** The functions of a module as text. */
export function moduleText(bytes: Uint8Array): string {
  const module = readModule(bytes);
  return module.bodies.map((body, i) => `f${i}:\n${functionText(body, module)}\n`).join('\n');
}
