/** What a call instruction of a machine's program calls: the row of a helper or kfunc, and how the engine runs it. */
import * as layout from '../../assembly/kernel/bpf/prog_layout.ts';
import { helperById } from '../kernel/bpf/helpers/index.ts';
import { kfuncByName, kfuncId } from '../kernel/bpf/kfuncs/index.ts';
import type { KernelMemory } from '../kernel/memory.ts';
import { helperArgs, kfuncArgs } from './args.ts';
import type { LinkEnvironment } from './engine.ts';
import type { CallResolver, LinkedCall } from './link.ts';

/** Functions that the engine runs itself. */
const engineFunctions: Readonly<Record<string, number>> = {
  bpf_loop: layout.ENGINE_LOOP,
  bpf_tail_call: layout.ENGINE_TAIL_CALL,
  bpf_for_each_map_elem: layout.ENGINE_FOR_EACH,
  bpf_throw: layout.ENGINE_THROW,
  bpf_rbtree_add_impl: layout.ENGINE_RBTREE_ADD,
  // Only the verifier sees these: at run time the result is the argument.
  bpf_rdonly_cast: layout.ENGINE_ECHO,
  bpf_cast_to_kern_ctx: layout.ENGINE_ECHO,
};

/** Argument checks of those that are kfuncs (args.ts). */
const engineArgs: Readonly<Record<string, readonly number[]>> = {
  // struct bpf_rb_root, struct bpf_rb_node
  bpf_rbtree_add_impl: [16, 32],
};

function linkHelper(id: number): LinkedCall {
  const row = helperById(id);
  // The verifier refuses what no kernel has, except in dead code: libbpf puts such numbers over calls that are not to be made.
  if (!row) return { run: 'none', feature: null };
  const code = engineFunctions[row.name];
  if (code !== undefined) return { run: 'engine', id: code, args: () => helperArgs(id) };
  return row.run === 'call'
    ? { run: 'call', id, name: row.name, args: () => helperArgs(id) }
    : { run: 'none', feature: `helper ${row.name}` };
}

function linkKfunc(memory: KernelMemory, btfId: number, off: number, environment: LinkEnvironment): LinkedCall {
  if (btfId === 0) return { run: 'none', feature: null };
  const name = environment.kfunc(btfId, off);
  if (name === undefined) return { run: 'none', feature: `kfunc with BTF id ${btfId}` };
  const code = engineFunctions[name];
  if (code !== undefined) return { run: 'engine', id: code, args: () => engineArgs[name] ?? [] };
  const id = kfuncId(name);
  const runs = id !== undefined && kfuncByName(name)?.run === 'call';
  return runs
    ? { run: 'call', id, name, args: () => kfuncArgs(memory, id) }
    : { run: 'none', feature: `kfunc ${name}` };
}

/** Calls of a machine's programs. */
export const callOf: CallResolver = (op, imm, off, environment, memory) =>
  op === 'call_helper' ? linkHelper(imm) : linkKfunc(memory, imm, off, environment);
