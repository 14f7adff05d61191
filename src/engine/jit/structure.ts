/**
 * From a reducible graph to blocks, loops and branches outwards, after Ramsey, "Beyond Relooper" (ICFP 2022): the dominator tree
 * is the nesting, a block where paths meet is what a `block` ends before, the header of a loop is what a `loop` begins with.
 * Unlike there, what is left a loop for lies behind that loop, so that loops hold nothing but themselves; and a stack of
 * what is to be done takes the place of recursion, since functions nest thousands deep.
 */
import type { Block, Edge, Graph } from './cfg.ts';
import { type Flow, findLoops, type LoopNest } from './dominators.ts';
import type { Code } from './encoder.ts';
import { OP } from './opcodes.ts';
import { TooLarge } from './too_large.ts';

/** What fills the structure with code. */
export interface BlockEmitter {
  readonly code: Code;
  /** The instructions of a block, its jump excepted. */
  block(block: Block): void;
  /** Leaves an i32 that is not 0 when the block's jump is taken. */
  condition(block: Block): void;
  /** What has to be done when an edge is taken; nothing for most. */
  edge(edge: Edge): void;
  hasEdgeCode(edge: Edge): boolean;
  /** Leaves the number of the successor that a dispatcher was told. */
  selected(): void;
  /** Leaves an i32 that is not 0 when the budget is used up; asked on every way back. */
  overBudget(): void;
  /** Asks for more, before the loop of this header goes on; does not return when there is none. */
  refill(header: Block): void;
}

type Task =
  | { readonly kind: 'tree'; readonly block: number }
  /** Opens a block that ends before `block`. */
  | { readonly kind: 'open'; readonly block: number }
  | { readonly kind: 'loop'; readonly block: number }
  | { readonly kind: 'body'; readonly block: number }
  /** Ends a block, and goes on with what is behind it. */
  | { readonly kind: 'behind'; readonly block: number }
  | { readonly kind: 'end' }
  /** Ends a loop. Its slow way lies behind it, since a call in it would cost it its registers; then it goes on. */
  | { readonly kind: 'refill'; readonly block: number }
  | { readonly kind: 'edge'; readonly edge: Edge };

interface Placement {
  /** Blocks that have a label: branches lead to their beginning. */
  readonly labelled: Uint8Array;
  /** By block: those that follow it inside of its loop, and outside, in reverse postorder; null: none. */
  readonly inside: (number[] | null)[];
  readonly outside: readonly (number[] | null)[];
  readonly isHeader: (block: number) => boolean;
}

/** Loops that lie one in the other, at most: V8 takes minutes to optimise some thousand, and its process waits for that when it ends. */
const MAX_NESTED_LOOPS = 256;

function checkNesting({ header, outer }: LoopNest, order: readonly number[]): void {
  const depth = new Int32Array(header.length);
  for (const block of order) {
    if (header[block] !== block) continue;
    const around = outer[block] as number;
    depth[block] = around === -1 ? 1 : (depth[around] as number) + 1;
    if ((depth[block] as number) > MAX_NESTED_LOOPS) throw new TooLarge();
  }
}

function place(graph: Graph, flow: Flow): Placement {
  const { order, position, idom, preds } = flow;
  const loops = findLoops(graph, flow);
  checkNesting(loops, order);
  const { header, outer } = loops;
  const labelled = new Uint8Array(graph.length);
  const inside = new Array<number[] | null>(graph.length).fill(null);
  const outside = new Array<number[] | null>(graph.length).fill(null);
  const isHeader = (block: number) => header[block] === block;
  /** Is `block` in the loop of `head`? */
  const inLoop = (block: number, head: number): boolean => {
    for (let at = header[block] as number; at !== -1; at = outer[at] as number) if (at === head) return true;
    return false;
  };
  for (let i = 0; i < order.length; i++) {
    const block = order[i] as number;
    let above = idom[block] as number;
    if (above < 0) continue;
    let forward = 0;
    for (let p = preds.start[block] as number; p < (preds.start[block + 1] as number); p++) {
      const at = position[preds.ids[p] as number] as number;
      if (at !== -1 && at < i) forward++;
    }
    labelled[block] = forward > 1 || graph[above]?.dispatcher ? 1 : 0;
    // Out of every loop that it is no part of.
    for (let head = header[above] as number; head !== -1 && !inLoop(block, head); head = outer[head] as number) {
      labelled[block] = 1;
      above = head;
    }
    if (!labelled[block]) continue;
    const isOutside = isHeader(above) && !inLoop(block, above);
    const lists = isOutside ? outside : inside;
    const list = lists[above];
    if (list) list.push(block);
    else lists[above] = [block];
  }
  return { labelled, inside, outside, isHeader };
}

