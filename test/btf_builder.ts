/** Writes BTF for tests: one line a type, in C's order of definition. Ids are what the methods return. */
import { Btf } from '../src/btf/btf.ts';
import { BTF_KIND, type BtfKind } from '../src/uapi/btf.ts';

interface Member {
  readonly name: string;
  readonly type: number;
  /** Bytes. */
  readonly offset: number;
}

export class BtfBuilder {
  private readonly words: number[] = [];
  private readonly strings: string[] = [''];
  private stringLength = 1;
  private count = 0;

  int(name: string, size: number, encoding = 0): number {
    return this.type(name, 'int', 0, size, [(encoding << 24) | (size * 8)]);
  }

  ptr(type: number): number {
    return this.type('', 'ptr', 0, type);
  }

  ref(kind: 'const' | 'volatile' | 'typedef' | 'type_tag' | 'restrict', type: number, name = ''): number {
    return this.type(name, kind, 0, type);
  }

  /** A pointer with a type tag: `T __kptr *` is kptr(T, 'kptr'). */
  kptr(type: number, tag: string): number {
    return this.ptr(this.ref('type_tag', type, tag));
  }

  array(type: number, nelems: number): number {
    return this.type('', 'array', 0, 0, [type, type, nelems]);
  }

  struct(name: string, size: number, members: readonly Member[], kind: 'struct' | 'union' = 'struct'): number {
    const body = members.flatMap((m) => [this.name(m.name), m.type, m.offset * 8]);
    return this.type(name, kind, members.length, size, body);
  }

  fwd(name: string): number {
    return this.type(name, 'fwd', 0, 0);
  }

  variable(name: string, type: number): number {
    return this.type(name, 'var', 0, type, [1]);
  }

  datasec(name: string, size: number, vars: readonly { type: number; offset: number; size: number }[]): number {
    return this.type(
      name,
      'datasec',
      vars.length,
      size,
      vars.flatMap((v) => [v.type, v.offset, v.size]),
    );
  }

  declTag(name: string, type: number, component = -1): number {
    return this.type(name, 'decl_tag', 0, type, [component >>> 0]);
  }

  func(name: string, proto: number, linkage = 1): number {
    return this.type(name, 'func', linkage, proto);
  }

  proto(result: number, params: readonly (readonly [name: string, type: number])[]): number {
    const body = params.flatMap(([name, type]) => [this.name(name), type]);
    return this.type('', 'func_proto', params.length, result, body);
  }

  build(): Btf {
    const text = new TextEncoder().encode(`${this.strings.join('\0')}\0`);
    const types = Uint32Array.from(this.words);
    const bytes = new Uint8Array(24 + types.byteLength + text.length);
    const view = new DataView(bytes.buffer);
    view.setUint16(0, 0xeb9f, true);
    view.setUint8(2, 1);
    const header = [24, 0, types.byteLength, types.byteLength, text.length];
    for (const [i, word] of header.entries()) view.setUint32(4 + i * 4, word, true);
    bytes.set(new Uint8Array(types.buffer), 24);
    bytes.set(text, 24 + types.byteLength);
    return Btf.parse(bytes);
  }

  private type(name: string, kind: BtfKind, vlen: number, word: number, body: readonly number[] = []): number {
    this.words.push(this.name(name), ((BTF_KIND[kind] << 24) | vlen) >>> 0, word);
    for (const one of body) this.words.push(one);
    return ++this.count;
  }

  private name(name: string): number {
    if (name === '') return 0;
    const at = this.stringLength;
    this.strings.push(name);
    this.stringLength += new TextEncoder().encode(name).length + 1;
    return at;
  }
}
