/** Calls: of the program's own functions, of the kernel's, and of those that call back into the program. */
import {
  BP_ENTRY,
  BPF_MAX_LOOPS,
  ENGINE_ECHO,
  ENGINE_FOR_EACH,
  ENGINE_LOOP,
  ENGINE_RBTREE_ADD,
  ENGINE_TAIL_CALL,
  ENGINE_THROW,
  FAULT_CALL,
  JR_TAIL_CALLS,
  MAX_TAIL_CALL_CNT,
} from '../../../assembly/kernel/bpf/prog_layout.ts';
import { KERNEL_BASE_HI, PC_SITE } from '../../../assembly/layout.ts';
import { InvariantError } from '../../errors.ts';
import { KERNEL_CALLS } from '../../kernel/generated/calls.ts';
import type { LinkedCall } from '../link.ts';
import { type DecodedProgram, functionTarget } from './decode.ts';
import { BPF_SIGNATURE, type FunctionEmitter, THROW } from './emitter.ts';
import type { Code, Signature } from './encoder.ts';
import { INLINED } from './inline.ts';
import { sourceOf } from './known.ts';
import { I32, I64, OP } from './opcodes.ts';

const E2BIG = 7;
const EINVAL = 22;

/** Functions of kernel.wasm that lowered calls need besides the rows'. */
const SUPPORT: Readonly<Record<string, Signature>> = {
  access_ok: 'lii:i',
  enter_prog: 'i:',
  fd_array_map_lookup: 'ii:i',
  map_walk: 'ii:i',
  rbtree_add_start: 'ii:i',
  rbtree_top: 'i:i',
  rbtree_child: 'ii:i',
  rbtree_add_finish: 'iiiii:',
};

/** What an engine function is lowered to. */
interface EngineCall {
  /** Functions of kernel.wasm that it calls. */
  readonly needs: readonly string[];
  /** Does it run functions of the program, or other programs? */
  readonly runsBpf: boolean;
  readonly emit: (f: FunctionEmitter, i: number) => void;
}

/** Bytes of a map_walk cursor, and where it leaves key and value (map.ts). */
export const CURSOR_SIZE = 32;
const CURSOR_KEY = 8;
const CURSOR_VALUE = 12;

/** Turns the offset on the stack into an address; 0 stays 0. */
export function pushAddress(f: FunctionEmitter): void {
  const offset = f.take(I32);
  const { code } = f;
  code.tee(offset).op(OP['i64.extend_i32_u']).i64(0, KERNEL_BASE_HI).op(OP['i64.or']).i64(0);
  code.get(offset).op(OP.select);
  f.release(I32, offset);
}

/** Turns the offset on the stack, which is not 0, into an address. */
function toAddress(code: Code): Code {
  return code.op(OP['i64.extend_i32_u']).i64(0, KERNEL_BASE_HI).op(OP['i64.or']);
}

/** Notes which instruction calls, for objects and warnings. */
export function noteSite(f: FunctionEmitter, i: number): void {
  const { id } = f.context.decoded.program;
  f.code
    .globalGet(0)
    .i32((id << 20) | i)
    .memory(OP['i32.store'], 2, PC_SITE);
}

/** Signature of a function of kernel.wasm as the rows give it: letters of KERNEL_CALLS. */
export function signatureOf(name: string): Signature {
  const own = SUPPORT[name];
  if (own !== undefined) return own;
  const row = KERNEL_CALLS[name];
  if (row === undefined) throw new InvariantError(`kernel.wasm has no function ${name}`);
  const [params = '', result = ''] = row.split(':');
  return `${params.replaceAll('z', 'l')}:${result === 'p' ? 'i' : result === 'n' ? '' : result}`;
}

/** Calls a function of kernel.wasm with r1.. as its row says. */
function callKernel(f: FunctionEmitter, i: number, name: string): void {
  const inline = INLINED[name];
  if (inline?.(f, i, () => callOut(f, i, name))) return;
  callOut(f, i, name);
}

function callOut(f: FunctionEmitter, i: number, name: string): void {
  const [params = '', result = ''] = (KERNEL_CALLS[name] ?? '').split(':');
  const { code } = f;
  noteSite(f, i);
  [...params].forEach((letter, at) => {
    if (letter === 'i') f.get32(at + 1);
    else f.get(at + 1);
    if (letter === 'z') code.i64(-1, 0).op(OP['i64.and']);
  });
  code.call(f.context.imported(name));
  if (result === 'i') f.set32(0);
  else if (result === 'l') f.set(0);
  else if (result === 'p') {
    pushAddress(f);
    f.set(0);
  } else if (result === 'n') {
    code.i64(0);
    f.set(0);
  }
}

/** Pushes r1 to r5 and the frame for a function of the program. */
function pushArguments(f: FunctionEmitter): void {
  for (let register = 1; register <= 5; register++) f.get(register);
  f.code.get(f.sp);
}

