/** Structs of nothing but numbers (__btf_type_is_scalar_struct). */
import type { Btf } from '../btf/btf.ts';
import type { Env } from './env.ts';
import { isScalar } from './kfunc_params.ts';
import { msg } from './messages.ts';

const MAX_NESTING = 3;
const NESTED_TOO_DEEP = 'deep';
const answers = new WeakMap<Btf, Map<number, boolean | typeof NESTED_TOO_DEEP>>();

/** Whether a struct is composed of numbers, arrays of numbers and such structs, at most 4 levels deep. */
export function isScalarStruct(env: Env, btf: Btf, id: number): boolean {
  let known = answers.get(btf);
  if (!known) {
    known = new Map();
    answers.set(btf, known);
  }
  let answer = known.get(id);
  if (answer === undefined) {
    answer = examine(btf, id, 0);
    known.set(id, answer);
  }
  if (answer === NESTED_TOO_DEEP) env.verbose(`${msg.nestingTooDeep()}\n`);
  return answer === true;
}

function examine(btf: Btf, id: number, level: number): boolean | typeof NESTED_TOO_DEEP {
  const struct = btf.type(id);
  if (struct.kind !== 'struct' && struct.kind !== 'union') return false;
  for (const member of struct.members) {
    const memberId = btf.skipMods(member.type);
    const type = btf.type(memberId);
    if (type.kind === 'struct' || type.kind === 'union') {
      if (level >= MAX_NESTING) return NESTED_TOO_DEEP;
      const inner = examine(btf, memberId, level + 1);
      if (inner !== true) return inner;
    } else if (type.kind === 'array') {
      if (!type.nelems || !isScalar(btf.type(btf.skipMods(type.elemType)))) return false;
    } else if (!isScalar(type)) {
      return false;
    }
  }
  return true;
}
