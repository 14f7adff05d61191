// bpf_list_head: a doubly linked list of objects of one type, guarded by the bpf_spin_lock beside its head. Nodes hold
// { next, prev, owner } and heads { next, prev } as kernel addresses; an all-zero head is an empty list.
import { KERNEL_BASE_HI } from '../../layout';
import { EINVAL } from '../errno';
import { raw_spin_lock, raw_spin_unlock } from '../../lib/spinlock';
import { to_addr } from './addr';
import { local_obj_drop } from './obj';
import { object_base } from './kptr';

const NEXT: usize = 0;
const PREV: usize = 8;
const OWNER: usize = 16;
/** Owner while a node is being added, as the kernel's BPF_PTR_POISON: neither NULL nor a list. */
const POISON: u64 = ((<u64>KERNEL_BASE_HI) << 32) | 8;

// @ts-ignore: decorator
@inline
function link(p: usize, field: usize): usize {
  return <usize>(<u32>load<u64>(p + field));
}

function set_link(p: usize, field: usize, to: usize): void {
  store<u64>(p + field, to_addr(to));
}

function init_head(head: usize): void {
  if (load<u64>(head) == 0) {
    set_link(head, NEXT, head);
    set_link(head, PREV, head);
  }
}

function list_add(head: usize, node: usize, front: bool): i32 {
  init_head(head);
  if (atomic.cmpxchg<u64>(node + OWNER, 0, POISON) != 0) {
    // Only a refcounted object can be in a list already: the caller's reference goes.
    local_obj_drop(object_base(node), 0);
    return -EINVAL;
  }
  const before = front ? head : link(head, PREV);
  const after = link(before, NEXT);
  set_link(node, PREV, before);
  set_link(node, NEXT, after);
  set_link(after, PREV, node);
  set_link(before, NEXT, node);
  atomic.store<u64>(node + OWNER, to_addr(head));
  return 0;
}

function list_del(node: usize): void {
  const before = link(node, PREV);
  const after = link(node, NEXT);
  set_link(before, NEXT, after);
  set_link(after, PREV, before);
  set_link(node, NEXT, node);
  set_link(node, PREV, node);
  atomic.store<u64>(node + OWNER, 0);
}

export function bpf_list_push_front_impl(head: usize, node: usize, meta: usize, off: u64): i32 {
  return list_add(head, node, true);
}

export function bpf_list_push_back_impl(head: usize, node: usize, meta: usize, off: u64): i32 {
  return list_add(head, node, false);
}

function peek(head: usize, field: usize): usize {
  init_head(head);
  const node = link(head, field);
  return node == head ? 0 : node;
}

export function bpf_list_pop_front(head: usize): usize {
  const node = peek(head, NEXT);
  if (node) list_del(node);
  return node;
}

export function bpf_list_pop_back(head: usize): usize {
  const node = peek(head, PREV);
  if (node) list_del(node);
  return node;
}

export function bpf_list_front(head: usize): usize {
  return peek(head, NEXT);
}

export function bpf_list_back(head: usize): usize {
  return peek(head, PREV);
}

/** Takes the whole list under its lock, then drops what was in it. */
export function bpf_list_head_free(head: usize, lock: usize, type: usize, node_off: u32): void {
  if (lock) raw_spin_lock(lock);
  let node: usize = load<u64>(head) == 0 ? head : link(head, NEXT);
  if (node != head) set_link(link(head, PREV), NEXT, 0);
  store<u64>(head, 0, 0);
  store<u64>(head, 0, 8);
  if (lock) raw_spin_unlock(lock);
  if (node == head) return;
  while (node) {
    const next = link(node, NEXT);
    atomic.store<u64>(node + OWNER, 0);
    local_obj_drop(node - node_off, type);
    node = next;
  }
}
