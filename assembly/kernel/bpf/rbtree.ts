// bpf_rb_root: a red-black tree of objects of one type, guarded by the bpf_spin_lock beside its root. A node holds
// { parent | black, right, left, owner }, a root { top, leftmost }, as kernel addresses.
//
// bpf_rbtree_add calls the program to compare, so that the engine walks down: rbtree_add_start, then from rbtree_top with
// rbtree_child per answer of `less`, then rbtree_add_finish.
import { KERNEL_BASE_HI } from '../../layout';
import { EINVAL } from '../errno';
import { raw_spin_lock, raw_spin_unlock } from '../../lib/spinlock';
import { to_addr } from './addr';
import { object_base } from './kptr';
import { local_obj_drop } from './obj';

const PARENT: usize = 0;
const RIGHT: usize = 8;
const LEFT: usize = 16;
const OWNER: usize = 24;
const TOP: usize = 0;
const LEFTMOST: usize = 8;
const POISON: u64 = ((<u64>KERNEL_BASE_HI) << 32) | 8;

// @ts-ignore: decorator
@inline
function get(p: usize, field: usize): usize {
  return <usize>(<u32>load<u64>(p + field));
}

// @ts-ignore: decorator
@inline
function set(p: usize, field: usize, to: usize): void {
  store<u64>(p + field, to_addr(to));
}

function parent_of(node: usize): usize {
  return get(node, PARENT) & ~3;
}

function is_black(node: usize): bool {
  return !node || (load<u32>(node) & 1) != 0;
}

function set_parent(node: usize, parent: usize, black: bool): void {
  const bit: u64 = black ? 1 : 0;
  store<u64>(node + PARENT, (parent ? to_addr(parent) : 0) | bit);
}

function set_black(node: usize, black: bool): void {
  set_parent(node, parent_of(node), black);
}

function replace_child(root: usize, parent: usize, old: usize, by: usize): void {
  if (!parent) set(root, TOP, by);
  else if (get(parent, LEFT) == old) set(parent, LEFT, by);
  else set(parent, RIGHT, by);
}

/** Lifts the child on the side opposite to `side` into node's place; colours stay with the nodes. */
function rotate(root: usize, node: usize, side: usize): void {
  const other = side == LEFT ? RIGHT : LEFT;
  const child = get(node, other);
  const inner = get(child, side);
  const parent = parent_of(node);
  const child_black = is_black(child);
  const node_black = is_black(node);
  set(node, other, inner);
  if (inner) set_parent(inner, node, is_black(inner));
  replace_child(root, parent, node, child);
  set_parent(child, parent, child_black);
  set(child, side, node);
  set_parent(node, child, node_black);
}

function insert_fix(root: usize, start: usize): void {
  let node = start;
  for (;;) {
    const parent = parent_of(node);
    if (!parent) {
      set_black(node, true);
      return;
    }
    if (is_black(parent)) return;
    const grand = parent_of(parent);
    const side = get(grand, LEFT) == parent ? LEFT : RIGHT;
    const other = side == LEFT ? RIGHT : LEFT;
    const uncle = get(grand, other);
    if (!is_black(uncle)) {
      set_black(uncle, true);
      set_black(parent, true);
      set_black(grand, false);
      node = grand;
      continue;
    }
    let top = parent;
    if (get(parent, other) == node) {
      rotate(root, parent, side);
      top = node;
    }
    set_black(top, true);
    set_black(grand, false);
    rotate(root, grand, other);
    return;
  }
}

/** `node` (may be 0) below `parent` is one black node short. */
function erase_fix(root: usize, start: usize, below: usize): void {
  let node = start;
  let parent = below;
  while (parent && is_black(node)) {
    const side = get(parent, LEFT) == node ? LEFT : RIGHT;
    const other = side == LEFT ? RIGHT : LEFT;
    let sibling = get(parent, other);
    if (!is_black(sibling)) {
      set_black(sibling, true);
      set_black(parent, false);
      rotate(root, parent, side);
      sibling = get(parent, other);
    }
    if (is_black(get(sibling, LEFT)) && is_black(get(sibling, RIGHT))) {
      set_black(sibling, false);
      node = parent;
      parent = parent_of(node);
      continue;
    }
    if (is_black(get(sibling, other))) {
      set_black(get(sibling, side), true);
      set_black(sibling, false);
      rotate(root, sibling, other);
      sibling = get(parent, other);
    }
    set_black(sibling, is_black(parent));
    set_black(parent, true);
    set_black(get(sibling, other), true);
    rotate(root, parent, side);
    return;
  }
  if (node) set_black(node, true);
}

