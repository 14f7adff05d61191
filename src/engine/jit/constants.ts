/** ld_imm64: numbers, and addresses of what the program refers to. */
import { NotSupported } from '../../errors.ts';
import { functionTarget } from './decode.ts';
import type { FunctionEmitter } from './emitter.ts';

/** Value of a ld_imm64 by what its src register says it is (BPF_PSEUDO_). */
const values: Readonly<Record<number, (f: FunctionEmitter, i: number) => bigint>> = {
  1: byFd,
  2: byFd,
  3: ({ insns, context }, i) => {
    const id = insns.imm[i] as number;
    const address = context.decoded.program.environment.ksym(id);
    if (address === undefined) throw new NotSupported(`kernel variable with BTF id ${id}`);
    return address;
  },
  5: ({ insns, context }, i) => context.memory.address(context.decoded.program.environment.map(insns.imm[i] as number)),
  6: ({ insns, context }, i) =>
    context.memory.address(
      context.decoded.program.environment.mapValue(insns.imm[i] as number) + (insns.imm[i + 1] as number),
    ),
};

function byFd({ insns, context }: FunctionEmitter, i: number): bigint {
  const { fd } = context.decoded.program.environment;
  if (!fd) throw new NotSupported('maps by file descriptor');
  return fd(insns.imm[i] as number);
}

/** The value of the ld_imm64 at `i`; null for the address of a function. */
export function constantAt(f: FunctionEmitter, i: number): bigint | null {
  const { insns } = f;
  const kind = insns.src[i] as number;
  const value = values[kind];
  if (value) return value(f, i);
  return kind === 0
    ? BigInt.asUintN(64, (BigInt(insns.imm[i + 1] as number) << 32n) | BigInt((insns.imm[i] as number) >>> 0))
    : null;
}

export function emitConstant(f: FunctionEmitter, i: number): void {
  const { code, insns, context } = f;
  const kind = insns.src[i] as number;
  const value = values[kind];
  if (kind === 4) {
    const { high, low } = context.callbackAddress(functionTarget(context.decoded, i));
    code.i64(low, high);
  } else if (value) {
    const number = value(f, i);
    code.i64(Number(number & 0xffffffffn), Number((number >> 32n) & 0xffffffffn));
  } else {
    code.i64(insns.imm[i] as number, insns.imm[i + 1] as number);
  }
  f.set(insns.dst[i] as number);
}
