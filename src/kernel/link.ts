/**
 * What libbpf does between opening an object and BPF_PROG_LOAD: externs and CO-RE against a kernel's BTF, attach targets,
 * .kconfig values. Its refusals are results, in its words.
 */
import { kernelName } from '../loader/externs.ts';
import type { ExternSpec, FuncSpec, MapSpec, ObjectSpec, ProgramSpec, Relocation } from '../loader/spec.ts';
import {
  BPF_F_INNER_MAP,
  BPF_F_MMAPABLE,
  BPF_PSEUDO_BTF_ID,
  BPF_PSEUDO_KFUNC_CALL,
  BPF_PSEUDO_MAP_IDX,
  BPF_PSEUDO_MAP_IDX_VALUE,
} from '../uapi/bpf.ts';
import { errno, errnoName } from '../uapi/errno.ts';
import { attachBtfId } from './attach.ts';
import { isRecordError } from './bpf/btf_record.ts';
import { mapAllocCheck } from './bpf/map_alloc_check.ts';
import { mapCheckBtf, takesBtf } from './bpf/map_check_btf.ts';
import { btfParseStructMetas } from './bpf/struct_metas.ts';
import { kconfigData } from './kconfig.ts';
import { LoaderRefusal } from './loader_refusal.ts';
import type { Profile } from './profile.ts';
import type { KernelProgram } from './program.ts';
import { typesCompatible } from './relo_compat.ts';
import { CoreRelocator } from './relo_core.ts';
import { CoreError } from './relo_patch.ts';
import { type StructOpsTarget, structOpsTargets } from './struct_ops.ts';

/** Helper number of a call to a kernel function that the kernel does not have; the extern's index is added. */
export const POISON_CALL_KFUNC_BASE = 2002000000;

/** libbpf gave up before the verifier saw the program. */
export interface LoaderReject {
  readonly verdict: 'reject';
  readonly stage: 'loader';
  /** Positive. */
  readonly errno: number;
  /** libbpf's first line. */
  readonly message: string;
}

/** One program: linked, or why libbpf refused. */
export type LinkResult =
  | { readonly spec: ProgramSpec; readonly program: KernelProgram; readonly reject: null }
  | { readonly spec: ProgramSpec; readonly program: null; readonly reject: LoaderReject };

export interface LinkOptions {
  /** Names of the programs to link; all by default, those with `?` in their section too. */
  readonly programs?: readonly string[] | undefined;
  /** Kernel configuration for .kconfig variables, over the profile's: CONFIG_HZ -> "250". */
  readonly kconfig?: Readonly<Record<string, string>> | undefined;
}

/**
 * Links programs against a kernel, each as if it alone had autoload on.
 * @throws NotSupported where a .kconfig variable asks for what no profile knows
 */
export function linkPrograms(spec: ObjectSpec, profile: Profile, options: LinkOptions = {}): LinkResult[] {
  const wanted = options.programs && new Set(options.programs);
  const programs = spec.programs.filter((program) => !wanted || wanted.has(program.name));
  return new Linker(spec, profile, options).link(programs);
}

/** What an extern resolved to: a BTF id, an address, or nothing (weak). */
interface Resolved {
  readonly btfId: number;
  readonly address: bigint;
}

const ABSENT: Resolved = { btfId: 0, address: 0n };

class Linker {
  /** What becomes of creating the maps; undefined until it is asked. */
  private mapped: LoaderRefusal | null | undefined;

  constructor(
    private readonly spec: ObjectSpec,
    private readonly profile: Profile,
    private readonly options: LinkOptions,
  ) {}

