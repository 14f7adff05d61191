/** Walking the kernel's structs by offset (kernel/bpf/btf.c: btf_struct_walk, btf_struct_access, btf_struct_ids_match). */
import type { Btf, BtfMember, BtfStruct, BtfType } from '../btf/btf.ts';
import {
  MEM_ALLOC,
  MEM_PERCPU,
  MEM_RCU,
  MEM_RDONLY,
  MEM_USER,
  PTR_TO_BTF_ID,
  PTR_TO_MEM,
  PTR_UNTRUSTED,
  SCALAR_VALUE,
} from '../kernel/bpf/bpf.ts';
import { btfFieldTypeName } from '../kernel/bpf/btf_record.ts';
import { errno } from '../uapi/errno.ts';
import type { Env } from './env.ts';
import { msg } from './messages.ts';
import type { RegState } from './reg_state.ts';

const WALK_SCALAR = 0;
const WALK_PTR = 1;
const WALK_PTR_UNTRUSTED = 2;
const WALK_STRUCT = 3;

/** What a walk ends at. One object, reused: read it before the next walk. */
export interface Walk {
  /** Struct that the pointer found points to, or that was found at the offset. */
  btfId: number;
  /** MEM_ and PTR_ flags of the pointer found. */
  flag: number;
  /** Member that holds the pointer. */
  fieldName: string;
}

/** A field access that BTF does not allow: what the kernel says, and its errno. */
interface WalkError {
  readonly errno: 13 | 22 | 14;
  readonly message: string;
}

/** __btf_name_by_offset: how the kernel calls what has no name. */
function anon(name: string): string {
  return name || '(anon)';
}

function isStruct(type: BtfType): type is BtfStruct {
  return type.kind === 'struct' || type.kind === 'union';
}

interface Resolved {
  /** Bytes of the whole member; -1: no size. */
  readonly size: number;
  readonly isArray: boolean;
  readonly nelems: number;
  /** The element, or the type itself, below typedefs and qualifiers. */
  readonly id: number;
}

const resolved = new WeakMap<BtfMember, Resolved>();

/** __btf_resolve_size, remembered by member. */
function resolve(btf: Btf, member: BtfMember): Resolved {
  const known = resolved.get(member);
  if (known) return known;
  let nelems = 1;
  let isArray = false;
  let id = btf.skipMods(member.type);
  let type = btf.type(id);
  while (type.kind === 'array') {
    isArray = true;
    nelems *= type.nelems;
    id = btf.skipMods(type.elemType);
    type = btf.type(id);
  }
  const one = type.kind === 'ptr' ? 8 : 'size' in type ? type.size : -1;
  const made = { size: one < 0 ? -1 : one * nelems, isArray, nelems, id };
  resolved.set(member, made);
  return made;
}

const POINTER_TAGS: Readonly<Record<string, number>> = { user: MEM_USER, percpu: MEM_PERCPU, rcu: MEM_RCU };

/** The walk's result, valid until the next one. */
export const walk: Walk = { btfId: 0, flag: 0, fieldName: '' };

/** btf_struct_walk: one struct, and those inside it that do not start at the offset. */
function structWalk(btf: Btf, id: number, off: number, size: number, flexArrays: boolean): number | WalkError {
  for (;;) {
    const type = btf.type(btf.skipMods(id));
    if (!isStruct(type)) return { errno: errno.EINVAL, message: msg.walkNotStruct(anon(type.name)) };
    const { members } = type;
    if (type.kind === 'union' && members.length !== 1) walk.flag |= PTR_UNTRUSTED;
    if (off + size > type.size) {
      const flex = flexArrays ? flexArray(btf, members, off) : null;
      if (!flex) return { errno: errno.EACCES, message: msg.walkBeyondStruct(anon(type.name), off, size) };
      const element = btf.type(flex.id);
      if (element.kind === 'int') return WALK_SCALAR;
      if (!isStruct(element) || element.size === 0) {
        return { errno: errno.EACCES, message: msg.walkBeyondStruct(anon(type.name), off, size) };
      }
      off = (off - flex.off) % element.size;
      id = flex.id;
      continue;
    }
    const next = memberAt(btf, type, off, size);
    if (typeof next !== 'object' || 'errno' in next) return next;
    id = next.id;
    off = next.off;
  }
}

/** A flexible array that ends a struct: its element and where it starts. */
function flexArray(btf: Btf, members: readonly BtfMember[], off: number): { id: number; off: number } | null {
  const last = members.at(-1);
  if (!last) return null;
  const type = btf.type(btf.skipMods(last.type));
  if (type.kind !== 'array' || type.nelems !== 0) return null;
  const start = Math.trunc(last.bitOffset / 8);
  return off < start ? null : { id: btf.skipMods(type.elemType), off: start };
}

