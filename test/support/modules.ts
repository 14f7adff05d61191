/** Bytes of each module of the JIT that `run` has compiled in this thread. */
export function compiledModules(run: () => void): number[] {
  const modules: number[] = [];
  const { Module } = WebAssembly;
  WebAssembly.Module = new Proxy(Module, {
    construct(target, [bytes]: [Uint8Array<ArrayBuffer>]) {
      const module = new target(bytes);
      if (target.imports(module).some(({ module: from }) => from === 'jit')) modules.push(bytes.length);
      return module;
    },
  });
  try {
    run();
  } finally {
    WebAssembly.Module = Module;
  }
  return modules;
}
