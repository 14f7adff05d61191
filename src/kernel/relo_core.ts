/**
 * CO-RE relocations (tools/lib/bpf/relo_core.c): what a field, type or enumerator of the object's types is in the kernel's,
 * and the instruction rewritten accordingly.
 */
import type { Btf, BtfType } from '../btf/btf.ts';
import { essentialName } from '../btf/names.ts';
import type { CoreRelocation } from '../loader/spec.ts';
import { BTF_INT_SIGNED } from '../uapi/btf.ts';
import { fieldsCompatible, type Match, typesCompatible, typesMatch } from './relo_compat.ts';
import { CoreError, type CoreResult, patchInsn } from './relo_patch.ts';

const SPEC_MAX = 64;
const MAX_VISITS = 1_000_000;
type Family = 'field' | 'type' | 'enumval';

/** enum bpf_core_relo_kind, by number. */
const KINDS: readonly { readonly name: string; readonly family: Family }[] = [
  { name: 'byte_off', family: 'field' },
  { name: 'byte_sz', family: 'field' },
  { name: 'field_exists', family: 'field' },
  { name: 'signed', family: 'field' },
  { name: 'lshift_u64', family: 'field' },
  { name: 'rshift_u64', family: 'field' },
  { name: 'local_type_id', family: 'type' },
  { name: 'target_type_id', family: 'type' },
  { name: 'type_exists', family: 'type' },
  { name: 'type_size', family: 'type' },
  { name: 'enumval_exists', family: 'enumval' },
  { name: 'enumval_value', family: 'enumval' },
  { name: 'type_matches', family: 'type' },
];

interface Accessor {
  readonly typeId: number;
  readonly index: number;
  /** Member or enumerator; null for an array element. */
  readonly name: string | null;
}

interface Spec {
  readonly btf: Btf;
  readonly rootId: number;
  readonly accessors: Accessor[];
  /** Length of the low-level path, anonymous members included. */
  rawLength: number;
  /** Modulo 2^32, as libbpf counts. */
  bitOffset: number;
  /** Members looked at so far: structs that hold each other without names must not be searched for ever. */
  visits: number;
}

interface Value {
  readonly value: bigint;
  readonly size: number;
  readonly typeId: number;
  readonly validate: boolean;
}

/** Applies relocations of one object against one kernel; candidates are remembered between relocations. */
export class CoreRelocator {
  private readonly candidates = new Map<number, number[]>();
  /** Results that hold wherever the same relocation occurs. */
  private readonly results = new Map<string, CoreResult>();

  constructor(
    private readonly local: Btf,
    private readonly kernel: () => Btf,
  ) {}

  /**
   * Rewrites the instruction of a relocation.
   * @param program - name of the function, and `insn` its instruction, as messages name them; `at`: byte offset in `insns`
   * @throws CoreError where libbpf refuses the object
   */
  apply(relo: CoreRelocation, program: string, insn: number, insns: Uint8Array, at: number): void {
    const result = this.resolve(relo, program, insn);
    patchInsn(result, `prog '${program}': relo #${relo.index}`, insn, insns, at);
  }

  /** What a relocation comes to, without touching an instruction. */
  resolve(relo: CoreRelocation, program: string, insn: number): CoreResult {
    const key = `${relo.kind} ${relo.typeId} ${relo.access}`;
    const known = this.results.get(key) ?? this.compute(relo, program, insn);
    this.results.set(key, known);
    return known;
  }

  private compute(relo: CoreRelocation, program: string, insn: number): CoreResult {
    const where = `prog '${program}': relo #${relo.index}`;
    const kind = KINDS[relo.kind];
    const localType = this.local.type(relo.typeId);
    if (localType.name === '' && kind?.name !== 'local_type_id') {
      const problem = `target candidate search failed for [${relo.typeId}] ${localType.kind} : -EINVAL`;
      throw new CoreError('EINVAL', `${where}: ${problem}`);
    }
    const spec = kind && parseSpec(this.local, relo, kind.family);
    if (!spec) {
      const name = localType.name || '<anon>';
      const problem = `parsing [${relo.typeId}] ${localType.kind} ${name} + ${relo.access || '<?>'} failed: -EINVAL`;
      throw new CoreError('EINVAL', `${where}: ${problem}`);
    }
    if (kind.name === 'local_type_id') {
      const value = BigInt(relo.typeId);
      return plain(value, value, false);
    }
    return this.choose(relo, kind.name, spec, where, program, insn);
  }

