/**
 * Type numbers of include/linux/bpf.h as Linux 6.18 has them: what a register holds, what a helper wants and returns. The low
 * 8 bits are the base type, the bits above are flags. A combination is written `PTR_TO_BTF_ID | PTR_TRUSTED`.
 */

/** Flags of a type (enum bpf_type_flag). */
export const PTR_MAYBE_NULL = 1 << 8;
export const MEM_RDONLY = 1 << 9;
export const MEM_RINGBUF = 1 << 10;
export const MEM_USER = 1 << 11;
export const MEM_PERCPU = 1 << 12;
export const OBJ_RELEASE = 1 << 13;
export const PTR_UNTRUSTED = 1 << 14;
export const MEM_UNINIT = 1 << 15;
export const DYNPTR_TYPE_LOCAL = 1 << 16;
export const DYNPTR_TYPE_RINGBUF = 1 << 17;
export const MEM_FIXED_SIZE = 1 << 18;
export const MEM_ALLOC = 1 << 19;
export const PTR_TRUSTED = 1 << 20;
export const MEM_RCU = 1 << 21;
export const NON_OWN_REF = 1 << 22;
export const DYNPTR_TYPE_SKB = 1 << 23;
export const DYNPTR_TYPE_XDP = 1 << 24;
export const MEM_ALIGNED = 1 << 25;
export const MEM_WRITE = 1 << 26;
export const DYNPTR_TYPE_SKB_META = 1 << 27;
export const DYNPTR_TYPE_FLAG_MASK =
  DYNPTR_TYPE_LOCAL | DYNPTR_TYPE_RINGBUF | DYNPTR_TYPE_SKB | DYNPTR_TYPE_XDP | DYNPTR_TYPE_SKB_META;

const BASE_TYPE_MASK = 0xff;

/** The type without its flags. */
export function baseType(type: number): number {
  return type & BASE_TYPE_MASK;
}

/** The flags of a type. */
export function typeFlag(type: number): number {
  return type & ~BASE_TYPE_MASK;
}

/** What a register holds (enum bpf_reg_type). */
export const NOT_INIT = 0;
export const SCALAR_VALUE = 1;
export const PTR_TO_CTX = 2;
export const CONST_PTR_TO_MAP = 3;
export const PTR_TO_MAP_VALUE = 4;
export const PTR_TO_MAP_KEY = 5;
export const PTR_TO_STACK = 6;
export const PTR_TO_PACKET_META = 7;
export const PTR_TO_PACKET = 8;
export const PTR_TO_PACKET_END = 9;
export const PTR_TO_FLOW_KEYS = 10;
export const PTR_TO_SOCKET = 11;
export const PTR_TO_SOCK_COMMON = 12;
export const PTR_TO_TCP_SOCK = 13;
export const PTR_TO_TP_BUFFER = 14;
export const PTR_TO_XDP_SOCK = 15;
export const PTR_TO_BTF_ID = 16;
export const PTR_TO_MEM = 17;
export const PTR_TO_ARENA = 18;
export const PTR_TO_BUF = 19;
export const PTR_TO_FUNC = 20;
export const CONST_PTR_TO_DYNPTR = 21;
export const PTR_TO_MAP_VALUE_OR_NULL = PTR_TO_MAP_VALUE | PTR_MAYBE_NULL;
export const PTR_TO_SOCKET_OR_NULL = PTR_TO_SOCKET | PTR_MAYBE_NULL;
export const PTR_TO_SOCK_COMMON_OR_NULL = PTR_TO_SOCK_COMMON | PTR_MAYBE_NULL;
export const PTR_TO_TCP_SOCK_OR_NULL = PTR_TO_TCP_SOCK | PTR_MAYBE_NULL;
export const PTR_TO_BTF_ID_OR_NULL = PTR_TO_BTF_ID | PTR_MAYBE_NULL;

