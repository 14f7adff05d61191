// BPF_MAP_TYPE_LPM_TRIE: keys are { u32 prefix length in bits, bytes }, a lookup finds the longest stored prefix. A node is
// { child 0, child 1, prefix length, flags, link }, the key's bytes, the value. Nodes that only fork carry NODE_IM and no value.
import { ALLOC_MAP_ELEM, FAIL_FULL, FAIL_LPM, RCU_KFREE } from '../../layout';
import { should_fail } from '../../lib/fault_inject';
import { raw_spin_lock, raw_spin_unlock } from '../../lib/spinlock';
import { kfree, kmalloc } from '../../mm/slab';
import { EEXIST, EINVAL, ENOENT, ENOMEM, ENOSPC } from '../errno';
import { call_rcu } from '../rcu/tree';
import {
  BM_COUNT, BM_KEY_SIZE, BM_MAX_ENTRIES, BM_VALUE_SIZE, LPM_LOCK, LPM_ROOT,
} from './map_layout';

/** An RCU head before each node. */
const HEAD: usize = 16;
const PREFIX: usize = 8;
const FLAGS: usize = 12;
const DATA: usize = 16;
const NODE_IM: u32 = 1;

export function trie_alloc(map: usize): i32 {
  return 0;
}

// @ts-ignore: decorator
@inline
function data_size(map: usize): u32 {
  return load<u32>(map, BM_KEY_SIZE) - 4;
}

// @ts-ignore: decorator
@inline
function value_of(map: usize, node: usize): usize {
  return node + DATA + ((data_size(map) + 7) & ~7);
}

// @ts-ignore: decorator
@inline
function child(node: usize, bit: u32): usize {
  return load<u32>(node + (<usize>bit << 2));
}

function bit_at(data: usize, index: u32): u32 {
  return (load<u8>(data + (index >> 3)) >> <u8>(7 - (index & 7))) & 1;
}

function new_node(map: usize, prefix: u32, data: usize, value: usize): usize {
  if (should_fail(FAIL_LPM)) return 0;
  const block = kmalloc(HEAD + value_of(map, 0) + load<u32>(map, BM_VALUE_SIZE), ALLOC_MAP_ELEM);
  if (!block) return 0;
  const node = block + HEAD;
  store<u32>(node, prefix, PREFIX);
  memory.copy(node + DATA, data, data_size(map));
  if (value) memory.copy(value_of(map, node), value, load<u32>(map, BM_VALUE_SIZE));
  else store<u32>(node, NODE_IM, FLAGS);
  return node;
}

function free_later(node: usize): void {
  call_rcu(node - HEAD, RCU_KFREE);
}

/** Bits that the node and the key have in common, at most both prefix lengths. */
function common_bits(node: usize, key: usize): u32 {
  const limit = min(load<u32>(node, PREFIX), load<u32>(key));
  let bits: u32 = 0;
  while (bits < limit) {
    const differ = load<u8>(node + DATA + (bits >> 3)) ^ load<u8>(key + 4 + (bits >> 3));
    if (differ) return min<u32>(limit, bits + clz<u32>(differ) - 24);
    bits += 8;
  }
  return limit;
}

export function trie_lookup_elem(map: usize, key: usize): usize {
  const max = data_size(map) << 3;
  const prefix = load<u32>(key);
  if (prefix > max) return 0;
  let found: usize = 0;
  let node: usize = atomic.load<u32>(map + LPM_ROOT);
  while (node) {
    const bits = common_bits(node, key);
    if (bits == max) {
      found = node;
      break;
    }
    if (bits < load<u32>(node, PREFIX)) break;
    if (!(load<u32>(node, FLAGS) & NODE_IM)) found = node;
    node = atomic.load<u32>(node + (<usize>bit_at(key + 4, load<u32>(node, PREFIX)) << 2));
  }
  return found ? value_of(map, found) : 0;
}

function update_locked(map: usize, key: usize, value: usize, flags: u64): i32 {
  const prefix = load<u32>(key);
  let slot = map + LPM_ROOT;
  let node: usize = load<u32>(slot);
  let bits: u32 = 0;
  while (node) {
    bits = common_bits(node, key);
    const length = load<u32>(node, PREFIX);
    if (length != bits || length == prefix) break;
    slot = node + (<usize>bit_at(key + 4, length) << 2);
    node = load<u32>(slot);
  }
  const same = node != 0 && load<u32>(node, PREFIX) == bits && bits == prefix;
  const replaces = same && !(load<u32>(node, FLAGS) & NODE_IM);
  if (replaces && flags == 1) return -EEXIST;
  if (!replaces) {
    if (flags == 2) return -ENOENT;
    if (should_fail(FAIL_FULL) || load<u32>(map, BM_COUNT) == load<u32>(map, BM_MAX_ENTRIES)) return -ENOSPC;
  }
  const fresh = new_node(map, prefix, key + 4, value);
  if (!fresh) return -ENOMEM;
  if (same) {
    store<u32>(fresh, <u32>child(node, 0));
    store<u32>(fresh, <u32>child(node, 1), 4);
    atomic.store<u32>(slot, <u32>fresh);
    free_later(node);
  } else if (!node) {
    atomic.store<u32>(slot, <u32>fresh);
  } else if (bits == prefix) {
    // The new prefix covers the node.
    store<u32>(fresh + (<usize>bit_at(node + DATA, bits) << 2), <u32>node);
    atomic.store<u32>(slot, <u32>fresh);
  } else {
    const fork = new_node(map, bits, node + DATA, 0);
    if (!fork) {
      kfree(fresh - HEAD);
      return -ENOMEM;
    }
    const side = bit_at(key + 4, bits);
    store<u32>(fork + (<usize>side << 2), <u32>fresh);
    store<u32>(fork + (<usize>(side ^ 1) << 2), <u32>node);
    atomic.store<u32>(slot, <u32>fork);
  }
  if (!replaces) store<u32>(map, load<u32>(map, BM_COUNT) + 1, BM_COUNT);
  return 0;
}