export function callLocal(f: FunctionEmitter, i: number): void {
  f.flush(f.pending);
  pushArguments(f);
  f.code.call(f.context.functionAt(functionTarget(f.context.decoded, i)));
  f.set(0);
  f.reload(f.pending);
}

/** A callback: how it is called once its arguments are on the stack. */
function callbackOf(f: FunctionEmitter, i: number, register: number): () => void {
  const { code, context } = f;
  const source = sourceOf(f, i, register);
  if (source !== null && context.decoded.rows[source]?.op === 'ld_imm64_func') {
    const known = context.functionAt(functionTarget(context.decoded, source));
    return () => code.call(known);
  }
  // The number of the function is in its address.
  const index = f.take(I32);
  f.get32(register).i32(CALLBACK_SHIFT).op(OP['i32.shr_u']).i32(CALLBACK_MASK).op(OP['i32.and']).set(index);
  return () => code.get(index).callIndirect(context.type(BPF_SIGNATURE), context.callbackTable);
}

/** Addresses of callbacks: the number of the function, 16 bytes apart. */
export const CALLBACK_SHIFT = 4;
export const CALLBACK_MASK = 0xffff;

function emitLoop(f: FunctionEmitter, i: number): void {
  const { code } = f;
  const [done, result] = [f.take(I64), f.take(I64)];
  const [count, context] = [f.take(I32), f.take(I64)];
  code.open(OP.block);
  code.i64(-EINVAL).set(result);
  f.get(4).op(OP['i64.eqz']).op(OP['i32.eqz']).branch(OP.br_if, 0);
  code.i64(-E2BIG).set(result);
  f.get32(1).tee(count).i32(BPF_MAX_LOOPS).op(OP['i32.gt_u']).branch(OP.br_if, 0);
  code.i64(0).set(result);
  code.get(count).op(OP['i32.eqz']).branch(OP.br_if, 0);
  const call = callbackOf(f, i, 2);
  f.get(3).set(context);
  f.flush(f.pending);
  code.i64(0).set(done);
  code.open(OP.loop);
  code.get(done).get(context).i64(0).i64(0).i64(0).get(f.sp);
  call();
  code.get(done).i64(1).op(OP['i64.add']).set(done);
  code.op(OP['i64.eqz']);
  code.get(done).get(count).op(OP['i64.extend_i32_u']).op(OP['i64.lt_u']).op(OP['i32.and']);
  code.open(OP.if);
  f.checkBetween(i);
  code.branch(OP.br, 1).end().end();
  code.get(done).set(result);
  f.reload(f.pending);
  code.end().get(result);
  f.set(0);
  f.release(I64, done, result, context);
  f.release(I32, count);
}

function emitForEach(f: FunctionEmitter, i: number): void {
  const { code, context } = f;
  const [seen, result, callbackContext] = [f.take(I64), f.take(I64), f.take(I64)];
  const map = f.take(I32);
  code.open(OP.block).i64(-EINVAL).set(result);
  f.get(4).op(OP['i64.eqz']).op(OP['i32.eqz']).branch(OP.br_if, 0);
  const call = callbackOf(f, i, 2);
  f.get(3).set(callbackContext);
  f.get32(1).set(map);
  code.i64(0).set(seen);
  for (let at = 0; at < CURSOR_SIZE; at += 8) code.get(f.sp).i64(0).memory(OP['i64.store'], 3, at);
  f.flush(f.pending);
  code.open(OP.block).open(OP.loop);
  code.get(map).get(f.sp).call(context.imported('map_walk')).op(OP['i32.eqz']).branch(OP.br_if, 1);
  code.get(seen).i64(1).op(OP['i64.add']).set(seen);
  toAddress(code.get(map));
  toAddress(code.get(f.sp).memory(OP['i32.load'], 2, CURSOR_KEY));
  toAddress(code.get(f.sp).memory(OP['i32.load'], 2, CURSOR_VALUE));
  code.get(callbackContext).i64(0).get(f.sp);
  call();
  code.op(OP['i64.eqz']).op(OP['i32.eqz']).branch(OP.br_if, 1);
  f.checkBetween(i);
  code.branch(OP.br, 0).end().end();
  code.get(seen).set(result);
  f.reload(f.pending);
  code.end().get(result);
  f.set(0);
  f.release(I64, seen, result, callbackContext);
  f.release(I32, map);
}

