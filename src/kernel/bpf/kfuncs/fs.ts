/** Files, paths and extended attributes, for LSM programs. */
import { KF_ACQUIRE, KF_RELEASE, KF_RET_NULL, KF_SLEEPABLE, KF_TRUSTED_ARGS, type KfuncRow } from '../rows.ts';
import { HOOK_LSM, kfunc } from './hooks.ts';

export const FS_KFUNCS: readonly KfuncRow[] = [
  kfunc(
    'bpf_get_task_exe_file',
    'struct file *(struct task_struct *task)',
    '6.12',
    KF_ACQUIRE | KF_TRUSTED_ARGS | KF_RET_NULL,
    HOOK_LSM,
    'fs/bpf_fs_kfuncs.c',
  ),
  kfunc('bpf_put_file', 'void (struct file *file)', '6.12', KF_RELEASE, HOOK_LSM, 'fs/bpf_fs_kfuncs.c'),
  kfunc(
    'bpf_path_d_path',
    'int (const struct path *path, char *buf, size_t buf__sz)',
    '6.12',
    KF_TRUSTED_ARGS,
    HOOK_LSM,
    'fs/bpf_fs_kfuncs.c',
  ),
  kfunc(
    'bpf_get_dentry_xattr',
    'int (struct dentry *dentry, const char *name__str, struct bpf_dynptr *value_p)',
    '6.12',
    KF_SLEEPABLE | KF_TRUSTED_ARGS,
    HOOK_LSM,
    'fs/bpf_fs_kfuncs.c',
  ),
  kfunc(
    'bpf_get_file_xattr',
    'int (struct file *file, const char *name__str, struct bpf_dynptr *value_p)',
    '6.8',
    KF_SLEEPABLE | KF_TRUSTED_ARGS,
    HOOK_LSM,
    'fs/bpf_fs_kfuncs.c',
  ),
  kfunc(
    'bpf_set_dentry_xattr',
    'int (struct dentry *dentry, const char *name__str, const struct bpf_dynptr *value_p, int flags)',
    '6.15',
    KF_SLEEPABLE | KF_TRUSTED_ARGS,
    HOOK_LSM,
    'fs/bpf_fs_kfuncs.c',
  ),
  kfunc(
    'bpf_remove_dentry_xattr',
    'int (struct dentry *dentry, const char *name__str)',
    '6.15',
    KF_SLEEPABLE | KF_TRUSTED_ARGS,
    HOOK_LSM,
    'fs/bpf_fs_kfuncs.c',
  ),
  kfunc(
    'bpf_get_fsverity_digest',
    'int (struct file *file, struct bpf_dynptr *digest_p)',
    '6.8',
    KF_TRUSTED_ARGS,
    HOOK_LSM,
    'fs/verity/measure.c',
  ),
];
