// What an LRU hash map evicts: the kernel's approximation. Elements live on an active, an inactive and a free list; a lookup only
// sets a bit in the element. Making room rotates the lists (a set bit is cleared and earns a place on the active list), and
// takes elements from the cold end of the inactive list. Without BPF_F_NO_COMMON_LRU each CPU keeps a small batch of free
// elements and the ones it has just used (pending) in front of the common lists; with it, each CPU has lists of its own.
import { ALLOC_MAP, M_NR_CPU_IDS, PC_CPU } from '../../layout';
import { raw_spin_lock, raw_spin_unlock } from '../../lib/spinlock';
import { kfree, kmalloc } from '../../mm/slab';
import { ENOMEM } from '../errno';
import { this_cpu } from '../gs';
import { HE_HASH, HE_LRU, HTAB_LRU } from './map_layout';
import { htab_lru_map_delete_node } from './htab_lru';

/** Offsets of the parts of an LRU node in its element. */
const NODE_CPU: usize = 24;
const NODE_TYPE: usize = 26;
export const LRU_NODE_REF: usize = 27;

const ACTIVE: u32 = 0;
const INACTIVE: u32 = 1;
const FREE: u32 = 2;
const LOCAL_FREE: u32 = 3;
const LOCAL_PENDING: u32 = 4;

/** struct bpf_lru: u32 percpu, nr_scans, target_free, lists, locals. */
const LRU_PERCPU: usize = 0;
const LRU_SCANS: usize = 4;
const LRU_TARGET: usize = 8;
const LRU_LISTS: usize = 12;
const LRU_LOCALS: usize = 16;
const LRU_SIZE: usize = 24;
/** struct bpf_lru_list: three list heads { next, prev }, two counts, rotation pointer, lock. */
const LIST_COUNTS: usize = 24;
const LIST_ROTATION: usize = 32;
const LIST_LOCK: usize = 36;
const LIST_SIZE: usize = 40;
/** struct bpf_lru_locallist: free and pending heads, next_steal, lock. */
const LOCAL_PENDING_HEAD: usize = 8;
const LOCAL_STEAL: usize = 16;
const LOCAL_LOCK: usize = 20;
const LOCAL_SIZE: usize = 24;

const LOCAL_FREE_TARGET: u32 = 128;
const PERCPU_FREE_TARGET: u32 = 4;

// ---- lists of nodes { next, prev }

// @ts-ignore: decorator
@inline
function next(p: usize): usize {
  return load<u32>(p);
}

// @ts-ignore: decorator
@inline
function prev(p: usize): usize {
  return load<u32>(p, 4);
}

function list_init(head: usize): void {
  store<u32>(head, <u32>head);
  store<u32>(head, <u32>head, 4);
}

function list_add(node: usize, head: usize): void {
  const after = next(head);
  store<u32>(node, <u32>after);
  store<u32>(node, <u32>head, 4);
  store<u32>(after, <u32>node, 4);
  store<u32>(head, <u32>node);
}

function list_del(node: usize): void {
  store<u32>(prev(node), <u32>next(node));
  store<u32>(next(node), <u32>prev(node), 4);
}

function list_move(node: usize, head: usize): void {
  list_del(node);
  list_add(node, head);
}

// @ts-ignore: decorator
@inline
function list_empty(head: usize): bool {
  return next(head) == head;
}

// A node is the list part of an element; the element starts HE_LRU bytes before it.
// @ts-ignore: decorator
@inline
function elem(node: usize): usize {
  return node - HE_LRU;
}

// @ts-ignore: decorator
@inline
function is_ref(node: usize): bool {
  return load<u8>(elem(node), LRU_NODE_REF) != 0;
}

function type_of(node: usize): u32 {
  return load<u8>(elem(node), NODE_TYPE);
}

function set_type(node: usize, type: u32): void {
  store<u8>(elem(node), <u8>type, NODE_TYPE);
}