function emitRbtreeAdd(f: FunctionEmitter, i: number): void {
  const { code, context } = f;
  const [root, node, parent, child] = [f.take(I32), f.take(I32), f.take(I32), f.take(I32)];
  const [less, leftmost] = [f.take(I32), f.take(I32)];
  f.get32(1).set(root);
  f.get32(2).set(node);
  const call = callbackOf(f, i, 3);
  code.get(root).get(node).call(context.imported('rbtree_add_start')).tee(child).op(OP['i32.eqz']).open(OP.if);
  code.i32(0).set(less).i32(1).set(leftmost).i32(0).set(parent);
  code.get(root).call(context.imported('rbtree_top')).set(child);
  f.flush(f.pending);
  code.open(OP.block).open(OP.loop).get(child).op(OP['i32.eqz']).branch(OP.br_if, 1);
  code.get(child).set(parent);
  toAddress(code.get(node));
  toAddress(code.get(parent));
  code.i64(0).i64(0).i64(0).get(f.sp);
  call();
  code.op(OP['i64.eqz']).op(OP['i32.eqz']).tee(less).get(leftmost).op(OP['i32.and']).set(leftmost);
  code.get(parent).get(less).call(context.imported('rbtree_child')).set(child);
  f.checkBetween(i);
  code.branch(OP.br, 0).end().end();
  for (const argument of [root, node, parent, less, leftmost]) code.get(argument);
  code.call(context.imported('rbtree_add_finish'));
  f.reload(f.pending);
  code.i32(0).set(child).end().get(child);
  f.set32(0);
  f.release(I32, root, node, parent, child, less, leftmost);
}

/** Goes on in another program with the context in r1, and returns what it returns; behind the call when there is none. */
function emitTailCall(f: FunctionEmitter): void {
  const { code, context } = f;
  const [prog, calls] = [f.take(I32), f.take(I32)];
  f.get32(2);
  f.get32(3).call(context.imported('fd_array_map_lookup')).tee(prog).op(OP['i32.eqz']).op(OP['i32.eqz']);
  f.runField(JR_TAIL_CALLS).memory(OP['i32.load'], 2).tee(calls);
  code.i32(MAX_TAIL_CALL_CNT).op(OP['i32.lt_u']).op(OP['i32.and']).open(OP.if);
  f.runField(JR_TAIL_CALLS).get(calls).i32(1).op(OP['i32.add']).memory(OP['i32.store'], 2);
  code.get(prog).call(context.imported('enter_prog'));
  f.flush(f.pending);
  f.get(1).i64(0).i64(0).i64(0).i64(0);
  f.get32(10);
  code.get(prog).memory(OP['i32.load'], 2, BP_ENTRY).callIndirect(context.type(BPF_SIGNATURE), 0);
  code.i32(context.prog).call(context.imported('enter_prog')).op(OP.return).end();
  f.release(I32, prog, calls);
}

const ENGINE_CALLS: Readonly<Record<number, EngineCall>> = {
  [ENGINE_LOOP]: { needs: [], runsBpf: true, emit: emitLoop },
  [ENGINE_FOR_EACH]: { needs: ['map_walk'], runsBpf: true, emit: emitForEach },
  [ENGINE_RBTREE_ADD]: {
    needs: ['rbtree_add_start', 'rbtree_top', 'rbtree_child', 'rbtree_add_finish'],
    runsBpf: true,
    emit: emitRbtreeAdd,
  },
  [ENGINE_TAIL_CALL]: { needs: ['fd_array_map_lookup', 'enter_prog'], runsBpf: true, emit: emitTailCall },
  [ENGINE_THROW]: {
    needs: [],
    runsBpf: false,
    emit: (f, i) => {
      f.get(1);
      f.leftNow();
      f.code.i32(i).call(f.context.imported(THROW.name)).op(OP.unreachable);
    },
  },
  [ENGINE_ECHO]: {
    needs: [],
    runsBpf: false,
    emit: (f) => {
      f.get(1);
      f.set(0);
    },
  },
};

function engineCall({ id }: LinkedCall & { run: 'engine' }): EngineCall {
  const found = ENGINE_CALLS[id];
  if (!found) throw new InvariantError(`no engine function ${id}`);
  return found;
}

/** Functions of kernel.wasm that a program's calls need. */
export function neededImports({ calls }: DecodedProgram): Set<string> {
  const names = new Set<string>();
  for (const call of calls.values()) {
    if (call.run === 'call') names.add(call.name);
    else if (call.run === 'engine')
      for (const name of engineCall(call as LinkedCall & { run: 'engine' }).needs) names.add(name);
  }
  return names;
}

/** Does the call at `i` run functions of the program or other programs? */
export function runsBpf({ rows, calls }: DecodedProgram, i: number): boolean {
  if (rows[i]?.op === 'call_local') return true;
  const call = calls.get(i);
  return call?.run === 'engine' && engineCall(call as LinkedCall & { run: 'engine' }).runsBpf;
}

export function emitCall(f: FunctionEmitter, i: number): void {
  const { decoded } = f.context;
  if (decoded.rows[i]?.op === 'call_local') {
    callLocal(f, i);
    return;
  }
  const call = decoded.calls.get(i);
  if (call?.run === 'call') callKernel(f, i, call.name);
  else if (call?.run === 'engine') {
    noteSite(f, i);
    engineCall(call as LinkedCall & { run: 'engine' }).emit(f, i);
  } else f.fault(FAULT_CALL, i);
}