  private choose(
    relo: CoreRelocation,
    kind: string,
    spec: Spec,
    where: string,
    program: string,
    insn: number,
  ): CoreResult {
    const kernel = this.kernel();
    const matching: number[] = [];
    let chosen: { readonly result: CoreResult; readonly spec: Spec } | null = null;
    for (const [i, id] of this.candidatesOf(relo.typeId).entries()) {
      const target = matchSpec(spec, kernel, id, kind);
      if (target === 'error') {
        throw new CoreError('EINVAL', `${where}: error matching candidate #${i} [${id}]: -EINVAL`);
      }
      if (!target) continue;
      const result = this.calculate(kind, spec, target, where, program, insn);
      if (!chosen) {
        chosen = { result, spec: target };
      } else if (target.bitOffset !== chosen.spec.bitOffset) {
        const problem = `field offset ambiguity: ${target.bitOffset} != ${chosen.spec.bitOffset}`;
        throw new CoreError('EINVAL', `${where}: ${problem}`);
      } else if (result.poison !== chosen.result.poison || result.value !== chosen.result.value) {
        const say = (one: CoreResult): string => `${one.poison ? 'failure' : 'success'} ${one.value}`;
        const problem = `relocation decision ambiguity: ${say(result)} != ${say(chosen.result)}`;
        throw new CoreError('EINVAL', `${where}: ${problem}`);
      }
      matching.push(id);
    }
    // libbpf keeps only the candidates that fit, for later relocations of the same type too.
    if (matching.length > 0) this.candidates.set(relo.typeId, matching);
    return chosen?.result ?? this.calculate(kind, spec, null, where, program, insn);
  }

  private candidatesOf(typeId: number): readonly number[] {
    const known = this.candidates.get(typeId);
    if (known) return known;
    const type = this.local.type(typeId);
    const kinds =
      type.kind === 'enum' || type.kind === 'enum64' ? (['enum', 'enum64'] as const) : ([type.kind] as const);
    const name = essentialName(type.name);
    const found = kinds.flatMap((kind) => this.kernel().findEssential(name, kind)).sort((a, b) => a - b);
    this.candidates.set(typeId, found);
    return found;
  }

  private calculate(
    kind: string,
    local: Spec,
    target: Spec | null,
    where: string,
    program: string,
    insn: number,
  ): CoreResult {
    const bad = (problem: string, code: CoreError['code']): CoreError =>
      new CoreError(
        code,
        `prog '${program}': relo ${KINDS.findIndex((row) => row.name === kind)} at insn #${insn} ${problem}`,
      );
    const of = (spec: Spec | null): Value | null => {
      switch (KINDS.find((row) => row.name === kind)?.family) {
        case 'field':
          return fieldValue(kind, spec, bad);
        case 'type':
          return typeValue(kind, spec, () => new CoreError('EINVAL', `${where}: failed to relocate: -EINVAL`));
        default:
          return enumValue(kind, spec);
      }
    };
    const original = of(local);
    const now = original && of(target);
    if (!original || !now || !target) {
      if (original && now) return plain(original.value, now.value, original.validate);
      return { ...plain(original?.value ?? 0n, 0n, original?.validate ?? true), poison: true };
    }
    return {
      poison: false,
      original: original.value,
      value: now.value,
      validate: original.validate,
      originalSize: original.size,
      size: now.size,
      badSize: original.size !== now.size && !resizable(local.btf.type(original.typeId), target.btf.type(now.typeId)),
    };
  }
}

const plain = (original: bigint, value: bigint, validate: boolean): CoreResult => ({
  poison: false,
  original,
  value,
  validate,
  originalSize: 0,
  size: 0,
  badSize: false,
});

/** Pointers and unsigned integers may be read with another width. */
function resizable(from: BtfType, to: BtfType): boolean {
  if (from.kind === 'ptr' && to.kind === 'ptr') return true;
  return from.kind === 'int' && to.kind === 'int' && from.encoding !== BTF_INT_SIGNED && to.encoding !== BTF_INT_SIGNED;
}

