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
  kptrInsn: () => 'kptr in map can only be accessed using BPF_LDX/BPF_STX/BPF_ST',
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
  writeNotSupported: (off: number) => `no write support to tcp_sock at off ${off}`,
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
} as const;
