/** Messages of helper, kfunc and function calls. `arg` is an argument number from 0, `regno` a register. */
export const calls = {
  // add_kfunc_call, fetch_kfunc_meta
  kfuncNeedsGpl: () => 'cannot call kernel function from non-GPL compatible program',
  kfuncModuleOffset: (off: number) => `invalid offset ${off} for kernel module BTF`,
  kfuncNoFdArray: () => 'kfunc offset > 0 without fd_array is invalid',
  kfuncNoBtf: () => 'failed to find BTF for kernel function',
  kfuncTooMany: () => 'too many different kernel function calls',
  kfuncNotFunction: (id: number) => `kernel btf_id ${id} is not a function`,
  kfuncDeviceBound: () => 'metadata kfuncs require device-bound program',
  kfuncNotAllowed: (name: string) => `calling kernel function ${name} is not allowed`,

  // check_helper_call
  invalidFunc: (name: string, id: number) => `invalid func ${name}#${id}`,
  helperNotForType: (name: string, id: number) => `program of this type cannot use helper ${name}#${id}`,
  helperNeedsGpl: () => 'cannot call GPL-restricted function from non-GPL compatible program',
  helperNotAllowed: () => 'helper call is not allowed in probe',
  helperMightSleep: () => 'helper call might sleep in a non-sleepable prog',
  helperSleepsIn: (name: string, id: number, where: string) => `sleepable helper ${name}#${id} in ${where}`,
  helperNotAcquired: (name: string, id: number) => `func ${name}#${id} reference has not been acquired before`,
  localStorageFlags: () => "get_local_storage() doesn't support non-zero flags",
  loopLimit: (frame: number) => `frame${frame} bpf_loop iteration limit reached`,
  dynptrFromMemType: (type: string) => `Unsupported reg type ${type} for bpf_dynptr_from_mem data`,
  lsmVoidRetval: () => "BPF_LSM_CGROUP that attach to void LSM hooks can't modify return value!",
  badFormat: () => 'Invalid format string',
  typeSizeUnknown: (name: string, error: number) => `unable to resolve the size of type '${name}': ${error}`,
  funcIpTrampoline: (name: string, id: number) =>
    `func ${name}#${id} supported only for fentry/fexit/fmod_ret programs`,
  funcIpType: (name: string, id: number, type: number) => `func ${name}#${id} not supported for program type ${type}`,
  mapTypeForFunc: (mapType: number, name: string, id: number) =>
    `cannot pass map_type ${mapType} into func ${name}#${id}`,
  sockmapUpdate: () => 'cannot update sockmap in this context',
  mapWriteByHelper: () => 'write into map forbidden',
  tailCallAbuse: () => 'tail_call abusing map_ptr',
  tailCallMap: () => 'expected prog array map for tail call',
  mapNoCallback: () => 'callback function not allowed for map',

  // check_func_arg
  leaksAddr: (regno: number) => `R${regno} leaks addr into helper function`,
  packetByHelper: () => 'helper access to the packet is not allowed',
  invalidSockmapArg: () => 'invalid arg_type for sockmap/sockhash',
  argExpected: (regno: number, type: string, expected: string) => `R${regno} type=${type} expected=${expected}`,
  mayWriteInto: (func: string, regno: number, type: string) =>
    `${func}() may write into memory pointed by R${regno} type=${type}`,
  helperNull: (regno: number) => `Possibly NULL pointer passed to helper arg${regno}`,
  typeIsButExpected: (regno: number, type: string, expected: string) =>
    `R${regno} is of type ${type} but ${expected} is expected`,
  btfTypeMatch: () => 'verifier bug: invalid PTR_TO_BTF_ID register for type match',
  releaseOffset: (regno: number) =>
    `R${regno} must have zero offset when passed to release func or trusted arg to kfunc`,
  unacquiredArg: (regno: number) => `arg ${regno} is an unacquired reference`,
  releaseConstDynptr: () => 'cannot release unowned const bpf_dynptr',
  mustBeReferenced: (regno: number, _func: string) => `R${regno} must be referenced when passed to release function`,
  manyRefs: (regno: number, one: number, two: number) => `more than one arg with ref_obj_id R${regno} ${one} ${two}`,
  timerMapMismatch: (one: number, two: number) =>
    `timer pointer in R1 map_uid=${one} doesn't match map pointer in R2 map_uid=${two}`,
  lockInTreeCallback: () => "can't spin_{lock,unlock} in rbtree cb",
  notKnownConstant: (regno: number) => `R${regno} is not a known constant'`,
  strNotReadonly: (regno: number) => `R${regno} does not point to a readonly map'`,
  strNotConstant: (regno: number) => `R${regno} is not a constant address'`,
  strNotTerminated: () => 'string is not zero-terminated',

  // check_helper_mem_access, check_mem_size_reg
  cannotWriteInto: (regno: number, type: string) => `R${regno} cannot write into ${type}`,
  sizeNegative: (regno: number) => `R${regno} min value is negative, either use unsigned or 'var &= const'`,
  sizeZero: (regno: number, min: bigint, max: bigint) => `R${regno} invalid zero-sized read: u64=[${min},${max}]`,
  sizeUnbounded: (regno: number) => `R${regno} unbounded memory access, use 'var &= const' or 'if (var < const)'`,

  // Fields of map values
  fieldNotConstant: (regno: number, field: string) =>
    `R${regno} doesn't have constant offset. ${field} has to be at the constant offset`,
  fieldNeedsBtf: (map: string, field: string) => `map '${map}' has to have BTF in order to use ${field}`,
  fieldNotInMap: (map: string, field: string) => `map '${map}' has no valid ${field}`,
  fieldElsewhere: (off: bigint | number, field: string, at: number) =>
    `off ${off} doesn't point to 'struct ${field}' that is at ${at}`,
  kptrNotConstant: (regno: number) => `R${regno} doesn't have constant offset. kptr has to be at the constant offset`,
  noKptr: (regno: number) => `R${regno} has no valid kptr`,
  notKptr: (off: number) => `off=${off} doesn't point to kptr`,
  kptrUnreferenced: (off: number) => `off=${off} kptr isn't referenced kptr`,

  // process_spin_lock
  lockNotIn: (kind: string, name: string, lock: string) => `${kind} '${name}' has no valid ${lock}_lock`,
  lockDeadlock: () => 'Acquiring the same lock again, AA deadlock detected',
  unlockWithout: (lock: string) => `${lock}_unlock without taking a lock`,
  unlockOther: (lock: string) => `${lock}_unlock of different lock`,
  unlockOrder: (lock: string) => `${lock}_unlock cannot be out of order`,

  // process_dynptr_func, process_iter_arg, process_irq_flag
  dynptrExpected: (arg: number) => `arg#${arg} expected pointer to stack or const struct bpf_dynptr`,
  dynptrFlags: () => 'verifier bug: misconfigured dynptr helper type flags',
  dynptrNotUninit: () => 'Dynptr has to be an uninitialized dynptr',
  dynptrNotInit: (arg: number) => `Expected an initialized dynptr as arg #${arg}`,
  dynptrWrongType: (type: string, arg: number) => `Expected a dynptr of type ${type} as arg #${arg}`,
  iterExpected: (arg: number) => `arg#${arg} expected pointer to an iterator on stack`,
  iterInvalid: (arg: number) => `expected valid iter pointer as arg #${arg}`,
  iterNotUninit: (type: string, arg: number) => `expected uninitialized iter_${type} as arg #${arg}`,
  iterNotInit: (type: string, arg: number) => `expected an initialized iter_${type} as arg #${arg}`,
  iterNeedsRcu: (func: string) => `expected an RCU CS when using ${func}`,
  cssTaskIter: () => 'css_task_iter is only allowed in bpf_lsm, bpf_iter and sleepable progs',
  irqNotUninit: (arg: number) => `expected uninitialized irq flag as arg#${arg}`,
  irqNotInit: (arg: number) => `expected an initialized irq flag as arg#${arg}`,
  irqClass: (saved: string, used: string) =>
    `irq flag acquired by ${saved} kfuncs cannot be restored with ${used} kfuncs`,
  irqOrder: (id: number, insn: number) =>
    `cannot restore irq state out of order, expected id=${id} acquired at insn_idx=${insn}`,

  // References
  unreleased: (id: number, insn: number) => `Unreleased reference id=${id} alloc_insn=${insn}`,
  usedInLock: (what: string) => `${what} cannot be used inside bpf_spin_lock-ed region`,
  // Until 6.12, at an exit. Under a lock nothing is thrown.
  lockMissing: () => 'bpf_spin_unlock is missing',
  rcuMissing: (exception: boolean) =>
    exception ? 'bpf_throw cannot be used inside bpf_rcu_read_lock-ed region' : 'bpf_rcu_read_unlock is missing',
  preemptMissing: (exception: boolean, count: number) =>
    exception
      ? 'bpf_throw cannot be used inside bpf_preempt_disable-ed region'
      : `${count} bpf_preempt_enable${count === 1 ? ' is' : '(s) are'} missing`,
  leaksReference: (what: string) => `${what} would lead to reference leak`,
  usedInIrq: (what: string) => `${what} cannot be used inside bpf_local_irq_save-ed region`,
  usedInRcu: (what: string) => `${what} cannot be used inside bpf_rcu_read_lock-ed region`,
  usedInPreempt: (what: string) => `${what} cannot be used inside bpf_preempt_disable-ed region`,

  // check_kfunc_args
  kfuncManyArgs: (func: string, count: number, max: number) => `Function ${func} has ${count} > ${max} args`,
  notScalar: (regno: number) => `R${regno} is not a scalar`,
  oneConstant: () => 'only one constant argument permitted',
  notConstant: (regno: number) => `R${regno} must be a known constant`,
  retBufTwice: () => '2 or more rdonly/rdwr_buf_size parameters for kfunc',
  retBufNotConst: (regno: number) => `R${regno} is not a const`,
  retBufTooBig: (regno: number) => `R${regno} rdonly/rdwr_buf_size exceeds u32 max`,
  argTypeUnknown: (arg: number, type: string) => `Unrecognized arg#${arg} type ${type}`,
  trustedNull: (arg: number) => `Possibly NULL pointer passed to trusted arg${arg}`,
  notMapPointer: (regno: number) => `pointer in R${regno} isn't map pointer`,
  wqMapMismatch: (one: number, two: number) =>
    `workqueue pointer in R1 map_uid=${one} doesn't match map pointer in R2 map_uid=${two}`,
  taskWorkMapMismatch: (one: number, two: number) =>
    `bpf_task_work pointer in R2 map_uid=${one} doesn't match map pointer in R3 map_uid=${two}`,
  notTrusted: (regno: number) => `R${regno} must be referenced or trusted`,
  notRcu: (regno: number) => `R${regno} must be a rcu pointer`,
  ctxExpected: (arg: number, type: string) => `arg#${arg} expected pointer to ctx, but got ${type}`,
  kernCtxNotStruct: (id: number) => `kern ctx type id ${id} is not a struct`,
  expectedFor: (arg: number, func: string) => `arg#${arg} expected for ${func}()`,
  allocExpected: (arg: number) => `arg#${arg} expected pointer to allocated object`,
  mapValueOrAlloc: (arg: number) => `arg#${arg} expected pointer to map value or allocated object`,
  treeNodeUnowned: (func: string) => `${func} can only take non-owning or refcounted bpf_rb_node pointer`,
  treeInCallback: (func: string) => `${func} not allowed in rbtree cb`,
  kfuncTypeUnsupported: (func: string, arg: number, kind: string, name: string) =>
    `kernel function ${func} args#${arg} pointer type ${kind} ${name} is not supported`,
  mustPointToScalar: (arg: number, kind: string, name: string, prefix: string) =>
    `arg#${arg} pointer type ${kind} ${name} must point to ${prefix}scalar, or struct with scalar`,
  nestingTooDeep: () => 'max struct nesting depth exceeded',
  argIsExpected: (arg: number, type: string, expected: string) =>
    `arg#${arg} is ${type} expected ${expected} or socket`,
  pointerMismatch: (func: string, arg: number, want: string, regno: number, have: string) =>
    `kernel function ${func} args#${arg} expected pointer to ${want} but R${regno} has a pointer to ${have}`,
  argSizeUnknown: (arg: number, kind: string, name: string, error: number) =>
    `arg#${arg} reference type('${kind} ${name}') size cannot be determined: ${error}`,
  memLenPair: (arg: number, len: number) => `arg#${arg} arg#${len} memory, len pair leads to invalid memory access`,
  funcExpected: (arg: number) => `arg${arg} expected pointer to func`,
  refcountNoRef: (arg: number) => `arg#${arg} is neither owning or non-owning ref`,
  recordMissing: () => "verifier bug: Couldn't find btf_record",
  refcountNoField: (arg: number) => `arg#${arg} doesn't point to a type with bpf_refcount field`,
  notConstStr: (arg: number) => `arg#${arg} doesn't point to a const string`,
  notMapValue: (arg: number) => `arg#${arg} doesn't point to a map value`,
  notIrqFlag: (arg: number) => `arg#${arg} doesn't point to an irq flag on stack`,
  notMapValueOrAlloc: (arg: number) => `arg#${arg} doesn't point to map value or allocated object`,
  /** 7.2 on. */
  releaseUnreferenced: (func: string, regno: number) =>
    `release kfunc ${func} expects referenced PTR_TO_BTF_ID passed to R${regno}`,
  releaseWithoutRef: (func: string) => `release kernel function ${func} expects refcounted PTR_TO_BTF_ID`,

  // Lists and trees
  notSameAllocation: () => 'held lock and object are not in the same allocation',
  rootNotFound: (root: string, off: number) => `${root} not found at offset=${off}`,
  lockNotHeld: (off: number, root: string) => `bpf_spin_lock at off=${off} must be held for ${root}`,
  nodeTypeMismatch: (root: string, node: string, want: number, wantType: string, have: number, haveType: string) =>
    `operation on ${root} expects arg#1 ${node} at offset=${want} in struct ${wantType}, ` +
    `but arg is at offset=${have} in struct ${haveType}`,
  nodeOffset: (have: number, node: string, want: number, type: string) =>
    `arg#1 offset=${have}, but expected ${node} at offset=${want} in struct ${type}`,

  // check_kfunc_call
  trapReached: () => 'unexpected __bpf_trap() due to uninitialized variable?',
  destructive: () => 'destructive kfunc calls require CAP_SYS_BOOT capability',
  kfuncMustSleep: (func: string) => `program must be sleepable to call sleepable kfunc ${func}`,
  kfuncCallback: (func: string, id: number) => `kfunc ${func}#${id} failed callback verification`,
  kfuncNeedsRcu: (func: string) => `kernel func ${func} requires RCU critical section protection`,
  rcuNested: (func: string) => `nested rcu read lock (kernel function ${func})`,
  kfuncSleepsIn: (func: string, where: string) => `kernel func ${func} is sleepable within ${where}`,
  rcuUnmatched: (func: string) => `unmatched rcu read unlock (kernel function ${func})`,
  preemptUnmatched: (func: string) => `unmatched attempt to enable preemption (kernel function ${func})`,
  kfuncNotAcquired: (func: string, id: number) => `kfunc ${func}#${id} reference has not been acquired before`,
  acquireNoBtfId: () => 'acquire kernel function does not return PTR_TO_BTF_ID',
  localTypeRange: () => 'local type ID argument must be in range [0, U32_MAX]',
  objNewNoBtf: () => 'bpf_obj_new/bpf_percpu_obj_new requires prog BTF',
  objNewNotStruct: () => 'bpf_obj_new/bpf_percpu_obj_new type ID argument must be of a struct',
  percpuTooBig: (size: number, max: number) => `bpf_percpu_obj_new type size (${size}) is greater than ${max}`,
  percpuNotScalar: () => 'bpf_percpu_obj_new type ID argument must be of a struct of scalars',
  percpuSpecial: () => 'bpf_percpu_obj_new type ID argument must not contain special fields',
  castUnknown: (id: bigint | number) => `Unknown type ID ${id} passed to kfunc bpf_rdonly_cast`,
  castNotStruct: () => 'kfunc bpf_rdonly_cast type ID argument must be of a struct or void',
  castNotStructOld: () => 'kfunc bpf_rdonly_cast type ID argument must be of a struct',
  noPacketWrites: () => 'the prog does not allow writes to packet data',
  returnUnsupported: (func: string, kind: string, name: string) =>
    `kernel function ${func} returns pointer type ${kind} ${name} is not supported`,

  // Global functions
  argExpectsCtx: (arg: number) => `arg#${arg} expects pointer to ctx`,
  argNonNull: (arg: number) => `arg#${arg} is expected to be non-NULL`,
  notArena: (regno: number) => `R${regno} is not a pointer to arena or scalar.`,
  globalManyArgs: (name: string, count: number, max: number) =>
    `Global function ${name}() with ${count} > ${max} args. Buggy compiler.`,
  globalReturns: (name: string) => `Global function ${name}() doesn't return scalar. Only those are supported.`,
  tagInStatic: (arg: number) => `arg#${arg} type tag is not supported in static functions`,
  tagsUnsupported: (arg: number) => `arg#${arg} has unsupported set of tags`,
  tagsInvalid: (arg: number) => `arg#${arg} has invalid combination of tags`,
  tagAlone: (arg: number, tag: string) => `arg#${arg} ${tag} cannot be combined with any other tags`,
  tagNotPointer: (arg: number) => `arg#${arg} has pointer tag, but is not a pointer type`,
  tagTypeNotAllowed: (arg: number, kind: string) =>
    `arg#${arg} has type ${kind} '(anon)', but only struct or primitive types are allowed`,
  argCandidates: (arg: number, kind: string, name: string, problem: string) =>
    `arg#${arg} reference type('${kind} ${name}') ${problem}`,
  argTypeUnsupported: (arg: number, type: string, name: string) =>
    `Arg#${arg} type ${type} in ${name}() is not supported yet.`,
  ctxVoid: (arg: number) => `arg#${arg} should be void pointer`,
  ctxStruct: (arg: number, name: string) => `arg#${arg} should be \`struct ${name} *\``,
  ctxNoName: (arg: number) => `arg#${arg} type doesn't have a name`,
} as const;