function parseSpec(btf: Btf, relo: CoreRelocation, family: Family): Spec | null {
  const spec: Spec = { btf, rootId: relo.typeId, accessors: [], rawLength: 0, bitOffset: 0, visits: 0 };
  if (family === 'type') return relo.access === '0' ? spec : null;
  if (!/^\d+(:\d+)*:?$/.test(relo.access)) return null;
  const raw = relo.access.split(':').filter(Boolean).map(Number);
  if (raw.length > SPEC_MAX || raw.some((index) => index > 0x7fff_ffff)) return null;
  const [first = 0, ...rest] = raw;
  spec.rawLength = raw.length;
  let id = btf.skipMods(relo.typeId);
  const root = btf.type(id);
  if (family === 'enumval') {
    const value = root.kind === 'enum' || root.kind === 'enum64' ? root.values[first] : undefined;
    if (!value || rest.length > 0) return null;
    spec.accessors.push({ typeId: id, index: first, name: value.name });
    return spec;
  }
  spec.accessors.push({ typeId: id, index: first, name: null });
  const size = btf.size(id);
  if (size < 0) return null;
  addBits(spec, first * size * 8);
  for (const index of rest) {
    id = btf.skipMods(id);
    const type = btf.type(id);
    if (type.kind === 'struct' || type.kind === 'union') {
      const member = type.members[index];
      if (!member) return null;
      addBits(spec, member.bitOffset);
      if (member.name !== '') spec.accessors.push({ typeId: id, index, name: member.name });
      id = member.type;
    } else if (type.kind === 'array') {
      id = btf.skipMods(type.elemType);
      if (!isFlexible(btf, spec.accessors.at(-1), type.nelems) && index >= type.nelems) return null;
      const each = btf.size(id);
      if (each < 0) return null;
      spec.accessors.push({ typeId: id, index, name: null });
      addBits(spec, index * each * 8);
    } else {
      return null;
    }
  }
  return spec;
}

function addBits(spec: Spec, bits: number): void {
  spec.bitOffset = (spec.bitOffset + bits) % 0x1_0000_0000;
}

/** An array of no elements that ends a struct has as many as are asked for. */
function isFlexible(btf: Btf, accessor: Accessor | undefined, nelems: number): boolean {
  if (!accessor || accessor.name === null || nelems > 0) return false;
  return accessor.index === btf.vlen(accessor.typeId) - 1;
}

/** The same path in a kernel type; null when it does not fit. */
function matchSpec(local: Spec, kernel: Btf, id: number, kind: string): Spec | null | 'error' {
  const target: Spec = { btf: kernel, rootId: id, accessors: [], rawLength: 0, bitOffset: 0, visits: 0 };
  const verdict = (match: Match): Spec | null | 'error' => (match === 'error' ? 'error' : match ? target : null);
  const family = KINDS.find((row) => row.name === kind)?.family;
  if (family === 'type') {
    const compare = kind === 'type_matches' ? typesMatch : typesCompatible;
    return verdict(compare(local.btf, local.rootId, kernel, id));
  }
  if (family === 'enumval') {
    const typeId = kernel.skipMods(id);
    const type = kernel.type(typeId);
    if (type.kind !== 'enum' && type.kind !== 'enum64') return null;
    const wanted = essentialName(local.accessors[0]?.name ?? '');
    const index = type.values.findIndex((row) => essentialName(row.name) === wanted);
    if (index < 0) return null;
    target.accessors.push({ typeId, index, name: (type.values[index] as { name: string }).name });
    return target;
  }
  let current = id;
  for (const [i, accessor] of local.accessors.entries()) {
    current = kernel.skipMods(current);
    if (accessor.name !== null) {
      const next = matchMember(local.btf, accessor, target, current);
      if (next === 'error' || next === null) return next;
      current = next;
      continue;
    }
    if (i > 0) {
      const array = kernel.type(current);
      if (array.kind !== 'array') return null;
      const flexible = isFlexible(kernel, target.accessors[i - 1], array.nelems);
      if (!flexible && accessor.index >= array.nelems) return null;
      current = kernel.skipMods(array.elemType);
    }
    if (target.rawLength === SPEC_MAX) return 'error';
    const size = kernel.size(current);
    if (size < 0) return 'error';
    target.accessors.push({ typeId: current, index: accessor.index, name: null });
    target.rawLength++;
    addBits(target, accessor.index * size * 8);
  }
  return target;
}

