/** Tasks of the machine: struct task_struct in simulated memory, as the kernel's BTF lays it out. */
import * as map from '../../assembly/kernel/bpf/map_layout.ts';
import * as layout from '../../assembly/layout.ts';
import type { Btf } from '../btf/btf.ts';
import { InputError } from '../errors.ts';
import { CpuMask } from './cpu_mask.ts';
import { KernelStruct } from './kernel_struct.ts';
import { readCpus } from './mask_value.ts';
import type { KernelMemory } from './memory.ts';

const PF_FORKNOEXEC = 0x40;
const PF_KTHREAD = 0x200000;
const DEFAULT_PRIO = 120;
const IDLE_PRIO = 120;
const TASK_COMM_LEN = 16;

/** CPUs as a cpulist (`0-3,8`), a CpuMask, or numbers. */
export type Affinity = string | Iterable<number>;

export interface TaskOptions {
  readonly pid: number;
  /** Process that it belongs to; default: its own pid, which makes it a process. */
  readonly tgid?: number;
  /** At most 15 bytes; longer names are cut, as the kernel does. */
  readonly comm?: string;
  /** CPUs that it may use; default: all possible ones. */
  readonly affinity?: Affinity;
  readonly parent?: Task;
  /** A kernel thread has no memory of its own: `mm` is NULL. */
  readonly kthread?: boolean;
}

/** One task. Its members in memory are what programs see; this is a view of them. */
export class Task {
  /** Offset of its struct task_struct in the machine's memory. */
  readonly offset: number;

  /** @internal made by Tasks.create */
  constructor(
    private readonly tasks: Tasks,
    offset: number,
  ) {
    this.offset = offset;
  }

  /** Simulated kernel address of its struct task_struct. */
  get address(): bigint {
    return this.tasks.memory.address(this.offset);
  }

  get pid(): number {
    return Number(BigInt.asIntN(32, this.member('pid')));
  }

  get tgid(): number {
    return Number(BigInt.asIntN(32, this.member('tgid')));
  }

  get comm(): string {
    const place = this.tasks.struct.find('comm');
    if (!place) return '';
    const bytes = this.tasks.memory.read(this.offset + place.offset, place.size);
    const end = bytes.indexOf(0);
    return new TextDecoder().decode(bytes.subarray(0, end < 0 ? undefined : end));
  }

  /** CPUs that it may use (cpus_mask). */
  get affinity(): CpuMask {
    const place = this.tasks.struct.find('cpus_mask');
    return place ? readCpus(this.tasks.memory, this.offset + place.offset) : CpuMask.empty;
  }

  /**
   * Sets the CPUs that it may use (sched_setaffinity): cpus_mask and nr_cpus_allowed change. CPUs that the machine does not
   * have are ignored, as the kernel does.
   * @throws InputError when no CPU of the machine is left (the kernel says -EINVAL)
   */
  setAffinity(cpus: Affinity): void {
    const { memory, struct } = this.tasks;
    const place = struct.find('cpus_mask');
    if (!place) throw new InputError('BTF', '', 'struct task_struct has no cpus_mask in this kernel');
    const all = CpuMask.all(memory.nrCpuIds);
    const wanted = typeof cpus === 'string' ? CpuMask.fromList(cpus, memory.nrCpuIds) : CpuMask.from(cpus);
    const mask = wanted.and(all);
    if (mask.isEmpty) throw new InputError('affinity', '', `no CPU of the machine is in it; it has CPUs ${all}`);
    memory.write(this.offset + place.offset, mask.toBytes(place.size));
    struct.write(memory, this.offset, { nr_cpus_allowed: mask.weight });
  }

  /** The CPU it runs on, or ran on last (thread_info.cpu). */
  get cpu(): number {
    return Number(this.member('thread_info.cpu'));
  }

  /** An unsigned scalar member by path: `prio`, `se.vruntime`. InputError when this kernel has none. */
  member(path: string): bigint {
    return this.tasks.struct.read(this.tasks.memory, this.offset, path);
  }

