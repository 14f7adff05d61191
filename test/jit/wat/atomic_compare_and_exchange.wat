;; r0 = atomic64_cmpxchg((u64 *)(r1 +0), r0, r2)
;; r0 = atomic32_cmpxchg((u32 *)(r1 +8), r0, r2)
;; exit

f0:
  local.get r1
  i32.wrap_i64
  local.get r0
  local.get r2
  i64.atomic.rmw.cmpxchg
  local.set r0
  local.get r1
  i32.wrap_i64
  local.get r0
  i64.const 4294967295
  i64.and
  local.get r2
  i64.atomic.rmw32.cmpxchg_u offset=8
  local.tee r0
  global.get 1
  global.get 1
  i64.load
  i64.const 3
  i64.sub
  i64.store
  return
  unreachable