  link(programs: readonly ProgramSpec[]): LinkResult[] {
    const common = attempt(() => {
      const kconfig = kconfigData(this.spec, this.profile, this.options.kconfig ?? {});
      const externs = this.spec.externs.map((row) => this.resolve(row));
      const targets = structOpsTargets(this.spec, () => this.profile.btf);
      const maps = this.spec.maps.map((map) => (map.section?.kind === 'kconfig' ? withData(map, kconfig) : map));
      return { externs, targets, maps };
    });
    return programs.map((program): LinkResult => {
      if (common.reject) return { spec: program, program: null, reject: common.reject };
      const { externs, targets, maps } = common.value;
      const linked = attempt(() => this.program(program, externs, targets, maps));
      return linked.reject
        ? { spec: program, program: null, reject: linked.reject }
        : { spec: program, program: linked.value, reject: null };
    });
  }

  private program(
    program: ProgramSpec,
    externs: readonly Resolved[],
    targets: ReadonlyMap<string, StructOpsTarget>,
    maps: readonly MapSpec[],
  ): KernelProgram {
    const insns = program.insns.slice();
    const coreInsns = this.relocateCore(program, insns);
    const view = new DataView(insns.buffer);
    for (const relocation of program.relocations) this.patch(view, relocation, externs);
    const mapping = this.mapping(maps);
    if (mapping) throw mapping;
    if (program.type === 'unspec') {
      const problem = `missing BPF prog type, check ELF section name '${program.section}'`;
      throw new LoaderRefusal(errno.EINVAL, `prog '${program.name}': ${problem}`);
    }
    const target = targets.get(program.name);
    return {
      object: this.spec.name,
      name: program.name,
      section: program.section,
      type: program.type,
      attachType: program.attachType,
      attachTo: program.attachTo,
      attachBtfId: target?.typeId ?? attachBtfId(program, () => this.profile.btf),
      structOpsMember: target?.member ?? 0,
      flags: program.flags,
      license: this.spec.license,
      insns,
      maps,
      funcs: program.funcs,
      lines: program.lines,
      btf: this.spec.btf,
      coreInsns,
    };
  }

  private mapping(maps: readonly MapSpec[]): LoaderRefusal | null {
    if (this.mapped === undefined) this.mapped = checkMaps(this.spec, maps, this.profile);
    return this.mapped;
  }

  private relocateCore(program: ProgramSpec, insns: Uint8Array): Set<number> {
    const touched = new Set<number>();
    // One for each program: what libbpf remembers of candidates, it forgets between loads.
    const core = this.spec.btf && new CoreRelocator(this.spec.btf, () => this.profile.btf);
    for (const relo of program.coreRelocations) {
      const func = functionOf(program, relo.insn);
      if (!core || !func) continue;
      core.apply(relo, func.name, relo.insn - func.insn, insns, relo.insn * 8);
      touched.add(relo.insn);
    }
    return touched;
  }

  private patch(view: DataView, relocation: Relocation, externs: readonly Resolved[]): void {
    const at = relocation.insn * 8;
    const set = (source: number, low: number, high: number): void => {
      view.setUint8(at + 1, (view.getUint8(at + 1) & 0xf) | (source << 4));
      view.setInt32(at + 4, low | 0, true);
      view.setInt32(at + 12, high | 0, true);
    };
    switch (relocation.kind) {
      case 'map':
        set(BPF_PSEUDO_MAP_IDX, relocation.map, 0);
        return;
      case 'mapValue':
        set(BPF_PSEUDO_MAP_IDX_VALUE, relocation.map, relocation.offset);
        return;
      case 'kconfig':
        set(BPF_PSEUDO_MAP_IDX_VALUE, relocation.map, this.spec.externs[relocation.extern]?.offset ?? 0);
        return;
      case 'kfunc': {
        const { btfId } = externs[relocation.extern] ?? ABSENT;
        const source = btfId ? BPF_PSEUDO_KFUNC_CALL : 0;
        view.setUint8(at + 1, btfId ? (view.getUint8(at + 1) & 0xf) | (source << 4) : 0);
        view.setInt16(at + 2, 0, true);
        view.setInt32(at + 4, btfId || POISON_CALL_KFUNC_BASE + relocation.extern, true);
        return;
      }
      case 'ksym': {
        const { btfId, address } = externs[relocation.extern] ?? ABSENT;
        if (btfId) set(BPF_PSEUDO_BTF_ID, btfId, 0);
        else
          set(
            view.getUint8(at + 1) >> 4,
            Number(BigInt.asIntN(32, address)),
            Number(BigInt.asIntN(32, address >> 32n)),
          );
        return;
      }
      case 'subprog':
        return;
    }
  }