  /** Writes a scalar member by path. InputError when this kernel has none. */
  setMember(path: string, value: number | bigint): void {
    this.member(path);
    this.tasks.struct.write(this.tasks.memory, this.offset, { [path]: value });
  }
}

/** Every task of a machine, and the table by pid that the data plane reads. */
export class Tasks {
  readonly struct: KernelStruct;
  private readonly mm: KernelStruct | null;
  private readonly cred: KernelStruct | null;
  private readonly byPid = new Map<number, Task>();
  private readonly idle = new Map<number, Task>();
  private readonly rootCred: number;
  private table = 0;
  private tableSize = 0;

  constructor(
    readonly memory: KernelMemory,
    btf: Btf,
  ) {
    this.struct = new KernelStruct(btf, 'task_struct');
    this.mm = btf.find('mm_struct', 'struct') ? new KernelStruct(btf, 'mm_struct') : null;
    this.cred = btf.find('cred', 'struct') ? new KernelStruct(btf, 'cred') : null;
    this.rootCred = this.cred ? this.allocate(this.cred.size, layout.ALLOC_KERNEL) : 0;
    const offsetIn = (struct: KernelStruct | null, path: string) => struct?.find(path)?.offset ?? map.NO_FIELD;
    const places: readonly (readonly [number, number])[] = [
      [map.M_TASK_PID, offsetIn(this.struct, 'pid')],
      [map.M_TASK_TGID, offsetIn(this.struct, 'tgid')],
      [map.M_TASK_COMM, offsetIn(this.struct, 'comm')],
      [map.M_TASK_RCU_USERS, offsetIn(this.struct, 'rcu_users')],
      [map.M_TASK_GROUP_LEADER, offsetIn(this.struct, 'group_leader')],
      [map.M_TASK_CRED, offsetIn(this.struct, 'cred')],
      [map.M_CRED_UID, offsetIn(this.cred, 'uid')],
      [map.M_CRED_GID, offsetIn(this.cred, 'gid')],
      [map.M_TASK_COMM_LEN, this.struct.find('comm')?.size ?? TASK_COMM_LEN],
    ];
    for (const [offset, value] of places) memory.setU32(offset, value);
  }

  /** The task of that pid; undefined when there is none. */
  get(pid: number): Task | undefined {
    return this.byPid.get(pid);
  }

  /** Every task but the idle ones, by pid. */
  all(): Task[] {
    return [...this.byPid.values()].sort((a, b) => a.pid - b.pid);
  }

  /** Makes a task. @throws InputError when the pid is taken */
  create(options: TaskOptions): Task {
    const { pid } = options;
    if (!(Number.isInteger(pid) && pid >= 1 && pid <= 0x7fffffff)) {
      throw new InputError('pid', '', `${pid} is no pid; they go from 1 to 2147483647`);
    }
    if (this.byPid.has(pid)) throw new InputError('pid', '', `${pid} is the pid of another task`);
    const task = this.make(options);
    this.byPid.set(pid, task);
    this.publish();
    return task;
  }

  /** What fork makes of a parent: the next free pid, and its comm, affinity and priorities. */
  fork(parent: Task): Task {
    let pid = parent.pid + 1;
    while (this.byPid.has(pid)) pid++;
    const child = this.create({ pid, comm: parent.comm, affinity: parent.affinity, parent });
    this.struct.write(this.memory, child.offset, {
      flags: PF_FORKNOEXEC,
      prio: parent.member('prio'),
      static_prio: parent.member('static_prio'),
      normal_prio: parent.member('normal_prio'),
      policy: parent.member('policy'),
      'thread_info.cpu': parent.cpu,
    });
    return child;
  }

  /** The idle task of a CPU: pid 0, comm "swapper/N". Made when first asked for. */
  idleTask(cpu: number): Task {
    const known = this.idle.get(cpu);
    if (known) return known;
    const task = this.make({ pid: 0, comm: `swapper/${cpu}`, affinity: [cpu], kthread: true });
    this.struct.write(this.memory, task.offset, { 'thread_info.cpu': cpu, prio: IDLE_PRIO, on_cpu: 0 });
    this.idle.set(cpu, task);
    return task;
  }

