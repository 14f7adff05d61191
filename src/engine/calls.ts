/** What a call instruction calls: the row of a helper or kfunc, and how the engine runs it. */
import * as layout from '../../assembly/kernel/bpf/prog_layout.ts';
import { helperById } from '../kernel/bpf/helpers/index.ts';
import type { Op } from '../uapi/insn.ts';
import type { LinkEnvironment } from './engine.ts';

/** A call as the interpreter makes it. */
export type LinkedCall =
  /** Through the generated table (`call`), or by the engine itself (ENGINE_ code). */
  | { readonly run: 'call' | 'engine'; readonly id: number }
  /** It cannot be made; `feature` names it, null when the program says itself that there is nothing to call. */
  | { readonly run: 'none'; readonly feature: string | null };

/** Functions that the engine runs itself. */
const engineFunctions: Readonly<Record<string, number>> = {
  bpf_loop: layout.ENGINE_LOOP,
  bpf_tail_call: layout.ENGINE_TAIL_CALL,
  bpf_for_each_map_elem: layout.ENGINE_FOR_EACH,
  bpf_throw: layout.ENGINE_THROW,
  bpf_rbtree_add_impl: layout.ENGINE_RBTREE_ADD,
};

function linkHelper(id: number): LinkedCall {
  const row = helperById(id);
  if (!row) return { run: 'none', feature: `helper ${id}` };
  const code = engineFunctions[row.name];
  if (code !== undefined) return { run: 'engine', id: code };
  return row.run === 'call' ? { run: 'call', id } : { run: 'none', feature: `helper ${row.name}` };
}

function linkKfunc(btfId: number, off: number, environment: LinkEnvironment): LinkedCall {
  if (btfId === 0) return { run: 'none', feature: null };
  const name = environment.kfunc(btfId, off);
  if (name === undefined) return { run: 'none', feature: `kfunc with BTF id ${btfId}` };
  const code = engineFunctions[name];
  if (code !== undefined) return { run: 'engine', id: code };
  return { run: 'none', feature: `kfunc ${name}` };
}

/** What `call imm` (with `off`) of a program calls. */
export function callOf(op: Op, imm: number, off: number, environment: LinkEnvironment): LinkedCall {
  return op === 'call_helper' ? linkHelper(imm) : linkKfunc(imm, off, environment);
}
