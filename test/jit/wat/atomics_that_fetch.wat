;; r2 = atomic64_fetch_xor((u64 *)(r1 +0), r2)
;; r3 = atomic32_xchg((u32 *)(r1 -4), r3)
;; r0 = r3
;; exit

f0:
  local.get r1
  i32.wrap_i64
  local.get r2
  i64.atomic.rmw.xor
  local.set r2
  local.get r1
  i32.wrap_i64
  i32.const -4
  i32.add
  local.get r3
  i64.atomic.rmw32.xchg_u
  local.tee r3
  local.tee r0
  global.get 1
  global.get 1
  i64.load
  i64.const 4
  i64.sub
  i64.store
  return
  unreachable
