/**
 * What BPF_BTF_LOAD and BPF_MAP_CREATE make of a program's BTF and maps before it is loaded: libbpf goes on without BTF where the
 * kernel refuses it, so the verifier sees what is left.
 */
import type { Btf } from '../btf/btf.ts';
import { isRecordError } from '../kernel/bpf/btf_record.ts';
import { mapCheckBtf } from '../kernel/bpf/map_check_btf.ts';
import { btfParseStructMetas, type StructMetas } from '../kernel/bpf/struct_metas.ts';
import type { MapSpec } from '../loader/spec.ts';
import { BPF_F_MMAPABLE, BPF_F_RDONLY_PROG } from '../uapi/bpf.ts';
import { errno } from '../uapi/errno.ts';
import type { VerifierMap } from './maps.ts';

/** The object's BTF as the kernel has it. */
export interface ProgramBtf {
  /** null: the object has none, or the kernel refused it. */
  readonly btf: Btf | null;
  readonly metas: StructMetas;
  /** Why the kernel refused it; 0 when it did not. */
  readonly errno: number;
}

const NO_METAS: StructMetas = new Map();

/** BPF_BTF_LOAD. */
export function loadProgramBtf(btf: Btf | null, vmlinux: Btf): ProgramBtf {
  if (!btf) return { btf: null, metas: NO_METAS, errno: 0 };
  if (hasHugeArray(btf)) return { btf: null, metas: NO_METAS, errno: errno.EINVAL };
  const metas = btfParseStructMetas(btf, vmlinux);
  return 'errno' in metas ? { btf: null, metas: NO_METAS, errno: metas.errno } : { btf, metas, errno: 0 };
}

/** btf_array_resolve: 32 bits count the bytes of an array. */
function hasHugeArray(btf: Btf): boolean {
  for (let id = 1; id < btf.nrTypes; id++) {
    if (btf.kind(id) !== 'array') continue;
    const type = btf.type(id);
    if (type.kind === 'array' && type.nelems * btf.size(type.elemType) > 0xffff_ffff) return true;
  }
  return false;
}

/** BPF_MAP_CREATE of every map that the program names, with their initial contents. */
export function createMaps(specs: readonly MapSpec[], loaded: ProgramBtf, vmlinux: Btf): VerifierMap[] {
  return specs.map((spec, index) => createMap(spec, index, loaded, vmlinux));
}

function createMap(spec: MapSpec, index: number, loaded: ProgramBtf, vmlinux: Btf): VerifierMap {
  const { section } = spec;
  const readOnly = section?.kind === 'rodata' || section?.kind === 'kconfig';
  const flags = section ? spec.flags | BPF_F_MMAPABLE | (readOnly ? BPF_F_RDONLY_PROG : 0) : spec.flags;
  const maxEntries = section && spec.type !== 'arena' ? 1 : spec.maxEntries;
  const checked = mapCheckBtf({ ...spec, flags, maxEntries }, loaded.btf, loaded.btf ? loaded.metas : null, vmlinux);
  return {
    name: spec.name,
    index,
    spec,
    type: spec.type,
    keySize: spec.keySize,
    valueSize: spec.valueSize,
    maxEntries,
    flags,
    btf: checked.btf,
    btfValueTypeId: checked.btf ? spec.valueTypeId : 0,
    record: isRecordError(checked.record) ? null : checked.record,
    frozen: readOnly,
    data: section?.data ?? null,
    inner: spec.inner ? createMap(spec.inner, index, loaded, vmlinux) : null,
  };
}
