/**
 * Programs, their linked instructions and the interpreter's state in simulated memory. Like layout.ts: untyped integer
 * constants, read by AssemblyScript and TypeScript.
 */

/** struct bpf_prog. Program id, 1 to 4095. u32 each */
export const BP_ID = 0;
/** Instructions, and the offset of their linked form: BP_LEN + 1 entries, the last an OP_PAST_END. */
export const BP_LEN = 4;
export const BP_INSNS = 8;
/** Linked instruction of the exception callback; 0: bpf_throw's cookie is the result. */
export const BP_EXCEPTION_CB = 12;
/** struct ctx_table *; 0 when every context field is plain memory. */
export const BP_CTX_TABLE = 16;
/** Table of local types (LTT_), what bpf_obj_new takes its ids from; 0: none. */
export const BP_LOCAL_TYPES = 20;
/** bpf_get_attach_cookie and bpf_get_func_ip. u64 each */
export const BP_COOKIE = 24;
export const BP_FUNC_IP = 32;
/** Non-zero: it may sleep, so it runs under rcu_read_lock_trace. u32 */
export const BP_SLEEPABLE = 40;
/** Number of the compiled program in its engine's table (engine/jit); not the interpreter's. u32 */
export const BP_ENTRY = 44;
export const BP_SIZE = 48;

/**
 * A linked instruction: | op u8 | dst u8 | src u8 | flags u8 | off s32 | imm s64 |. op is the number of its row in
 * uapi/insn.ts (generated/ops.ts); registers are byte offsets in IC_REGS; a jump's off counts bytes from this instruction.
 * Index in the program = (address - BP_INSNS) / INSN_STRIDE, ld_imm64's second slot included.
 */
export const INSN_STRIDE = 16;
export const INSN_SHIFT = 4;
export const II_OP = 0;
export const II_DST = 1;
export const II_SRC = 2;
export const II_FLAGS = 3;
export const II_OFF = 4;
export const II_IMM = 8;
/** II_FLAGS: a load of kernel memory that may be gone; reads 0 then (BPF_PROBE_MEM). */
export const II_PROBE = 1;
/** II_FLAGS of what accesses memory: it writes, it is atomic; a load extends the sign, or a store takes its value from II_IMM. */
export const II_WRITE = 2;
export const II_ATOMIC = 4;
export const II_SIGNED = 8;
export const II_VALUE_IMM = 8;
/** II_FLAGS of the same, from this bit on: bytes accessed. */
export const II_BYTES = 4;
/** II_FLAGS of calls: check pointer arguments against the specs at II_OFF. */
export const II_CHECK_ARGS = 2;

/**
 * What a checked call may do with its pointer arguments: five u32. 0: not looked at. Else bytes of memory that must be
 * there, or one of the flags that say where that number is; ARG_MAP: a map.
 */
export const ARG_SPECS_SIZE = 20;
export const ARG_WRITE = 0x80000000;
export const ARG_MAYBE_NULL = 0x40000000;
/** As many bytes as the next argument says. */
export const ARG_SIZE_FROM_NEXT = 0x20000000;
/** A key, a value of the map that is argument 1. */
export const ARG_MAP_KEY = 0x10000000;
export const ARG_MAP_VALUE = 0x08000000;
export const ARG_MAP = 0x04000000;
export const ARG_SIZE_MASK = 0x03ffffff;

/** struct ctx_table: u32 count, then rows: field offset, bytes read, offset of the u64 that is read instead. u32 each */
export const CT_COUNT = 0;
export const CT_ROWS = 4;
export const CT_ROW_SIZE = 12;

/** Frames of one run: 8 of the verifier's, and those that tail calls leave below themselves. */
export const MAX_FRAMES = 32;
/** Stack of a frame: redzone, 512 bytes, and 64 more where the cursor of a map walk lies. */
export const STACK_REDZONE = 64;
export const STACK_SIZE = 512;
export const STACK_STRIDE = 640;

