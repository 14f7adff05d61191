/**
 * Where instructions are counted. Every block costs what it executes, but counting in each would cost time: what a block costs
 * is carried on to where paths meet, along a tree that spans the graph, and counted on the edges beside that tree. A way
 * without branches counts nothing until its end; a loop with one path counts once a round, on its way back.
 */
import type { Block, Edge, Graph } from './cfg.ts';
import type { Flow } from './dominators.ts';

/** Instructions that are executed and not counted when a block begins, by block; completes edges. */
export function placeCosts(graph: Graph, { order, position, parent }: Flow): Int32Array {
  const pending = new Int32Array(graph.length);
  for (let i = 0; i < order.length; i++) {
    const at = order[i] as number;
    const from = parent[at] as number;
    if (from >= 0) pending[at] = (pending[from] as number) + (graph[from]?.cost ?? 0);
  }
  for (let id = 0; id < graph.length; id++) {
    const { cost, succ } = graph[id] as Block;
    for (let way = 0; way < succ.length; way++) {
      const edge = succ[way] as Edge;
      edge.cost = (pending[id] as number) + cost - (pending[edge.to] as number);
      edge.back = (position[edge.to] as number) <= (position[id] as number);
    }
  }
  return pending;
}
