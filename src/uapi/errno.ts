/** Linux errno values that the simulated kernel and its verifier return (include/uapi/asm-generic/errno*.h). */
export const errno = {
  EPERM: 1,
  ENOENT: 2,
  ESRCH: 3,
  EINTR: 4,
  EIO: 5,
  E2BIG: 7,
  EBADF: 9,
  EAGAIN: 11,
  ENOMEM: 12,
  EACCES: 13,
  EFAULT: 14,
  EBUSY: 16,
  EEXIST: 17,
  ENODEV: 19,
  EINVAL: 22,
  ENOSPC: 28,
  ERANGE: 34,
  EDEADLK: 35,
  ENAMETOOLONG: 36,
  ELOOP: 40,
  EPROTO: 71,
  EBADMSG: 74,
  EOVERFLOW: 75,
  EOPNOTSUPP: 95,
  ENOTSUPP: 524,
} as const;

export type Errno = (typeof errno)[keyof typeof errno];

/** `EINVAL` for 22; the number itself where it has no name here. */
export function errnoName(value: number): string {
  for (const [name, number] of Object.entries(errno)) if (number === value) return name;
  return String(value);
}
