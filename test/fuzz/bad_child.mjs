// Stands in for the process that runs fuzz cases: says that the job's first case started, then does what the job's seed names.
const job = JSON.parse(process.argv[3]);
const number = job.from;
const tell = (message) => new Promise((resolve) => process.send(message, resolve));
const ended = { kind: 'ended', number, outcome: 'run', cpuMs: 1, peak: 1 << 20 };

const deeds = {
  well: () => tell(ended),
  hang: () => {
    for (;;) if (Number.isNaN(performance.now())) break;
  },
  slow: () => tell({ ...ended, cpuMs: 1500 }),
  // Longer than one look of the parent, and gone before the next message.
  grow: () => {
    const held = Array.from({ length: 100 }, () => new Uint8Array(4 << 20).fill(1));
    const until = performance.now() + 3000;
    while (performance.now() < until && held.length > 0);
  },
  peak: () => tell({ ...ended, peak: 600 << 20 }),
  throw: () => tell({ kind: 'failed', number, text: 'TypeError: undefined' }),
  die: () => process.kill(process.pid, 'SIGSEGV'),
  leave: () => process.exit(7),
};

await tell({ kind: 'started', number });
await deeds[job.seed]();
process.disconnect();
