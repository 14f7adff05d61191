/** struct_ops programs: which member of which kernel struct each implements (bpf_map__init_kern_struct_ops). */
import type { Btf, BtfMember, BtfStruct } from '../btf/btf.ts';
import { essentialName } from '../btf/names.ts';
import type { ObjectSpec, StructOpsSpec } from '../loader/spec.ts';
import { btfKinds } from '../uapi/btf.ts';
import { errno } from '../uapi/errno.ts';
import { LoaderRefusal } from './loader_refusal.ts';

export interface StructOpsTarget {
  /** BTF id of the kernel's struct. */
  readonly typeId: number;
  /** Index of the member. */
  readonly member: number;
}

/**
 * Targets by program name.
 * @throws LoaderRefusal in libbpf's words
 */
export function structOpsTargets(spec: ObjectSpec, kernel: () => Btf): Map<string, StructOpsTarget> {
  const targets = new Map<string, StructOpsTarget>();
  for (const table of spec.structOps) {
    if (spec.btf && table.autocreate) addTargets(spec.btf, table, kernel(), targets, spec);
  }
  return targets;
}

function addTargets(
  btf: Btf,
  table: StructOpsSpec,
  kernel: Btf,
  targets: Map<string, StructOpsTarget>,
  spec: ObjectSpec,
): void {
  const where = `struct_ops init_kern ${table.name}`;
  const refuse = (code: 'EINVAL' | 'ENOTSUP' | 'ESRCH' | 'ENOENT', problem: string): never => {
    const number = { EINVAL: errno.EINVAL, ENOTSUP: errno.EOPNOTSUPP, ESRCH: errno.ESRCH, ENOENT: errno.ENOENT }[code];
    throw new LoaderRefusal(number, problem);
  };
  const type = btf.type(table.typeId) as BtfStruct;
  const name = essentialName(type.name);
  const valueId = kernel.find(`bpf_struct_ops_${name}`, 'struct');
  if (!valueId) refuse('ESRCH', `struct_ops init_kern: struct bpf_struct_ops_${name} is not found in kernel BTF`);
  const typeId = kernel.find(name, 'struct');
  if (!typeId) refuse('ENOENT', `struct_ops init_kern: struct ${name} is not found in kernel BTF`);
  const value = kernel.type(valueId) as BtfStruct;
  if (!value.members.some((member) => member.type === typeId)) {
    refuse('EINVAL', `struct_ops init_kern: struct ${name} data is not found in struct bpf_struct_ops_${name}`);
  }
  const kernelMembers = (kernel.type(typeId) as BtfStruct).members;
  for (const member of type.members) {
    const size = btf.size(member.type);
    if (size < 0) refuse('EINVAL', `${where}: failed to resolve the size of member ${member.name}`);
    const at = member.bitOffset / 8;
    const program = table.programs.find((row) => row.offset === at)?.program;
    const index = kernelMembers.findIndex((candidate) => candidate.name === member.name);
    const other = kernelMembers[index];
    if (!other) {
      const isSet = table.data.subarray(at, at + size).some(Boolean) || program !== undefined;
      if (isSet) refuse('ENOTSUP', `${where}: Cannot find member ${member.name} in kernel BTF`);
      continue;
    }
    checkMember(member, other);
    if (program === undefined) continue;
    const before = targets.get(program);
    if (before && (before.typeId !== typeId || before.member !== index)) {
      const section = spec.programs.find((row) => row.name === program)?.section ?? '';
      const what = `func ptr ${member.name}: invalid reuse of prog ${program} in sec ${section} with type 27`;
      const same = before.typeId === typeId;
      const [field, one, two] = same
        ? ['expected_attach_type', before.member, `kern_member_idx ${index}`]
        : ['attach_btf_id', before.typeId, `kern_type_id ${typeId}`];
      refuse('EINVAL', `${where} ${what}: ${field} ${one} != ${two}`);
    }
    targets.set(program, { typeId, member: index });
  }

  function checkMember(member: BtfMember, other: BtfMember): void {
    if (member.bitfieldSize || other.bitfieldSize) {
      refuse('ENOTSUP', `${where}: bitfield ${member.name} is not supported`);
    }
    const [one, two] = [btf.skipMods(member.type), kernel.skipMods(other.type)];
    if (btf.kind(one) !== kernel.kind(two)) {
      const numbers = `${btfKinds.indexOf(btf.kind(one))} != ${btfKinds.indexOf(kernel.kind(two))}(kernel)`;
      refuse('ENOTSUP', `${where}: Unmatched member type ${member.name} ${numbers}`);
    }
    if (btf.kind(one) === 'ptr') return;
    const [size, kernelSize] = [btf.size(member.type), kernel.size(two)];
    if (size !== kernelSize) {
      refuse('ENOTSUP', `${where}: Error in size of member ${member.name}: ${size} != ${kernelSize}(kernel)`);
    }
  }
}
