/**
 * The command line lies in dist/ as scripts (main.cjs, conform.cjs), each with the code that V8 made of it when the package was
 * built: compiling them takes longer than most commands. That code only serves the Node that made it; another compiles the
 * script as usual. Code that is not needed takes time too: commands that have to be short have some of their own.
 */

/** What a script is: a function that fills in its exports, given what a module has. */
type ScriptBody = (exports: object, require: NodeJS.Require, module: { exports: object }, url: string) => void;

// By import, each of these would have all its exports looked up, lazy ones included.
const { readFileSync } = process.getBuiltinModule('node:fs');
const { createRequire } = process.getBuiltinModule('node:module');
const { Script } = process.getBuiltinModule('node:vm');
const { fileURLToPath } = process.getBuiltinModule('node:url');

/** Commands that have code of their own; the others share that of `run`. */
export const CACHED = ['run', 'verify', 'mask', 'matrix'] as const;

/** Where the code of a script for this Node and a command lies. */
export const codeCacheOf = (file: string, command: string): string =>
  `${file}.${command}.${process.version}-${process.arch}.cache`;

/** Runs a script of the package for a command; `compiled` is what V8 holds of it, `exports` what it exports. */
export function openScript<Exports>(
  url: URL,
  command: string,
): { compiled: import('node:vm').Script; exports: Exports } {
  const file = fileURLToPath(url);
  const compiled = new Script(readFileSync(file, 'latin1'), { filename: file, cachedData: codeOf(file, command) });
  const module: { exports: object } = { exports: {} };
  (compiled.runInThisContext() as ScriptBody)(module.exports, createRequire(file), module, url.href);
  return { compiled, exports: module.exports as Exports };
}

function codeOf(file: string, command: string): Buffer | undefined {
  try {
    return readFileSync(codeCacheOf(file, command));
  } catch {
    // Built by another Node: V8 compiles.
    return undefined;
  }
}
