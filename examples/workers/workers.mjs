// A BPF program computes which CPUs may be used (balance.bpf.c: housekeeping, not isolated); worker threads of this very process
// are bound to that mask, work for a moment, and tell where they ran. node examples/workers/workers.mjs [WORKERS]
import { readFileSync } from 'node:fs';
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';
import { CpuMask, createMachine, getAffinity, NotSupported, setAffinity } from 'bpf-cpumask';

const WORK_MS = 100;

/** CPU that the calling thread is on: field 39 of its stat; the second, its name, may hold spaces. */
function processor() {
  const stat = readFileSync('/proc/thread-self/stat', 'utf8');
  return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[36]);
}

/** What the program makes of the CPUs that this process has: all but the lowest, which is left to others if there are more. */
function usableCpus(own) {
  const others = own.weight > 1 ? CpuMask.of(own.first) : CpuMask.of();
  const machine = createMachine({ cpus: own.last + 1 });
  const object = machine.load(readFileSync(new URL('../balance/balance.bpf.o', import.meta.url)), {
    set: { housekeeping_cpus: own.toBigInt(), isolated_cpus: others.toBigInt() },
  });
  const { retval } = object.program('set_up').run();
  if (retval !== 0) throw new Error(`set_up returned ${retval | 0}`);
  return CpuMask.fromList(object.globals.get('usable').cpus);
}

function work() {
  setAffinity(CpuMask.fromList(workerData.cpus));
  const seen = new Set();
  for (const end = performance.now() + WORK_MS; performance.now() < end; ) seen.add(processor());
  parentPort.postMessage({ allowed: String(getAffinity()), ran: String(CpuMask.of(...seen)) });
}

function start(cpus) {
  return new Promise((resolve, reject) => {
    const worker = new Worker(new URL(import.meta.url), { workerData: { cpus } });
    worker.once('message', resolve);
    worker.once('error', reject);
  });
}

async function main() {
  // The program's masks are given as one u64.
  const own = getAffinity().and(CpuMask.fromList('0-63'));
  const usable = usableCpus(own);
  console.log(`this process may use ${own}; the program chose ${usable}`);
  const count = Number(process.argv[2] ?? 3);
  const results = await Promise.all(Array.from({ length: count }, () => start(String(usable))));
  for (const [i, { allowed, ran }] of results.entries()) console.log(`worker ${i}: allowed ${allowed}, ran on ${ran}`);
}

try {
  if (isMainThread) await main();
  else work();
} catch (error) {
  if (!(error instanceof NotSupported)) throw error;
  console.log(error.message);
  process.exitCode = 3;
}