// @ts-ignore: decorator
@inline
function head_of(list: usize, type: u32): usize {
  return list + (type << 3);
}

function count(list: usize, type: u32, delta: i32): void {
  if (type > INACTIVE) return;
  const at = list + LIST_COUNTS + (type << 2);
  store<u32>(at, load<u32>(at) + delta);
}

function step_rotation(list: usize, node: usize): void {
  if (load<u32>(list, LIST_ROTATION) == node) store<u32>(list, <u32>prev(node), LIST_ROTATION);
}

// ---- moves

function move_to_free(list: usize, node: usize, head: usize, type: u32): void {
  step_rotation(list, node);
  count(list, type_of(node), -1);
  set_type(node, type);
  list_move(node, head);
}

function move_within(list: usize, node: usize, type: u32): void {
  if (type_of(node) != type) {
    count(list, type_of(node), -1);
    count(list, type, 1);
    set_type(node, type);
  }
  store<u8>(elem(node), 0, LRU_NODE_REF);
  step_rotation(list, node);
  list_move(node, head_of(list, type));
}

function rotate_active(list: usize, scans: u32): void {
  const head = head_of(list, ACTIVE);
  const first = next(head);
  let node = prev(head);
  for (let i: u32 = 1; node != head; i++) {
    const before = prev(node);
    move_within(list, node, is_ref(node) ? ACTIVE : INACTIVE);
    if (i == scans || node == first) break;
    node = before;
  }
}

function rotate_inactive(list: usize, scans: u32): void {
  const head = head_of(list, INACTIVE);
  if (list_empty(head)) return;
  let last = next(load<u32>(list, LIST_ROTATION));
  if (last == head) last = next(last);
  let node: usize = load<u32>(list, LIST_ROTATION);
  let go_on = head;
  for (let i: u32 = 0; i < scans; ) {
    if (node == head) {
      node = prev(node);
      continue;
    }
    go_on = prev(node);
    if (is_ref(node)) move_within(list, node, ACTIVE);
    if (node == last) break;
    node = go_on;
    i++;
  }
  store<u32>(list, <u32>go_on, LIST_ROTATION);
}

function rotate(list: usize, scans: u32): void {
  if (load<u32>(list, LIST_COUNTS + 4) < load<u32>(list, LIST_COUNTS)) rotate_active(list, scans);
  rotate_inactive(list, scans);
}

/** Frees up to `want` cold elements, else one whatever its bit says. */
function shrink(map: usize, list: usize, scans: u32, want: u32, free: usize, type: u32): void {
  const inactive = head_of(list, INACTIVE);
  let shrunk: u32 = 0;
  let node = prev(inactive);
  for (let i: u32 = 1; node != inactive; i++) {
    const before = prev(node);
    if (is_ref(node)) {
      move_within(list, node, ACTIVE);
    } else if (htab_lru_map_delete_node(map, elem(node))) {
      move_to_free(list, node, free, type);
      if (++shrunk == want) break;
    }
    if (i == scans) break;
    node = before;
  }
  if (shrunk) return;
  const force = list_empty(inactive) ? head_of(list, ACTIVE) : inactive;
  node = prev(force);
  while (node != force) {
    const before = prev(node);
    if (htab_lru_map_delete_node(map, elem(node))) {
      move_to_free(list, node, free, type);
      return;
    }
    node = before;
  }
}

// ---- taking an element

function refill_local(map: usize, lru: usize, local: usize): void {
  const list: usize = load<u32>(lru, LRU_LISTS);
  const scans = load<u32>(lru, LRU_SCANS);
  const target = load<u32>(lru, LRU_TARGET);
  raw_spin_lock(list + LIST_LOCK);
  const pending = local + LOCAL_PENDING_HEAD;
  let node = prev(pending);
  while (node != pending) {
    const before = prev(node);
    const type = is_ref(node) ? ACTIVE : INACTIVE;
    count(list, type, 1);
    set_type(node, type);
    store<u8>(elem(node), 0, LRU_NODE_REF);
    list_move(node, head_of(list, type));
    node = before;
  }
  rotate(list, scans);
  let got: u32 = 0;
  const free = head_of(list, FREE);
  node = next(free);
  while (node != free) {
    const after = next(node);
    move_to_free(list, node, local, LOCAL_FREE);
    if (++got == target) break;
    node = after;
  }
  if (got < target) shrink(map, list, scans, target - got, local, LOCAL_FREE);
  raw_spin_unlock(list + LIST_LOCK);
}