  /** Takes a task out of the table; its memory stays, since programs may hold references. */
  exit(task: Task): void {
    this.byPid.delete(task.pid);
    this.publish();
  }

  /** Says in a task's members which CPU it runs on. */
  place(task: Task, cpu: number): void {
    this.struct.write(this.memory, task.offset, {
      'thread_info.cpu': cpu,
      on_cpu: 1,
      recent_used_cpu: cpu,
      wake_cpu: cpu,
    });
  }

  private make({ pid, tgid = pid, comm = '', affinity, parent, kthread = false }: TaskOptions): Task {
    const { memory, struct } = this;
    const offset = this.allocate(struct.size, layout.ALLOC_TASK);
    const task = new Task(this, offset);
    const address = memory.address(offset);
    const leader = tgid === pid ? task : (this.byPid.get(tgid) ?? task);
    const mm = kthread || !this.mm ? 0n : this.mmOf(parent, leader, task);
    const now = memory.dv().getBigUint64(layout.M_CLOCK_NS, true);
    const allowed = struct.find('cpus_mask');
    const cred = memory.address(this.rootCred);
    struct.write(memory, offset, {
      pid,
      tgid,
      flags: kthread ? PF_KTHREAD : 0,
      usage: 1,
      rcu_users: 1,
      stack_refcount: 1,
      prio: DEFAULT_PRIO,
      static_prio: DEFAULT_PRIO,
      normal_prio: DEFAULT_PRIO,
      cpus_ptr: allowed ? memory.address(offset + allowed.offset) : 0n,
      mm,
      active_mm: mm,
      real_parent: parent?.address ?? address,
      parent: parent?.address ?? address,
      group_leader: leader.address,
      cred,
      real_cred: cred,
      start_time: now,
      start_boottime: now,
      'se.load.weight': 1024 * 1024,
    });
    for (const head of ['children', 'sibling', 'tasks', 'thread_node', 'ptraced', 'ptrace_entry', 'cg_list']) {
      const place = struct.find(head);
      if (!place) continue;
      const self = memory.address(offset + place.offset);
      struct.write(memory, offset, { [`${head}.next`]: self, [`${head}.prev`]: self });
    }
    const name = struct.find('comm');
    if (name) memory.write(offset + name.offset, new TextEncoder().encode(comm).subarray(0, name.size - 1));
    task.setAffinity(affinity ?? CpuMask.all(memory.nrCpuIds));
    return task;
  }

  /** Threads share the memory of their process; a process gets its own. */
  private mmOf(parent: Task | undefined, leader: Task, task: Task): bigint {
    if (leader !== task) return leader.member('mm');
    const { mm, memory } = this;
    if (!mm) return 0n;
    const offset = this.allocate(mm.size, layout.ALLOC_KERNEL);
    mm.write(memory, offset, { mm_users: 1, mm_count: 1, owner: task.address });
    // Without a parent it is the first process, and nobody else's memory is like its own.
    return parent && parent.member('mm') === 0n ? 0n : memory.address(offset);
  }

  private allocate(size: number, tag: number): number {
    const offset = this.memory.kmalloc(size, tag);
    this.memory.exports.kasan_unpoison_readonly(offset, size);
    return offset;
  }

  /** Writes the table that bpf_task_from_pid searches: task pointers in pid order. */
  private publish(): void {
    const { memory } = this;
    const tasks = this.all();
    if (tasks.length > this.tableSize) {
      if (this.table) memory.kfree(this.table);
      this.tableSize = Math.max(16, this.tableSize * 2, tasks.length);
      this.table = memory.kmalloc(this.tableSize * 4, layout.ALLOC_KERNEL);
    }
    tasks.forEach((task, i) => {
      memory.setU32(this.table + i * 4, task.offset);
    });
    memory.setU32(map.M_TASKS, this.table);
    memory.setU32(map.M_TASKS_COUNT, tasks.length);
  }
}
