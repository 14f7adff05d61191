/**
 * Innermost loops of little code, several rounds of them one behind the other: what every round costs besides its own work (the
 * look at the budget, and at the stack by the engine beneath) is then shared by all of them.
 */
import type { Block, Graph } from './cfg.ts';
import type { DecodedProgram } from './decode.ts';
import { type Flow, findLoops } from './dominators.ts';

/** Instructions that the rounds of one loop may have together, and rounds. */
const MAX_SIZE = 96;
const MAX_ROUNDS = 8;
/** Unrolled code that a function may have in all. */
const MAX_GROWTH = 4096;

function hasCall({ rows }: DecodedProgram, { first, end }: Block): boolean {
  for (let i = first; i < end; i++) if (rows[i]?.form === 'call') return true;
  return false;
}

/** The blocks of every loop that holds no other, by header. */
function innermost(graph: Graph, flow: Flow): Map<number, Block[]> {
  const { header, outer } = findLoops(graph, flow);
  const loops = new Map<number, Block[]>();
  for (let id = 0; id < graph.length; id++) {
    const head = header[id] as number;
    if (head < 0) continue;
    const block = graph[id] as Block;
    const members = loops.get(head);
    if (members) members.push(block);
    else loops.set(head, [block]);
  }
  if (loops.size > 0) for (const around of outer) if (around >= 0) loops.delete(around);
  return loops;
}

/** Puts `rounds` - 1 copies of a loop behind it: the way back of each leads to the next. */
function copyLoop(graph: Graph, head: number, members: readonly Block[], rounds: number): void {
  const base = graph.length;
  const index = new Map(members.map(({ id }, i) => [id, i]));
  const inRound = (round: number, id: number): number =>
    round % rounds === 0 ? id : base + (round - 1) * members.length + (index.get(id) as number);
  for (let round = 1; round < rounds; round++) {
    for (const block of members) {
      const id = inRound(round, block.id);
      const succ = block.succ.map((way) => {
        const { to } = way;
        const target = to === head ? inRound(round + 1, to) : index.has(to) ? inRound(round, to) : to;
        return { ...way, from: id, to: target };
      });
      graph.push({ ...block, id, succ });
    }
  }
  for (const { succ } of members) for (const one of succ) if (one.to === head) one.to = inRound(1, head);
}

/** Unrolls what is worth it. Returns whether the graph has changed. */
export function unrollLoops(decoded: DecodedProgram, graph: Graph, flow: Flow): boolean {
  let growth = 0;
  for (const [head, members] of innermost(graph, flow)) {
    if (members.some((block) => block.dispatcher || hasCall(decoded, block))) continue;
    const size = members.reduce((sum, { cost }) => sum + cost, 0);
    const rounds = Math.min(MAX_ROUNDS, Math.floor(MAX_SIZE / size));
    if (rounds < 2 || growth + size * rounds > MAX_GROWTH) continue;
    growth += size * rounds;
    copyLoop(graph, head, members, rounds);
  }
  return growth > 0;
}
