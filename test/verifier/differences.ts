/** What is known to differ from the live kernel, and what no case can show; both are part of docs/parity/verifier.md. */

interface Difference {
  readonly what: string;
  readonly ours: string;
  readonly kernel: string;
  readonly why: string;
}

export const DIFFERENCES: readonly Difference[] = [
  {
    what: '`&variable` of the kernel (ksym) where it was built without CONFIG_KALLSYMS_ALL',
    ours: 'judged as by a kernel with it',
    kernel: 'ENOENT, `ldimm64 failed to find the address for kernel symbol`',
    why: 'BTF does not say which symbols /proc/kallsyms has',
  },
  {
    what: '`bpf_probe_write_user` under lockdown',
    ours: 'allowed for tracing programs',
    kernel: 'EINVAL, `program of this type cannot use helper bpf_probe_write_user#36`',
    why: 'a state of the running kernel',
  },
  {
    what: 'LSM, fentry, fexit and fmod_ret programs where a policy forbids them',
    ours: 'judged',
    kernel: 'EPERM with an empty log',
    why: 'a security policy, before the verifier runs',
  },
  {
    what: 'an arena that nobody has mapped',
    ours: 'judged as libbpf loads it, which maps it first',
    kernel: "EINVAL, `arena's user address must be set via map_extra or mmap()`",
    why: 'the live engine does not map arenas',
  },
  {
    what: 'addresses, map uids and times in logs',
    ours: 'our own',
    kernel: 'its own',
    why: 'they differ from run to run',
  },
];

const UNPROVOKED_BY_REASON: Readonly<Record<string, readonly string[]>> = {
  'of another release, whose answers are in test/data/matrix': [
    'globalCallNoPreempt',
    'globalSleepsIn',
    'lockMissing',
    'rcuMissing',
    'preemptMissing',
    'releaseUnreferenced',
    'castNotStructOld',
  ],
  'no kfunc or helper of 6.18.44 has such a prototype': [
    'kfuncManyArgs',
    'oneConstant',
    'retBufTwice',
    'retBufNotConst',
    'retBufTooBig',
    'argTypeUnknown',
    'acquireNoBtfId',
    'returnUnsupported',
    'invalidSockmapArg',
    'unsupportedArgType',
    'allocUnhandled',
    'btfTypeMatch',
    'dynptrWrongType',
    'dynptrConst',
  ],
  'the kernel checks again what an earlier check has refused': [
    'helperNotAcquired',
    'kfuncNotAcquired',
    'helperBtfInvalid',
    'invalidMapPtr',
    'invalidBtfIdIn',
    'kfuncCallback',
    'kptrInsn',
    'mapPtrType',
    'globalNeedsBtf',
    'strNoDirect',
    'allocNotReferenced',
    'helperNull',
    'dynptrNotUninit',
    'argIsExpected',
    'iterInvalid',
    'fieldIndirect',
  ],
  'no call that could say it is allowed while a lock is held': ['lockTwice', 'rcuInTreeCallback'],
  "the kernel's BTF has no such type": [
    'typeSizeUnknown',
    'walkNotStruct',
    'walkNoSize',
    'btfIdSize',
    'ctxArgType',
    'ctxArgNoStruct',
    'ctxFmodRet',
    'ctxArgErr',
  ],
  'wants a kernel built with Qdisc or user-pointer maps, and a case that describes them': [
    'ctxReleased',
    'uptrStore',
    'btfUser',
  ],
  'the cases cannot describe it yet': [
    'kfuncTooMany',
    'treeNodeUnowned',
    'nodeOffset',
    'tagInStatic',
    'tagAlone',
    'tagTypeNotAllowed',
    'ctxVoid',
    'ctxNoName',
    'notConstStr',
    'destructive',
    'loopLimit',
    'writeDummy',
  ],
};

/**
 * Messages that no case provokes, and why. A message that is neither here nor provoked fails a test, and so does one that is here
 * but provoked.
 */
export const UNPROVOKED: Readonly<Record<string, string>> = Object.fromEntries(
  Object.entries(UNPROVOKED_BY_REASON).flatMap(([why, names]) => names.map((name) => [name, why])),
);