/** What a helper accepts (enum bpf_arg_type). */
export const ARG_DONTCARE = 0;
export const ARG_CONST_MAP_PTR = 1;
export const ARG_PTR_TO_MAP_KEY = 2;
export const ARG_PTR_TO_MAP_VALUE = 3;
export const ARG_PTR_TO_MEM = 4;
export const ARG_PTR_TO_ARENA = 5;
export const ARG_CONST_SIZE = 6;
export const ARG_CONST_SIZE_OR_ZERO = 7;
export const ARG_PTR_TO_CTX = 8;
export const ARG_ANYTHING = 9;
export const ARG_PTR_TO_SPIN_LOCK = 10;
export const ARG_PTR_TO_SOCK_COMMON = 11;
export const ARG_PTR_TO_SOCKET = 12;
export const ARG_PTR_TO_BTF_ID = 13;
export const ARG_PTR_TO_RINGBUF_MEM = 14;
export const ARG_CONST_ALLOC_SIZE_OR_ZERO = 15;
export const ARG_PTR_TO_BTF_ID_SOCK_COMMON = 16;
export const ARG_PTR_TO_PERCPU_BTF_ID = 17;
export const ARG_PTR_TO_FUNC = 18;
export const ARG_PTR_TO_STACK = 19;
export const ARG_PTR_TO_CONST_STR = 20;
export const ARG_PTR_TO_TIMER = 21;
export const ARG_KPTR_XCHG_DEST = 22;
export const ARG_PTR_TO_DYNPTR = 23;
export const ARG_PTR_TO_MAP_VALUE_OR_NULL = ARG_PTR_TO_MAP_VALUE | PTR_MAYBE_NULL;
export const ARG_PTR_TO_MEM_OR_NULL = ARG_PTR_TO_MEM | PTR_MAYBE_NULL;
export const ARG_PTR_TO_CTX_OR_NULL = ARG_PTR_TO_CTX | PTR_MAYBE_NULL;
export const ARG_PTR_TO_SOCKET_OR_NULL = ARG_PTR_TO_SOCKET | PTR_MAYBE_NULL;
export const ARG_PTR_TO_STACK_OR_NULL = ARG_PTR_TO_STACK | PTR_MAYBE_NULL;
export const ARG_PTR_TO_BTF_ID_OR_NULL = ARG_PTR_TO_BTF_ID | PTR_MAYBE_NULL;
export const ARG_PTR_TO_UNINIT_MEM = ARG_PTR_TO_MEM | MEM_UNINIT | MEM_WRITE;
export const ARG_PTR_TO_FIXED_SIZE_MEM = ARG_PTR_TO_MEM | MEM_FIXED_SIZE;

/** What a helper returns (enum bpf_return_type). */
export const RET_INTEGER = 0;
export const RET_VOID = 1;
export const RET_PTR_TO_MAP_VALUE = 2;
export const RET_PTR_TO_SOCKET = 3;
export const RET_PTR_TO_TCP_SOCK = 4;
export const RET_PTR_TO_SOCK_COMMON = 5;
export const RET_PTR_TO_MEM = 6;
export const RET_PTR_TO_MEM_OR_BTF_ID = 7;
export const RET_PTR_TO_BTF_ID = 8;
export const RET_PTR_TO_MAP_VALUE_OR_NULL = RET_PTR_TO_MAP_VALUE | PTR_MAYBE_NULL;
export const RET_PTR_TO_SOCKET_OR_NULL = RET_PTR_TO_SOCKET | PTR_MAYBE_NULL;
export const RET_PTR_TO_TCP_SOCK_OR_NULL = RET_PTR_TO_TCP_SOCK | PTR_MAYBE_NULL;
export const RET_PTR_TO_SOCK_COMMON_OR_NULL = RET_PTR_TO_SOCK_COMMON | PTR_MAYBE_NULL;
export const RET_PTR_TO_RINGBUF_MEM_OR_NULL = RET_PTR_TO_MEM | PTR_MAYBE_NULL | MEM_RINGBUF;
export const RET_PTR_TO_DYNPTR_MEM_OR_NULL = RET_PTR_TO_MEM | PTR_MAYBE_NULL;
export const RET_PTR_TO_BTF_ID_OR_NULL = RET_PTR_TO_BTF_ID | PTR_MAYBE_NULL;
export const RET_PTR_TO_BTF_ID_TRUSTED = RET_PTR_TO_BTF_ID | PTR_TRUSTED;
