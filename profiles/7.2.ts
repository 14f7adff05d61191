import type { ReleaseFile } from './release.ts';

export default {
  release: '7.2',
  version: [7, 2, 12],
  asked: '7.2.12',
  btf: '7.2',
  features: {
    release_wants_reference: {
      part: 'verifier',
      summary:
        'What a releasing kfunc gets is looked at before its type: anything but a reference is refused with EINVAL.',
      evidence: 'measured',
      source: '7.1.13 and 7.2.12 on life_double_release',
    },
    kernel_memory_by_access: {
      part: 'verifier',
      summary: 'Memory that a global function may write must not be a kernel struct.',
      remedy: 'copy the struct, or tag the argument __arg_trusted',
      evidence: 'measured',
      source: '7.1.13 and 7.2.12 on sub_global.to_plain',
    },
    nonnull_refuses_zero: {
      part: 'verifier',
      summary: 'A literal NULL is refused for a __arg_nonnull argument.',
      remedy: 'tag the argument __arg_nullable',
      evidence: 'documented',
      source: 'btf_check_func_arg_match()',
    },
    unsupported_global_eopnotsupp: {
      part: 'verifier',
      summary: 'A global function whose return type is not supported is EOPNOTSUPP.',
      evidence: 'measured',
      source: '7.1.13 and 7.2.12 on sub_global_result.calls_returns_pointer',
    },
    deep_call_stack: {
      part: 'verifier',
      summary: 'Calls may be 16 frames deep; before, 8.',
      remedy: 'inline functions',
      evidence: 'documented',
      source: 'MAX_CALL_FRAMES',
    },
    kptrs_survive_recycling: {
      part: 'machine',
      summary: 'The kptrs of a deleted element of a preallocated hash map stay in it until they are replaced.',
      remedy: 'take the old value out after bpf_kptr_xchg() and release it',
      evidence: 'documented',
      source: 'kernel/bpf/hashtab.c',
    },
  },
  words: {
    helperNull: {
      is: (regno) => `Possibly NULL pointer passed to helper R${regno}`,
      evidence: 'measured',
      source: '7.1.13 and 7.2.12',
    },
    trustedNull: {
      is: (arg) => `Possibly NULL pointer passed to trusted R${arg + 1}`,
      evidence: 'measured',
      source: '7.1.13 and 7.2.12',
    },
    dynptrNotInit: {
      is: (arg) => `Expected an initialized dynptr as R${arg + 1}`,
      evidence: 'measured',
      source: '7.1.13 and 7.2.12',
    },
    dynptrExpected: {
      is: (arg) => `R${arg + 1} expected pointer to stack or const struct bpf_dynptr`,
      evidence: 'documented',
      source: 'process_dynptr_func()',
    },
    iterExpected: {
      is: (arg) => `R${arg + 1} expected pointer to an iterator on stack`,
      evidence: 'measured',
      source: '7.1.13 and 7.2.12',
    },
    iterNotUninit: {
      is: (type, arg) => `expected uninitialized iter_${type} as R${arg + 1}`,
      evidence: 'measured',
      source: '7.1.13 and 7.2.12',
    },
    iterNotInit: {
      is: (type, arg) => `expected an initialized iter_${type} as R${arg + 1}`,
      evidence: 'measured',
      source: '7.1.13 and 7.2.12',
    },
    irqNotUninit: {
      is: (arg) => `expected uninitialized irq flag as R${arg + 1}`,
      evidence: 'documented',
      source: 'process_irq_flag()',
    },
    irqNotInit: {
      is: (arg) => `expected an initialized irq flag as R${arg + 1}`,
      evidence: 'documented',
      source: 'process_irq_flag()',
    },
    expectedFor: {
      is: (arg, func) => `R${arg + 1} expected for ${func}()`,
      evidence: 'documented',
      source: 'check_kfunc_args()',
    },
    ctxExpected: {
      is: (arg, type) => `R${arg + 1} expected pointer to ctx, but got ${type}`,
      evidence: 'documented',
      source: 'check_kfunc_args()',
    },
    mapValueOrAlloc: {
      is: (arg) => `R${arg + 1} expected pointer to map value or allocated object`,
      evidence: 'documented',
      source: 'check_kfunc_args()',
    },
    mustPointToScalar: {
      is: (arg, kind, name, prefix) =>
        `R${arg + 1} pointer type ${kind} ${name} must point to ${prefix}scalar, or struct with scalar`,
      evidence: 'documented',
      source: 'check_kfunc_args()',
    },
    argSizeUnknown: {
      is: (arg, kind, name, error) =>
        `R${arg + 1} reference type('${kind} ${name}') size cannot be determined: ${error}`,
      evidence: 'documented',
      source: 'check_kfunc_args()',
    },
    funcExpected: {
      is: (arg) => `R${arg + 1} expected pointer to func`,
      evidence: 'documented',
      source: 'check_kfunc_args()',
    },
    refcountNoRef: {
      is: (arg) => `R${arg + 1} is neither owning or non-owning ref`,
      evidence: 'documented',
      source: 'check_kfunc_args()',
    },
    refcountNoField: {
      is: (arg) => `R${arg + 1} doesn't point to a type with bpf_refcount field`,
      evidence: 'documented',
      source: 'check_kfunc_args()',
    },
    notConstStr: {
      is: (arg) => `R${arg + 1} doesn't point to a const string`,
      evidence: 'documented',
      source: 'check_kfunc_args()',
    },
    notMapValue: {
      is: (arg) => `R${arg + 1} doesn't point to a map value`,
      evidence: 'documented',
      source: 'check_kfunc_args()',
    },
    notIrqFlag: {
      is: (arg) => `R${arg + 1} doesn't point to an irq flag on stack`,
      evidence: 'documented',
      source: 'check_kfunc_args()',
    },
    notMapValueOrAlloc: {
      is: (arg) => `R${arg + 1} doesn't point to map value or allocated object`,
      evidence: 'documented',
      source: 'check_kfunc_args()',
    },
    allocExpected: {
      is: (arg) => `R${arg + 1} expected pointer to allocated object`,
      evidence: 'measured',
      source: '7.1.13 and 7.2.12',
    },
    kfuncTypeUnsupported: {
      is: (func, arg, kind, name) =>
        `kernel function ${func} R${arg + 1} pointer type ${kind} ${name} is not supported`,
      evidence: 'measured',
      source: '7.1.13 and 7.2.12',
    },
    pointerMismatch: {
      is: (func, arg, want, regno, have) =>
        `kernel function ${func} R${arg + 1} expected pointer to ${want} but R${regno} has a pointer to ${have}`,
      evidence: 'measured',
      source: '7.1.13 and 7.2.12',
    },
    memLenPair: {
      is: (arg, len) => `R${arg + 1} and R${len + 1} memory, len pair leads to invalid memory access`,
      evidence: 'measured',
      source: '7.1.13 and 7.2.12',
    },
    mustBeReferenced: {
      is: (regno, func) => `release helper ${func} expects referenced PTR_TO_BTF_ID passed to R${regno}`,
      evidence: 'documented',
      source: 'check_func_arg()',
    },
    outsidePacketRange: {
      is: (regno) => `R${regno} min value is outside of the allowed memory range`,
      evidence: 'documented',
      source: 'check_packet_access()',
    },
  },
} as const satisfies ReleaseFile;
