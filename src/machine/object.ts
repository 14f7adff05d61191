/** An object in a machine: its programs, its maps, its global variables. */
import { ALLOC_BUFFER } from '../../assembly/layout.ts';
import type { LinkEnvironment } from '../engine/engine.ts';
import { InputError, NotSupported } from '../errors.ts';
import { type BpfMap, createMap, LocalTypes, u32Bytes } from '../kernel/bpf/maps/index.ts';
import { linkPrograms } from '../kernel/link.ts';
import type { MapSpec, ObjectSpec } from '../loader/spec.ts';
import { presetGlobals } from '../loader/variables.ts';
import { errnoName } from '../uapi/errno.ts';
import { Globals } from './globals.ts';
import type { Machine } from './machine.ts';
import { Program } from './run.ts';

const isMap = (slot: BpfMap | NotSupported): slot is BpfMap => !(slot instanceof NotSupported);

export interface LoadOptions {
  /** Path or name: errors call it that, and the object is named after it as libbpf does. */
  readonly name?: string | undefined;
  /** Programs to load, by function name; default all. */
  readonly programs?: readonly string[] | undefined;
  /** Programs run even if the verifier refuses them: the checking interpreter says what comes of it. Default false. */
  readonly unverified?: boolean | undefined;
  /**
   * Values of global variables before load, constants too: `{ pid: 77, 'table[1].cpu': 3 }`. Numbers may be given as text; of
   * .kconfig variables the text that a .config has.
   */
  readonly set?: Readonly<Record<string, unknown>> | undefined;
}

export class BpfObject {
  readonly name: string;
  readonly spec: ObjectSpec;
  readonly programs: readonly Program[];
  /** In the object's order; those of kinds that the machine does not have are missing. */
  readonly maps: readonly BpfMap[];
  /** Variables of its data sections. */
  readonly globals: Globals;
  /** @internal table of the types that bpf_obj_new makes */
  readonly localTypes: number;
  /** @internal */
  readonly unverified: boolean;
  private slotsFilled = false;
  /** By index in the spec: the map, or why there is none. */
  private readonly slots: (BpfMap | NotSupported)[];

  /** @internal use machine.load */
  constructor(
    private readonly machine: Machine,
    loaded: ObjectSpec,
    options: LoadOptions,
  ) {
    const { spec, kconfig } = presetGlobals(loaded, options.set ?? {});
    this.spec = spec;
    this.name = spec.name;
    this.unverified = options.unverified ?? false;
    for (const name of options.programs ?? []) {
      if (!spec.programs.some((program) => program.name === name)) {
        const names = spec.programs.map((program) => program.name).join(', ');
        throw new InputError(
          spec.file,
          `program ${name}`,
          `the object has none of that name; it has ${names || 'none'}`,
        );
      }
    }
    const linked = linkPrograms(spec, machine.profile, { programs: options.programs, kconfig });
    const maps = linked.find(({ program }) => program)?.program?.maps ?? spec.maps;
    const types = new LocalTypes(machine.memory, spec.btf, machine.profile.btf);
    this.slots = maps.map((map) => this.createMap(map, types));
    this.fillMapsOfMaps();
    this.maps = this.slots.filter(isMap);
    this.globals = new Globals(machine, spec, (index) => this.mapAt(index));
    this.localTypes = types.localTypeTable();
    this.programs = linked.map((row) => new Program(this, machine, row.spec, row.program, row.reject));
  }

  /** The program of that function name. @throws InputError when there is none */
  program(name: string): Program {
    const found = this.programs.find((program) => program.name === name);
    if (found) return found;
    const names = this.programs.map((program) => program.name).join(', ');
    throw new InputError(
      this.spec.file,
      `program ${name}`,
      `the object has none of that name; it has ${names || 'none'}`,
    );
  }

  /** The map of that name. @throws InputError when there is none */
  map(name: string): BpfMap {
    const found = this.maps.find((map) => map.name === name);
    if (found) return found;
    const names = this.maps.map((map) => map.name).join(', ');
    throw new InputError(this.spec.file, `map ${name}`, `the object has none of that name; it has ${names || 'none'}`);
  }

  /** Puts programs into prog arrays, as the object states them. @internal */
  fillSlots(): void {
    if (this.slotsFilled) return;
    this.slotsFilled = true;
    const { memory } = this.machine;
    for (const map of this.maps) {
      if (map.type !== 'prog_array') continue;
      for (const { index, name } of map.spec.values) {
        const target = this.programs.find((program) => program.name === name);
        // libbpf leaves slots empty whose program it does not load.
        if (!target?.linked) continue;
        const words = memory.kmalloc(16, ALLOC_BUFFER);
        memory.setU32(words, index);
        memory.dv().setBigUint64(words + 8, target.address, true);
        const error = memory.exports.prog_array_set(map.offset, words, words + 8);
        memory.kfree(words);
        if (error) this.slotError(map, index, name, error);
      }
    }
  }

  /** What its prog arrays hold: nothing but the object itself fills them. @internal */
  tailTargets(): Program[] {
    const arrays = this.maps.filter(({ type }) => type === 'prog_array');
    const names = new Set(arrays.flatMap(({ spec }) => spec.values.map(({ name }) => name)));
    return this.programs.filter(({ name, linked }) => names.has(name) && linked);
  }

  /** Puts maps into maps of maps, as the object states them. */
  private fillMapsOfMaps(): void {
    const made = new Map(this.slots.filter(isMap).map((map) => [map.name, map]));
    this.slots.forEach((outer, at) => {
      if (!isMap(outer) || (outer.type !== 'array_of_maps' && outer.type !== 'hash_of_maps')) return;
      for (const { index, name } of outer.spec.values) {
        const inner = made.get(name);
        if (!inner) {
          outer.free();
          this.slots[at] = new NotSupported(`map ${name} in map ${outer.name}`);
          return;
        }
        const error = outer.update(u32Bytes(index), u32Bytes(inner.id));
        if (error) this.slotError(outer, index, name, error);
      }
    });
  }

  private slotError(map: BpfMap, index: number, name: string, error: number): never {
    throw new InputError(
      this.spec.file,
      `map ${map.name}`,
      `failed to initialize slot [${index}] to '${name}': -${errnoName(-error)}`,
    );
  }

  /** Unloads it: programs are detached, maps freed, and what they hold is destroyed. */
  dispose(): void {
    this.machine.checkIdle();
    for (const program of this.programs) program.dispose();
    for (const map of this.maps) map.free();
    const at = this.machine.objects.indexOf(this);
    if (at >= 0) this.machine.objects.splice(at, 1);
  }

  [Symbol.dispose](): void {
    this.dispose();
  }

  /** @internal what a program's instructions refer to */
  environment(): LinkEnvironment {
    return {
      map: (index) => this.mapAt(index).offset,
      mapValue: (index) => this.mapAt(index).valueOffset(0),
      kfunc: (btfId) => this.machine.kfuncName(btfId),
      ksym: (btfId) => this.machine.kernelVariable(btfId),
    };
  }

  private mapAt(index: number): BpfMap {
    const slot = this.slots[index];
    if (slot === undefined) throw new InputError(this.spec.file, `map ${index}`, 'the object has no map of that index');
    if (slot instanceof NotSupported) throw slot;
    return slot;
  }

  /** A map that cannot be made is in nobody's way until a program wants it. */
  private createMap(spec: MapSpec, types: LocalTypes): BpfMap | NotSupported {
    try {
      return createMap(this.machine.memory, spec, types);
    } catch (error) {
      if (error instanceof NotSupported) return error;
      throw error;
    }
  }
}
