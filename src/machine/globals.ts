/** Global variables of an object, by their C names: where they lie, and what is in them. */
import { type BtfValue, decodeValue, encodeValue } from '../btf/values.ts';
import { InputError } from '../errors.ts';
import type { BpfMap } from '../kernel/bpf/maps/index.ts';
import { maskValue } from '../kernel/mask_value.ts';
import type { DataSection, ObjectSpec } from '../loader/spec.ts';
import { findVariable, parseText, resolvePath, splitVariable, unknownVariable } from '../loader/variables.ts';
import { expectValue } from './expected.ts';
import type { Machine } from './machine.ts';

interface Place {
  readonly section: DataSection;
  readonly map: BpfMap;
  /** In the section's value, and that in simulated memory. */
  readonly from: number;
  readonly base: number;
  readonly size: number;
  readonly typeId: number;
}

/** The variables of a loaded object. */
export class Globals {
  /** @internal */
  constructor(
    private readonly machine: Machine,
    private readonly spec: ObjectSpec,
    private readonly mapAt: (index: number) => BpfMap,
  ) {}

  /** Names of all variables, in the order of their sections. */
  names(): string[] {
    return this.spec.maps.flatMap((map) => (map.section?.variables ?? []).map((variable) => variable.name));
  }

  /**
   * The value of a variable, or of a part of one: `err`, `table[1].cpu`. See btf/values.ts for what becomes of each type; a kptr
   * to a CPU mask is `{ type, cpus, refs }` or null; locks, timers, lists and trees read as zero.
   * @throws InputError when the object has none of that name
   */
  get(name: string): BtfValue {
    const { map, base, from, size, typeId } = this.find(name);
    const { memory } = this.machine;
    const { btf } = this.spec;
    if (!btf) return null;
    return decodeValue(btf, typeId, map.readValue(base, from, size), {
      pointer: (id, address) => maskValue(memory, btf, id, address),
    });
  }

  /**
   * Sets a variable while its object is loaded; constants (.rodata) cannot be: give them to machine.load.
   * @throws InputError when there is none of that name, or the value does not fit its type
   */
  set(name: string, value: unknown): void {
    const { section, base, from, size, typeId } = this.find(name);
    const offset = base + from;
    if (section.kind === 'rodata' || section.kind === 'kconfig') {
      throw new InputError('global variable', name, 'is a constant once loaded; give its value to load()');
    }
    const bytes = this.machine.memory.read(offset, size);
    if (this.spec.btf) encodeValue(this.spec.btf, typeId, bytes, parseText(value), name);
    this.machine.memory.write(offset, bytes);
  }

  /**
   * Whether a variable holds what is expected of it. Numbers may be written in any base, masks as cpulists (NULL for none), lists and
   * structs as `get` gives them or as reports print them.
   * @param what - how errors call the value
   * @throws InputError when there is no such variable, or the value cannot be one of its type
   * @internal exploration
   */
  expect(name: string, value: unknown, what = name): (found: BtfValue) => boolean {
    const { typeId } = this.find(name);
    if (!this.spec.btf) return () => false;
    return expectValue({ btf: this.spec.btf, what, cpus: this.machine.cpus }, typeId, value);
  }

  /** All variables with their values. Those without a type are left out. */
  all(): Record<string, BtfValue> {
    const values: Record<string, BtfValue> = {};
    for (const map of this.spec.maps) {
      for (const variable of map.section?.variables ?? []) {
        if (variable.typeId && this.spec.btf) values[variable.name] = this.get(variable.name);
      }
    }
    return values;
  }

  private find(path: string): Place {
    const { spec } = this;
    const { name, rest } = splitVariable(spec, path);
    const found = findVariable(spec, name);
    const section = found && spec.maps[found.map]?.section;
    if (!found || !section) throw new InputError('global variable', name, unknownVariable(spec, name));
    if (!spec.btf || !found.variable.typeId) {
      throw new InputError('global variable', name, 'the object has no BTF that says its type; compile with -g');
    }
    const place = resolvePath(spec.btf, found.variable, rest, name);
    const map = this.mapAt(found.map);
    return { section, map, base: map.valueOffset(0), from: place.offset, size: place.size, typeId: place.typeId };
  }
}