/** The member at an offset: an end of the walk, or the struct to go on in. */
function memberAt(
  btf: Btf,
  struct: BtfStruct,
  off: number,
  size: number,
): number | WalkError | { id: number; off: number } {
  for (const member of struct.members) {
    let start = Math.trunc(member.bitOffset / 8);
    if (off + size <= start) break;
    if (member.bitfieldSize) {
      const end = Math.ceil((member.bitOffset + member.bitfieldSize) / 8);
      if (off <= start && end <= off + size) return WALK_SCALAR;
      continue;
    }
    if (off < start) break;
    const found = resolve(btf, member);
    if (found.size < 0) return { errno: errno.EFAULT, message: msg.walkNoSize(anon(member.name)) };
    const end = start + found.size;
    if (off >= end) continue;
    let bytes = found.size;
    if (found.isArray) {
      if (start === end) continue;
      bytes = found.size / found.nelems;
      start += Math.trunc((off - start) / bytes) * bytes;
    }
    const type = btf.type(found.id);
    if (isStruct(type)) {
      if (off !== start) return { id: found.id, off: off - start };
      walk.btfId = found.id;
      return WALK_STRUCT;
    }
    if (type.kind === 'ptr') {
      if (bytes !== size || off !== start) {
        return {
          errno: errno.EACCES,
          message: msg.walkPtrMember(anon(member.name), start, anon(struct.name), off, size),
        };
      }
      return pointer(btf, type.type, member.name);
    }
    if (off + size > end && !(walk.flag & PTR_UNTRUSTED)) {
      return {
        errno: errno.EACCES,
        message: msg.walkBeyondMember(anon(member.name), end, anon(struct.name), off, size),
      };
    }
    return WALK_SCALAR;
  }
  return { errno: errno.EINVAL, message: msg.walkNoField(anon(struct.name), off) };
}

function pointer(btf: Btf, target: number, name: string): number {
  const tag = btf.type(target);
  const flag = tag.kind === 'type_tag' ? (POINTER_TAGS[tag.name] ?? 0) : 0;
  const id = btf.skipMods(target);
  const type = btf.type(id);
  if (!isStruct(type)) return WALK_PTR_UNTRUSTED;
  walk.btfId = id;
  walk.flag |= flag;
  walk.fieldName = name;
  return WALK_PTR;
}

/**
 * btf_struct_access: what an access of `size` bytes at `off` of the struct that `reg` points to gives: SCALAR_VALUE,
 * PTR_TO_BTF_ID (walk.btfId, walk.flag, walk.fieldName) or PTR_TO_MEM. Rejects what BTF does not allow.
 */
export function btfStructAccess(env: Env, reg: RegState, btf: Btf, off: number, size: number): number {
  const alloc = (reg.type & MEM_ALLOC) !== 0;
  let id = reg.btfId;
  if (alloc) {
    for (const field of (btf === env.btf ? env.structMetas.get(id)?.fields : undefined) ?? []) {
      if (off < field.offset + field.size && field.offset < off + size) {
        env.reject(errno.EACCES, msg.directFieldAccess(btfFieldTypeName(field.type)));
      }
    }
  }
  walk.flag = 0;
  for (;;) {
    const result = structWalk(btf, id, off, size, !alloc);
    if (typeof result === 'object') env.reject(result.errno, result.message);
    switch (result) {
      case WALK_PTR:
        return alloc ? SCALAR_VALUE : PTR_TO_BTF_ID;
      case WALK_PTR_UNTRUSTED:
        walk.flag = MEM_RDONLY | PTR_UNTRUSTED;
        return PTR_TO_MEM;
      case WALK_SCALAR:
        return SCALAR_VALUE;
      default:
        id = walk.btfId;
        off = 0;
    }
  }
}

/** btf_types_are_same. */
export function btfTypesAreSame(a: Btf, aId: number, b: Btf, bId: number): boolean {
  return a === b && aId === bId;
}

/**
 * btf_struct_ids_match: whether a pointer to `id` + `off` points to a `needId`. Not strict: a struct at that offset inside it
 * will do. What the walk complains of goes into the log, as in the kernel.
 */
export function btfStructIdsMatch(
  env: Env,
  btf: Btf,
  id: number,
  off: number,
  needBtf: Btf,
  needId: number,
  strict: boolean,
  flexArrays = true,
): boolean {
  if (off === 0 && btfTypesAreSame(btf, id, needBtf, needId)) return true;
  if (strict) return false;
  walk.flag = 0;
  for (;;) {
    const result = structWalk(btf, id, off, 1, flexArrays);
    if (typeof result === 'object') {
      env.verbose(`${result.message}\n`);
      return false;
    }
    if (result !== WALK_STRUCT) return false;
    id = walk.btfId;
    if (btfTypesAreSame(btf, id, needBtf, needId)) return true;
    off = 0;
  }
}

/**
 * btf_nested_type_is_trusted: whether the kernel lists the field as safe: it has a struct NAME__safe_rcu (and so on) whose
 * members name the fields.
 */
export function btfNestedTypeIsTrusted(
  reg: RegState,
  btf: Btf,
  fieldName: string,
  btfId: number,
  suffix: string,
): boolean {
  const walked = btf.type(reg.btfId);
  const safe = btf.find(`${walked.name}${suffix}`, walked.kind);
  if (!safe) return false;
  for (const member of (btf.type(safe) as BtfStruct).members) {
    const type = btf.type(member.type);
    if (type.kind === 'ptr' && member.name === fieldName && btf.skipMods(type.type) === btfId) return true;
  }
  return false;
}
