// Runs bundled test files against one build of kernel.wasm; tells the parent whether all pass.
import { parentPort, workerData } from 'node:worker_threads';

process.env.KERNEL_WASM = workerData.wasm;
let failure = null;
try {
  for (const file of workerData.files) {
    globalThis.collectedTests = [];
    await import(file);
    for (const { name, body } of globalThis.collectedTests) {
      try {
        await body();
      } catch (error) {
        throw new Error(`${name}: ${error.message}`);
      }
    }
  }
} catch (error) {
  failure = error.message ?? String(error);
}
parentPort.postMessage(failure);