  private resolve(row: ExternSpec): Resolved {
    if (row.kind === 'kconfig') return ABSENT;
    if (row.kind === 'kfunc') return this.kfunc(row);
    return row.wantedType === 0 ? this.untypedKsym(row) : this.ksym(row);
  }

  private kfunc(row: ExternSpec): Resolved {
    const { btf } = this.profile;
    const what = `extern (func ksym) '${row.name}'`;
    const id = this.profile.kfunc(kernelName(row));
    if (id === 0) {
      if (row.weak) return ABSENT;
      throw new LoaderRefusal(errno.EINVAL, `${what}: not found in kernel or module BTFs`);
    }
    const func = btf.type(id);
    const proto = func.kind === 'func' ? func.type : 0;
    if (this.spec.btf && typesCompatible(this.spec.btf, row.wantedType, btf, proto) !== true) {
      if (row.weak) return ABSENT;
      const problem = `func_proto [${row.wantedType}] incompatible with vmlinux [${proto}]`;
      throw new LoaderRefusal(errno.EINVAL, `${what}: ${problem}`);
    }
    return { btfId: id, address: 0n };
  }

  private ksym(row: ExternSpec): Resolved {
    const { btf } = this.profile;
    const what = `extern (var ksym) '${row.name}'`;
    const id = btf.find(row.name, 'var');
    if (id === 0) {
      if (row.weak) return ABSENT;
      throw new LoaderRefusal(errno.EINVAL, `${what}: not found in kernel BTF`);
    }
    const variable = btf.type(id);
    const typeId = btf.skipMods(variable.kind === 'var' ? variable.type : 0);
    const local = this.spec.btf;
    if (local && typesCompatible(local, row.wantedType, btf, typeId) !== true) {
      const say = (which: typeof btf, type: number): string => `[${type}] ${which.kind(type)} ${which.name(type)}`;
      const problem = `expected ${say(local, row.wantedType)}, but kernel has ${say(btf, typeId)}`;
      throw new LoaderRefusal(errno.EINVAL, `${what}: incompatible types, ${problem}`);
    }
    return { btfId: id, address: 0n };
  }

  /** Typeless symbols come from /proc/kallsyms: BTF says whether there is one, the address is made up but fixed. */
  private untypedKsym(row: ExternSpec): Resolved {
    const { btf } = this.profile;
    const known = btf.find(row.name, 'var') || btf.find(row.name, 'func');
    if (known) return { btfId: 0, address: 0xffffffff_81000000n + BigInt(known) * 64n };
    if (row.weak) return ABSENT;
    throw new LoaderRefusal(errno.ESRCH, `extern '${row.name}' (strong): not resolved`);
  }
}

/** The function of a program that holds an instruction; functions are sorted. */
function functionOf({ funcs }: ProgramSpec, insn: number): FuncSpec | undefined {
  let low = 0;
  let high = funcs.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((funcs[middle] as FuncSpec).insn <= insn) low = middle + 1;
    else high = middle;
  }
  return funcs[low - 1];
}

function withData(map: MapSpec, data: Uint8Array): MapSpec {
  return map.section ? { ...map, section: { ...map.section, data } } : map;
}

