/**
 * Orders and dominators of a graph, and its nest of loops. Nothing recurses: functions have as many blocks as they like. All of it runs
 * once for most programs, before an engine has optimised it: so it counts through arrays, and allocates nothing for each block.
 */
import type { Block, Edge, Graph } from './cfg.ts';

/** Those of block `b`: `ids` from `start[b]` up to `start[b + 1]`. */
export interface Predecessors {
  readonly start: Int32Array;
  readonly ids: Int32Array;
}

export interface Flow {
  /** Blocks in reverse postorder; those that nothing leads to are missing. */
  readonly order: readonly number[];
  /** Position in `order`, by block; -1 when missing. */
  readonly position: Int32Array;
  /** Block that the search came from, by block; -1 for the entry. */
  readonly parent: Int32Array;
  /** Immediate dominator, by block; -1 for the entry. */
  readonly idom: Int32Array;
  readonly preds: Predecessors;
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

export function predecessors(graph: Graph): Predecessors {
  const start = new Int32Array(graph.length + 1);
  for (let id = 0; id < graph.length; id++) {
    const { succ } = graph[id] as Block;
    for (let i = 0; i < succ.length; i++) {
      const next = (succ[i] as Edge).to + 1;
      start[next] = (start[next] as number) + 1;
    }
  }
  for (let id = 0; id < graph.length; id++) start[id + 1] = (start[id + 1] as number) + (start[id] as number);
  const ids = new Int32Array(start[graph.length] as number);
  const free = start.slice();
  for (let id = 0; id < graph.length; id++) {
    const { succ } = graph[id] as Block;
    for (let i = 0; i < succ.length; i++) {
      const { to } = succ[i] as Edge;
      const at = free[to] as number;
      free[to] = at + 1;
      ids[at] = id;
    }
  }
  return { start, ids };
}

/** Semi-NCA: semidominators with path compression, then the nearest common ancestor of those and the search's parents. */
function immediateDominators(graph: Graph, { found, parent }: Search, preds: Flow['preds']): Int32Array {
  const n = found.length;
  const number = new Int32Array(graph.length).fill(-1);
  const up = new Int32Array(n);
  const semi = new Int32Array(n);
  for (let i = 0; i < n; i++) {
    const block = found[i] as number;
    number[block] = i;
    semi[i] = i;
    // A parent is found before.
    if (i > 0) up[i] = number[parent[block] as number] as number;
  }
  const tree = up.slice();
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
    const block = found[w] as number;
    const end = preds.start[block + 1] as number;
    for (let i = preds.start[block] as number; i < end; i++) {
      const v = number[preds.ids[i] as number] as number;
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
  for (let i = 0; i < order.length; i++) {
    const at = order[i] as number;
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
  for (let i = 0; i < order.length; i++) position[order[i] as number] = i;
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
  const known = new Int32Array(graph.length);
  for (let id = 0; id < graph.length; id++) known[id] = id;
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
  const { position, order } = flow;
  const { start, ids } = flow.preds;
  const todo: number[] = [];
  for (let i = order.length - 1; i >= 0; i--) {
    const head = order[i] as number;
    for (let p = start[head] as number; p < (start[head + 1] as number); p++) {
      const pred = ids[p] as number;
      // Only what comes later in the order may lead back.
      if ((position[pred] as number) >= i && flow.dominates(head, pred)) todo.push(outermost(pred));
    }
    if (todo.length === 0) continue;
    header[head] = head;
    for (let at = todo.pop(); at !== undefined; at = todo.pop()) {
      if (at === head || known[at] !== at) continue;
      known[at] = head;
      if (header[at] === at) outer[at] = head;
      else header[at] = head;
      for (let p = start[at] as number; p < (start[at + 1] as number); p++) {
        const pred = ids[p] as number;
        if (position[pred] !== -1) todo.push(outermost(pred));
      }
    }
  }
  return { header, outer };
}
