/** Messages of memory accesses, pointer arithmetic, maps, attachment. */
export const memory = {} as const;