/** What libbpf says of the first map that it cannot create, or whose contents it cannot map into itself. */
function checkMaps(spec: ObjectSpec, maps: readonly MapSpec[], profile: Profile): LoaderRefusal | null {
  const { btf } = spec;
  const parsed = btf && maySpecial(spec) ? btfParseStructMetas(btf, profile.btf) : null;
  const metas = parsed && !isRefused(parsed) ? parsed : null;
  for (const map of maps) {
    const number = createError(map);
    if (number) return new LoaderRefusal(number, createMessage(map, number));
    const misfit = checkSlots(map, maps);
    if (misfit) return misfit;
    // Values with special fields cannot be mapped into user space, where the other global variables are.
    if (!btf || !metas || !map.section || !(map.flags & BPF_F_MMAPABLE)) continue;
    const { record } = mapCheckBtf(map, btf, metas, profile.btf);
    if (!record || isRecordError(record)) continue;
    return new LoaderRefusal(errno.ENOTSUPP, `map '${map.name}': failed to re-mmap() contents: -ENOTSUPP`);
  }
  return null;
}

/** libbpf makes a perf_event_array without size as large as there are CPUs. */
function createError(map: MapSpec): number {
  const isSized = map.type === 'perf_event_array' && map.maxEntries === 0;
  return (map.inner && mapAllocCheck(map.inner)) || mapAllocCheck(isSized ? { ...map, maxEntries: 1 } : map);
}

/** What BPF_MAP_UPDATE_ELEM says of the maps that an object puts into a map of maps: they have to be like its template. */
function checkSlots(outer: MapSpec, maps: readonly MapSpec[]): LoaderRefusal | null {
  const { inner, maxEntries } = outer;
  if (!inner || outer.type === 'prog_array') return null;
  const places = new Set<number>();
  for (const { index, name } of outer.values) {
    const map = maps.find((other) => other.name === name);
    const full = outer.type === 'array_of_maps' ? index >= maxEntries : !places.has(index) && places.size >= maxEntries;
    const number = full ? errno.E2BIG : map && !isLike(inner, map) ? errno.EINVAL : 0;
    places.add(index);
    if (!number) continue;
    const message = `map '${outer.name}': failed to initialize slot [${index}] to map '${name}': -${errnoName(number)}`;
    return new LoaderRefusal(number, message);
  }
  return null;
}

/** bpf_map_meta_equal, as far as numbers go; fields are compared when the map is put in. */
function isLike(template: MapSpec, map: MapSpec): boolean {
  const sameSizes = template.keySize === map.keySize && template.valueSize === map.valueSize;
  const anyLength = template.type !== 'array' || (template.flags & BPF_F_INNER_MAP) !== 0;
  const sameLength = anyLength || template.maxEntries === map.maxEntries;
  return template.type === map.type && sameSizes && template.flags === map.flags && sameLength;
}

function createMessage(map: MapSpec, number: number): string {
  const name = errnoName(number);
  if (map.inner && mapAllocCheck(map.inner)) return `map '${map.name}': failed to create inner map: -${name}`;
  const withBtf = (map.keyTypeId > 0 || map.valueTypeId > 0) && takesBtf(map.type);
  if (withBtf) return `Error in bpf_create_map_xattr(${map.name}): -${name}. Retrying without BTF.`;
  return `map '${map.name}': failed to create: -${name}`;
}

const isRefused = (metas: ReturnType<typeof btfParseStructMetas>): metas is Extract<typeof metas, { errno: number }> =>
  'errno' in metas;

/** Whether any type of the object could be a special field; saves looking at the kernel's BTF where none can. */
function maySpecial({ btf }: ObjectSpec): boolean {
  if (!btf) return false;
  for (let id = btf.firstId; id < btf.nrTypes; id++) {
    const kind = btf.kind(id);
    if (kind === 'type_tag') return true;
    if ((kind === 'struct' || kind === 'union') && btf.name(id).startsWith('bpf_')) return true;
  }
  return false;
}

function attempt<T>(
  work: () => T,
): { readonly value: T; readonly reject: null } | { readonly value: null; readonly reject: LoaderReject } {
  try {
    return { value: work(), reject: null };
  } catch (error) {
    const number =
      error instanceof LoaderRefusal ? error.errno : error instanceof CoreError ? errno[error.code] : undefined;
    if (number === undefined) throw error;
    const reject = { verdict: 'reject', stage: 'loader', errno: number, message: (error as Error).message } as const;
    return { value: null, reject };
  }
}