function pop_local_free(local: usize): usize {
  if (list_empty(local)) return 0;
  const node = next(local);
  list_del(node);
  return node;
}

function pop_pending(map: usize, local: usize): usize {
  const pending = local + LOCAL_PENDING_HEAD;
  for (let force = 0; force < 2; force++) {
    for (let node = prev(pending); node != pending; node = prev(node)) {
      if ((force || !is_ref(node)) && htab_lru_map_delete_node(map, elem(node))) {
        list_del(node);
        return node;
      }
    }
  }
  return 0;
}

function add_pending(local: usize, cpu: u32, node: usize, hash: u32): void {
  const e = elem(node);
  store<u32>(e, hash, HE_HASH);
  store<u16>(e, <u16>cpu, NODE_CPU);
  store<u8>(e, <u8>LOCAL_PENDING, NODE_TYPE);
  store<u8>(e, 0, LRU_NODE_REF);
  list_add(node, local + LOCAL_PENDING_HEAD);
}

function common_pop(map: usize, lru: usize, hash: u32): usize {
  const locals: usize = load<u32>(lru, LRU_LOCALS);
  const cpu = load<u32>(this_cpu(), PC_CPU);
  const local = locals + <usize>cpu * LOCAL_SIZE;
  raw_spin_lock(local + LOCAL_LOCK);
  let node = pop_local_free(local);
  if (!node) {
    refill_local(map, lru, local);
    node = pop_local_free(local);
  }
  if (node) add_pending(local, cpu, node, hash);
  raw_spin_unlock(local + LOCAL_LOCK);
  if (node) return node;
  // Nothing free here or in common: take from the next CPU that has something.
  const cpus = load<u32>(M_NR_CPU_IDS);
  const first = load<u32>(local, LOCAL_STEAL);
  let steal = first;
  do {
    const victim = locals + <usize>steal * LOCAL_SIZE;
    raw_spin_lock(victim + LOCAL_LOCK);
    node = pop_local_free(victim);
    if (!node) node = pop_pending(map, victim);
    raw_spin_unlock(victim + LOCAL_LOCK);
    steal = steal + 1 == cpus ? 0 : steal + 1;
  } while (!node && steal != first);
  store<u32>(local, steal, LOCAL_STEAL);
  if (node) {
    raw_spin_lock(local + LOCAL_LOCK);
    add_pending(local, cpu, node, hash);
    raw_spin_unlock(local + LOCAL_LOCK);
  }
  return node;
}

function percpu_pop(map: usize, lru: usize, hash: u32): usize {
  const list = <usize>load<u32>(lru, LRU_LISTS) + <usize>load<u32>(this_cpu(), PC_CPU) * LIST_SIZE;
  raw_spin_lock(list + LIST_LOCK);
  const scans = load<u32>(lru, LRU_SCANS);
  rotate(list, scans);
  const free = head_of(list, FREE);
  if (list_empty(free)) shrink(map, list, scans, PERCPU_FREE_TARGET, free, FREE);
  let node: usize = 0;
  if (!list_empty(free)) {
    node = next(free);
    store<u32>(elem(node), hash, HE_HASH);
    move_within(list, node, INACTIVE);
  }
  raw_spin_unlock(list + LIST_LOCK);
  return node;
}

