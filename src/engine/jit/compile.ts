/** A program as the bytes of a WebAssembly module. */
import { ENGINE_FOR_EACH, MAX_FRAMES, STACK_SIZE } from '../../../assembly/kernel/bpf/prog_layout.ts';
import { InvariantError, NotSupported } from '../../errors.ts';
import type { KernelMemory } from '../../kernel/memory.ts';
import { CURSOR_SIZE, neededImports, runsBpf, signatureOf } from './calls.ts';
import { type Block, buildGraph, type Graph, slotsOf } from './cfg.ts';
import { placeCosts } from './cost.ts';
import type { DecodedProgram } from './decode.ts';
import { analyseFlow } from './dominators.ts';
import {
  BPF_SIGNATURE,
  BUDGET,
  FAULT,
  FunctionEmitter,
  type FunctionShape,
  type ModuleContext,
  THROW,
} from './emitter.ts';
import { ModuleWriter } from './encoder.ts';
import { emitFunction, type FunctionCode } from './function.ts';
import { findIdioms } from './idioms.ts';
import { makeReducible } from './irreducible.ts';
import { TooLarge } from './too_large.ts';
import { unrollLoops } from './unroll.ts';

/** Where compiled code finds what it shares with the engine; offsets. */
export interface CompileTarget {
  readonly memory: KernelMemory;
  readonly shared: boolean;
  /** False: instructions are not counted, and nothing stops a program. To measure what counting costs. */
  readonly counts: boolean;
  /** Behind the stack. */
  readonly stackTop: number;
  /** struct bpf_prog. */
  readonly prog: number;
  /** High half of the addresses of callbacks; the low one holds the program's id and the callback's number. */
  readonly callbackBase: { readonly high: number; readonly low: number };
}

/** Code that functions share is compiled once for each: so often, on average, at most. */
const MAX_COPIES = 4;

/** Plain programs may reach a little above their stack (RunOptions.stackSlack). */
const PLAIN_GAP = 32;

interface Analysed extends FunctionCode {
  readonly entry: number;
}

/** Jumps of a program that is compiled, at most: ten times as many as large ones have take seconds, and half a gigabyte. */
const MAX_JUMPS = 150_000;

function countJumps({ rows }: DecodedProgram): number {
  let jumps = 0;
  for (const row of rows) if (row?.form === 'jmp' || row?.form === 'mayGoto') jumps++;
  return jumps;
}

function analyse(decoded: DecodedProgram): Analysed[] {
  if (countJumps(decoded) > MAX_JUMPS) throw new TooLarge();
  let total = 0;
  const marks = new Uint8Array(decoded.length + 1);
  return decoded.entries.map((entry) => {
    const graph = buildGraph(decoded, entry, marks);
    for (let id = 0; id < graph.length; id++) total += (graph[id] as Block).cost;
    if (total > MAX_COPIES * (decoded.length + 64)) throw new NotSupported('jit of functions that share code');
    const rolled = makeReducible(graph);
    const idioms = findIdioms(decoded, graph, rolled);
    const flow = unrollLoops(decoded, graph, rolled) ? analyseFlow(graph) : rolled;
    return { entry, graph, flow, pending: placeCosts(graph, flow), idioms };
  });
}

/** What of a function's instructions the shape of its code depends on. */
interface Uses {
  bpfCalls: boolean;
  walksMaps: boolean;
  mayGoto: boolean;
}

function usesOf(decoded: DecodedProgram, graph: Graph): Uses {
  const uses: Uses = { bpfCalls: false, walksMaps: false, mayGoto: false };
  for (const { first, end, dispatcher } of graph) {
    if (dispatcher) continue;
    for (let i = first; i < end; i += slotsOf(decoded, i)) {
      const row = decoded.rows[i];
      if (row?.form === 'mayGoto') uses.mayGoto = true;
      if (row?.form !== 'call') continue;
      uses.bpfCalls ||= runsBpf(decoded, i);
      const call = decoded.calls.get(i);
      uses.walksMaps ||= call?.run === 'engine' && call.id === ENGINE_FOR_EACH;
    }
  }
  return uses;
}

function shapeOf(
  decoded: DecodedProgram,
  { entry, graph }: Analysed,
  { stackTop, counts }: CompileTarget,
): FunctionShape {
  const { stackDepths } = decoded.program;
  const { bpfCalls, walksMaps, mayGoto } = usesOf(decoded, graph);
  const inside = bpfCalls || graph.some(({ succ }) => succ.some(({ back, cost }) => back || cost !== 0));
  return {
    entry,
    stack: stackDepths ? Math.ceil((stackDepths.get(entry) ?? STACK_SIZE) / 8) * 8 : STACK_SIZE,
    extra: walksMaps ? CURSOR_SIZE : 0,
    gap: stackDepths ? 0 : PLAIN_GAP,
    counting: counts ? (inside ? 'local' : 'end') : 'none',
    usesMayGoto: mayGoto,
    checksBudget: bpfCalls && counts,
    // The verifier bounds the depth of calls.
    stackLimit: stackDepths ? 0 : stackTop - MAX_FRAMES * (STACK_SIZE + PLAIN_GAP),
  };
}

/** Bytes of a function that WebAssembly engines take, at most. */
const MAX_FUNCTION_BYTES = 7_500_000;

/** Compiles a program, or throws TooLarge. It exports its functions by first instruction: the program's own, and callbacks. */
export function compileProgram(decoded: DecodedProgram, target: CompileTarget): Uint8Array<ArrayBuffer> {
  const functions = analyse(decoded);
  const module = new ModuleWriter(target.shared);
  const imports = new Map<string, number>();
  const kernelFunctions = neededImports(decoded);
  if (decoded.program.probes?.size) kernelFunctions.add('access_ok');
  for (const name of kernelFunctions) imports.set(name, module.importFunction('kernel', name, signatureOf(name)));
  for (const { name, signature } of [FAULT, BUDGET, THROW]) {
    imports.set(name, module.importFunction('jit', name, signature));
  }
  if (kernelFunctions.has('fd_array_map_lookup')) module.importTable();
  const indexes = new Map(decoded.entries.map((entry) => [entry, module.declare(BPF_SIGNATURE)]));
  const functionAt = (entry: number) => indexes.get(entry) as number;
  const callbackTable = decoded.callbacks.length > 0 ? module.table(decoded.callbacks.map(functionAt)) : 0;
  const numbers = new Map(decoded.callbacks.map((entry, i) => [entry, i]));
  const { high, low } = target.callbackBase;
  const context: ModuleContext = {
    decoded,
    memory: target.memory,
    prog: target.prog,
    imported: (name) => {
      const index = imports.get(name);
      if (index === undefined) throw new InvariantError(`${name} is called and not imported`);
      return index;
    },
    functionAt,
    callbackAddress: (entry) => ({ high, low: low + (numbers.get(entry) as number) * 16 }),
    type: (signature) => module.type(signature),
    callbackTable,
  };
  for (const analysed of functions) {
    const f = new FunctionEmitter(context, shapeOf(decoded, analysed, target));
    emitFunction(f, analysed);
    if (f.code.writer.length > MAX_FUNCTION_BYTES) throw new TooLarge();
    module.define(functionAt(analysed.entry), f.code);
  }
  for (const entry of new Set([0, ...decoded.callbacks])) module.export(`${entry}`, functionAt(entry));
  return module.bytes();
}
