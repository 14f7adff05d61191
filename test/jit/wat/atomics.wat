;; r0 = 1
;; lock *(u64 *)(r1 +0) += r2
;; lock *(u32 *)(r1 +8) |= r3
;; exit

f0:
  i64.const 1
  local.set r0
  local.get r1
  i32.wrap_i64
  local.get r2
  i64.atomic.rmw.add
  drop
  local.get r1
  i32.wrap_i64
  local.get r3
  i64.atomic.rmw32.or_u offset=8
  drop
  local.get r0
  global.get 1
  global.get 1
  i64.load
  i64.const 4
  i64.sub
  i64.store
  return
  unreachable