/** An element to use for `hash`, evicting others when none is free; 0 when every one is being updated. */
export function lru_pop_free(map: usize, hash: u32): usize {
  const lru: usize = load<u32>(map, HTAB_LRU);
  const node = load<u32>(lru, LRU_PERCPU) ? percpu_pop(map, lru, hash) : common_pop(map, lru, hash);
  return node ? elem(node) : 0;
}

/** Gives an element back that is in no bucket. */
export function lru_push_free(map: usize, e: usize): void {
  const lru: usize = load<u32>(map, HTAB_LRU);
  const node = e + HE_LRU;
  const cpu: usize = load<u16>(e, NODE_CPU);
  let list: usize = load<u32>(lru, LRU_LISTS);
  if (load<u32>(lru, LRU_PERCPU)) {
    list += cpu * LIST_SIZE;
  } else if (type_of(node) == LOCAL_PENDING) {
    const local = <usize>load<u32>(lru, LRU_LOCALS) + cpu * LOCAL_SIZE;
    raw_spin_lock(local + LOCAL_LOCK);
    const still = type_of(node) == LOCAL_PENDING;
    if (still) {
      set_type(node, LOCAL_FREE);
      store<u8>(e, 0, LRU_NODE_REF);
      list_move(node, local);
    }
    raw_spin_unlock(local + LOCAL_LOCK);
    if (still) return;
  }
  raw_spin_lock(list + LIST_LOCK);
  move_within(list, node, FREE);
  raw_spin_unlock(list + LIST_LOCK);
}

/** Sets up the lists over `n` elements of `size` bytes at `storage`, all free; 0 or -ENOMEM. */
export function lru_init(map: usize, percpu: u32, storage: usize, size: u32, n: u32): i32 {
  const cpus = load<u32>(M_NR_CPU_IDS);
  const lists = percpu ? cpus : 1;
  const lru = kmalloc(LRU_SIZE, ALLOC_MAP);
  if (!lru) return -ENOMEM;
  store<u32>(map, <u32>lru, HTAB_LRU);
  const list = kmalloc(LIST_SIZE * lists, ALLOC_MAP);
  const locals = kmalloc(LOCAL_SIZE * cpus, ALLOC_MAP);
  store<u32>(lru, percpu, LRU_PERCPU);
  store<u32>(lru, <u32>list, LRU_LISTS);
  store<u32>(lru, <u32>locals, LRU_LOCALS);
  if (!list || !locals) return -ENOMEM;
  for (let i: u32 = 0; i < lists; i++) {
    const at = list + LIST_SIZE * i;
    for (let t: u32 = 0; t < 3; t++) list_init(head_of(at, t));
    store<u32>(at, <u32>head_of(at, INACTIVE), LIST_ROTATION);
  }
  for (let i: u32 = 0; i < cpus; i++) {
    const at = locals + LOCAL_SIZE * i;
    list_init(at);
    list_init(at + LOCAL_PENDING_HEAD);
    store<u32>(at, i, LOCAL_STEAL);
  }
  store<u32>(lru, percpu ? PERCPU_FREE_TARGET : LOCAL_FREE_TARGET, LRU_SCANS);
  store<u32>(lru, max<u32>(1, min<u32>(n / cpus / 2, LOCAL_FREE_TARGET)), LRU_TARGET);
  const share = max<u32>(1, n / cpus);
  for (let i: u32 = 0; i < n; i++) {
    const cpu = percpu ? min(i / share, cpus - 1) : 0;
    const e = storage + <usize>size * i;
    store<u16>(e, <u16>cpu, NODE_CPU);
    store<u8>(e, <u8>FREE, NODE_TYPE);
    list_add(e + HE_LRU, head_of(list + LIST_SIZE * cpu, FREE));
  }
  return 0;
}

export function lru_destroy(map: usize): void {
  const lru: usize = load<u32>(map, HTAB_LRU);
  if (!lru) return;
  kfree(load<u32>(lru, LRU_LISTS));
  kfree(load<u32>(lru, LRU_LOCALS));
  kfree(lru);
}
