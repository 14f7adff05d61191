// What the exploring module notes of loads and stores (explore.ts): what was there before, to go back to it, and which memory
// the step has touched, to know which steps depend on each other. In the module as it is built nothing calls most of this.
import { SHADOW } from '../layout';
import {
  CLASS_PRIVATE,
  CLASS_READ_BY_MANY,
  CLASS_SHARED,
  CLASS_WRITTEN,
  GRANULE_SHIFT,
  LOG_ENTRY,
  LOG_RESERVE,
  TOUCHED_ENTRY,
  X_CLASSES,
  X_CLASSES_COUNT,
  X_HEAP,
  X_FRESH,
  X_LOG_AT,
  X_LOG_END,
  X_NOBODY,
  X_OVERFLOW,
  X_STOP,
  X_THREAD,
  X_TOUCHED_AT,
  X_TOUCHED_END,
} from './explore_layout';

// Notes who touches one granule; true when it is shared.
// @ts-ignore: decorator
@inline
function is_shared(granule: usize, write: u32): bool {
  const kind = <u32>load<u8>(granule);
  if (kind >= <u32>CLASS_SHARED) return kind == CLASS_SHARED;
  const thread = load<u32>(X_THREAD);
  if (thread == X_NOBODY) return false;
  const written: u32 = write ? CLASS_WRITTEN : 0;
  if (!kind || (kind & ~CLASS_WRITTEN) == thread + 1) {
    store<u8>(granule, (thread + 1) | (kind & CLASS_WRITTEN) | written);
    return false;
  }
  if (!((kind & CLASS_WRITTEN) | write)) {
    store<u8>(granule, kind | CLASS_READ_BY_MANY);
    return false;
  }
  store<u8>(granule, CLASS_SHARED);
  store<u32>(X_FRESH, 1);
  return true;
}

export function explore_note_access(at: usize, size: u32, write: u32): void {
  const heap: usize = load<u32>(X_HEAP);
  let object = at;
  let bytes = size;
  if (at < heap) {
    // Who changes the shadow of an object changes whether it is there.
    if (!write || at < <usize>SHADOW) return;
    object = (at - <usize>SHADOW) << 3;
    bytes = size << 3;
    if (object < heap) return;
  }
  const classes: usize = load<u32>(X_CLASSES);
  let granule = classes + (object >> GRANULE_SHIFT);
  const last = classes + min((object + bytes - 1) >> GRANULE_SHIFT, <usize>load<u32>(X_CLASSES_COUNT) - 1);
  let shared = false;
  for (; granule <= last; granule++) if (is_shared(granule, write)) shared = true;
  if (shared) explore_note_touched(object, bytes, write);
}

export function explore_note_touched(at: usize, size: u32, write: u32): void {
  store<u32>(X_STOP, 1);
  const entry: usize = load<u32>(X_TOUCHED_AT);
  const word = (size << 1) | write;
  if (load<u32>(entry - TOUCHED_ENTRY) == <u32>at && load<u32>(entry - TOUCHED_ENTRY, 4) == word) return;
  if (entry == load<u32>(X_TOUCHED_END)) {
    store<u32>(X_OVERFLOW, 1);
    return;
  }
  store<u32>(entry, <u32>at);
  store<u32>(entry, word, 4);
  store<u32>(X_TOUCHED_AT, <u32>(entry + TOUCHED_ENTRY));
}

// @ts-ignore: decorator
@inline
function log_range(at: usize, size: u32): void {
  let entry: usize = load<u32>(X_LOG_AT);
  const log_end: usize = load<u32>(X_LOG_END);
  const end = at + size;
  for (; at < end; at += 8) {
    if (entry == log_end) {
      store<u32>(X_OVERFLOW, 1);
      return;
    }
    store<u32>(entry, <u32>at);
    store<u64>(entry, load<u64>(at), 8);
    entry += LOG_ENTRY;
  }
  store<u32>(X_LOG_AT, <u32>entry);
}

// Within one object, as every load and store is: is it nobody else's business?
// @ts-ignore: decorator
@inline
function is_private(at: usize): bool {
  return load<u8>(<usize>load<u32>(X_CLASSES) + (at >> GRANULE_SHIFT)) == CLASS_PRIVATE;
}

/** Has the undo log no room for what one more instruction may change? */
export function explore_note_full(): bool {
  return load<u32>(X_LOG_END) - load<u32>(X_LOG_AT) < <u32>LOG_RESERVE;
}

/** `size` bytes at base + offset, which are not private, are about to be read. */
export function explore_note_load(base: usize, offset: u32, size: u32): void {
  if (load<u32>(X_LOG_AT)) explore_note_access(base + offset, size, 0);
}

/** `size` bytes at base + offset are about to be written. */
export function explore_note_store(base: usize, offset: u32, size: u32): void {
  if (!load<u32>(X_LOG_AT)) return;
  const at = base + offset;
  log_range(at, size);
  if (at < <usize>SHADOW || (at >= <usize>load<u32>(X_HEAP) && is_private(at))) return;
  explore_note_access(at, size, 1);
}

/** memory.fill */
export function explore_note_fill(to: usize, value: u32, size: u32): void {
  if (!load<u32>(X_LOG_AT) || !size) return;
  log_range(to, size);
  explore_note_access(to, size, 1);
}

/** memory.copy */
export function explore_note_copy(to: usize, from: usize, size: u32): void {
  if (!load<u32>(X_LOG_AT) || !size) return;
  log_range(to, size);
  explore_note_access(from, size, 0);
  explore_note_access(to, size, 1);
}

/** Takes no notes until explore_note_resume: for writes that nobody goes back to. */
export function explore_note_pause(): u32 {
  const at = load<u32>(X_LOG_AT);
  store<u32>(X_LOG_AT, 0);
  return at;
}

export function explore_note_resume(at: u32): void {
  store<u32>(X_LOG_AT, at);
}

/** Gives memory back what it held when the undo log ended at `mark`. */
export function explore_note_undo(mark: usize): void {
  let entry: usize = load<u32>(X_LOG_AT);
  while (entry > mark) {
    entry -= LOG_ENTRY;
    store<u64>(load<u32>(entry), load<u64>(entry, 8));
  }
  store<u32>(X_LOG_AT, <u32>mark);
}

/** Is any of it known to be shared? */
export function explore_note_shared(at: usize, size: u32): bool {
  const classes: usize = load<u32>(X_CLASSES);
  const last = (at + size - 1) >> GRANULE_SHIFT;
  for (let granule = at >> GRANULE_SHIFT; granule <= last; granule++) {
    if (load<u8>(classes + granule) == CLASS_SHARED) return true;
  }
  return false;
}

/**
 * The current thread gives an object back, and nobody may use it after the next grace period: as if it wrote all of it. The
 * allocator says so, since it writes to the object itself only then. The grace period is somebody else who touches it.
 */
export function explore_note_freed(at: usize, size: u32): void {
  if (!load<u32>(X_LOG_AT)) return;
  const classes: usize = load<u32>(X_CLASSES);
  const last = (at + size - 1) >> GRANULE_SHIFT;
  for (let granule = at >> GRANULE_SHIFT; granule <= last; granule++) {
    if (<u32>load<u8>(classes + granule) >= <u32>CLASS_SHARED) continue;
    store<u8>(classes + granule, CLASS_SHARED);
    store<u32>(X_FRESH, 1);
  }
  explore_note_access(at, size, 1);
}
