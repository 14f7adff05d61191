/** Memory accesses (check_mem_access and the instructions that use it). */
import { NotSupported } from '../errors.ts';
import type { Env, Insn } from './env.ts';

export const BPF_READ = 1;
export const BPF_WRITE = 2;

/**
 * May the instruction access `size` bytes through register `regno` at `off`? A load leaves its result in `valueRegno`.
 * `bpfSize`: BPF_SIZE(code). `valueRegno`: register stored or loaded; -1: a constant or unknown value.
 */
export function checkMemAccess(
  _env: Env,
  _insnIdx: number,
  _regno: number,
  _off: number,
  _bpfSize: number,
  _type: number,
  _valueRegno: number,
  _strictAlignmentOnce: boolean,
  _isLdsx: boolean,
): void {
  throw new NotSupported('verifying memory accesses');
}

/** BPF_LDX. */
export function checkLoadMem(_env: Env, _insn: Insn): void {
  throw new NotSupported('verifying loads');
}

/** BPF_STX with BPF_MEM. */
export function checkStoreReg(_env: Env, _insn: Insn): void {
  throw new NotSupported('verifying stores');
}

/** BPF_STX with BPF_ATOMIC. */
export function checkAtomic(_env: Env, _insn: Insn): void {
  throw new NotSupported('verifying atomics');
}

/** save_aux_ptr_type: paths that load through different kinds of pointers at one instruction are rejected. */
export function saveAuxPtrType(_env: Env, _type: number, _allowTrustMismatch: boolean): void {
  throw new NotSupported('verifying stores');
}
