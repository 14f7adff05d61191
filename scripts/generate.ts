/** Files that the build writes from the tables: path -> content. */
export const files: Record<string, string> = {};
