const NOT_FOR_ALL = 'pointer arithmetic with it prohibited for !root';

/** Messages of memory accesses, pointer arithmetic, maps, attachment. */
export const memory = {
  walkNotStruct: (name: string) => `Type '${name}' is not a struct`,
  walkBeyondStruct: (name: string, off: number, size: number) =>
    `access beyond struct ${name} at off ${off >>> 0} size ${size}`,
  walkNoSize: (field: string) => `field ${field} doesn't have size`,
  walkPtrMember: (member: string, moff: number, struct: string, off: number, size: number) =>
    `cannot access ptr member ${member} with moff ${moff} in struct ${struct} with off ${off} size ${size}`,
  walkBeyondMember: (member: string, end: number, struct: string, off: number, size: number) =>
    `access beyond the end of member ${member} (mend:${end}) in struct ${struct} with off ${off} size ${size}`,
  walkNoField: (struct: string, off: number) => `struct ${struct} doesn't have field at offset ${off}`,
  directFieldAccess: (field: string) => `direct access to ${field} is disallowed`,
  outsideMapKey: (size: number, off: number, access: number) =>
    `invalid access to map key, key_size=${size} off=${off} size=${access}`,
  outsideMapValue: (size: number, off: number, access: number) =>
    `invalid access to map value, value_size=${size} off=${off} size=${access}`,
  outsidePacket: (off: number, size: number, regno: number, id: number, range: number) =>
    `invalid access to packet, off=${off} size=${size}, R${regno}(id=${id},off=${off},r=${range})`,
  outsideMem: (memSize: number, off: number, size: number) =>
    `invalid access to memory, mem_size=${memSize} off=${off} size=${size}`,
  outsidePacketRange: (regno: number) => `R${regno} offset is outside of the packet`,
  regionNegative: (regno: number) =>
    `R${regno} min value is negative, either use unsigned index or do a if (index >=0) check.`,
  regionMin: (regno: number) => `R${regno} min value is outside of the allowed memory range`,
  regionMax: (regno: number) => `R${regno} max value is outside of the allowed memory range`,
  regionUnbounded: (regno: number) => `R${regno} unbounded memory access, make sure to bounds check any such access`,
  mapWriteForbidden: (valueSize: number, off: number, size: number) =>
    `write into map forbidden, value_size=${valueSize} off=${off} size=${size}`,
  mapReadForbidden: (valueSize: number, off: number, size: number) =>
    `read from map forbidden, value_size=${valueSize} off=${off} size=${size}`,
  fieldDirect: (field: string) => `${field} cannot be accessed directly by load/store`,
  fieldIndirect: (field: string) => `${field} cannot be accessed indirectly by helper`,
  fieldVariable: (field: string) => `${field} access cannot have variable offset`,
  fieldMisaligned: (field: string, expected: number, off: number) =>
    `${field} access misaligned expected=${expected} off=${off}`,
  fieldSize: (field: string) => `${field} access size must be BPF_DW`,
  bufferNegative: (regno: number, info: string, off: number, size: number) =>
    `R${regno} invalid ${info} buffer access: off=${off}, size=${size}`,
  bufferVariable: (regno: number, off: number, tnum: string) =>
    `R${regno} invalid variable buffer offset: off=${off}, var_off=${tnum}`,
  flowKeys: (off: number, size: number) => `invalid access to flow keys off=${off} size=${size}`,
  misaligned: (what: string, tnum: string, regOff: number, off: number, size: number) =>
    `misaligned ${what}access off ${tnum}+${regOff}+${off} size ${size}`,
  misalignedPacket: (align: number, tnum: string, regOff: number, off: number, size: number) =>
    `misaligned packet access off ${align}+${tnum}+${regOff}+${off} size ${size}`,
  ptrNegative: (type: string, regno: number, off: number) =>
    `negative offset ${type} ptr R${regno} off=${off} disallowed`,
  ptrModified: (type: string, regno: number, off: number) =>
    `dereference of modified ${type} ptr R${regno} off=${off} disallowed`,
  ptrVariable: (type: string, tnum: string) => `variable ${type} access var_off=${tnum} disallowed`,
  ctxInvalid: (off: number, size: number) => `invalid bpf_context access off=${off} size=${size}`,
  ctxReleased: (off: number) => `invalid bpf_context access off=${off}. Reference may already be released`,
  ctxArgOffset: (func: string, off: number) => `func '${func}' offset ${off} is not multiple of 8`,
  ctxNoArg: (func: string, n: number) => `func '${func}' doesn't have ${n}-th argument`,
  ctxFmodRet: (kind: string) => `ret type ${kind} not allowed for fmod_ret`,
  ctxArgType: (func: string, arg: number, name: string, kind: string) =>
    `func '${func}' arg${arg} '${name}' has type ${kind}. Only pointer access is allowed`,
  ctxArgSize: (func: string, size: number) => `func '${func}' size ${size} must be 8`,
  ctxArgNoStruct: (func: string, arg: number, kind: string) => `func '${func}' arg${arg} type ${kind} is not a struct`,
  ctxArgBtf: (func: string, arg: number, id: number, kind: string, name: string) =>
    `func '${func}' arg${arg} has btf_id ${id} type ${kind} '${name}'`,
  ctxArgErr: (arg: number) => `marking pointer arg${arg} as scalar as it may encode error`,
  invalidMem: (regno: number, type: string) => `R${regno} invalid mem access '${type}'`,
  cannotWrite: (regno: number, type: string) => `R${regno} cannot write into ${type}`,
  leaksInto: (regno: number, what: string) => `R${regno} leaks addr into ${what}`,
  keyWrite: (regno: number) => `write to change key R${regno} not allowed`,
  packetWrite: () => 'cannot write into packet',
  sockAccess: (regno: number, type: string, off: number, size: number) =>
    `R${regno} invalid ${type} access off=${off} size=${size}`,
  atomicStore: (regno: number, type: string) => `BPF_ATOMIC stores into R${regno} ${type} is not allowed`,
  atomicLoad: (regno: number, type: string) => `BPF_ATOMIC loads from R${regno} ${type} is not allowed`,
  atomicSize: () => 'invalid atomic operand size',
  atomicOpcode: (imm: number) => `BPF_ATOMIC uses invalid atomic opcode ${(imm >>> 0).toString(16).padStart(2, '0')}`,
  differentPointers: () => 'same insn cannot be used with different pointers',
  kptrMode: () => 'kptr in map can only be accessed using BPF_MEM instruction mode',
  kptrStore: () => 'store to referenced kptr disallowed',
  uptrStore: () => 'store to uptr disallowed',
  kptrImm: (off: number) => `BPF_ST imm must be 0 when storing to kptr at off=${off}`,
  kptrType: (regno: number, type: string, expected: string) =>
    `invalid kptr access, R${regno} type=${type} expected=${expected}`,
  btfCaps: (name: string) => `'struct ${name}' access is allowed only to CAP_PERFMON and CAP_SYS_ADMIN`,
  btfGpl: (name: string) => `Cannot access kernel 'struct ${name}' from non-GPL compatible program`,
  btfNegative: (regno: number, name: string, off: number) =>
    `R${regno} is ptr_${name} invalid negative access: off=${off}`,
  btfVariable: (regno: number, name: string, off: number, tnum: string) =>
    `R${regno} is ptr_${name} invalid variable offset: off=${off}, var_off=${tnum}`,
  btfUser: (regno: number, name: string, off: number) => `R${regno} is ptr_${name} access user memory: off=${off}`,
  btfPercpu: (regno: number, name: string, off: number) => `R${regno} is ptr_${name} access percpu memory: off=${off}`,
  writeNotSupported: (struct: string, off: number) => `no write support to ${struct} at off ${off}`,
  writeBeyondMember: (off: number, size: number, struct: string, end: number) =>
    `write access at off ${off} with size ${size} beyond the member of ${struct} ended at ${end}`,
  writeBeyondDummy: (off: number, size: number) => `write access at off ${off} with size ${size}`,
  writeDummy: () => 'only access to bpf_dummy_ops_state is supported',
  onlyRead: () => 'only read is supported',
  mapPtrNegative: (regno: number, name: string, off: number) =>
    `R${regno} is ${name} invalid negative access: off=${off}`,
  mapPtrWrite: (name: string) => `only read from ${name} is supported`,
  mapPtrType: (type: number) => `map_ptr access not supported for map type ${type}`,
  ptr32Bit: (regno: number) => `R${regno} 32-bit pointer arithmetic prohibited`,
  ptrNullArith: (regno: number, type: string) =>
    `R${regno} pointer arithmetic on ${type} prohibited, null-check it first`,
  ptrArith: (regno: number, type: string) => `R${regno} pointer arithmetic on ${type} prohibited`,
  ptrSubFromScalar: (regno: number) => `R${regno} tried to subtract pointer from scalar`,
  ptrSubStack: (regno: number) => `R${regno} subtraction from stack pointer prohibited`,
  ptrBitwise: (regno: number, op: string) => `R${regno} bitwise operator ${op} on pointer prohibited`,
  ptrOperator: (regno: number, op: string) => `R${regno} pointer arithmetic with ${op} operator prohibited`,
  ptrMathValue: (type: string, value: bigint) => `math between ${type} pointer and ${value} is not allowed`,
  ptrOffset: (type: string, off: number) => `${type} pointer offset ${off} is not allowed`,
  ptrUnboundedMin: (type: string) =>
    `math between ${type} pointer and register with unbounded min value is not allowed`,
  ptrOutOfBounds: (value: bigint, type: string) => `value ${value} makes ${type} pointer be out of bounds`,
  stackVariable: (regno: number, tnum: string, off: number) =>
    `R${regno} variable stack access prohibited for !root, var_off=${tnum} off=${off}`,
  stackArithRange: (regno: number, off: number) =>
    `R${regno} stack pointer arithmetic goes out of range, prohibited for !root; off=${off}`,
  mapArithRange: (regno: number) => `R${regno} pointer arithmetic of map value goes out of range, prohibited for !root`,
  sanitizeBounds: (regno: number) => `R${regno} has unknown scalar with mixed signed bounds, ${NOT_FOR_ALL}`,
  sanitizeType: (regno: number) => `R${regno} has pointer with unsupported alu operation, ${NOT_FOR_ALL}`,
  sanitizePaths: (regno: number, op: string) =>
    `R${regno} tried to ${op} from different maps, paths or scalars, ${NOT_FOR_ALL}`,
  sanitizeLimit: (regno: number, op: string) => `R${regno} tried to ${op} beyond pointer bounds, ${NOT_FOR_ALL}`,
  sanitizeStack: (regno: number) => `R${regno} could not be pushed for speculative verification, ${NOT_FOR_ALL}`,
  slotConstant: (kind: string) => `${kind} has to be at a constant offset`,
  slotOffset: (kind: string, off: number) => `cannot pass in ${kind} at an offset=${off}`,
  dynptrOverwrite: () => 'cannot overwrite referenced dynptr',
  ldxReserved: () => 'BPF_LDX uses reserved fields',
  ldImm64Invalid: () => 'invalid bpf_ld_imm64 insn',
  ldImm64Unrecognized: () => 'unrecognized bpf_ld_imm64 insn',
  ldImmReserved: () => 'BPF_LD_IMM64 uses reserved fields',
  unknownOpcode: (code: number) => `unknown opcode ${code.toString(16).padStart(2, '0')}`,
  fdNoMap: (fd: number) => `fd ${fd} is not pointing to valid bpf_map`,
  directOffset: (off: number) => `direct value offset of ${off} is not allowed`,
  directNone: () => 'no direct value access support for this map type',
  directRange: (valueSize: number, off: number) =>
    `invalid access to map value pointer, value_size=${valueSize} off=${off}`,
  btfIdUnknown: (id: number) => `ldimm64 insn specifies invalid btf_id ${id}.`,
  btfIdKind: (id: number) => `pseudo btf_id ${id} in ldimm64 isn't KIND_VAR or KIND_FUNC`,
  btfIdModule: () => 'invalid module BTF object FD specified.',
  btfIdSize: (name: string, error: number) => `ldimm64 unable to resolve the size of type '${name}': ${error}`,
  tracingGraph: () => 'tracing progs cannot use bpf_{list_head,rb_root} yet',
  socketSpin: () => 'socket filter progs cannot use bpf_spin_lock yet',
  tracingSpin: () => 'tracing progs cannot use bpf_spin_lock yet',
  tracingTimer: () => 'tracing progs cannot use bpf_timer yet',
  tracingWq: () => 'tracing progs cannot use bpf_wq yet',
  structOpsMap: () => 'bpf_struct_ops map cannot be used in prog',
  sleepableMap: () => 'Sleepable programs can only use array, hash, ringbuf and local storage maps',
  oneCgroupStorage: () => 'only one cgroup storage of each type is allowed',
  oneArena: () => 'Only one arena per program',
  arenaCaps: () => 'CAP_BPF and CAP_PERFMON are required to use arena',
  noFuncInfo: () => 'missing btf func_info',
  callbackNotStatic: () => 'callback function not static',
  ldAbsType: () => 'BPF_LD_[ABS|IND] instructions not allowed for this program type',
  ldAbsReserved: () => 'BPF_LD_[ABS|IND] uses reserved fields',
  ldAbsCtx: () => 'at the time of BPF_LD_ABS|IND R6 != pointer to skb',
  tooManyMaps: (n: number) => `The total number of maps per program has reached the limit of ${n}`,
  syscallSleepable: () => 'Syscall programs can only be sleepable',
  notSleepableType: () => 'Only fentry/fexit/fmod_ret, lsm, iter, uprobe, and struct_ops programs can be sleepable',
  attachNoId: () => 'Tracing programs must provide btf_id',
  attachInvalidId: (id: number) => `attach_btf_id ${id} is invalid`,
  attachExtKernel: () => 'Cannot replace kernel functions',
  attachNoTypedef: (id: number) => `attach_btf_id ${id} is not a typedef`,
  attachWrongName: (id: number, name: string) => `attach_btf_id ${id} points to wrong type name ${name}`,
  attachNoFunc: (id: number) => `attach_btf_id ${id} is not a function`,
  attachNotSleepable: (name: string) => `${name} is not sleepable`,
  attachNotModifiable: (name: string) => `${name}() is not modifiable`,
  attachDenied: (name: string) => `Attaching tracing programs to function '${name}' is rejected.`,
  attachNoreturn: (name: string) => `Attaching fexit/fmod_ret to __noreturn function '${name}' is rejected.`,
  attachTooManyArgs: (name: string, n: number) => `The function ${name} has ${n} arguments. Too many.`,
  attachReturn: (name: string, kind: string) => `The function ${name} return type ${kind} is unsupported.`,
  attachVararg: (name: string) => `The function ${name} with variable args is unsupported.`,
  attachArg: (name: string, i: number, kind: string) => `The function ${name} arg${i} type ${kind} is unsupported.`,
  attachArgSize: (name: string, i: number) => `The function ${name} has malformed void argument ${i}.`,
  lsmGpl: () => 'LSM programs must have a GPL compatible license',
  lsmDisabled: (id: number, name: string) => `attach_btf_id ${id} points to disabled hook ${name}`,
  lsmNoHook: (id: number, name: string) => `attach_btf_id ${id} points to wrong type name ${name}`,
  lsmCgroupVoid: () => "Note, BPF_LSM_CGROUP that attach to void LSM hooks can't modify return value!",
  structOpsGpl: () => 'struct ops programs must have a GPL compatible license',
  structOpsType: (id: number) => `attach_btf_id ${id} is not a supported struct`,
  structOpsMember: (index: number, name: string) => `attach to invalid member idx ${index} of struct ${name}`,
  structOpsNoFunc: (member: string, index: number, name: string) =>
    `attach to invalid member ${member}(@idx ${index}) of struct ${name}`,
  structOpsUnsupported: (member: string, name: string) => `attach to unsupported member ${member} of struct ${name}`,
  ldAbsNoBtf: () => 'LD_ABS is not allowed in subprogs without BTF',
  tailCallNoBtf: () => 'tail_call is not allowed in subprogs without BTF',
  ldAbsReturn: () => "LD_ABS is only allowed in functions that return 'int'.",
  tailCallReturn: () => "tail_call is only allowed in functions that return 'int'.",
  funcInfoCount: () => "number of funcs in func_info doesn't match number of subprogs",
  funcInfoLayout: () => "func_info BTF section doesn't match subprog layout in BPF program",
  funcInfoType: (id: number) => `invalid type id ${id} in func info`,
  lineInfoOrder: (i: number, insn: number, previous: number, length: number) =>
    `Invalid line_info[${i}].insn_off:${insn} (prev_offset:${previous} prog->len:${length})`,
  lineInfoCode: (i: number) => `Invalid insn code at line_info[${i}].insn_off`,
  lineInfoMissing: (func: number) => `missing bpf_line_info for func#${func}`,
  lineInfoMissingRest: (count: number, func: number) =>
    `missing bpf_line_info for ${count} funcs starting from func#${func}`,
  returnLeaks: (regno: number) => `R${regno} leaks addr as return value`,
  subprogReturn: (regno: number, type: string) =>
    `At subprogram exit the register R${regno} is not a scalar value (${type})`,
  returnUnknown: (exit: string, regno: number, type: string) =>
    `${exit} the register R${regno} is not a known value (${type})`,
} as const;
