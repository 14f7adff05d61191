/** Messages of the main loop, control flow, registers, stack, jumps, arithmetic on scalars. */
export const core = {
  // control flow
  jumpOutOfRange: (from: number, to: number) => `jump out of range from insn ${from} to ${to}`,
  unreachable: (insn: number) => `unreachable insn ${insn}`,
  jumpIntoLdImm64: (insn: number) => `jump into the middle of ldimm64 insn ${insn}`,
  lastInsn: () => 'last insn is not an exit or jmp',
  callInvalidDestination: () => 'call to invalid destination',
  tooManySubprogs: () => 'too many subprograms',
  tooLarge: (processed: number) => `BPF program is too large. Processed ${processed} insn`,
  tooManyJumps: (size: number) => `The sequence of ${size} jumps is too complex.`,
  lockFailurePush: () => 'failed to push state for failed lock acquisition',
  tooManyJumpsAsync: (size: number) => `The sequence of ${size} jumps is too complex for async cb.`,
  reservedFields: (name: string) => `${name} uses reserved fields`,
  exceptionCallbackTwice: () => 'multiple exception callback tags for main subprog',
  exceptionCallbackMissing: (name: string) => `exception callback '${name}' could not be found in BTF`,
  exceptionCallbackStatic: (name: string) => `exception callback '${name}' must have global linkage`,
  exceptionCallbackNoFuncInfo: () => 'exception callback type id not found in func_info',
  exceptionCallbackAtZero: () => 'invalid exception callback insn_off in func_info: 0',
  exceptionCallbackArgs: () => 'exception cb only supports single integer argument',
  // calls of functions
  callStackTooDeep: (frames: number) => `the call stack of ${frames} frames is too deep`,
  callStackTooDeepStatic: (frames: number) => `the call stack of ${frames} frames is too deep !`,
  globalCallWithLock: () => [
    'global function calls are not allowed while holding a lock,',
    'use static function instead',
  ],
  /** Until 6.14. */
  globalCallNoPreempt: () => [
    'global function calls are not allowed with preemption disabled,',
    'use static function instead',
  ],
  globalCallMaySleep: () => [
    'global functions that may sleep are not allowed in non-sleepable context,',
    'i.e., in a RCU/IRQ/preempt-disabled section, or in',
    'a non-sleepable BPF program context',
  ],
  globalSleepsIn: (name: string, where: string) => `sleepable global function ${name}() called in ${where}`,
  callerPassesInvalid: (subprog: number, name: string) => `Caller passes invalid args into func#${subprog} ('${name}')`,
  globalAssumedValid: (subprog: number, name: string) => `Func#${subprog} ('${name}') is global and assumed valid.`,
  sccNoVisit: (chain: string) => `verifier bug: scc exit: no visit info for call chain ${chain}`,
  deadCallback: (insn: number) => `verifier bug: No program to jit at insn ${insn} (subprog < 0)`,
  callWithLock: () => 'function calls are not allowed while holding a lock',
  returnsStackPointer: () => 'cannot return stack pointer to the caller',
  r0NotScalar: () => 'R0 not a scalar value',
  // stack depth
  tailCallStack: (depth: number) =>
    `tail_calls are not allowed when call stack of previous frames is ${depth} bytes. Too large`,
  combinedStack: (calls: number, size: number) => `combined stack size of ${calls} calls is ${size}. Too large`,
  throwInCallback: (insn: number, subprog: number) =>
    `bpf_throw kfunc (insn ${insn}) cannot be called from callback subprog ${subprog}`,
  callsExceptionCb: (insn: number) => `insn ${insn} cannot call exception cb directly`,
  tailCallInExceptionCb: () => 'cannot tail call within exception cb',
  // registers
  regInvalid: (regno: number) => `R${regno} is invalid`,
  notInit: (regno: number) => `R${regno} !read_ok`,
  frameReadOnly: () => 'frame pointer is read only',
  // stack
  stackUnboundedOffset: (how: string, regno: number) => `invalid unbounded variable-offset${how} stack R${regno}`,
  stackOutOfBounds: (how: string, regno: number, off: number, size: number) =>
    `invalid${how} stack R${regno} off=${off} size=${size}`,
  stackOutOfBoundsVar: (how: string, regno: number, varOff: string, off: number, size: number) =>
    `invalid variable-offset${how} stack R${regno} var_off=${varOff} off=${off} size=${size}`,
  corruptSpilledPointer: () => 'attempt to corrupt spilled pointer on stack',
  spillSize: () => 'invalid size of register spill',
  spillStackPointer: () => 'cannot spill pointers to stack into stack frame of the caller',
  fillSize: () => 'invalid size of register fill',
  varReadIntoHelper: (varOff: string, off: number, size: number) =>
    `variable offset stack pointer cannot be passed into helper function; var_off=${varOff} off=${off} size=${size}`,
  leakFromStack: (off: number) => `leaking pointer from stack off ${off}`,
  zeroSizedRead: () => 'invalid zero-sized read',
  overwriteDynptr: (off: number) => `potential write to dynptr at off=${off} disallowed`,
  stackReadFixed: (off: number, i: number, size: number) => `invalid read from stack off ${off}+${i} size ${size}`,
  stackReadRange: (how: string, regno: number, off: number, i: number, size: number) =>
    `invalid${how} read from stack R${regno} off ${off}+${i} size ${size}`,
  stackReadRangeVar: (how: string, regno: number, varOff: string, i: number, size: number) =>
    `invalid${how} read from stack R${regno} var_off ${varOff}+${i} size ${size}`,
  // arithmetic
  divByZero: () => 'div by zero',
  invalidShift: (imm: number) => `invalid shift ${imm}`,
  pointerArithmetic: (regno: number) => `R${regno} pointer arithmetic prohibited`,
  pointerOpPointer: (regno: number, op: string) => `R${regno} pointer ${op} pointer prohibited`,
  signExtendPointer: (regno: number) => `R${regno} sign-extension part of pointer`,
  partialCopy: (regno: number) => `R${regno} partial copy of pointer`,
  addrSpaceCastSpaces: () => 'addr_space_cast insn can only convert between address space 1 and 0',
  addrSpaceCastNoArena: () => 'addr_space_cast insn can only be used in a program that has an associated arena',
  // jumps
  invalidMayGoto: (imm: number) => `invalid may_goto imm ${imm}`,
  pointerComparison: (regno: number) => `R${regno} pointer comparison prohibited`,
} as const;
