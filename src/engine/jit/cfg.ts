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

/** An edge with nothing to do. */
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
  if (row.form === 'mayGoto' || !program.reached?.[i]) return targets;
  // What the verifier has never reached is dead: the condition is known.
  const live = targets.filter((target) => program.reached?.[target] === 1);
  return live.length === 0 ? targets : live;
}

/** Slots of the instruction at `i`. */
export function slotsOf({ rows }: DecodedProgram, i: number): number {
  return rows[i]?.form === 'imm64' ? 2 : 1;
}

/** Marks of instructions while a function is taken apart. */
const SEEN = 1;
const LEADER = 2;

interface Reached {
  /** Instructions that the function may reach, ascending. */
  readonly seen: Int32Array;
  /** Where those that branch or leave may lead. */
  readonly targets: ReadonlyMap<number, readonly number[]>;
}

function reach(decoded: DecodedProgram, entry: number, marks: Uint8Array): Reached {
  const { length } = decoded;
  const seen: number[] = [];
  const targets = new Map<number, readonly number[]>();
  const todo = [entry];
  marks[entry] = LEADER;
  for (let start = todo.pop(); start !== undefined; start = todo.pop()) {
    for (let i = start; ; i += slotsOf(decoded, i)) {
      const mark = marks[i] as number;
      if (mark & SEEN) {
        marks[i] = mark | LEADER;
        break;
      }
      marks[i] = mark | SEEN;
      seen.push(i);
      if (i >= length) break;
      const found = successors(decoded, i);
      if (!found) continue;
      targets.set(i, found);
      for (let way = 0; way < found.length; way++) {
        const target = found[way] as number;
        marks[target] = (marks[target] as number) | LEADER;
        todo.push(target);
      }
      break;
    }
  }
  return { seen: Int32Array.from(seen).sort(), targets };
}

/** The graph of the function that starts at `entry`. `marks`: a byte an instruction and one more, all zero; it is left so. */
export function buildGraph(decoded: DecodedProgram, entry: number, marks: Uint8Array): Graph {
  const { seen, targets } = reach(decoded, entry, marks);
  const ids = new Map<number, number>([[entry, 0]]);
  for (let at = 0; at < seen.length; at++) {
    const i = seen[at] as number;
    if ((marks[i] as number) & LEADER && i !== entry) ids.set(i, ids.size);
  }
  const graph = new Array<Block>(ids.size);
  for (let at = 0; at < seen.length; ) {
    const first = seen[at] as number;
    const id = ids.get(first) as number;
    let last = first;
    let cost = 0;
    let end = first;
    let to: readonly number[] | undefined;
    do {
      last = seen[at++] as number;
      end = last >= decoded.length ? last : last + slotsOf(decoded, last);
      cost++;
      to = targets.get(last);
    } while (!to && end === seen[at] && end !== last && !((marks[end] as number) & LEADER));
    to ??= end === last ? [] : [end];
    const succ: Edge[] = [];
    for (let way = 0; way < to.length; way++) succ.push(edge(id, ids.get(to[way] as number) as number));
    graph[id] = { id, first, end, cost, succ, dispatcher: false };
  }
  for (let at = 0; at < seen.length; at++) marks[seen[at] as number] = 0;
  return graph;
}
