/** A program is larger than WebAssembly engines take, or would take longer to compile than it is worth: it is interpreted. */
export class TooLarge extends Error {}
