/** The control-flow graph of one function. Block 0 is its entry. */
import { ENGINE_THROW } from '../../../assembly/kernel/bpf/prog_layout.ts';
import { type DecodedProgram, jumpTarget } from './decode.ts';

export interface Edge {
  readonly from: number;
  to: number;
  /** What a dispatcher is told to go on with; -1: the edge does not lead to one. */
  select: number;
  /** Instructions to be counted when it is taken, and whether it leads back (cost.ts). */
  cost: number;
  back: boolean;
}

export interface Block {
  readonly id: number;
  /** Its instructions: from `first` up to `end`, which is not its own. Dispatchers have none. */
  readonly first: number;
  readonly end: number;
  /** Instructions that it executes. */
  readonly cost: number;
  /** None: it leaves the function. Two: where the jump leads, then what follows it. A dispatcher has any number. */
  succ: Edge[];
  /** It goes on with the successor that the edge into it selected. */
  readonly dispatcher: boolean;
}

export type Graph = Block[];

export function edge(from: number, to: number): Edge {
  return { from, to, select: -1, cost: 0, back: false };
}

/** Does nothing of the function follow the instruction at `i`? */
export function leavesFunction({ rows, calls }: DecodedProgram, i: number): boolean {
  const row = rows[i];
  if (!row || row.form === 'exit') return true;
  if (row.form !== 'call') return false;
  const call = calls.get(i);
  return call?.run === 'none' || (call?.run === 'engine' && call.id === ENGINE_THROW);
}

/** Where the instruction at `i` may lead; null when it only goes on to the next. */
function successors(decoded: DecodedProgram, i: number): number[] | null {
  const { rows, program } = decoded;
  const row = rows[i];
  if (leavesFunction(decoded, i)) return [];
  if (row?.form === 'ja') return [jumpTarget(decoded, i)];
  if (row?.form !== 'jmp' && row?.form !== 'mayGoto') return null;
  const targets = [jumpTarget(decoded, i), i + 1];
  if (row.form === 'mayGoto' || !program.reached?.has(i)) return targets;
  // What the verifier has never reached is dead: the condition is known.
  const live = targets.filter((target) => program.reached?.has(target));
  return live.length === 0 ? targets : live;
}

/** Slots of the instruction at `i`. */
export function slotsOf({ rows }: DecodedProgram, i: number): number {
  return rows[i]?.form === 'imm64' ? 2 : 1;
}

/** Instructions from the one at `entry` on that it may reach, ascending, and those that begin blocks. */
function reach(decoded: DecodedProgram, entry: number): { seen: number[]; leaders: Set<number> } {
  const { length } = decoded;
  const seen = new Set<number>();
  const leaders = new Set([entry]);
  const todo = [entry];
  for (let start = todo.pop(); start !== undefined; start = todo.pop()) {
    for (let i = start; ; i += slotsOf(decoded, i)) {
      if (seen.has(i)) {
        if (i !== start) leaders.add(i);
        break;
      }
      seen.add(i);
      if (i >= length) break;
      const targets = successors(decoded, i);
      if (!targets) continue;
      for (const target of targets) {
        leaders.add(target);
        todo.push(target);
      }
      break;
    }
  }
  return { seen: [...seen].sort((a, b) => a - b), leaders };
}

/** The graph of the function that starts at `entry`. */
export function buildGraph(decoded: DecodedProgram, entry: number): Graph {
  const { seen, leaders } = reach(decoded, entry);
  const ids = new Map<number, number>([[entry, 0]]);
  for (const i of seen) if (leaders.has(i) && !ids.has(i)) ids.set(i, ids.size);
  const graph = new Array<Block>(ids.size);
  for (let at = 0; at < seen.length; ) {
    const first = seen[at] as number;
    const id = ids.get(first) as number;
    let last = first;
    let cost = 0;
    do {
      last = seen[at++] as number;
      cost++;
    } while (
      at < seen.length &&
      !leaders.has(seen[at] as number) &&
      last + slotsOf(decoded, last) === seen[at] &&
      successors(decoded, last) === null
    );
    const past = last >= decoded.length;
    const targets = past ? [] : (successors(decoded, last) ?? [last + slotsOf(decoded, last)]);
    const end = past ? last : last + slotsOf(decoded, last);
    const succ = targets.map((target) => edge(id, ids.get(target) as number));
    graph[id] = { id, first, end, cost, succ, dispatcher: false };
  }
  return graph;
}
