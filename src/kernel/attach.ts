/** What a program attaches to, as an id of the kernel's BTF (libbpf_find_attach_btf_id). */
import type { Btf } from '../btf/btf.ts';
import { findSection } from '../loader/sections.ts';
import type { ProgramSpec } from '../loader/spec.ts';
import type { AttachType } from '../uapi/bpf.ts';
import type { BtfKind } from '../uapi/btf.ts';
import { errno } from '../uapi/errno.ts';
import { LoaderRefusal } from './loader_refusal.ts';

/** How a target is called in BTF, by attach type; anything else is a function of that very name. */
const TARGETS: Readonly<Partial<Record<AttachType, { readonly prefix: string; readonly kind: BtfKind }>>> = {
  trace_raw_tp: { prefix: 'btf_trace_', kind: 'typedef' },
  lsm_mac: { prefix: 'bpf_lsm_', kind: 'func' },
  lsm_cgroup: { prefix: 'bpf_lsm_', kind: 'func' },
  trace_iter: { prefix: 'bpf_iter_', kind: 'func' },
};

const MAX_NAME = 128;

/**
 * BTF id of the target; 0 for programs that attach to nothing of the BTF.
 * @throws LoaderRefusal in libbpf's words
 */
export function attachBtfId(program: ProgramSpec, kernel: () => Btf): number {
  if (!findSection(program.section)?.attachBtf) return 0;
  const refuse = (code: 'EINVAL' | 'ESRCH' | 'ENAMETOOLONG', problem: string): never => {
    throw new LoaderRefusal(errno[code], `prog '${program.name}': ${problem}`);
  };
  if (program.attachTo === null) {
    return refuse('EINVAL', 'no BTF-based attach target is specified, use bpf_program__set_attach_target()');
  }
  if (program.type === 'ext') return refuse('EINVAL', 'attach program FD is not set');
  const { prefix, kind } = TARGETS[program.attachType ?? 'trace_fentry'] ?? { prefix: '', kind: 'func' as const };
  const colon = program.attachTo.indexOf(':');
  const module = colon < 0 ? null : program.attachTo.slice(0, colon);
  const name = prefix + program.attachTo.slice(colon + 1);
  const failed = `failed to find kernel BTF type ID of '${program.attachTo}'`;
  if (name.length >= MAX_NAME) return refuse('ENAMETOOLONG', `${failed}: -ENAMETOOLONG`);
  // Modules are not part of a profile; libbpf compares the name only as far as it goes.
  const inKernel = module === null || 'vmlinux'.startsWith(module);
  return (inKernel && kernel().find(name, kind)) || refuse('ESRCH', `${failed}: -ESRCH`);
}