function next_node(node: usize): usize {
  let at = get(node, RIGHT);
  if (at) {
    while (get(at, LEFT)) at = get(at, LEFT);
    return at;
  }
  at = node;
  let parent = parent_of(at);
  while (parent && get(parent, RIGHT) == at) {
    at = parent;
    parent = parent_of(at);
  }
  return parent;
}

function erase(root: usize, node: usize): void {
  if (get(root, LEFTMOST) == node) set(root, LEFTMOST, next_node(node));
  const left = get(node, LEFT);
  const right = get(node, RIGHT);
  const parent = parent_of(node);
  let child: usize;
  let short: usize;
  let lost_black: bool;
  if (!left || !right) {
    child = left ? left : right;
    short = parent;
    lost_black = is_black(node);
    replace_child(root, parent, node, child);
    if (child) set_parent(child, parent, is_black(child));
  } else {
    let heir = right;
    while (get(heir, LEFT)) heir = get(heir, LEFT);
    child = get(heir, RIGHT);
    lost_black = is_black(heir);
    if (heir == right) {
      short = heir;
    } else {
      short = parent_of(heir);
      set(short, LEFT, child);
      if (child) set_parent(child, short, is_black(child));
      set(heir, RIGHT, right);
      set_parent(right, heir, is_black(right));
    }
    set(heir, LEFT, left);
    set_parent(left, heir, is_black(left));
    replace_child(root, parent, node, heir);
    set_parent(heir, parent, is_black(node));
  }
  if (lost_black) erase_fix(root, child, short);
  store<u64>(node + PARENT, to_addr(node));
  store<u64>(node + RIGHT, 0);
  store<u64>(node + LEFT, 0);
}

/** Claims `node` for the tree: 0, or -EINVAL when it is in a tree already, and then the caller's reference is dropped. */
export function rbtree_add_start(root: usize, node: usize): i32 {
  if (atomic.cmpxchg<u64>(node + OWNER, 0, POISON) != 0) {
    local_obj_drop(object_base(node), 0);
    return -EINVAL;
  }
  return 0;
}

/** The topmost node; 0 when the tree is empty. */
export function rbtree_top(root: usize): usize {
  return get(root, TOP);
}

/** Where to go on from `parent` when `less(node, parent)` gave `less`; 0: the place is found. */
export function rbtree_child(parent: usize, less: bool): usize {
  return get(parent, less ? LEFT : RIGHT);
}

/** Hangs `node` below `parent` (0: the tree was empty). `leftmost`: `less` held all the way down. */
export function rbtree_add_finish(root: usize, node: usize, parent: usize, less: bool, leftmost: bool): void {
  store<u64>(node + LEFT, 0);
  store<u64>(node + RIGHT, 0);
  set_parent(node, parent, false);
  if (!parent) set(root, TOP, node);
  else set(parent, less ? LEFT : RIGHT, node);
  if (leftmost) set(root, LEFTMOST, node);
  insert_fix(root, node);
  atomic.store<u64>(node + OWNER, to_addr(root));
}

/** Takes a node out of the tree; 0 when it is in no tree, or in another. */
export function bpf_rbtree_remove(root: usize, node: usize): usize {
  if (atomic.load<u64>(node + OWNER) != to_addr(root)) return 0;
  erase(root, node);
  atomic.store<u64>(node + OWNER, 0);
  return node;
}

export function bpf_rbtree_first(root: usize): usize {
  return get(root, LEFTMOST);
}

export function bpf_rbtree_root(root: usize): usize {
  return get(root, TOP);
}

export function bpf_rbtree_left(root: usize, node: usize): usize {
  return atomic.load<u64>(node + OWNER) == to_addr(root) ? get(node, LEFT) : 0;
}

export function bpf_rbtree_right(root: usize, node: usize): usize {
  return atomic.load<u64>(node + OWNER) == to_addr(root) ? get(node, RIGHT) : 0;
}

/** Takes the whole tree under its lock, then drops what was in it, children before their parent. */
export function bpf_rb_root_free(root: usize, lock: usize, type: usize, node_off: u32): void {
  if (lock) raw_spin_lock(lock);
  let node = get(root, TOP);
  store<u64>(root, 0, 0);
  store<u64>(root, 0, 8);
  if (lock) raw_spin_unlock(lock);
  while (node) {
    if (get(node, LEFT)) {
      node = get(node, LEFT);
      continue;
    }
    if (get(node, RIGHT)) {
      node = get(node, RIGHT);
      continue;
    }
    const parent = parent_of(node);
    if (parent) replace_child(root, parent, node, 0);
    atomic.store<u64>(node + OWNER, 0);
    local_obj_drop(node - node_off, type);
    node = parent;
  }
}
