// Preloaded by Node: threads of the process, but not the process, end as they begin.
const { isMainThread } = require('node:worker_threads');

if (!isMainThread) process.exit(7);
