/** Structs of the simulated kernel in memory, laid out by the kernel's BTF: members are found by name. */
import type { Btf } from '../btf/btf.ts';
import { followPath } from '../btf/values.ts';
import { InputError } from '../errors.ts';
import type { KernelMemory } from './memory.ts';

interface Place {
  readonly offset: number;
  readonly size: number;
}

/** One struct type: its size, and where its members lie. */
export class KernelStruct {
  readonly size: number;
  private readonly typeId: number;
  private readonly places = new Map<string, Place | null>();

  constructor(
    private readonly btf: Btf,
    readonly name: string,
  ) {
    this.typeId = btf.find(name, 'struct');
    if (this.typeId === 0) throw new InputError('BTF', '', `this kernel has no struct ${name}`);
    this.size = btf.size(this.typeId);
  }

  /** A member by path (`se.vruntime`, `comm`); null where this kernel has none of that name. */
  find(path: string): Place | null {
    const known = this.places.get(path);
    if (known !== undefined) return known;
    let place: Place | null = null;
    try {
      const { offset, typeId } = followPath(this.btf, this.typeId, `.${path}`);
      place = { offset, size: this.btf.size(typeId) };
    } catch (error) {
      // The member came later or went earlier than this kernel: what the machine lacks, programs cannot see either.
      if (!(error instanceof InputError)) throw error;
    }
    this.places.set(path, place);
    return place;
  }

  /**
   * Writes scalar members at once. A member that this kernel does not have is left out: kernels differ in members that
   * nobody relies on everywhere, and CO-RE finds those that a program wants.
   */
  write(memory: KernelMemory, base: number, members: Readonly<Record<string, number | bigint>>): void {
    for (const [path, value] of Object.entries(members)) {
      const place = this.find(path);
      if (!place) continue;
      const bytes = new Uint8Array(place.size);
      let rest = BigInt(value);
      for (let i = 0; i < place.size; i++, rest >>= 8n) bytes[i] = Number(rest & 0xffn);
      memory.write(base + place.offset, bytes);
    }
  }

  /** An unsigned scalar member of up to 8 bytes. */
  read(memory: KernelMemory, base: number, path: string): bigint {
    const place = this.find(path);
    if (!place) throw new InputError('BTF', '', `struct ${this.name} has no member ${path} in this kernel`);
    let value = 0n;
    for (const byte of memory.read(base + place.offset, place.size).reverse()) value = (value << 8n) | BigInt(byte);
    return value;
  }
}