/** Emits the function whose graph this is. Control never reaches the end of what it writes. */
export function emitStructure(graph: Graph, flow: Flow, emitter: BlockEmitter): void {
  const { labelled, inside, outside, isHeader } = place(graph, flow);
  const { code } = emitter;
  const tasks: Task[] = [{ kind: 'tree', block: 0 }];
  /** Depth just inside of the block that ends before a block, and of a header's loop. */
  const blockDepth = new Int32Array(graph.length).fill(-1);
  const loopDepth = new Int32Array(graph.length).fill(-1);
  /** Branches outwards to that depth. */
  const outTo = (depth: Int32Array, block: number) => code.depth - (depth[block] as number);

  const label = ({ to, back }: Edge): number => outTo(back ? loopDepth : blockDepth, to);
  const isInline = ({ to, back }: Edge) => !labelled[to] && !back;
  /** Takes an edge; inline code is left to the tasks. `last`: what the tasks do next comes next in the code. */
  const take = (edge: Edge, last = true) => {
    emitter.edge(edge);
    if (isInline(edge)) {
      tasks.push({ kind: 'tree', block: edge.to });
      return;
    }
    const next = tasks[tasks.length - 1];
    if (edge.back) {
      emitter.overBudget();
      // The block around the loop.
      code.branch(OP.br_if, outTo(loopDepth, edge.to) + 1);
    } else if (last && next?.kind === 'behind' && next.block === edge.to) return;
    code.branch(OP.br, label(edge));
  };
  /** Pushes what surrounds `first`, so that it runs first: opens, then `first`, then what is behind each. */
  const surround = (blocks: readonly number[], first: Task) => {
    for (let i = blocks.length - 1; i >= 0; i--) tasks.push({ kind: 'behind', block: blocks[i] as number });
    tasks.push(first);
    for (let i = 0; i < blocks.length; i++) tasks.push({ kind: 'open', block: blocks[i] as number });
  };
  const branch = (block: Block, taken: Edge, fall: Edge) => {
    emitter.condition(block);
    if (!isInline(taken) && !emitter.hasEdgeCode(taken)) {
      code.branch(OP.br_if, label(taken));
      take(fall);
    } else if (!isInline(fall) && !emitter.hasEdgeCode(fall)) {
      code.op(OP['i32.eqz']).branch(OP.br_if, label(fall));
      take(taken);
    } else {
      code.open(OP.if);
      tasks.push({ kind: 'edge', edge: fall }, { kind: 'end' });
      take(taken);
    }
  };
  const dispatch = (edges: readonly Edge[]) => {
    if (!edges.some((edge) => emitter.hasEdgeCode(edge))) {
      emitter.selected();
      const labels = edges.map(label);
      code.table(labels.slice(0, -1), labels.at(-1) as number);
      return;
    }
    edges.forEach((edge, i) => {
      const last = i === edges.length - 1;
      if (!last) {
        emitter.selected();
        code.i32(i).op(OP['i32.eq']).open(OP.if);
      }
      take(edge, last);
      if (!last) code.end();
    });
  };

  for (let task = tasks.pop(); task; task = tasks.pop()) {
    switch (task.kind) {
      case 'tree': {
        const { block } = task;
        const inner: Task = { kind: isHeader(block) ? 'loop' : 'body', block };
        const behind = outside[block];
        if (behind) surround(behind, inner);
        else tasks.push(inner);
        break;
      }
      case 'loop':
        code.open(OP.loop).open(OP.block).open(OP.loop);
        loopDepth[task.block] = code.depth;
        tasks.push({ kind: 'refill', block: task.block }, { kind: 'body', block: task.block });
        break;
      case 'refill':
        code.end().end();
        emitter.refill(graph[task.block] as Block);
        code.branch(OP.br, 0).end();
        break;
      case 'body': {
        // Blocks around it first; it comes again when they are open.
        const around = inside[task.block];
        if (around) {
          inside[task.block] = null;
          surround(around, task);
          break;
        }
        const block = graph[task.block] as Block;
        emitter.block(block);
        const first = block.succ[0];
        const second = block.succ[1];
        if (block.dispatcher) dispatch(block.succ);
        else if (first && second) branch(block, first, second);
        else if (first) take(first);
        break;
      }
      case 'open':
        code.open(OP.block);
        blockDepth[task.block] = code.depth;
        break;
      case 'behind':
        code.end();
        tasks.push({ kind: 'tree', block: task.block });
        break;
      case 'end':
        code.end();
        break;
      case 'edge':
        take(task.edge);
    }
  }
}