/** Finds a member by name, through anonymous structs and unions; returns the type of what it found. */
function matchMember(local: Btf, accessor: Accessor, target: Spec, id: number): number | null | 'error' {
  const kernel = target.btf;
  const typeId = kernel.skipMods(id);
  const type = kernel.type(typeId);
  if (type.kind !== 'struct' && type.kind !== 'union') return null;
  const localType = local.type(accessor.typeId);
  const wanted =
    localType.kind === 'struct' || localType.kind === 'union' ? localType.members[accessor.index] : undefined;
  for (const [index, member] of type.members.entries()) {
    if (target.rawLength >= SPEC_MAX || ++target.visits > MAX_VISITS) return 'error';
    const before = target.bitOffset;
    addBits(target, member.bitOffset);
    target.rawLength++;
    if (member.name === '') {
      const found = matchMember(local, accessor, target, member.type);
      if (found !== null) return found;
    } else if (member.name === accessor.name) {
      const fits = fieldsCompatible(local, wanted?.type ?? 0, kernel, member.type);
      if (!fits) return null;
      if (fits === 'error') return 'error';
      target.accessors.push({ typeId, index, name: member.name });
      return member.type;
    }
    target.bitOffset = before;
    target.rawLength--;
  }
  return null;
}

function fieldValue(
  kind: string,
  spec: Spec | null,
  bad: (problem: string, code: CoreError['code']) => CoreError,
): Value | null {
  const of = (value: number | bigint, validate: boolean, size = 0, typeId = 0): Value => ({
    value: BigInt(value),
    size,
    typeId,
    validate,
  });
  if (kind === 'field_exists') return of(spec ? 1 : 0, true);
  const accessor = spec?.accessors.at(-1);
  if (!spec || !accessor) return null;
  const { btf } = spec;
  if (accessor.name === null) {
    const size = btf.size(accessor.typeId);
    if (size < 0) throw bad("can't be applied to a type without size", 'EINVAL');
    if (kind === 'byte_off') return of(Math.floor(spec.bitOffset / 8), true, size, accessor.typeId);
    if (kind === 'byte_sz') return of(size, true);
    throw bad("can't be applied to array access", 'EINVAL');
  }
  const parent = btf.type(accessor.typeId);
  const member = parent.kind === 'struct' || parent.kind === 'union' ? parent.members[accessor.index] : undefined;
  const fieldId = btf.skipMods(member?.type ?? 0);
  const field = btf.type(fieldId);
  const isBitfield = (member?.bitfieldSize ?? 0) > 0;
  let bits = member?.bitfieldSize ?? 0;
  let size = btf.size(fieldId);
  if (size < 0 || (isBitfield && size === 0)) throw bad("can't be satisfied for a type without size", 'EINVAL');
  let byteOffset = Math.floor(spec.bitOffset / 8);
  if (isBitfield) {
    byteOffset = Math.floor(spec.bitOffset / 8 / size) * size;
    while (spec.bitOffset + bits - byteOffset * 8 > size * 8) {
      if (size >= 8) throw bad("can't be satisfied for bitfield", 'E2BIG');
      size *= 2;
      byteOffset = Math.floor(spec.bitOffset / 8 / size) * size;
    }
  } else {
    bits = size * 8;
  }
  switch (kind) {
    case 'byte_off':
      return isBitfield ? of(byteOffset, false) : of(byteOffset, true, size, fieldId);
    case 'byte_sz':
      return of(size, !isBitfield);
    case 'signed': {
      const isEnum = (field.kind === 'enum' || field.kind === 'enum64') && field.signed;
      return of(isEnum || (field.kind === 'int' && (field.encoding & BTF_INT_SIGNED) !== 0) ? 1 : 0, true);
    }
    case 'lshift_u64':
      return of(BigInt.asUintN(64, BigInt(64 - (spec.bitOffset + bits - byteOffset * 8))), !isBitfield);
    default:
      return of(BigInt.asUintN(64, BigInt(64 - bits)), true);
  }
}

function typeValue(kind: string, spec: Spec | null, bad: () => CoreError): Value {
  const of = (value: number, validate = true): Value => ({ value: BigInt(value), size: 0, typeId: 0, validate });
  if (!spec) return of(0);
  if (kind === 'target_type_id') return of(spec.rootId, false);
  if (kind !== 'type_size') return of(1);
  const size = spec.btf.size(spec.rootId);
  if (size < 0) throw bad();
  return of(size);
}

function enumValue(kind: string, spec: Spec | null): Value | null {
  if (kind === 'enumval_exists') return { value: spec ? 1n : 0n, size: 0, typeId: 0, validate: true };
  const accessor = spec?.accessors[0];
  if (!spec || !accessor) return null;
  const type = spec.btf.type(accessor.typeId);
  const value = type.kind === 'enum' || type.kind === 'enum64' ? (type.values[accessor.index]?.value ?? 0n) : 0n;
  return { value: BigInt.asUintN(64, value), size: 0, typeId: 0, validate: true };
}
