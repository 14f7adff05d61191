/** Limits of the verifier, from include/linux/bpf_verifier.h and linux/bpf.h. */

export const MAX_BPF_REG = 11;
export const MAX_BPF_STACK = 512;
export const BPF_REG_SIZE = 8;
/** As many frames as any release allows; Env.maxCallFrames is what holds. */
export const MAX_CALL_FRAMES = 16;
export const BPF_COMPLEXITY_LIMIT_INSNS = 1_000_000;
export const BPF_COMPLEXITY_LIMIT_JMP_SEQ = 8192;
export const BPF_MAX_SUBPROGS = 256;
export const BPF_MAX_VAR_OFF = 1 << 29;
export const BPF_MAX_VAR_SIZ = 1 << 29;
