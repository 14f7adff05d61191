;; r3 = 0x5555555555555555 ll
;; r4 = 0x3333333333333333 ll
;; r5 = 0x0f0f0f0f0f0f0f0f ll
;; r7 = 0x0101010101010101 ll
;; r0 = r1
;; r0 >>= 1
;; r0 &= r3
;; r1 -= r0
;; r0 = r1
;; r0 &= r4
;; r1 >>= 2
;; r1 &= r4
;; r0 += r1
;; r1 = r0
;; r1 >>= 4
;; r0 += r1
;; r0 &= r5
;; r0 *= r7
;; r0 >>= 56
;; exit

f0:
  local.get r1
  local.set l11
  i64.const 6148914691236517205
  local.set r3
  i64.const 3689348814741910323
  local.set r4
  i64.const 1085102592571150095
  local.set r5
  i64.const 72340172838076673
  local.set r7
  local.get r1
  local.tee r0
  i64.const 1
  i64.shr_u
  local.tee r0
  local.get r3
  i64.and
  local.set r0
  local.get r1
  local.get r0
  i64.sub
  local.tee r1
  local.tee r0
  local.get r4
  i64.and
  local.set r0
  local.get r1
  i64.const 2
  i64.shr_u
  local.tee r1
  local.get r4
  i64.and
  local.set r1
  local.get r0
  local.get r1
  i64.add
  local.tee r0
  local.tee r1
  i64.const 4
  i64.shr_u
  local.set r1
  local.get r0
  local.get r1
  i64.add
  local.tee r0
  local.get r5
  i64.and
  local.tee r0
  local.get r7
  i64.mul
  local.set r0
  local.get l11
  i64.popcnt
  local.tee r0
  global.get 1
  global.get 1
  i64.load
  i64.const 20
  i64.sub
  i64.store
  return
  unreachable
