/** The repository's root: a bundle of scripts/run.mjs is told, vitest runs sources in place. */
export const root = new URL(typeof PACKAGE_ROOT === 'string' ? PACKAGE_ROOT : '../', import.meta.url);
