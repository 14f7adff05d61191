/** Messages of helper, kfunc and function calls. */
export const calls = {} as const;
