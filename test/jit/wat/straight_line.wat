;; r0 = r1
;; r0 += 5
;; w0 ^= w2
;; r0 s>>= 3
;; exit

f0:
  local.get r1
  local.tee r0
  i64.const 5
  i64.add
  local.tee r0
  i32.wrap_i64
  local.get r2
  i32.wrap_i64
  i32.xor
  i64.extend_i32_u
  local.tee r0
  i64.const 3
  i64.shr_s
  local.tee r0
  global.get 1
  global.get 1
  i64.load
  i64.const 5
  i64.sub
  i64.store
  return
  unreachable