/** struct interp: one run of a program. Names with IC_ are offsets in it. r0 to r10, u64 each. */
export const IC_REGS = 0;
export const IC_R1 = 8;
export const IC_R2 = 16;
export const IC_R3 = 24;
export const IC_R4 = 32;
export const IC_R5 = 40;
export const IC_R6 = 48;
export const IC_R10 = 80;
/** Linked instruction that runs next; at a fault, the one at fault. u32 */
export const IC_PC = 96;
/** struct bpf_prog * that runs now. u32 */
export const IC_PROG = 100;
/** Innermost frame, 0 = the program's own. u32 */
export const IC_DEPTH = 104;
/** INTERP_ status. u32 */
export const IC_STATUS = 108;
/** Instructions executed. u64 */
export const IC_INSNS = 112;
export const IC_TAIL_CALLS = 120;
/** Context object, and its hidden u64s (CT_ROWS). u32 */
export const IC_CTX = 124;
/** Packet of ld_abs and ld_ind: offset and bytes; 0 when the program has none. u32 */
export const IC_PACKET = 128;
export const IC_PACKET_LEN = 132;
/** Stack area. u32 */
export const IC_STACKS = 136;
/** What went wrong: FAULT_ kind, address, bytes, non-zero for a write, shadow byte, argument number (1..5, 0: none). */
export const IC_FAULT_KIND = 140;
export const IC_FAULT_ADDR = 144;
export const IC_FAULT_SIZE = 152;
export const IC_FAULT_WRITE = 156;
export const IC_FAULT_SHADOW = 160;
export const IC_FAULT_ARG = 164;
/** Bytes above r10 that may be accessed too, for plain programs that were never verified. u32 */
export const IC_STACK_SLACK = 172;
/** What sections this CPU was in before (prog_save): 16 bytes. */
export const IC_SAVED = 176;
export const IC_FRAMES = 192;

/**
 * What compiled programs share with their engine: instructions that are left of the budget (s64), tail calls so far, packet of
 * ld_abs and ld_ind and its bytes (u32 each), what sections this CPU was in before (prog_save).
 */
export const JR_LEFT = 0;
export const JR_TAIL_CALLS = 8;
export const JR_PACKET = 16;
export const JR_PACKET_LEN = 20;
export const JR_SAVED = 24;
export const JR_SIZE = 40;

/** A frame: where it returns to, what its return means (FRAME_), the caller's program and registers. */
export const FR_RET = 0;
export const FR_KIND = 4;
export const FR_PROG = 8;
/** Iterations left before may_goto leaves this function's loops. u32 */
export const FR_MAY_GOTO = 12;
export const FR_R6 = 16;
export const FR_R10 = 48;
/** The continuation's own. u64 each */
export const FR_A = 56;
export const FR_B = 64;
export const FR_C = 72;
export const FR_D = 80;
export const FR_E = 88;
export const FR_F = 96;
export const FRAME_SIZE = 104;
export const IC_SIZE = 3520;

/** What a frame's exit continues. */
export const FRAME_CALL = 0;
export const FRAME_LOOP = 1;
export const FRAME_FOR_EACH = 2;
export const FRAME_RBTREE_ADD = 3;
export const FRAME_EXCEPTION = 4;

/** IC_STATUS, and what interp_run returns. */
export const INTERP_RUNNING = 0;
export const INTERP_EXITED = 1;
export const INTERP_FAULT = 2;

/** FAULT_ kinds. TypeScript words them (src/report/fault.ts). */
export const FAULT_ACCESS = 1;
export const FAULT_MISALIGNED = 2;
export const FAULT_OPCODE = 3;
export const FAULT_PAST_END = 4;
export const FAULT_CALL_DEPTH = 5;
export const FAULT_CALL = 6;
export const FAULT_CALLBACK = 7;
export const FAULT_NO_PACKET = 8;
export const FAULT_NO_MAP = 9;

/** may_goto: iterations of a function's loops (BPF_MAX_LOOPS). Also the limit of bpf_loop. */
export const BPF_MAX_LOOPS = 8388608;
export const MAX_TAIL_CALL_CNT = 33;

/** Functions that the engine runs itself, by II_IMM of OP_CALL_ENGINE. */
export const ENGINE_TAIL_CALL = 1;
export const ENGINE_LOOP = 2;
export const ENGINE_FOR_EACH = 3;
export const ENGINE_THROW = 4;
export const ENGINE_RBTREE_ADD = 5;
/** Any helper of the conformance plugin: r0 = r1. */
export const ENGINE_ECHO = 6;
