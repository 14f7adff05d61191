/** The engines that run in the simulated kernel, by name. */
import type { KernelMemory } from '../kernel/memory.ts';
import type { Engine } from './engine.ts';
import { Interpreter } from './interp.ts';
import { Jit } from './jit/jit.ts';
import type { CallResolver } from './link.ts';

const ENGINES = {
  interp: Interpreter,
  jit: Jit,
} as const;

/** interp checks every access and can be stepped; jit is fast, and trusts the verifier. */
export type EngineName = keyof typeof ENGINES;

export const ENGINE_NAMES = Object.keys(ENGINES) as EngineName[];

/** An engine over a machine's memory. */
export function createEngine(name: EngineName, memory: KernelMemory, callOf: CallResolver): Engine {
  return new ENGINES[name](memory, callOf);
}
