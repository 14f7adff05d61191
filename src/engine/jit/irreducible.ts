/**
 * Loops with several entries have no structure of blocks and loops. Each gets a dispatcher: one block that every edge to one of
 * the entries leads to, and that goes on with the entry which the edge selected. The rest of the function stays as it is.
 */
import { type Block, type Edge, edge, type Graph } from './cfg.ts';
import { analyseFlow, type Flow, predecessors } from './dominators.ts';

function isReducible(graph: Graph, { order, position, dominates }: Flow): boolean {
  for (let i = 0; i < order.length; i++) {
    const { id, succ } = graph[order[i] as number] as Block;
    for (let way = 0; way < succ.length; way++) {
      const { to } = succ[way] as Edge;
      if ((position[to] as number) <= i && !dominates(to, id)) return false;
    }
  }
  return true;
}

/** Strongly connected parts of `blocks` that hold a cycle (Tarjan, with a stack of our own). */
function cycles(graph: Graph, blocks: readonly number[]): number[][] {
  const inside = new Set(blocks);
  const index = new Map<number, number>();
  const low = new Map<number, number>();
  const onStack = new Set<number>();
  const stack: number[] = [];
  const found: number[][] = [];
  for (const root of blocks) {
    if (index.has(root)) continue;
    const path: { at: number; next: number }[] = [];
    const enter = (at: number) => {
      index.set(at, index.size);
      low.set(at, index.size - 1);
      stack.push(at);
      onStack.add(at);
      path.push({ at, next: 0 });
    };
    enter(root);
    for (let top = path[path.length - 1]; top; top = path[path.length - 1]) {
      const { at } = top;
      const way = (graph[at] as Block).succ[top.next++];
      if (way) {
        if (!inside.has(way.to)) continue;
        if (!index.has(way.to)) enter(way.to);
        else if (onStack.has(way.to)) low.set(at, Math.min(low.get(at) as number, index.get(way.to) as number));
        continue;
      }
      path.pop();
      const above = path[path.length - 1];
      if (above) low.set(above.at, Math.min(low.get(above.at) as number, low.get(at) as number));
      if (low.get(at) !== index.get(at)) continue;
      const part: number[] = [];
      let member: number;
      do {
        member = stack.pop() as number;
        onStack.delete(member);
        part.push(member);
      } while (member !== at);
      if (part.length > 1 || (graph[at] as Block).succ.some(({ to }) => to === at)) found.push(part);
    }
  }
  return found;
}

/** Adds the dispatcher of a loop with these entries; returns its number. */
function dispatch(graph: Graph, entries: readonly number[]): number {
  const id = graph.length;
  const choice = new Map(entries.map((entry, i) => [entry, i]));
  for (const { succ } of graph) {
    for (const one of succ) {
      const select = choice.get(one.to);
      if (select === undefined) continue;
      one.to = id;
      one.select = select;
    }
  }
  const succ = entries.map((to) => edge(id, to));
  graph.push({ id, first: 0, end: 0, cost: 0, succ, dispatcher: true });
  return id;
}

/** Makes a graph reducible. Edges into a loop that already has a dispatcher keep what they select there. */
export function makeReducible(graph: Graph): Flow {
  const flow = analyseFlow(graph);
  if (isReducible(graph, flow)) return flow;
  const todo = [flow.order];
  for (let blocks = todo.pop(); blocks; blocks = todo.pop()) {
    for (const part of cycles(graph, blocks)) {
      const members = new Set(part);
      const preds = predecessors(graph);
      const before = (at: number) => preds.ids.subarray(preds.start[at], preds.start[at + 1]);
      const entries = part.filter((at) => at === 0 || before(at).some((pred) => !members.has(pred)));
      const head = entries.length > 1 ? dispatch(graph, entries) : entries[0];
      todo.push(part.filter((at) => at !== head));
    }
  }
  return analyseFlow(graph);
}
