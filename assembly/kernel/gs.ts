// The one mutable global: the current CPU's base register. Each worker owns one and shares it between kernel.wasm and the
// modules it compiles; everything else lives in memory.
// @ts-ignore: decorator
@external("worker", "gs")
declare let gs: usize;

// @ts-ignore: decorator
@inline
export function this_cpu(): usize {
  return gs;
}

// @ts-ignore: decorator
@inline
export function set_this_cpu(percpu: usize): void {
  gs = percpu;
}
