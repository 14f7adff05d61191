/** Messages of the main loop, control flow, registers, stack, jumps, arithmetic on scalars. */
export const core = {
  notInit: (regno: number) => `R${regno} !read_ok`,
  regInvalid: (regno: number) => `R${regno} is invalid`,
  frameReadOnly: () => 'frame pointer is read only',
} as const;
