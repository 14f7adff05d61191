/** Which task runs on which CPU: one on all of them, as long as one program runs at a time; one on each, while several do. */
import * as layout from '../../assembly/layout.ts';
import type { KernelMemory } from '../kernel/memory.ts';
import type { Task, Tasks } from '../kernel/tasks.ts';

export class CpuTasks {
  readonly #memory: KernelMemory;
  readonly #tasks: Tasks;
  #current: Task;
  /** Tasks that were made for CPUs. They stay, as threads of a pool do: what a program stores with one is there next time. */
  readonly #made = new Map<number, Task>();
  /** CPUs that run another than the current one now. */
  readonly #running = new Map<number, Task>();

  constructor(memory: KernelMemory, tasks: Tasks, current: Task) {
    this.#memory = memory;
    this.#tasks = tasks;
    this.#current = current;
    this.current = current;
  }

  /** The task in whose context programs run. Setting it makes it current on every CPU. */
  get current(): Task {
    return this.#current;
  }

  set current(task: Task) {
    this.#current = task;
    this.#running.clear();
    for (let cpu = 0; cpu < this.#memory.nrCpuIds; cpu++) this.#run(task, cpu);
    this.#tasks.place(task, task.cpu);
  }

  /** The task that runs on a CPU. */
  on(cpu: number): Task {
    return this.#running.get(cpu) ?? this.#current;
  }

  /**
   * For programs that run at the same time: no task is on two CPUs. The first CPU keeps the current task; each other gets the one
   * that was made for it, the first time a child of the current one with the next free pid.
   * @param cpus - CPUs that run something, in order; again and again does not matter
   * @param given - tasks of CPUs that are to run these, no two the same
   */
  spread(cpus: Iterable<number>, given: ReadonlyMap<number, Task> = new Map()): void {
    this.gather();
    const taken = new Set(given.values());
    for (const cpu of new Set(cpus)) {
      const task = given.get(cpu) ?? (taken.has(this.#current) ? this.#own(cpu, taken) : this.#current);
      taken.add(task);
      this.#running.set(cpu, task);
      this.#run(task, cpu);
      this.#tasks.place(task, cpu);
    }
  }

  /** Every CPU runs the current task again. */
  gather(): void {
    for (const cpu of this.#running.keys()) this.#run(this.#current, cpu);
    this.#running.clear();
  }

  #own(cpu: number, taken: ReadonlySet<Task>): Task {
    const made = this.#made.get(cpu);
    if (made && !taken.has(made) && this.#tasks.get(made.pid) === made) return made;
    const task = this.#tasks.fork(this.#current);
    this.#made.set(cpu, task);
    return task;
  }

  #run(task: Task, cpu: number): void {
    this.#memory.setU32(this.#memory.percpu(cpu) + layout.PC_CURRENT, task.offset);
  }
}
