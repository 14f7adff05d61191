// Tasks: what programs read of the current one, references, and the walk over all. MACHINE lays task_struct out from BTF and
// tells the offsets (M_TASK_); the table of tasks is in pid order.
import { PC_CURRENT } from '../../layout';
import { refcount_dec_and_test } from '../../lib/refcount';
import { EINVAL } from '../errno';
import { this_cpu } from '../gs';
import { to_addr } from './addr';
import {
  M_CRED_GID, M_CRED_UID, M_TASKS, M_TASKS_COUNT, M_TASK_COMM, M_TASK_COMM_LEN, M_TASK_CRED, M_TASK_PID, M_TASK_RCU_USERS,
  M_TASK_TGID, NO_FIELD,
} from './map_layout';

// @ts-ignore: decorator
@inline
export function current(): usize {
  return load<u32>(this_cpu(), PC_CURRENT);
}

// @ts-ignore: decorator
@inline
export function task_pid(task: usize): u32 {
  return load<u32>(task + load<u32>(M_TASK_PID));
}

// @ts-ignore: decorator
@inline
export function task_tgid(task: usize): u32 {
  return load<u32>(task + load<u32>(M_TASK_TGID));
}

export function bpf_get_current_pid_tgid(): u64 {
  const task = current();
  return task ? ((<u64>task_tgid(task)) << 32) | task_pid(task) : <u64>(-EINVAL);
}

export function bpf_get_current_uid_gid(): u64 {
  const task = current();
  if (!task) return <u64>(-EINVAL);
  const cred_off = load<u32>(M_TASK_CRED);
  if (cred_off == NO_FIELD) return 0;
  const cred: usize = <usize>(<u32>load<u64>(task + cred_off));
  if (!cred) return 0;
  return ((<u64>load<u32>(cred + load<u32>(M_CRED_GID))) << 32) | load<u32>(cred + load<u32>(M_CRED_UID));
}

/** Copies the name with its terminator, cut to `size`, and clears the rest. */
export function bpf_get_current_comm(buf: usize, size: u32): i64 {
  const task = current();
  if (!task) {
    memory.fill(buf, 0, size);
    return -EINVAL;
  }
  const comm = task + load<u32>(M_TASK_COMM);
  const max = min(size, load<u32>(M_TASK_COMM_LEN));
  let length: u32 = 0;
  while (length + 1 < max && load<u8>(comm + length)) length++;
  memory.copy(buf, comm, length);
  memory.fill(buf + length, 0, size - length);
  return 0;
}

export function bpf_get_current_task(): u64 {
  return to_addr(current());
}

export function bpf_get_current_task_btf(): usize {
  return current();
}

// ---- references

/** A reference on a task that is not gone yet; 0 when it is. */
export function bpf_task_acquire(task: usize): usize {
  const users = task + load<u32>(M_TASK_RCU_USERS);
  let old = atomic.load<u32>(users);
  while (old != 0) {
    const seen = atomic.cmpxchg<u32>(users, old, old + 1);
    if (seen == old) return task;
    old = seen;
  }
  return 0;
}

/** The machine keeps a task's memory for as long as it has the task: the count alone changes. */
export function bpf_task_release(task: usize): void {
  refcount_dec_and_test(task + load<u32>(M_TASK_RCU_USERS));
}

export function bpf_task_release_dtor(task: usize): void {
  bpf_task_release(task);
}

// @ts-ignore: decorator
@inline
function task_at(index: u32): usize {
  return load<u32>(<usize>load<u32>(M_TASKS) + (<usize>index << 2));
}

export function find_task_by_pid(pid: u32): usize {
  for (let i: u32 = 0, n = load<u32>(M_TASKS_COUNT); i < n; i++) {
    const task = task_at(i);
    if (task_pid(task) == pid) return task;
  }
  return 0;
}

export function bpf_task_from_pid(pid: i32): usize {
  const task = pid > 0 ? find_task_by_pid(pid) : 0;
  return task ? bpf_task_acquire(task) : 0;
}

/** There is one pid namespace. */
export function bpf_task_from_vpid(pid: i32): usize {
  return bpf_task_from_pid(pid);
}

// ---- bpf_iter_task: { u64 pos, u64 task, u32 flags }. Memory is the program's, 24 bytes.

const ALL_PROCS: u32 = 0;
const ALL_THREADS: u32 = 1;
const PROC_THREADS: u32 = 2;
const ITER_INDEX: usize = 0;
const ITER_TGID: usize = 4;
const ITER_STARTED: usize = 8;
const ITER_FLAGS: usize = 16;

/** `task` names the process for BPF_TASK_ITER_PROC_THREADS. */
export function bpf_iter_task_new(it: usize, task: usize, flags: u32): i32 {
  memory.fill(it, 0, 24);
  if (flags > PROC_THREADS || (flags == PROC_THREADS && !task)) return -EINVAL;
  store<u32>(it, flags, ITER_FLAGS);
  store<u32>(it, 1, ITER_STARTED);
  if (flags == PROC_THREADS) store<u32>(it, task_tgid(task), ITER_TGID);
  return 0;
}

export function bpf_iter_task_next(it: usize): usize {
  if (!load<u32>(it, ITER_STARTED)) return 0;
  const flags = load<u32>(it, ITER_FLAGS);
  const n = load<u32>(M_TASKS_COUNT);
  for (let i = load<u32>(it, ITER_INDEX); i < n; i++) {
    const task = task_at(i);
    const pid = task_pid(task);
    const tgid = task_tgid(task);
    // The idle task (pid 0) is in no list of processes.
    if (!pid) continue;
    if (flags == ALL_PROCS && pid != tgid) continue;
    if (flags == PROC_THREADS && tgid != load<u32>(it, ITER_TGID)) continue;
    store<u32>(it, i + 1, ITER_INDEX);
    return task;
  }
  store<u32>(it, n, ITER_INDEX);
  return 0;
}

export function bpf_iter_task_destroy(it: usize): void {
  store<u32>(it, 0, ITER_STARTED);
}
