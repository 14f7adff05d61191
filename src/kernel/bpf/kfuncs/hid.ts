/** HID devices. */
import { KF_ACQUIRE, KF_RELEASE, KF_RET_NULL, KF_SLEEPABLE, type KfuncRow } from '../rows.ts';
import { HOOK_OPS_SYSCALL, HOOK_STRUCT_OPS, kfunc } from './hooks.ts';

export const HID_KFUNCS: readonly KfuncRow[] = [
  kfunc(
    'hid_bpf_get_data',
    '__u8 *(struct hid_bpf_ctx *ctx, unsigned int offset, const size_t rdwr_buf_size)',
    '6.3',
    KF_RET_NULL,
    HOOK_STRUCT_OPS,
    'drivers/hid/bpf/hid_bpf_dispatch.c',
  ),
  kfunc(
    'hid_bpf_try_input_report',
    'int (struct hid_bpf_ctx *ctx, enum hid_report_type type, u8 *buf, const size_t buf__sz)',
    '6.11',
    0,
    HOOK_STRUCT_OPS,
    'drivers/hid/bpf/hid_bpf_dispatch.c',
  ),
  kfunc(
    'hid_bpf_allocate_context',
    'struct hid_bpf_ctx *(unsigned int hid_id)',
    '6.3',
    KF_ACQUIRE | KF_RET_NULL | KF_SLEEPABLE,
    HOOK_OPS_SYSCALL,
    'drivers/hid/bpf/hid_bpf_dispatch.c',
  ),
  kfunc(
    'hid_bpf_release_context',
    'void (struct hid_bpf_ctx *ctx)',
    '6.3',
    KF_RELEASE | KF_SLEEPABLE,
    HOOK_OPS_SYSCALL,
    'drivers/hid/bpf/hid_bpf_dispatch.c',
  ),
  kfunc(
    'hid_bpf_hw_request',
    'int (struct hid_bpf_ctx *ctx, u8 *buf, size_t buf__sz, enum hid_report_type rtype, enum hid_class_request reqtype)',
    '6.3',
    KF_SLEEPABLE,
    HOOK_OPS_SYSCALL,
    'drivers/hid/bpf/hid_bpf_dispatch.c',
  ),
  kfunc(
    'hid_bpf_hw_output_report',
    'int (struct hid_bpf_ctx *ctx, __u8 *buf, size_t buf__sz)',
    '6.11',
    KF_SLEEPABLE,
    HOOK_OPS_SYSCALL,
    'drivers/hid/bpf/hid_bpf_dispatch.c',
  ),
  kfunc(
    'hid_bpf_input_report',
    'int (struct hid_bpf_ctx *ctx, enum hid_report_type type, u8 *buf, const size_t buf__sz)',
    '6.11',
    KF_SLEEPABLE,
    HOOK_OPS_SYSCALL,
    'drivers/hid/bpf/hid_bpf_dispatch.c',
  ),
];
