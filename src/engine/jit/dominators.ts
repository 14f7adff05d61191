/** Orders and dominators of a graph, and its nest of loops. Nothing recurses: functions have as many blocks as they like. */
import type { Graph } from './cfg.ts';

export interface Flow {
  /** Blocks in reverse postorder; those that nothing leads to are missing. */
  readonly order: readonly number[];
  /** Position in `order`, by block; -1 when missing. */
  readonly position: Int32Array;
  /** Block that the search came from, by block; -1 for the entry. */
  readonly parent: Int32Array;
  /** Immediate dominator, by block; -1 for the entry. */
  readonly idom: Int32Array;
  /** Predecessors, by block. */
  readonly preds: readonly (readonly number[])[];
  dominates(a: number, b: number): boolean;
}

interface Search {
  /** Blocks by the time at which they were found. */
  readonly found: number[];
  readonly postorder: number[];
  readonly parent: Int32Array;
}

function search(graph: Graph): Search {
  const parent = new Int32Array(graph.length).fill(-1);
  const next = new Int32Array(graph.length);
  const seen = new Uint8Array(graph.length);
  const found = [0];
  const postorder: number[] = [];
  const path = [0];
  seen[0] = 1;
  while (path.length > 0) {
    const at = path[path.length - 1] as number;
    const { succ } = graph[at] as Graph[number];
    // The last successor first, so that it comes last in reverse postorder: what follows a jump stays behind it.
    const edge = succ[succ.length - 1 - (next[at] as number)];
    if (!edge) {
      postorder.push(at);
      path.pop();
      continue;
    }
    next[at] = (next[at] as number) + 1;
    if (seen[edge.to]) continue;
    seen[edge.to] = 1;
    parent[edge.to] = at;
    found.push(edge.to);
    path.push(edge.to);
  }
  return { found, postorder, parent };
}

/** Predecessors, by block. */
export function predecessors(graph: Graph): number[][] {
  const lists: number[][] = graph.map(() => []);
  for (const { id, succ } of graph) for (const { to } of succ) lists[to]?.push(id);
  return lists;
}

/** Semi-NCA: semidominators with path compression, then the nearest common ancestor of those and the search's parents. */
function immediateDominators(graph: Graph, { found, parent }: Search, preds: Flow['preds']): Int32Array {
  const n = found.length;
  const number = new Int32Array(graph.length).fill(-1);
  found.forEach((block, i) => {
    number[block] = i;
  });
  const up = Int32Array.from(found, (block) => (block === 0 ? 0 : (number[parent[block] as number] as number)));
  const tree = up.slice();
  const semi = Int32Array.from({ length: n }, (_, i) => i);
  const label = semi.slice();
  // The block with the least semidominator on the way from `v` up to what is not yet linked.
  const evaluate = (v: number, last: number): number => {
    if ((up[v] as number) < last) return label[v] as number;
    const path: number[] = [];
    let top = v;
    for (; (up[top] as number) >= last; top = up[top] as number) path.push(top);
    let best = label[top] as number;
    for (let above = top, i = path.length - 1; i >= 0; i--) {
      const at = path[i] as number;
      up[at] = up[above] as number;
      const own = label[at] as number;
      if ((semi[best] as number) < (semi[own] as number)) label[at] = best;
      else best = own;
      above = at;
    }
    return label[v] as number;
  };
  for (let w = n - 1; w > 0; w--) {
    semi[w] = tree[w] as number;
    for (const block of preds[found[w] as number] as readonly number[]) {
      const v = number[block] as number;
      if (v < 0) continue;
      const other = semi[evaluate(v, w + 1)] as number;
      if (other < (semi[w] as number)) semi[w] = other;
    }
  }
  const dom = new Int32Array(n);
  for (let w = 1; w < n; w++) {
    let at = tree[w] as number;
    while (at > (semi[w] as number)) at = dom[at] as number;
    dom[w] = at;
  }
  const idom = new Int32Array(graph.length).fill(-1);
  for (let w = 1; w < n; w++) idom[found[w] as number] = found[dom[w] as number] as number;
  return idom;
}

/** Numbers of the dominator tree by which "is an ancestor" is two comparisons. */
function intervals(idom: Int32Array, order: readonly number[]): { enter: Int32Array; leave: Int32Array } {
  const size = new Int32Array(idom.length);
  for (let i = order.length - 1; i >= 0; i--) {
    const at = order[i] as number;
    size[at] = (size[at] as number) + 1;
    const above = idom[at] as number;
    if (above >= 0) size[above] = (size[above] as number) + (size[at] as number);
  }
  const enter = new Int32Array(idom.length);
  const taken = new Int32Array(idom.length);
  const leave = new Int32Array(idom.length);
  // A dominator comes before what it dominates in reverse postorder.
  for (const at of order) {
    const above = idom[at] as number;
    if (above >= 0) {
      enter[at] = (enter[above] as number) + 1 + (taken[above] as number);
      taken[above] = (taken[above] as number) + (size[at] as number);
    }
    leave[at] = (enter[at] as number) + (size[at] as number);
  }
  return { enter, leave };
}

export function analyseFlow(graph: Graph): Flow {
  const found = search(graph);
  const order = found.postorder.reverse();
  const position = new Int32Array(graph.length).fill(-1);
  order.forEach((block, i) => {
    position[block] = i;
  });
  const preds = predecessors(graph);
  const idom = immediateDominators(graph, found, preds);
  const { enter, leave } = intervals(idom, order);
  return {
    order,
    position,
    parent: found.parent,
    idom,
    preds,
    dominates: (a, b) => (enter[a] as number) <= (enter[b] as number) && (enter[b] as number) < (leave[a] as number),
  };
}

/** The header of the innermost loop that a block is in, by block (its own for a header); -1 when it is in none. */
export interface LoopNest {
  readonly header: Int32Array;
  /** The loop around that of a header; -1: none. */
  readonly outer: Int32Array;
}

/** The loops of a reducible graph. */
export function findLoops(graph: Graph, flow: Flow): LoopNest {
  const header = new Int32Array(graph.length).fill(-1);
  const outer = new Int32Array(graph.length).fill(-1);
  // The outermost known loop around a block, as its header, with path compression.
  const known = Int32Array.from(graph, ({ id }) => id);
  const outermost = (block: number): number => {
    let top = block;
    while (known[top] !== top) top = known[top] as number;
    for (let at = block; known[at] !== top; ) {
      const above = known[at] as number;
      known[at] = top;
      at = above;
    }
    return top;
  };
  const { preds } = flow;
  for (let i = flow.order.length - 1; i >= 0; i--) {
    const head = flow.order[i] as number;
    const latches = (preds[head] as readonly number[]).filter(
      (pred) => flow.position[pred] !== -1 && flow.dominates(head, pred),
    );
    if (latches.length === 0) continue;
    header[head] = head;
    const todo = latches.map(outermost);
    for (let at = todo.pop(); at !== undefined; at = todo.pop()) {
      if (at === head || known[at] !== at) continue;
      known[at] = head;
      if (header[at] === at) outer[at] = head;
      else header[at] = head;
      for (const pred of preds[at] as readonly number[]) if (flow.position[pred] !== -1) todo.push(outermost(pred));
    }
  }
  return { header, outer };
}