export function trie_update_elem(map: usize, key: usize, value: usize, flags: u64): i32 {
  if (flags > 2 || load<u32>(key) > data_size(map) << 3) return -EINVAL;
  raw_spin_lock(map + LPM_LOCK);
  const err = update_locked(map, key, value, flags);
  raw_spin_unlock(map + LPM_LOCK);
  return err;
}

function delete_locked(map: usize, key: usize): i32 {
  const prefix = load<u32>(key);
  let parent: usize = 0;
  let above = map + LPM_ROOT;
  let slot = above;
  let node: usize = load<u32>(slot);
  while (node) {
    const length = load<u32>(node, PREFIX);
    if (common_bits(node, key) != length) return -ENOENT;
    if (length == prefix) break;
    parent = node;
    above = slot;
    slot = node + (<usize>bit_at(key + 4, length) << 2);
    node = load<u32>(slot);
  }
  if (!node || load<u32>(node, FLAGS) & NODE_IM) return -ENOENT;
  store<u32>(map, load<u32>(map, BM_COUNT) - 1, BM_COUNT);
  const left = child(node, 0);
  const right = child(node, 1);
  if (left && right) {
    store<u32>(node, NODE_IM, FLAGS);
    return 0;
  }
  if (!left && !right && parent && load<u32>(parent, FLAGS) & NODE_IM) {
    // A fork with one arm left is no fork.
    const sibling = child(parent, 0) == node ? child(parent, 1) : child(parent, 0);
    atomic.store<u32>(above, <u32>sibling);
    free_later(parent);
  } else {
    atomic.store<u32>(slot, <u32>(left ? left : right));
  }
  free_later(node);
  return 0;
}

export function trie_delete_elem(map: usize, key: usize): i32 {
  if (load<u32>(key) > data_size(map) << 3) return -EINVAL;
  raw_spin_lock(map + LPM_LOCK);
  const err = delete_locked(map, key);
  raw_spin_unlock(map + LPM_LOCK);
  return err;
}

function leftmost(start: usize): usize {
  let node = start;
  for (;;) {
    const down = child(node, 0) ? child(node, 0) : child(node, 1);
    if (!down) return node;
    node = down;
  }
  return 0;
}

/** The node below which `node` hangs; 0 for the root. */
function parent_of(map: usize, node: usize): usize {
  let parent: usize = 0;
  let at: usize = load<u32>(map, LPM_ROOT);
  while (at && at != node) {
    parent = at;
    at = child(at, bit_at(node + DATA, load<u32>(at, PREFIX)));
  }
  return parent;
}

/** Children before their parent, left before right: the most specific prefixes first. */
function after(map: usize, node: usize): usize {
  const parent = parent_of(map, node);
  if (!parent) return 0;
  if (child(parent, 0) == node && child(parent, 1)) return leftmost(child(parent, 1));
  return parent;
}

function exact(map: usize, key: usize): usize {
  const prefix = load<u32>(key);
  if (prefix > data_size(map) << 3) return 0;
  let node: usize = load<u32>(map, LPM_ROOT);
  while (node) {
    const length = load<u32>(node, PREFIX);
    if (common_bits(node, key) != length) return 0;
    if (length == prefix) return node;
    node = child(node, bit_at(key + 4, length));
  }
  return 0;
}

export function trie_get_next_key(map: usize, key: usize, next: usize): i32 {
  const root: usize = load<u32>(map, LPM_ROOT);
  if (!root) return -ENOENT;
  const from = key ? exact(map, key) : 0;
  let node = from ? after(map, from) : leftmost(root);
  while (node && load<u32>(node, FLAGS) & NODE_IM) node = after(map, node);
  if (!node) return -ENOENT;
  store<u32>(next, load<u32>(node, PREFIX));
  memory.copy(next + 4, node + DATA, data_size(map));
  return 0;
}

export function trie_free(map: usize): void {
  let node: usize = load<u32>(map, LPM_ROOT);
  store<u32>(map, 0, LPM_ROOT);
  while (node) {
    const deepest = leftmost(node);
    if (deepest == node) {
      kfree(node - HEAD);
      return;
    }
    // Cut the leaf off its parent: walk down once more, remembering where.
    let slot: usize = 0;
    for (let at = node; at != deepest; ) {
      slot = child(at, 0) ? at : at + 4;
      at = load<u32>(slot);
    }
    store<u32>(slot, 0);
    kfree(deepest - HEAD);
  }
}
