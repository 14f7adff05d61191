;; r0 = r1
;; r0 <<= 32
;; r0 >>= 32
;; exit

f0:
  local.get r1
  local.set l11
  local.get r1
  local.tee r0
  i64.const 32
  i64.shl
  local.set r0
  local.get l11
  i32.wrap_i64
  i64.extend_i32_u
  local.tee r0
  global.get 1
  global.get 1
  i64.load
  i64.const 4
  i64.sub
  i64.store
  return
  unreachable
