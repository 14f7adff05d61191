// One simulated CPU on a thread of its own: attaches to the machine's memory and runs a named job. Plain JavaScript, because
// workers start without the test runner's loader.
import { parentPort, workerData } from 'node:worker_threads';

const { memory, module, percpu, cpu, job, times, cells } = workerData;
const gs = new WebAssembly.Global({ value: 'i32', mutable: true }, percpu);
const { exports: k } = new WebAssembly.Instance(module, { env: { memory }, worker: { gs } });
const words = () => new Int32Array(memory.buffer);

/** Header fields before an object, in words: see OBJ_ in assembly/layout.ts. */
const STATE = -4;
const OBJ_LIVE = 1;
const OBJ_RCU = 4;

/** Starts when every worker is ready. */
function barrier(workers) {
  Atomics.add(words(), cells >> 2, 1);
  while (Atomics.load(words(), cells >> 2) < workers);
}

const jobs = {
  /** Claims bits of one word by test_and_set and gives them back; a bit claimed twice shows in its owner cell. */
  claim({ mask, bits }) {
    let claimed = 0;
    let wrong = 0;
    const owner = (cells >> 2) + 16;
    const mem = words();
    for (let i = 0; i < times; i++) {
      const bit = (i * 7 + cpu) % bits;
      if (k.bpf_cpumask_test_and_set_cpu(bit, mask)) continue;
      claimed++;
      if (mem[owner + bit] !== 0) wrong++;
      mem[owner + bit] = cpu + 1;
      if (mem[owner + bit] !== cpu + 1) wrong++;
      mem[owner + bit] = 0;
      if (!k.bpf_cpumask_test_and_clear_cpu(bit, mask)) wrong++;
    }
    return { claimed, wrong };
  },

  /** Sets and clears bits of its own in a word that others change too; none may get lost. */
  neighbours({ mask }) {
    let wrong = 0;
    for (let i = 0; i < times; i++) {
      const bit = ((i % 16) << 1) | (cpu & 1);
      k.bpf_cpumask_set_cpu(bit, mask);
      if (!k.bpf_cpumask_test_cpu(bit, mask)) wrong++;
      k.bpf_cpumask_clear_cpu(bit, mask);
      if (k.bpf_cpumask_test_cpu(bit, mask)) wrong++;
    }
    return { wrong };
  },

  /** Replaces the published mask: the old one is released while readers may look at it. */
  publish() {
    const cell = (cells >> 2) + 1;
    // At least `times`, and until the reader has seen enough: the host may run the two one after the other.
    for (let i = 0; i < times || Atomics.load(words(), (cells >> 2) + 2) === 0; i++) {
      const mask = k.bpf_cpumask_create();
      if (mask === 0) continue;
      k.bpf_cpumask_set_cpu(i & 63, mask);
      const old = Atomics.exchange(words(), cell, mask);
      if (old) k.bpf_cpumask_release(old);
    }
    return {};
  },

  /** Reads the published mask: inside a read section it is never freed nor used for something else. */
  read() {
    const cell = (cells >> 2) + 1;
    let wrong = 0;
    let seen = 0;
    while (seen < times) {
      k.rcu_read_lock();
      const mask = Atomics.load(words(), cell);
      if (mask) {
        seen++;
        const first = k.bpf_cpumask_first(mask);
        for (let j = 0; j < 20; j++) {
          const state = Atomics.load(words(), (mask >> 2) + STATE);
          if (state !== OBJ_LIVE && state !== OBJ_RCU) wrong++;
          if (k.bpf_cpumask_first(mask) !== first || k.bpf_cpumask_weight(mask) !== 1) wrong++;
        }
      }
      k.rcu_read_unlock();
    }
    Atomics.store(words(), (cells >> 2) + 2, 1);
    return { wrong };
  },

  /** Takes and gives back references to one mask that all share. */
  share({ mask }) {
    for (let i = 0; i < times; i++) {
      k.bpf_cpumask_acquire(mask);
      k.bpf_cpumask_release(mask);
    }
    return {};
  },

  /** References that pass between workers: created here, acquired and released on both sides. */
  references() {
    const cell = (cells >> 2) + 1;
    const wrong = 0;
    for (let i = 0; i < times; i++) {
      let mask = Atomics.exchange(words(), cell, 0);
      if (mask === 0) mask = k.bpf_cpumask_create();
      if (mask === 0) continue;
      k.bpf_cpumask_acquire(mask);
      k.bpf_cpumask_release(mask);
      const old = Atomics.exchange(words(), cell, mask);
      if (old) k.bpf_cpumask_release(old);
    }
    return { wrong };
  },

  /** One call, with cells that say when it begins and when it is over. */
  call({ name, args }) {
    Atomics.store(words(), (cells >> 2) + 3, 1);
    k[name](...args);
    Atomics.store(words(), (cells >> 2) + 4, 1);
    Atomics.notify(words(), (cells >> 2) + 4);
    return {};
  },
};

barrier(workerData.workers);
parentPort.postMessage(jobs[job](workerData.args));
