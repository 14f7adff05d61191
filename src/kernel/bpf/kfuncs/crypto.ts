/** Symmetric ciphers. */
import { KF_ACQUIRE, KF_RCU, KF_RELEASE, KF_RET_NULL, KF_SLEEPABLE, type KfuncRow } from '../rows.ts';
import { HOOK_CRYPT, HOOK_SYSCALL, kfunc } from './hooks.ts';

export const CRYPTO_KFUNCS: readonly KfuncRow[] = [
  kfunc(
    'bpf_crypto_ctx_create',
    'struct bpf_crypto_ctx *(const struct bpf_crypto_params *params, u32 params__sz, int *err)',
    '6.10',
    KF_ACQUIRE | KF_RET_NULL | KF_SLEEPABLE,
    HOOK_SYSCALL,
    'kernel/bpf/crypto.c',
  ),
  kfunc(
    'bpf_crypto_ctx_release',
    'void (struct bpf_crypto_ctx *ctx)',
    '6.10',
    KF_RELEASE,
    HOOK_SYSCALL,
    'kernel/bpf/crypto.c',
  ),
  kfunc(
    'bpf_crypto_ctx_acquire',
    'struct bpf_crypto_ctx *(struct bpf_crypto_ctx *ctx)',
    '6.10',
    KF_ACQUIRE | KF_RCU | KF_RET_NULL,
    HOOK_SYSCALL,
    'kernel/bpf/crypto.c',
  ),
  kfunc(
    'bpf_crypto_decrypt',
    'int (struct bpf_crypto_ctx *ctx, const struct bpf_dynptr *src, const struct bpf_dynptr *dst, const struct bpf_dynptr *siv__nullable)',
    '6.10',
    KF_RCU,
    HOOK_CRYPT,
    'kernel/bpf/crypto.c',
  ),
  kfunc(
    'bpf_crypto_encrypt',
    'int (struct bpf_crypto_ctx *ctx, const struct bpf_dynptr *src, const struct bpf_dynptr *dst, const struct bpf_dynptr *siv__nullable)',
    '6.10',
    KF_RCU,
    HOOK_CRYPT,
    'kernel/bpf/crypto.c',
  ),
];
