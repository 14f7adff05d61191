/**
 * Loops with several entries have no structure of blocks and loops. Each gets a dispatcher: one block that every edge to one of
 * the entries leads to, and that goes on with the entry which the edge selected. The rest of the function stays as it is.
 */
import { type Block, type Edge, edge, type Graph } from './cfg.ts';
import { analyseFlow, type Flow } from './dominators.ts';
import { TooLarge } from './too_large.ts';

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

/** Finds the strongly connected parts of some blocks that hold a cycle (Tarjan, with a stack of our own). */
class Cycles {
  private readonly graph: Graph;
  /** Per block: the search that it takes part in, when that found it (-1: not yet), and the first found that it leads to. */
  private readonly part: Int32Array;
  private readonly index: Int32Array;
  private readonly low: Int32Array;
  private readonly onStack: Uint8Array;
  /** Per block: its next successor to be looked at. */
  private readonly next: Int32Array;
  private searches = 0;

  constructor(graph: Graph) {
    this.graph = graph;
    this.part = new Int32Array(graph.length);
    this.index = new Int32Array(graph.length);
    this.low = new Int32Array(graph.length);
    this.next = new Int32Array(graph.length);
    this.onStack = new Uint8Array(graph.length);
  }

  of(blocks: readonly number[]): number[][] {
    const { graph, part, index, low, onStack, next } = this;
    const search = ++this.searches;
    for (const block of blocks) {
      part[block] = search;
      index[block] = -1;
      next[block] = 0;
    }
    let count = 0;
    const stack: number[] = [];
    const path: number[] = [];
    const found: number[][] = [];
    const enter = (at: number) => {
      index[at] = count;
      low[at] = count++;
      stack.push(at);
      onStack[at] = 1;
      path.push(at);
    };
    for (const root of blocks) {
      if (index[root] !== -1) continue;
      enter(root);
      for (let at = path[path.length - 1]; at !== undefined; at = path[path.length - 1]) {
        const turn = next[at] as number;
        const way = (graph[at] as Block).succ[turn];
        if (way) {
          next[at] = turn + 1;
          // Dispatchers, which came later, take no part.
          if (part[way.to] !== search) continue;
          if (index[way.to] === -1) enter(way.to);
          else if (onStack[way.to]) low[at] = Math.min(low[at] as number, index[way.to] as number);
          continue;
        }
        path.pop();
        const above = path[path.length - 1];
        if (above !== undefined) low[above] = Math.min(low[above] as number, low[at] as number);
        if (low[at] !== index[at]) continue;
        const cycle: number[] = [];
        let member: number;
        do {
          member = stack.pop() as number;
          onStack[member] = 0;
          cycle.push(member);
        } while (member !== at);
        if (cycle.length > 1 || (graph[at] as Block).succ.some(({ to }) => to === at)) found.push(cycle);
      }
    }
    return found;
  }
}

/** Blocks that lead to a block, by block; each as often as it does. Kept up as dispatchers are added. */
type Before = number[][];

function blocksBefore(graph: Graph): Before {
  const before: Before = graph.map(() => []);
  for (const { id, succ } of graph) for (const { to } of succ) before[to]?.push(id);
  return before;
}

/** Adds the dispatcher of a loop with these entries; returns its number. */
function dispatch(graph: Graph, before: Before, entries: readonly number[]): number {
  const id = graph.length;
  const into: number[] = [];
  entries.forEach((entry, select) => {
    for (const from of before[entry] as number[]) {
      into.push(from);
      for (const one of (graph[from] as Block).succ) {
        if (one.to !== entry) continue;
        one.to = id;
        one.select = select;
      }
    }
    before[entry] = [id];
  });
  const succ = entries.map((to) => edge(id, to));
  graph.push({ id, first: 0, end: 0, cost: 0, succ, dispatcher: true });
  before.push(into);
  return id;
}

/** Blocks that are looked at, one level of loops after the other, at most: a second's work or two. */
const MAX_LOOKS = 2_000_000;

/** Entries of one loop, at most: V8 takes minutes to optimise thousands, and its process waits for that when it ends. */
const MAX_ENTRIES = 256;

/** Makes a graph reducible. Edges into a loop that already has a dispatcher keep what they select there. */
export function makeReducible(graph: Graph): Flow {
  const flow = analyseFlow(graph);
  if (isReducible(graph, flow)) return flow;
  const before = blocksBefore(graph);
  const cycles = new Cycles(graph);
  const todo = [flow.order];
  let looks = 0;
  for (let blocks = todo.pop(); blocks; blocks = todo.pop()) {
    looks += blocks.length;
    if (looks > MAX_LOOKS) throw new TooLarge();
    for (const part of cycles.of(blocks)) {
      const members = new Set(part);
      const entries = part.filter((at) => at === 0 || before[at]?.some((pred) => !members.has(pred)));
      if (entries.length > MAX_ENTRIES) throw new TooLarge();
      const head = entries.length > 1 ? dispatch(graph, before, entries) : entries[0];
      todo.push(part.filter((at) => at !== head));
    }
  }
  return analyseFlow(graph);
}
